/**
 * Typed views of one vCPU's state block (layout.ts): registers, flags, segment caches. Whatever can be
 * derived from a segment's limit and rights for fast checks is derived here, in one place.
 */
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';

export const FLAG = {
  CF: 1 << 0, PF: 1 << 2, AF: 1 << 4, ZF: 1 << 6, SF: 1 << 7, TF: 1 << 8, IF: 1 << 9, DF: 1 << 10, OF: 1 << 11,
  IOPL: 3 << 12, NT: 1 << 14, RF: 1 << 16, VM: 1 << 17, AC: 1 << 18, VIF: 1 << 19, VIP: 1 << 20, ID: 1 << 21,
} as const; // prettier-ignore
/** CF PF AF ZF SF OF. */
export const ARITHMETIC_FLAGS = 0x8d5;

export const CR0 = { PE: 1, MP: 2, EM: 4, TS: 8, ET: 16, NE: 32, WP: 1 << 16, AM: 1 << 18, NW: 1 << 29, CD: 1 << 30, PG: 1 << 31 } as const; // prettier-ignore
export const CR4 = { VME: 1, PVI: 2, TSD: 4, DE: 8, PSE: 16, PAE: 32, MCE: 64, PGE: 128, PCE: 256, OSFXSR: 512, OSXMMEXCPT: 1024, UMIP: 1 << 11, SMEP: 1 << 20, SMAP: 1 << 21 } as const; // prettier-ignore

/** Values of layout ACTIVITY (SDM vol. 3, 25.4.2). */
export const ACTIVITY = { RUNNING: 0, HALTED: 1, SHUTDOWN: 2, WAIT_FOR_SIPI: 3 } as const;

/** Access rights in the VMX format (SDM vol. 3, 25.4.1). */
export const RIGHTS = { TYPE: 0xf, S: 1 << 4, DPL: 3 << 5, P: 1 << 7, AVL: 1 << 12, L: 1 << 13, DB: 1 << 14, G: 1 << 15, UNUSABLE: 1 << 16 } as const; // prettier-ignore

export interface Segment {
  readonly selector: number;
  readonly rights: number;
  readonly base: number;
  /** Highest offset in bytes for expand-up segments, G applied. */
  readonly limit: number;
}

export class CpuState {
  readonly base: number;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly u16: Uint16Array;
  readonly u8: Uint8Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly view: DataView;

  /** @param base offset of the vCPU's block in `buffer`, a multiple of 8. */
  constructor(buffer: ArrayBufferLike, base: number) {
    this.base = base;
    this.i32 = new Int32Array(buffer, base, L.VCPU_BLOCK >> 2);
    this.u32 = new Uint32Array(buffer, base, L.VCPU_BLOCK >> 2);
    this.u16 = new Uint16Array(buffer, base, L.VCPU_BLOCK >> 1);
    this.u8 = new Uint8Array(buffer, base, L.VCPU_BLOCK);
    this.f32 = new Float32Array(buffer, base, L.VCPU_BLOCK >> 2);
    this.f64 = new Float64Array(buffer, base, L.VCPU_BLOCK >> 3);
    this.view = new DataView(buffer, base, L.VCPU_BLOCK);
  }

  /** 32-bit word of the block, unsigned; `offset` is one of layout.ts. */
  get(offset: number): number {
    return this.u32[offset >> 2];
  }
  set(offset: number, value: number): void {
    this.u32[offset >> 2] = value;
  }

  /** General register `number`, unsigned; for size 1 the numbers 4-7 are AH CH DH BH. */
  gpr(number: number, size: number): number {
    if (size === 4) return this.u32[number << 1];
    if (size === 2) return this.u16[number << 2];
    return this.u8[number < 4 ? number << 3 : ((number - 4) << 3) + 1];
  }
  setGpr(number: number, size: number, value: number): void {
    if (size === 4) this.u32[number << 1] = value;
    else if (size === 2) this.u16[number << 2] = value;
    else this.u8[number < 4 ? number << 3 : ((number - 4) << 3) + 1] = value;
  }

  get eip(): number {
    return this.u32[L.RIP >> 2];
  }
  set eip(value: number) {
    this.u32[L.RIP >> 2] = value;
  }

  /** All of EFLAGS, arithmetic flags evaluated. */
  get eflags(): number {
    const result = this.i32[L.FLAGS_RESULT >> 2];
    const aux = this.i32[L.FLAGS_AUX >> 2];
    let flags = this.u32[L.EFLAGS_SYSTEM >> 2] | (aux >>> 31);
    if (result === 0) flags |= FLAG.ZF;
    if ((((result >>> 31) ^ aux) & 1) !== 0) flags |= FLAG.SF;
    if (((aux ^ (aux << 1)) & 0x80000000) !== 0) flags |= FLAG.OF;
    if ((aux & 8) !== 0) flags |= FLAG.AF;
    let parity = (result ^ (aux >>> 8)) & 0xff;
    parity ^= parity >> 4;
    if (((0x9669 >> (parity & 15)) & 1) !== 0) flags |= FLAG.PF;
    return flags >>> 0;
  }
  /** Sets all of EFLAGS as given, except that bit 1 is one and bits 3, 5, 15 and 22-31 are zero. */
  set eflags(value: number) {
    this.u32[L.EFLAGS_SYSTEM >> 2] = (value & 0x3f7700) | 2;
    this.arithmeticFlags = value;
  }
  /** Sets CF PF AF ZF SF OF from an EFLAGS image and leaves the rest. */
  set arithmeticFlags(value: number) {
    const result = (value & FLAG.ZF) !== 0 ? 0 : 1;
    let aux = (value & FLAG.CF) !== 0 ? 0x80000000 : 0;
    // OF is bit 31 ^ bit 30
    if (((value & FLAG.OF) !== 0) !== ((value & FLAG.CF) !== 0)) aux |= 0x40000000;
    if ((value & FLAG.AF) !== 0) aux |= 8;
    if ((value & FLAG.SF) !== 0) aux |= 1;
    // RESULT 0 has even parity, 1 odd
    const even = result === 0;
    if (((value & FLAG.PF) !== 0) !== even) aux |= 0x100;
    this.i32[L.FLAGS_RESULT >> 2] = result;
    this.i32[L.FLAGS_AUX >> 2] = aux;
  }
  /** EFLAGS bits that are not arithmetic (IF, IOPL, VM, …), without evaluating the rest. */
  get systemFlags(): number {
    return this.u32[L.EFLAGS_SYSTEM >> 2];
  }
  set systemFlags(value: number) {
    this.u32[L.EFLAGS_SYSTEM >> 2] = (value & 0x3f7700) | 2;
  }

  get cpl(): number {
    return this.u32[L.CPL >> 2];
  }
  cr(number: number): number {
    return this.u32[(L.CR >> 2) + (number << 1)];
  }
  setCr(number: number, value: number): void {
    this.u32[(L.CR >> 2) + (number << 1)] = value;
  }
  dr(number: number): number {
    return this.u32[(L.DR >> 2) + (number << 1)];
  }
  setDr(number: number, value: number): void {
    this.u32[(L.DR >> 2) + (number << 1)] = value;
  }
  get protectedMode(): boolean {
    return (this.u32[L.CR >> 2] & CR0.PE) !== 0;
  }
  get v86(): boolean {
    return (this.u32[L.EFLAGS_SYSTEM >> 2] & FLAG.VM) !== 0;
  }
  get iopl(): number {
    return (this.u32[L.EFLAGS_SYSTEM >> 2] >> 12) & 3;
  }

  selector(segment: SegmentIndex): number {
    return this.u16[(L.SEGMENTS + segment * L.SEGMENT_SIZE + L.SEG_SELECTOR) >> 1];
  }
  segmentBase(segment: SegmentIndex): number {
    return this.u32[(L.SEGMENTS + segment * L.SEGMENT_SIZE + L.SEG_BASE) >> 2];
  }
  segment(segment: SegmentIndex): Segment {
    const at = (L.SEGMENTS + segment * L.SEGMENT_SIZE) >> 2;
    return {
      selector: this.u32[at] & 0xffff,
      rights: this.u32[at + (L.SEG_RIGHTS >> 2)],
      base: this.u32[at + (L.SEG_BASE >> 2)],
      limit: this.u32[at + (L.SEG_LIMIT >> 2)],
    };
  }
  /**
   * Loads a segment cache and what is derived from it. Call Processor.modeChanged() afterwards when
   * the segment is CS, SS, DS or ES.
   */
  setSegment(segment: SegmentIndex, { selector, rights, base, limit }: Segment): void {
    const at = (L.SEGMENTS + segment * L.SEGMENT_SIZE) >> 2;
    this.u32[at] = selector & 0xffff;
    this.u32[at + (L.SEG_RIGHTS >> 2)] = rights;
    this.u32[at + (L.SEG_BASE >> 2)] = base;
    this.u32[at + (L.SEG_LIMIT >> 2)] = limit;
    const usable = (rights & RIGHTS.UNUSABLE) === 0 && (rights & RIGHTS.P) !== 0;
    const type = rights & RIGHTS.TYPE;
    const code = (type & 8) !== 0;
    let ability = 0;
    if (usable && (rights & RIGHTS.S) !== 0) {
      if (!code || (type & 2) !== 0) ability |= 1;
      if (!code && (type & 2) !== 0) ability |= 2;
      if (code) ability |= 4;
    }
    const expandDown = !code && (type & 4) !== 0;
    const top = (rights & RIGHTS.DB) !== 0 ? 0xffffffff : 0xffff;
    // an expand-down segment whose limit is the top has no valid offset at all
    if (expandDown && limit >= top) ability = 0;
    this.u32[at + (L.SEG_LOW >> 2)] = expandDown ? limit + 1 : 0;
    this.u32[at + (L.SEG_HIGH >> 2)] = expandDown ? top : limit;
    this.u32[at + (L.SEG_ABILITY >> 2)] = ability;
  }
}
