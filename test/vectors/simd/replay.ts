/**
 * Replays the cases of make-vectors.c through the processor and says what differs. The layout of the
 * file, and what a case starts from, are described there.
 */
import { fullRegisters, setTags } from '../../../emulator/cpu/fpu/register-stack.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import { CR4, FLAG } from '../../../emulator/cpu/state.ts';
import { BareCpu } from '../../../emulator/cpu/testing/bare-cpu.ts';
import type { Mulberry32 } from '../replay/mulberry32.ts';
import { generatorOfCase } from '../replay/mulberry32.ts';
import { CODE, codeText, hex, ReplayProcessor, type Setting } from '../replay/replay-processor.ts';
import { readVectors, type VectorReader } from '../replay/vector-reader.ts';

const BOUNDARY = 0x8000;
const SMALL = 64;
const LARGE = 640;
const HEADER = { LENGTH: 0x0f, BIG: 0x10, POKE: 0x20, FAULTS: 0x80 } as const;
const CONTROL_WORD = 0x37f;
/** Bytes of an x87 register and of its place in the state block. */
const X87 = 10;
const SLOT = 16;

/** Everything that a case may change. */
interface Registers {
  flags: number;
  mxcsr: number;
  control: number;
  status: number;
  /** Abridged. */
  tags: number;
  readonly general: Uint32Array;
  /** Eight times 16 bytes; of the x87 registers ten each count. */
  readonly xmm: Uint8Array;
  readonly x87: Uint8Array;
  readonly memory: Uint8Array;
}

export interface VectorCase {
  readonly index: number;
  readonly code: Uint8Array;
  /** Address of the memory. */
  readonly window: number;
  /** Of the page after BOUNDARY: 0 plain, 1 read-only, 2 not present. */
  readonly page: number;
  readonly before: Registers;
  /** The vector of the fault or -1, for #PF with its error code and the low half of CR2. */
  readonly vector: number;
  readonly error: number;
  readonly cr2: number;
  readonly after: Registers;
}

const EDGES = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x80000001, 0xfffffffe, 0x7ffffffe];

/** seed_state() of make-vectors.c. */
class Seed {
  private readonly generator: Mulberry32;
  private previous = [0, 0, 0, 0];
  constructor(index: number) {
    this.generator = generatorOfCase(index);
  }
  next(): number {
    return this.generator.next();
  }
  private element(bits: number): number {
    let result = 0;
    for (let at = 0; at < 32; at += bits) {
      const r = this.next();
      const edge = EDGES[r & 7] ?? 0;
      const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1;
      const narrow = ((edge >>> 31) << (bits - 1)) | (edge & (mask >>> 1));
      result |= (((r >>> 8) & 3) === 0 ? (r >>> 10) & mask : narrow) << at;
    }
    return result >>> 0;
  }
  private word(kind: number, i: number): number {
    if (kind < 6) return this.next();
    if (kind < 8) return this.element(8);
    if (kind < 10) return this.element(16);
    if (kind < 12) return this.element(32);
    if (kind < 14) return i === 0 ? this.next() % 72 : i === 1 ? 0 : this.next();
    return ((this.previous[i] ?? 0) ^ (i === 1 ? this.next() & 0xff00 : 0)) >>> 0;
  }
  /** Fills four words at `at`. */
  vector(into: Uint32Array, at: number): void {
    const kind = this.next() & 15;
    for (let i = 0; i < 4; i++) into[at + i] = this.word(kind, i);
    this.previous = [...into.subarray(at, at + 4)];
  }
  vectors(bytes: number): Uint8Array {
    const words = new Uint32Array(bytes / 4);
    for (let at = 0; at < words.length; at += 4) this.vector(words, at);
    return new Uint8Array(words.buffer);
  }
}

function seedState(index: number, memorySize: number): Registers {
  const seed = new Seed(index);
  const xmm = seed.vectors(8 * SLOT);
  const x87 = seed.vectors(8 * SLOT);
  const general = Uint32Array.from({ length: 8 }, () => seed.next());
  const flags = (seed.next() & 0x8d5) | 2;
  const mxcsr = (seed.next() & 0xe07f) | 0x1f80;
  const status = seed.next() & 0x7f00;
  const tags = seed.next() & 0xff;
  const memory = seed.vectors(memorySize);
  return { xmm, x87, general, flags, mxcsr, control: CONTROL_WORD, status, tags, memory };
}

/** All cases of simd.vectors, one after the other. */
export function readSimdVectors(file: Uint8Array): Generator<VectorCase> {
  return readVectors(file, readCase);
}

function readCase(reader: VectorReader, index: number): VectorCase {
  const header = reader.u8();
  const page = reader.u8();
  const code = reader.bytes(header & HEADER.LENGTH);
  const half = (header & HEADER.BIG) !== 0 ? LARGE : SMALL;
  const before = seedState(index, 2 * half);
  if ((header & HEADER.POKE) !== 0) {
    const at = reader.u16();
    before.memory.set(reader.bytes(4), at);
  }
  reader.registers(new Uint8Array(before.general.buffer), 4, 4);
  const vector = (header & HEADER.FAULTS) !== 0 ? reader.u8() : -1;
  const error = vector === VECTOR.PF ? reader.u8() : 0;
  const cr2 = vector === VECTOR.PF ? reader.u16() : 0;
  return { index, code, window: BOUNDARY - half, page, before, vector, error, cr2, after: readChanges(reader, before) };
} // prettier-ignore

function readChanges(reader: VectorReader, before: Registers): Registers {
  const after: Registers = {
    ...before,
    general: before.general.slice(),
    xmm: before.xmm.slice(),
    x87: before.x87.slice(),
    memory: before.memory.slice(),
  };
  const what = reader.u8();
  const has = (bit: number): boolean => ((what >> bit) & 1) !== 0;
  if (has(0)) after.flags = reader.u16() | 2;
  if (has(1)) after.mxcsr = reader.u32();
  if (has(2)) {
    after.control = reader.u16();
    after.status = reader.u16();
  }
  if (has(3)) after.tags = reader.u8();
  if (has(4)) reader.registers(new Uint8Array(after.general.buffer), 4, 4);
  if (has(5)) reader.registers(after.xmm, SLOT, SLOT);
  if (has(6)) reader.registers(after.x87, SLOT, X87);
  if (has(7)) reader.runs(after.memory);
  return after;
}

const ESP = 4;
/** CR0 with paging, WP, NE, ET, PE. */
const CR0_VALUE = 0x80010031;

export class Replay {
  readonly bare = new BareCpu(1 << 20, 'max');
  private readonly processor = new ReplayProcessor(
    this.bare,
    CR0_VALUE,
    CR4.OSFXSR | CR4.OSXMMEXCPT,
  );

  private start({ before, window }: VectorCase): void {
    const { cpu, ram } = this.bare;
    const { state } = cpu;
    before.general.forEach((value, number) => {
      state.setGpr(number, 4, value);
    });
    state.eflags = before.flags | FLAG.IF;
    state.eip = CODE;
    state.set(L.ACTIVITY, 0);
    state.set(L.MXCSR, before.mxcsr);
    state.u16[L.FPU_CONTROL >> 1] = before.control;
    state.u16[L.FPU_STATUS >> 1] = before.status;
    state.u8.set(before.xmm, L.XMM);
    state.u8.set(before.x87, L.FPU_REGISTERS);
    setTags(state, before.tags);
    for (const at of [L.FPU_OPCODE, L.FPU_IP, L.FPU_CS, L.FPU_DP, L.FPU_DS]) state.u16[at >> 1] = 0;
    state.set(L.FPU_IP, 0);
    state.set(L.FPU_DP, 0);
    ram.set(before.memory, window);
  }

  /** What differs, one line for each way of execution; empty if nothing does. */
  run(vector: VectorCase, setting: Setting): string[] {
    this.processor.enter(setting, new Map([[BOUNDARY, vector.page]]));
    const differences = this.processor.execute(
      vector.code,
      () => {
        this.start(vector);
      },
      () => this.compare(vector, setting),
    );
    return differences.map(
      ({ how, found }) => `${describe(vector)} [${setting.name}, ${how}]: ${found}`,
    );
  }

  private compare(vector: VectorCase, setting: Setting): string | null {
    const { cpu, ram } = this.bare;
    const { state } = cpu;
    const { after } = vector;
    const found: string[] = [];
    const same = (name: string, actual: number, expected: number): void => {
      if (actual !== expected) found.push(`${name} ${hex(actual)} not ${hex(expected)}`);
    };
    const raised = this.processor.raised();
    same('exception', raised, vector.vector);
    if (raised >= 0) found.push(...this.processor.compareFault(vector, setting));
    same('eip', state.eip, vector.vector < 0 ? CODE + vector.code.length : CODE);
    same('flags', state.eflags & 0xcd7, after.flags);
    same('mxcsr', state.get(L.MXCSR), after.mxcsr);
    same('control word', state.u16[L.FPU_CONTROL >> 1] ?? 0, after.control);
    same('status word', state.u16[L.FPU_STATUS >> 1] ?? 0, after.status);
    same('tags', fullRegisters(state), after.tags);
    for (let i = 0; i < 8; i++) {
      if (i !== ESP) same(`register ${String(i)}`, state.gpr(i, 4), after.general[i] ?? 0);
      const part = (bytes: Uint8Array, at: number, size: number): string =>
        Buffer.from(bytes.subarray(at, at + size)).toString('hex');
      const bytes = (name: string, at: number, expected: Uint8Array, size: number): void => {
        const [actual, wanted] = [part(state.u8, at + SLOT * i, size), part(expected, SLOT * i, size)]; // prettier-ignore
        if (actual !== wanted) found.push(`${name}${String(i)} ${actual} not ${wanted}`);
      };
      bytes('xmm', L.XMM, after.xmm, SLOT);
      bytes('mm', L.FPU_REGISTERS, after.x87, X87);
    }
    after.memory.forEach((expected, i) => {
      same(`[${hex(vector.window + i)}]`, ram[vector.window + i] ?? 0, expected);
    });
    return found.length === 0 ? null : found.join(', ');
  }
}

function describe({ code, index, page }: VectorCase): string {
  return `case ${hex(index)} ${codeText(code)} page ${String(page)}`;
}
