/**
 * For tests only: a fake processor in protected mode with a small GDT, an IDT and two TSSs, and
 * helpers that write descriptors. Layout of memory: GDT 0x1000, IDT 0x2000, LDT 0x2800, TSS 0x3000,
 * other TSS 0x3800, stacks by level 0x4000 to 0x8000 (each grows down from 0x1000 above its base).
 */
import * as L from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import { FakeProcessor } from './fake-processor.ts';
import { fetchDescriptor, segmentOf } from '../segmentation.ts';

export const GDT = 0x1000;
export const IDT = 0x2000;
export const LDT = 0x2800;
export const TSS = 0x3000;
export const OTHER_TSS = 0x3800;

/** Selectors of the GDT; RPL is added by the test. */
export const SELECTOR = {
  CODE0: 0x08, DATA0: 0x10, CODE3: 0x18, DATA3: 0x20, CODE1: 0x28, DATA1: 0x30, CONFORMING0: 0x38,
  TSS: 0x40, OTHER_TSS: 0x48, LDT: 0x50, SPARE: 0x58, SPARE2: 0x60, DATA0_16: 0x68, DATA3_16: 0x70, LAST: 0x78,
} as const; // prettier-ignore
const GDT_LIMIT = 0x7f;

/** Access rights byte with DPL 0 and P, and the flags nibble (G, D/B) above it. */
export const ACCESS = {
  CODE32: 0xc9a, CODE16: 0x09a, CONFORMING32: 0xc9e, EXECUTE_ONLY32: 0xc98, DATA32: 0xc92, DATA16: 0x092,
  READ_ONLY32: 0xc90, EXPAND_DOWN32: 0xc96, TSS32: 0x089, TSS16: 0x081, LDT: 0x082,
} as const; // prettier-ignore

/** The two dwords of a segment descriptor; `access` as in ACCESS, DPL shifted in, P in bit 7. */
export function segmentDescriptor(
  base: number,
  limit: number,
  access: number,
  dpl = 0,
): readonly [number, number] {
  const low = ((base & 0xffff) << 16) | (limit & 0xffff);
  const rights = (access & 0xff) | (dpl << 5);
  const flags = (access >> 8) & 0xf;
  const high =
    (base & 0xff000000) |
    (flags << 20) |
    (limit & 0xf0000) |
    (rights << 8) |
    ((base >>> 16) & 0xff);
  return [low >>> 0, high >>> 0];
}

/** The two dwords of a gate; `type` 4-7, 12, 14, 15. */
export function gate(
  type: number,
  selector: number,
  offset: number,
  dpl = 0,
  parameters = 0,
  present = true,
): readonly [number, number] {
  const low = (selector << 16) | (offset & 0xffff);
  const high =
    (offset & 0xffff0000) | (present ? 0x8000 : 0) | (dpl << 13) | (type << 8) | parameters;
  return [low >>> 0, high >>> 0];
}

export class ProtectedMachine extends FakeProcessor {
  constructor(model?: string) {
    super(model);
    const { state } = this;
    state.setCr(0, 0x11);
    state.set(L.GDTR, GDT);
    state.set(L.GDTR + 8, GDT_LIMIT);
    state.set(L.IDTR, IDT);
    state.set(L.IDTR + 8, 0x7ff);
    const S = SELECTOR;
    this.setDescriptor(S.CODE0, segmentDescriptor(0, 0xfffff, ACCESS.CODE32));
    this.setDescriptor(S.DATA0, segmentDescriptor(0, 0xfffff, ACCESS.DATA32));
    this.setDescriptor(S.CODE3, segmentDescriptor(0, 0xfffff, ACCESS.CODE32, 3));
    this.setDescriptor(S.DATA3, segmentDescriptor(0, 0xfffff, ACCESS.DATA32, 3));
    this.setDescriptor(S.CODE1, segmentDescriptor(0, 0xfffff, ACCESS.CODE32, 1));
    this.setDescriptor(S.DATA1, segmentDescriptor(0, 0xfffff, ACCESS.DATA32, 1));
    this.setDescriptor(S.CONFORMING0, segmentDescriptor(0, 0xfffff, ACCESS.CONFORMING32));
    this.setDescriptor(S.TSS, segmentDescriptor(TSS, 0x2ff, ACCESS.TSS32 | 2));
    this.setDescriptor(S.OTHER_TSS, segmentDescriptor(OTHER_TSS, 0x67, ACCESS.TSS32));
    this.setDescriptor(S.LDT, segmentDescriptor(LDT, 0x3f, ACCESS.LDT));
    this.setDescriptor(S.DATA0_16, segmentDescriptor(0, 0xffff, ACCESS.DATA16));
    this.setDescriptor(S.DATA3_16, segmentDescriptor(0, 0xffff, ACCESS.DATA16, 3));
    this.cache(L.SEGMENT.TR, S.TSS);
    this.cache(L.SEGMENT.LDTR, S.LDT);
    this.setTssStack(0, S.DATA0, 0x5000);
    this.setTssStack(1, S.DATA1 | 1, 0x6000);
    this.atLevel(0);
  }

  setDescriptor(selector: number, [low, high]: readonly [number, number]): void {
    const at = ((selector & 4) !== 0 ? LDT : GDT) + (selector & 0xfff8);
    this.poke32(at, low);
    this.poke32(at + 4, high);
  }
  setGate(vector: number, [low, high]: readonly [number, number]): void {
    this.poke32(IDT + vector * 8, low);
    this.poke32(IDT + vector * 8 + 4, high);
  }
  /** SSn:ESPn of the 32-bit TSS. */
  setTssStack(level: number, selector: number, pointer: number): void {
    this.poke32(TSS + 4 + level * 8, pointer);
    this.poke32(TSS + 8 + level * 8, selector);
  }
  /** Fills a segment cache from the GDT without any check. */
  cache(index: SegmentIndex, selector: number): void {
    const descriptor = fetchDescriptor(this, selector);
    if (descriptor === null) throw new Error('no such descriptor');
    this.state.setSegment(index, segmentOf(selector, descriptor));
  }
  /** Puts the processor at level 0, 1 or 3 with flat segments, its stack pointer, EIP 0x100. */
  atLevel(level: 0 | 1 | 3): void {
    const { state } = this;
    const S = SELECTOR;
    const [code, data] = { 0: [S.CODE0, S.DATA0], 1: [S.CODE1, S.DATA1], 3: [S.CODE3, S.DATA3] }[
      level
    ];
    state.set(L.CPL, level);
    this.cache(L.SEGMENT.CS, code | level);
    for (const index of [L.SEGMENT.SS, L.SEGMENT.DS, L.SEGMENT.ES, L.SEGMENT.FS, L.SEGMENT.GS]) {
      this.cache(index, data | level);
    }
    state.setGpr(4, 4, 0x5000 + level * 0x1000);
    state.eip = 0x100;
  }

  poke16(linear: number, value: number): void {
    this.memory.bytes[linear] = value;
    this.memory.bytes[linear + 1] = value >>> 8;
  }
  poke32(linear: number, value: number): void {
    this.poke16(linear, value);
    this.poke16(linear + 2, value >>> 16);
  }
  peek16(linear: number): number {
    return this.memory.bytes[linear] | (this.memory.bytes[linear + 1] << 8);
  }
  peek32(linear: number): number {
    return (this.peek16(linear) | (this.peek16(linear + 2) << 16)) >>> 0;
  }
  /** `count` dwords (or words, with size 2) from the stack pointer of the present stack up. */
  frame(count: number, size: 2 | 4 = 4): number[] {
    const { state } = this;
    const base = state.segmentBase(L.SEGMENT.SS);
    const peek = (at: number): number => (size === 4 ? this.peek32(at) : this.peek16(at));
    const top = base + state.gpr(4, size === 2 ? 2 : 4);
    return Array.from({ length: count }, (_, i) => peek(top + i * size));
  }
}
