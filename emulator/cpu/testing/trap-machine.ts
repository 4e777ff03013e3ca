/**
 * For tests only: a bare processor with a GDT, a TSS and an IDT whose every handler stops by VMCALL, so
 * that a test sees which vector was entered and what frame it was entered with. IRETD follows, for
 * resume(). Code runs at CODE on a stack that grows down from STACK; handlers of programs use KERNEL_STACK.
 */
import * as L from '../layout.ts';
import { BareCpu } from './bare-cpu.ts';
import { gate, segmentDescriptor } from './protected-machine.ts';

export const CODE = 0x10000;
export const STACK = 0x8000;
export const KERNEL_STACK = 0x9000;
export const DATA = 0x20000;

const GDT = 0x1000;
const IDT = 0x2000;
const TSS = 0x3000;
const HANDLERS = 0x4000;
const HANDLER_SIZE = 16;
const VMCALL = [0x0f, 0x01, 0xc1];
const IRETD = 0xcf;
const SELECTOR = { CODE0: 0x08, DATA0: 0x10, CODE3: 0x1b, DATA3: 0x23, TSS: 0x28 } as const;
/** Vectors with an error code (SDM vol. 3, table 6-1). */
const WITH_ERROR = [8, 10, 11, 12, 13, 14, 17];
const ESP = 4;

/** What a handler found on its stack. */
export interface Trap {
  readonly vector: number;
  readonly errorCode: number | null;
  readonly eip: number;
  readonly flags: number;
}

export class TrapMachine extends BareCpu {
  constructor(model?: string) {
    super(1 << 20, model);
    this.leaves = ({ kind }) => kind === 'vmcall';
    const descriptors = [
      segmentDescriptor(0, 0xfffff, 0xc9a), segmentDescriptor(0, 0xfffff, 0xc92),
      segmentDescriptor(0, 0xfffff, 0xc9a, 3), segmentDescriptor(0, 0xfffff, 0xc92, 3),
      segmentDescriptor(TSS, 0x67, 0x08b),
    ]; // prettier-ignore
    descriptors.forEach(([low, high], at) => {
      this.ram32.set([low, high], (GDT >> 2) + 2 * (at + 1));
    });
    for (let vector = 0; vector < 64; vector++) {
      const handler = HANDLERS + vector * HANDLER_SIZE;
      this.ram32.set(gate(14, SELECTOR.CODE0, handler, 3), (IDT >> 2) + 2 * vector);
      this.load(handler, [...VMCALL, IRETD]);
    }
    this.ram32.set([KERNEL_STACK, SELECTOR.DATA0], (TSS >> 2) + 1);
    const { state } = this.cpu;
    state.set(L.GDTR, GDT);
    state.set(L.GDTR + 8, 0x2f);
    state.set(L.IDTR, IDT);
    state.set(L.IDTR + 8, 64 * 8 - 1);
    this.segment(L.SEGMENT.TR, { selector: SELECTOR.TSS, rights: 0x8b, base: TSS, limit: 0x67 });
    this.setLevel(0);
  }

  /** CPL 0 or 3 with flat segments of the GDT. */
  setLevel(level: 0 | 3): void {
    const [code, data] = level === 0 ? [SELECTOR.CODE0, SELECTOR.DATA0] : [SELECTOR.CODE3, SELECTOR.DATA3]; // prettier-ignore
    const dpl = level << 5;
    const { CS, SS, DS, ES } = L.SEGMENT;
    this.segment(CS, { selector: code, rights: 0xc09b | dpl });
    for (const index of [SS, DS, ES] as const) {
      this.segment(index, { selector: data, rights: 0xc093 | dpl });
    }
    this.cpu.state.set(L.CPL, level);
    this.cpu.modeChanged();
  }

  /** Runs code at CODE, in slices of `slice` instructions, to the first handler. */
  trap(code: readonly number[], slice = 1000): Trap {
    this.load(CODE, [...code, ...VMCALL]);
    this.cpu.state.eip = CODE;
    this.cpu.state.setGpr(ESP, 4, STACK);
    return this.next(slice);
  }
  /** Goes on to the next handler; VMCALL at the end of the code counts as vector -1. */
  next(slice = 1000): Trap {
    const outcome = this.runToExit(slice);
    if (outcome !== 'exit' || this.event?.kind !== 'vmcall') throw new Error(`ended by ${outcome}`);
    const { state } = this.cpu;
    const { eip } = state;
    const inHandler = eip >= HANDLERS && eip < HANDLERS + 64 * HANDLER_SIZE;
    if (!inHandler) return { vector: -1, errorCode: null, eip, flags: state.eflags };
    const vector = (eip - HANDLERS) / HANDLER_SIZE;
    const hasError = WITH_ERROR.includes(vector);
    const frame = state.gpr(ESP, 4) >> 2;
    return {
      vector,
      errorCode: hasError ? this.ram32[frame] : null,
      eip: this.ram32[frame + (hasError ? 1 : 0)],
      flags: this.ram32[frame + (hasError ? 3 : 2)],
    };
  }
  /** Returns from a handler without an error code; `flags` replaces EFLAGS in its frame. */
  resume(flags?: number, slice = 1000): Trap {
    const { state } = this.cpu;
    if (flags !== undefined) this.ram32[(state.gpr(ESP, 4) >> 2) + 2] = flags;
    state.eip += VMCALL.length;
    return this.next(slice);
  }
}

/** Little-endian bytes of a dword. */
export function dword(value: number): number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}
