/**
 * Replays the cases of make-vectors.c through the processor and says what differs. The layout of the
 * file, and what a case starts from, are described there.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import { disassemble } from '../../../emulator/cpu/decode/disassembler.ts';
import { fullRegisters, setTags } from '../../../emulator/cpu/fpu/register-stack.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import { CR4, FLAG } from '../../../emulator/cpu/state.ts';
import { BareCpu, RIGHTS32, SIX_SEGMENTS } from '../../../emulator/cpu/testing/bare-cpu.ts';

const BOUNDARY = 0x8000;
const SMALL = 64;
const LARGE = 640;
const CODE = 0x9000;
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
  private state: number;
  private previous = [0, 0, 0, 0];
  constructor(index: number) {
    this.state = Math.imul(index, 0x9e3779b1);
  }
  next(): number {
    let t = (this.state = (this.state + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return (t ^ (t >>> 14)) >>> 0;
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

class Reader {
  position: number;
  private readonly view: DataView;
  private readonly file: Uint8Array;
  constructor(file: Uint8Array, start: number) {
    this.file = file;
    this.view = new DataView(file.buffer, file.byteOffset, file.length);
    this.position = start;
  }
  u8(): number {
    return this.view.getUint8(this.position++);
  }
  u16(): number {
    this.position += 2;
    return this.view.getUint16(this.position - 2, true);
  }
  u32(): number {
    this.position += 4;
    return this.view.getUint32(this.position - 4, true);
  }
  bytes(length: number): Uint8Array {
    this.position += length;
    return this.file.subarray(this.position - length, this.position);
  }
  /** A mask and the values of the registers in it. */
  registers(into: Uint8Array, stride: number, size: number): void {
    const mask = this.u8();
    for (let i = 0; i < 8; i++) if (((mask >> i) & 1) !== 0) into.set(this.bytes(size), i * stride);
  }
}

/** All cases of a file, one after the other. */
export function* readVectors(file: Uint8Array): Generator<VectorCase> {
  let start = 0;
  while (file[start] !== 0x0a || file[start + 1] !== 0x0a) start++;
  const reader = new Reader(file, start + 2);
  const count = reader.u32();
  const first = reader.u32();
  for (let n = 0; n < count; n++) yield readCase(reader, (first + n) >>> 0);
  if (reader.position !== file.length) throw new Error('the file does not end with its last case');
}

function readCase(reader: Reader, index: number): VectorCase {
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

function readChanges(reader: Reader, before: Registers): Registers {
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
  for (let runs = has(7) ? reader.u8() : 0; runs > 0; runs--) {
    const at = reader.u16();
    after.memory.set(reader.bytes(reader.u8()), at);
  }
  return after;
}

/** How the processor is set up. In all of them the same bytes lie at the same offsets of every segment. */
export interface Setting {
  readonly name: string;
  readonly cpl: 0 | 3;
  /** Segments begin at different addresses, which paging maps to the same memory. */
  readonly based: boolean;
}
export const SETTINGS = [
  { name: 'flat segments, CPL 3', cpl: 3, based: false },
  { name: 'flat segments, CPL 0', cpl: 0, based: false },
  { name: 'based segments, CPL 3', cpl: 3, based: true },
] as const satisfies readonly Setting[];

/** ES CS SS DS where based; the first 64 KiB of each are the first 64 KiB of memory. */
const BASES: readonly number[] = [0x100000, 0x110000, 0x120000, 0x130000];
const PAGE_DIRECTORY = 0x20000;
const PAGE_TABLE = 0x21000;
/** Present, writable, user; the flags of the second page. */
const PAGE = 7;
const PAGES: readonly number[] = [PAGE, 5, 0];
const ERROR_USER = 4;
const HLT = 0xf4;
const ESP = 4;
/** CR0 with paging, WP, NE, ET, PE. */
const CR0_VALUE = 0x80010031;

export class Replay {
  readonly bare = new BareCpu(1 << 20, 'max');
  private setting = '';

  constructor() {
    const { bare } = this;
    for (let page = 0; page < 1024; page++) {
      const alias = BASES.some((base) => page >= base >> 12 && page < (base >> 12) + 16);
      bare.ram32[(PAGE_TABLE >> 2) + page] = ((alias ? page & 15 : page) << 12) | PAGE;
    }
    bare.ram32[PAGE_DIRECTORY >> 2] = PAGE_TABLE | PAGE;
    bare.cpu.state.setCr(3, PAGE_DIRECTORY);
    bare.cpu.state.setCr(0, CR0_VALUE);
    bare.cpu.state.setCr(4, CR4.OSFXSR | CR4.OSXMMEXCPT);
    bare.ram.fill(HLT, CODE - 128, CODE + 256);
  }

  private enter(setting: Setting, page: number): void {
    const name = [setting.name, page].join(' ');
    if (name === this.setting) return;
    this.setting = name;
    const { bare } = this;
    for (const base of [0, ...BASES]) {
      bare.ram32[(PAGE_TABLE >> 2) + ((base + BOUNDARY) >> 12)] = BOUNDARY | (PAGES[page] ?? 0);
    }
    bare.cpu.flushTlb(true);
    for (const index of SIX_SEGMENTS) {
      const rights = (index === L.SEGMENT.CS ? RIGHTS32.CODE : RIGHTS32.DATA) | (setting.cpl << 5);
      bare.segment(index, { rights, base: setting.based ? (BASES[index] ?? 0) : 0 });
    }
    bare.cpu.state.set(L.CPL, setting.cpl);
    bare.cpu.modeChanged();
  }

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
    const { bare } = this;
    this.enter(setting, vector.page);
    bare.load(CODE, vector.code);
    const differences: string[] = [];
    // a block first, whose translation empties the TLB; then steps, which find it filled; then the block
    for (const [how, slice] of [['block', 1000], ['step', 1], ['block again', 1000]] as const) { // prettier-ignore
      this.start(vector);
      const outcome = bare.runToExit(slice, 10);
      const found = outcome === 'exit' ? this.compare(vector, setting) : `run() said ${outcome}`;
      if (found !== null) {
        differences.push(`${describe(vector)} [${setting.name}, ${how}]: ${found}`);
      }
    }
    bare.ram.fill(HLT, CODE, CODE + vector.code.length);
    return differences;
  }

  private compare(vector: VectorCase, { cpl }: Setting): string | null {
    const { cpu, ram } = this.bare;
    const { state } = cpu;
    const { after } = vector;
    const found: string[] = [];
    const same = (name: string, actual: number, expected: number): void => {
      if (actual !== expected) found.push(`${name} ${hex(actual)} not ${hex(expected)}`);
    };
    const raised = this.raised();
    same('exception', raised, vector.vector);
    const { event } = this.bare;
    if (raised === VECTOR.PF && event?.kind === 'exception') {
      same('error', event.errorCode ?? -1, (vector.error & ~ERROR_USER) | (cpl === 3 ? ERROR_USER : 0)); // prettier-ignore
      // the segments begin at multiples of 64 KiB
      same('cr2', event.qualification & 0xffff, vector.cr2);
    }
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

  /** The exception that ended the case, -1: it came to its end, HLT, which is #GP at CPL 3. */
  private raised(): number {
    const { bare } = this;
    const { event } = bare;
    if (event?.kind !== 'exception') return -1;
    return event.vector === VECTOR.GP && bare.ram[bare.cpu.state.eip] === HLT ? -1 : event.vector;
  }
}

function hex(value: number): string {
  return value.toString(16);
}

function describe({ code, index, page }: VectorCase): string {
  const decoded = decode(code, CODE, { defaultSize: 4 });
  const text = typeof decoded === 'string' ? decoded : disassemble(decoded);
  return `case ${hex(index)} (${text}) page ${String(page)}`;
}
