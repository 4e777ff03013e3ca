/**
 * Deterministic random operands that like edges: integers near powers of two, numbers of every class of
 * the floating-point formats (zeros, denormals, infinities, NaNs of both kinds, limits, near neighbours).
 */
import { Mulberry32 } from '../replay/mulberry32.ts';

export class Random {
  readonly #generator: Mulberry32;

  constructor(seed: number) {
    this.#generator = new Mulberry32(Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1));
  }

  /** 32 bits, unsigned. */
  next(): number {
    return this.#generator.next();
  }
  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.next() / 0x100000000) * n);
  }
  /** True once in n times. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }
  pick<T>(list: readonly T[]): T {
    const found = list[this.below(list.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }

  /** An integer of 32 bits. */
  value(): number {
    const kind = this.next() & 15;
    const r = this.next();
    switch (kind) {
      case 0:
        return 0;
      case 1:
        return r & 1 ? 1 : 0xffffffff;
      case 2:
        return r & 1 ? 0x80000000 : 0x7fffffff;
      case 3:
        return r & 1 ? 0x80008000 : 0x7fff7fff;
      case 4:
        return (r & 0xff) >>> 0;
      case 5:
        return (r | 0xffffff00) >>> 0;
      case 6:
        return r & 0xffff;
      case 7:
        return (1 << (r & 31)) >>> 0;
      case 8:
        return ((1 << (r & 31)) - 1) >>> 0;
      default:
        return r;
    }
  }

  float32(): number {
    const r = this.next();
    const sign = r & 0x80000000;
    const fraction = this.below(3) === 0 ? (r & 7) << (r & 16 ? 20 : 0) : r & 0x7fffff;
    const exponent = [0, 0, 255, 1, 254, 127, 126, 150, 158, 190][this.below(14)];
    return (sign | ((exponent ?? 117 + this.below(48)) << 23) | fraction) >>> 0;
  }
  /** Writes eight bytes. */
  float64(view: DataView, at: number): void {
    const r = this.next();
    const round = this.below(3) === 0;
    const exponent = [0, 0, 2047, 1, 2046, 1023, 1022, 1075, 1054, 1086, 897, 1151][this.below(16)];
    const high = (r & 0x80000000) | ((exponent ?? 1010 + this.below(80)) << 20) | (r & (round ? 0x80000 : 0xfffff)); // prettier-ignore
    view.setUint32(at, round ? this.pick([0, 0, 1, 0xffffffff, 0x20000000]) : this.next(), true);
    view.setUint32(at + 4, high, true);
  }
  /** Writes ten bytes; one in sixteen is what no instruction makes since the 387. */
  float80(view: DataView, at: number): void {
    const r = this.next();
    const sign = r & 0x8000;
    const edge = this.below(16);
    const exponents = [0, 0, 0x7fff, 1, 0x7ffe, 0x3fff, 0x3ffe, 0x403e, 0x3f81, 0x407e, 0x3c01, 0x43fe];
    const exponent = exponents[edge] ?? 0x3fff - 40 + this.below(110);
    let high = (this.next() | 0x80000000) >>> 0;
    let low = this.next();
    if (this.below(3) === 0) [high, low] = [this.pick([0x80000000, 0xc0000000, 0xffffffff, 0xa0000000, 0x80000001]), this.pick([0, 0, 1, 0xffffffff, 0x800, 0x400])]; // prettier-ignore
    // an integer bit of zero is a denormal or zero, else unsupported
    if (exponent === 0 && r & 1) high = (high & 0x7fffffff) >>> (r >> 1 & 31);
    if (exponent === 0 && (r & 6) === 0) high = low = 0;
    if (exponent !== 0 && (r & 0xf0) === 0) high &= 0x7fffffff;
    view.setUint32(at, low, true);
    view.setUint32(at + 4, high, true);
    view.setUint16(at + 8, sign | exponent, true);
  }
  /** Sixteen bytes of one kind: integers, singles, doubles, or bytes. */
  block(view: DataView, at: number): void {
    const kind = this.below(5);
    for (let i = 0; i < 16; i += 4) {
      if (kind === 0) view.setUint32(at + i, this.next(), true);
      else if (kind <= 2) view.setUint32(at + i, this.value(), true);
      else if (kind === 3) view.setUint32(at + i, this.float32(), true);
      else if ((i & 4) === 0) this.float64(view, at + i);
    }
  }
}
