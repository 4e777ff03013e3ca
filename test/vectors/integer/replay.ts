/**
 * Replays the cases of make-vectors.c through the processor and says what differs. The layout of the
 * file, and what a case starts from, are described there.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import { disassemble } from '../../../emulator/cpu/decode/disassembler.ts';
import * as L from '../../../emulator/cpu/layout.ts';
import { VECTOR } from '../../../emulator/cpu/processor.ts';
import { FLAG } from '../../../emulator/cpu/state.ts';
import { BareCpu, RIGHTS32, SIX_SEGMENTS } from '../../../emulator/cpu/testing/bare-cpu.ts';

const DATA = 0x7f80;
const CODE = 0x9000;
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

/** mulberry32, as in make-vectors.c. */
export class Seeded {
  private state: number;
  constructor(index: number) {
    this.state = Math.imul(index, 0x9e3779b1);
  }
  next(): number {
    let t = (this.state = (this.state + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), 1 | t);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return (t ^ (t >>> 14)) >>> 0;
  }
  value(): number {
    const kind = this.next() & 15;
    const r = this.next();
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
}

/** EFLAGS bits of a byte with OF in bit 1. */
function unpackFlags(byte: number): number {
  return (byte & 0xd5) | ((byte & 2) << 10);
}

class Reader {
  position = 0;
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
  i8(): number {
    return this.view.getInt8(this.position++);
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
  registers(into: Uint32Array): void {
    const mask = this.u8();
    for (let i = 0; i < 8; i++) if ((mask & (1 << i)) !== 0) into[i] = this.u32();
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
  const loose = reader.u8();
  const seeded = new Seeded(index);
  const registers = new Uint32Array(8);
  for (let i = 0; i < 8; i++) registers[i] = seeded.value();
  const special = (loose & UNDEFINED.SPECIAL) !== 0 ? reader.u8() : 0;
  const code = reader.bytes(header & 15);
  const down = (header & HEADER.DOWN) !== 0 ? FLAG.DF : 0;
  const flags = unpackFlags(seeded.next()) | down;
  const memory = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i++) memory[i] = seeded.value();
  if ((special & 1) !== 0) {
    const bytes = new Uint8Array(memory.buffer);
    for (let i = 0; i < WINDOW; i++) bytes[i] = (seeded.next() & 31) !== 0 ? 0x41 : 0x42;
  }
  reader.registers(registers);
  const vector = (header & HEADER.FAULTS) !== 0 ? reader.u8() : -1;
  const error = vector === VECTOR.PF ? reader.u8() : 0;
  const cr2 = vector === VECTOR.PF ? reader.u16() : 0;
  const flagsAfter = reader.u16();
  const eipAfter = CODE + reader.i8();
  const registersAfter = registers.slice();
  reader.registers(registersAfter);
  const memoryAfter = memory.slice();
  const bytesAfter = new Uint8Array(memoryAfter.buffer);
  for (let runs = reader.u8(); runs > 0; runs--) {
    const at = reader.u16();
    bytesAfter.set(reader.bytes(reader.u8()), at);
  }
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
/** Present, writable, user; the flags of a window's second page. */
const PAGE = 7;
const PAGES: readonly number[] = [PAGE, 5, 0];
const ERROR_USER = 4;
const HLT = 0xf4;
const IOPL = 0x3000;

export interface Difference {
  /** What the manual leaves undefined, and nothing else, differs. */
  readonly loose: boolean;
  readonly vector: VectorCase;
  readonly text: string;
}

export class Replay {
  readonly bare = new BareCpu();
  private setting = '';

  constructor() {
    const { bare } = this;
    bare.leaves = ({ kind }) => kind === 'exception' || kind === 'hlt';
    for (let page = 0; page < 1024; page++) {
      const alias = BASES.some((base) => page >= base >> 12 && page < (base >> 12) + 16);
      bare.ram32[(PAGE_TABLE >> 2) + page] = ((alias ? page & 15 : page) << 12) | PAGE;
    }
    bare.ram32[PAGE_DIRECTORY >> 2] = PAGE_TABLE | PAGE;
    bare.cpu.state.setCr(3, PAGE_DIRECTORY);
    bare.cpu.state.setCr(0, 0x80010011);
    bare.ram.fill(HLT, CODE - 128, CODE + 256);
  }

  private enter(setting: Setting, { code16, stack16, dataPage, stackPage }: VectorCase): void {
    const name = [setting.name, code16, stack16, dataPage, stackPage].join(' ');
    if (name === this.setting) return;
    this.setting = name;
    const { bare } = this;
    for (const base of [0, ...BASES]) {
      this.map(base, DATA + WINDOW / 2, dataPage);
      this.map(base, STACK + WINDOW / 2, stackPage);
    }
    bare.cpu.flushTlb(true);
    for (const index of SIX_SEGMENTS) {
      let rights = (index === L.SEGMENT.CS ? RIGHTS32.CODE : RIGHTS32.DATA) | (setting.cpl << 5);
      if ((index === L.SEGMENT.CS && code16) || (index === L.SEGMENT.SS && stack16)) rights &= ~0x4000;
      // FS is null, as in the process that made the vectors
      if (index === L.SEGMENT.FS) rights |= 0x10000;
      const limit = index === L.SEGMENT.CS && code16 ? 0xffff : 0xffffffff;
      bare.segment(index, { rights, limit, base: setting.based ? (BASES[index] ?? 0) : 0 });
    }
    bare.cpu.state.set(L.CPL, setting.cpl);
    bare.cpu.modeChanged();
  }

  private map(base: number, page: number, kind: number): void {
    this.bare.ram32[(PAGE_TABLE >> 2) + ((base + page) >> 12)] = page | (PAGES[kind] ?? 0);
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
    const { bare } = this;
    this.enter(setting, vector);
    bare.load(CODE, vector.code);
    const differences: Difference[] = [];
    // a block first, whose translation empties the TLB; then steps, which find it filled; then the block
    for (const [how, slice] of [['block', 1000], ['step', 1], ['block again', 1000]] as const) { // prettier-ignore
      this.start(vector);
      const outcome = bare.runToExit(slice, 10);
      const found = outcome === 'exit' ? this.compare(vector, setting) : `run() said ${outcome}`;
      if (found === null) continue;
      const { loose, text } = typeof found === 'string' ? { loose: false, text: found } : found;
      differences.push({ loose, vector, text: `${describe(vector)} [${setting.name}, ${how}]: ${text}` });
    }
    bare.ram.fill(HLT, CODE, CODE + vector.code.length);
    return differences;
  }

  private compare(vector: VectorCase, { cpl }: Setting): Omit<Difference, 'vector'> | null {
    const { cpu, ram32 } = this.bare;
    const { state } = cpu;
    const strict: string[] = [];
    const loose: string[] = [];
    const result = vector.undefinedResult ? loose : strict;
    vector.registersAfter.forEach((expected, number) => {
      const actual = state.gpr(number, 4);
      if (actual !== expected) result.push(`${REGISTERS[number] ?? ''} ${hex(actual)} not ${hex(expected)}`);
    });
    const { trap, vector: raised } = this.raised();
    if (raised !== vector.vector) strict.push(`exception ${String(raised)} not ${String(vector.vector)}`);
    const { event } = this.bare;
    if (raised === VECTOR.PF && event?.kind === 'exception') {
      const error = (vector.error & ~ERROR_USER) | (cpl === 3 ? ERROR_USER : 0);
      if (event.errorCode !== error) strict.push(`error ${String(event.errorCode)} not ${String(error)}`);
      // the segments begin at multiples of 64 KiB
      const cr2 = event.qualification & 0xffff;
      if (cr2 !== vector.cr2) strict.push(`cr2 ${hex(cr2)} not ${hex(vector.cr2)}`);
    }
    const eip = state.eip + trap;
    if (eip !== vector.eipAfter) strict.push(`eip ${hex(eip)} not ${hex(vector.eipAfter)}`);
    // at CPL 0 POPF reaches IOPL
    const flags = (state.eflags ^ vector.flagsAfter) & 0xfdfd & (cpl === 0 ? ~IOPL : -1);
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

  /** The exception that ended the case (-1: it came to a landing place), and what EIP lacks of a trap's. */
  private raised(): { readonly vector: number; readonly trap: number } {
    const { bare } = this;
    const landed = bare.ram[bare.cpu.state.eip] === HLT;
    // a landing place is HLT, which is #GP at CPL 3
    if (bare.event?.kind !== 'exception' || (landed && bare.event.vector === VECTOR.GP)) {
      return { vector: -1, trap: 0 };
    }
    return { vector: bare.event.vector, trap: bare.event.type === 'software' ? 1 : 0 };
  }
}

const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const FLAG_NAMES = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, DF: 0x400, OF: 0x800 } as const;
function flagNames(mask: number): string {
  const names = Object.entries(FLAG_NAMES).filter(([, bit]) => (mask & bit) !== 0);
  return names.map(([name]) => name).join(' ') || hex(mask);
}
function hex(value: number): string {
  return value.toString(16);
}

function describe(vector: VectorCase): string {
  const { code, code16, index, registers, flags, dataPage, stackPage } = vector;
  const pages = dataPage + stackPage === 0 ? '' : ` pages ${String(dataPage)} ${String(stackPage)}`;
  const decoded = decode(code, CODE, { defaultSize: code16 ? 2 : 4 });
  const text = typeof decoded === 'string' ? decoded : disassemble(decoded);
  const bytes = Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const from = Array.from(registers, hex).join(' ');
  return `case ${hex(index)} ${bytes} (${text}) from ${from} flags ${hex(flags)}${pages}`;
}
