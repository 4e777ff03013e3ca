/**
 * Replays the cases of make-vectors.c through the processor and says what differs. The layout of the
 * file, and what a case starts from, are described there.
 */
import * as L from '../../../emulator/cpu/layout.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import { FLAG } from '../../../emulator/cpu/state.ts';
import { BareCpu } from '../../../emulator/cpu/testing/bare-cpu.ts';
import type { Hotness } from '../../../emulator/cpu/translate/compiled-tier.ts';
import type { Mulberry32 } from '../replay/mulberry32.ts';
import { generatorOfCase } from '../replay/mulberry32.ts';
import { CODE, codeText, hex, ReplayProcessor, type Setting } from '../replay/replay-processor.ts';
import { readVectors, type VectorReader } from '../replay/vector-reader.ts';

const DATA = 0x7f80;
const STACK = 0xaf80;
const WINDOW = 256;
const WORDS = (2 * WINDOW) / 4;

/** Bits of the byte of what the manual leaves undefined. */
const UNDEFINED = { RESULT: 8, SPECIAL: 0x20 } as const;
const HEADER = { CODE16: 0x10, STACK16: 0x20, DOWN: 0x40, FAULTS: 0x80 } as const;

export interface VectorCase {
  readonly index: number;
  readonly code: Uint8Array;
  readonly code16: boolean;
  readonly stack16: boolean;
  /** The flags (in EFLAGS order) that the manual leaves undefined, and whether the result is. */
  readonly undefinedFlags: number;
  readonly undefinedResult: boolean;
  readonly registers: Uint32Array;
  readonly flags: number;
  readonly memory: Uint32Array;
  /** What the second page of each window is: 0 plain, 1 read-only, 2 not present. */
  readonly dataPage: number;
  readonly stackPage: number;
  /** Expected: -1, or the vector of the fault, for #PF with its error code and CR2. */
  readonly vector: number;
  readonly error: number;
  readonly cr2: number;
  readonly flagsAfter: number;
  readonly eipAfter: number;
  readonly registersAfter: Uint32Array;
  readonly memoryAfter: Uint32Array;
}

/** value() of make-vectors.c. */
function operand(seeded: Mulberry32): number {
  const kind = seeded.next() & 15;
  const r = seeded.next();
  switch (kind) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return 0xffffffff;
    case 3:
      return 0x80000000;
    case 4:
      return 0x7fffffff;
    case 5:
      return r & 0xff;
    case 6:
      return r | 0xffffff00;
    case 7:
      return r & 0xffff;
    case 8:
      return 1 << (r & 31);
    default:
      return r;
  }
}

/** EFLAGS bits of a byte with OF in bit 1. */
function unpackFlags(byte: number): number {
  return (byte & 0xd5) | ((byte & 2) << 10);
}

/** All cases of integer.vectors, one after the other. */
export function readIntegerVectors(file: Uint8Array): Generator<VectorCase> {
  return readVectors(file, readCase);
}

function readCase(reader: VectorReader, index: number): VectorCase {
  const header = reader.u8();
  const loose = reader.u8();
  const seeded = generatorOfCase(index);
  const registers = new Uint32Array(8);
  for (let i = 0; i < 8; i++) registers[i] = operand(seeded);
  const special = (loose & UNDEFINED.SPECIAL) !== 0 ? reader.u8() : 0;
  const code = reader.bytes(header & 15);
  const down = (header & HEADER.DOWN) !== 0 ? FLAG.DF : 0;
  const flags = unpackFlags(seeded.next()) | down;
  const memory = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i++) memory[i] = operand(seeded);
  if ((special & 1) !== 0) {
    const bytes = new Uint8Array(memory.buffer);
    for (let i = 0; i < WINDOW; i++) bytes[i] = (seeded.next() & 31) !== 0 ? 0x41 : 0x42;
  }
  reader.registers(new Uint8Array(registers.buffer), 4, 4);
  const vector = (header & HEADER.FAULTS) !== 0 ? reader.u8() : -1;
  const error = vector === VECTOR.PF ? reader.u8() : 0;
  const cr2 = vector === VECTOR.PF ? reader.u16() : 0;
  const flagsAfter = reader.u16();
  const eipAfter = CODE + reader.i8();
  const registersAfter = registers.slice();
  reader.registers(new Uint8Array(registersAfter.buffer), 4, 4);
  const memoryAfter = memory.slice();
  reader.runs(new Uint8Array(memoryAfter.buffer));
  return {
    index, code, registers, flags, memory, vector, error, cr2, flagsAfter, eipAfter, registersAfter, memoryAfter,
    code16: (header & HEADER.CODE16) !== 0,
    stack16: (header & HEADER.STACK16) !== 0,
    undefinedFlags: unpackFlags(loose),
    undefinedResult: (loose & UNDEFINED.RESULT) !== 0,
    dataPage: (special >> 1) & 3,
    stackPage: (special >> 3) & 3,
  }; // prettier-ignore
}

const IOPL = 0x3000;
/** CR0 with paging, WP, ET, PE. */
const CR0_VALUE = 0x80010011;

export interface Difference {
  /** What the manual leaves undefined, and nothing else, differs. */
  readonly loose: boolean;
  readonly vector: VectorCase;
  readonly text: string;
}

export class Replay {
  readonly bare: BareCpu;
  private readonly processor: ReplayProcessor;

  constructor(hotness?: Hotness) {
    this.bare = new BareCpu(undefined, undefined, hotness);
    this.processor = new ReplayProcessor(this.bare, CR0_VALUE);
    this.bare.leaves = ({ kind }) => kind === 'exception' || kind === 'hlt';
  }

  private start(vector: VectorCase): void {
    const { cpu, ram32 } = this.bare;
    const { state } = cpu;
    vector.registers.forEach((value, number) => {
      state.setGpr(number, 4, value);
    });
    state.eflags = vector.flags | FLAG.IF;
    state.eip = CODE;
    state.set(L.ACTIVITY, 0);
    ram32.set(vector.memory.subarray(0, WORDS / 2), DATA >> 2);
    ram32.set(vector.memory.subarray(WORDS / 2), STACK >> 2);
  }

  /** What differs in each way of execution; empty if nothing does. */
  run(vector: VectorCase, setting: Setting): Difference[] {
    const { code, code16, stack16, dataPage, stackPage } = vector;
    const pages = new Map([[DATA + WINDOW / 2, dataPage], [STACK + WINDOW / 2, stackPage]]); // prettier-ignore
    this.processor.enter(setting, pages, { code: code16, stack: stack16 });
    const differences = this.processor.execute(
      code,
      () => {
        this.start(vector);
      },
      () => this.compare(vector, setting),
    );
    return differences.map(({ how, found }) => {
      const { loose, text } = typeof found === 'string' ? { loose: false, text: found } : found;
      return { loose, vector, text: `${describe(vector)} [${setting.name}, ${how}]: ${text}` };
    });
  }

  private compare(vector: VectorCase, setting: Setting): Omit<Difference, 'vector'> | null {
    const { cpu, ram32 } = this.bare;
    const { state } = cpu;
    const strict: string[] = [];
    const loose: string[] = [];
    const result = vector.undefinedResult ? loose : strict;
    vector.registersAfter.forEach((expected, number) => {
      const actual = state.gpr(number, 4);
      if (actual !== expected) result.push(`${REGISTERS[number] ?? ''} ${hex(actual)} not ${hex(expected)}`);
    });
    const raised = this.processor.raised();
    if (raised !== vector.vector) strict.push(`exception ${String(raised)} not ${String(vector.vector)}`);
    if (raised >= 0) strict.push(...this.processor.compareFault(vector, setting));
    const eip = state.eip + (raised >= 0 ? this.trapLength() : 0);
    if (eip !== vector.eipAfter) strict.push(`eip ${hex(eip)} not ${hex(vector.eipAfter)}`);
    // at CPL 0 POPF reaches IOPL
    const flags = (state.eflags ^ vector.flagsAfter) & 0xfdfd & (setting.cpl === 0 ? ~IOPL : -1);
    if ((flags & ~vector.undefinedFlags) !== 0) strict.push(`flags ${flagNames(flags & ~vector.undefinedFlags)}`);
    if ((flags & vector.undefinedFlags) !== 0) loose.push(`undefined flags ${flagNames(flags & vector.undefinedFlags)}`);
    for (let i = 0; i < WORDS; i++) {
      const at = i < WORDS / 2 ? DATA + 4 * i : STACK + 4 * i - WINDOW;
      const actual = ram32[at >> 2] ?? 0;
      const expected = vector.memoryAfter[i] ?? 0;
      if (actual !== expected) result.push(`[${hex(at)}] ${hex(actual)} not ${hex(expected)}`);
    }
    if (strict.length + loose.length === 0) return null;
    return { loose: strict.length === 0, text: [...strict, ...loose].join(', ') };
  }

  /** What EIP lacks of the address that a software exception, a trap, would have saved. */
  private trapLength(): number {
    const { event } = this.bare;
    return event?.kind === 'exception' && event.type === 'software' ? 1 : 0;
  }
}

const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const FLAG_NAMES = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, DF: 0x400, OF: 0x800 } as const;
function flagNames(mask: number): string {
  const names = Object.entries(FLAG_NAMES).filter(([, bit]) => (mask & bit) !== 0);
  return names.map(([name]) => name).join(' ') || hex(mask);
}

function describe(vector: VectorCase): string {
  const { code, code16, index, registers, flags, dataPage, stackPage } = vector;
  const pages = dataPage + stackPage === 0 ? '' : ` pages ${String(dataPage)} ${String(stackPage)}`;
  const from = Array.from(registers, hex).join(' ');
  return `case ${hex(index)} ${codeText(code, code16 ? 2 : 4)} from ${from} flags ${hex(flags)}${pages}`;
}
