/**
 * A place in a debugging section, read forwards (DWARF 5, 7.4 "32-bit and 64-bit formats" and 7.6
 * "Variable length data"). Whatever a file says, nothing is read behind `end`.
 *
 * Numbers are JavaScript numbers: addresses and offsets above 2^53 are refused.
 */
import { FormatError } from '../format-error.ts';
import { readText } from '../text.ts';

/** 4 or 8 bytes: of an offset (the DWARF format) or of an address. */
export type WordSize = 4 | 8;

export class DwarfReader {
  at: number;
  readonly end: number;
  /** Named in errors: ".debug_line". */
  readonly section: string;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(section: string, bytes: Uint8Array, at = 0, end = bytes.length) {
    this.section = section;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = Math.min(end, bytes.length);
    if (at < 0 || at > this.end) throw this.malformed(`it has no offset 0x${at.toString(16)}`);
  }

  get left(): number {
    return this.end - this.at;
  }

  /** The next `length` bytes as a reader of their own; this one goes on behind them. */
  part(length: number): DwarfReader {
    const start = this.take(length);
    return new DwarfReader(this.section, this.bytes, start, start + length);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  i8(): number {
    return this.view.getInt8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  u24(): number {
    return this.u16() + this.u8() * 0x10000;
  }
  u64(): number {
    const at = this.take(8);
    const high = this.view.getUint32(at + 4, true);
    if (high > 0x1fffff) throw this.malformed('a number in it has more than 53 bits');
    return high * 0x1_0000_0000 + this.view.getUint32(at, true);
  }
  /** All of 64 bits, unsigned. */
  wide(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }
  /** A 64-bit address is cut to its low half, as addresses of this machine's guests are. */
  address(size: WordSize): number {
    const value = this.u32();
    if (size === 8) this.skip(4);
    return value;
  }
  offset(size: WordSize): number {
    return size === 8 ? this.u64() : this.u32();
  }
  /** Low 32 bits of an unsigned number in LEB128, unsigned; higher ones are dropped. */
  uleb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
  /** Low 32 bits of a signed number in LEB128, signed. */
  sleb(): number {
    let value = 0;
    for (let shift = 0; ;) {
      const byte = this.u8();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte >= 0x80) continue;
      return shift < 32 && (byte & 0x40) !== 0 ? value | (-1 << shift) : value;
    }
  }
  /** All of an unsigned number in LEB128; more than 64 bits of it are dropped. */
  wideUleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }
  /** All of a signed number in LEB128; more than 64 bits of it are dropped. */
  wideSleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ;) {
      const byte = this.u8();
      if (shift < 64n) value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte >= 0x80) continue;
      return BigInt.asIntN(64, (byte & 0x40) !== 0 && shift < 64n ? value | (-1n << shift) : value);
    }
  }
  /** The next `length` bytes, not copied. */
  block(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }
  /** A text that ends with a zero byte. */
  text(): string {
    const start = this.at;
    this.skipText();
    return readText(this.bytes, start, this.at);
  }
  skipText(): void {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0 || end >= this.end) throw this.malformed('a text in it has no end');
    this.at = end + 1;
  }
  skip(count: number): void {
    this.take(count);
  }

  /** The length that a unit begins with, and the format that it announces (DWARF 5, 7.2.2). */
  unit(): { readonly format: WordSize; readonly body: DwarfReader } {
    const first = this.u32();
    if (first === 0xffffffff) return { format: 8, body: this.part(this.u64()) };
    if (first >= 0xfffffff0) throw this.malformed('the length of a unit in it is reserved');
    return { format: 4, body: this.part(first) };
  }

  malformed(problem: string): FormatError {
    return new FormatError('malformed', `The section ${this.section} is damaged: ${problem}.`);
  }

  private take(count: number): number {
    const start = this.at;
    if (count > this.end - start) throw this.malformed('it ends too early');
    this.at = start + count;
    return start;
  }
}
