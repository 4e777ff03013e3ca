/**
 * The memory that a fuzzed processor runs in: 64 KiB of descriptor tables, gates, TSSs, instructions and
 * noise, which paging, where it is on, repeats through the whole address space. Half of the descriptors
 * make sense and half are random bits; code is made of every opcode form there is and of random bytes.
 *
 * The page tables lie beyond what they map: a processor need not see at once what its TLB has cached, so
 * a guest that wrote to them would prove nothing. One that turns paging off may reach them all the same.
 */
import { opcodeForms } from '../../emulator/cpu/decode/opcode-map.ts';
import type { BareCpu } from '../../emulator/cpu/testing/bare-cpu.ts';
import { encode } from '../vectors/forms/encode.ts';
import type { Random } from '../vectors/forms/random.ts';

export const WORLD = 0x10000;
/** Tables in the world, and their limits. */
export const PLACES = { GDT: 0x1000, LDT: 0x1100, TSS: 0x1200, OTHER: 0x1300, TSS16: 0x1400, IDT: 0x1800, CODE: 0x2000 } as const; // prettier-ignore
export const LIMITS = { GDT: 0xff, LDT: 0x7f, TSS: 0xff, TSS16: 0x7f, IDT: 0x7ff } as const;
/** Selectors of the system descriptors of the GDT; those before are code and data. */
export const SYSTEM = { LDT: 0xc8, TSS: 0xd0, OTHER: 0xd8, TSS16: 0xe0, GATES: 0xe8 } as const;
const CODE_AND_DATA = 25;

/** Structures of the three paging modes, and what maps the world there. */
export const PAGING = { DIRECTORY: 0x10000, TABLE: 0x11000, LARGE: 0x12000, POINTERS: 0x13000, PAE_DIRECTORY: 0x14000, PAE_TABLE: 0x15000 } as const; // prettier-ignore
export const RAM = 0x20000;
/** Flags of pages: mostly present, writable and the user's. */
const PAGE_FLAGS = [0, 5, 3, 1, 7, 7, 7, 7, 7, 7, 7, 7, 0x107] as const;

/** Fills the whole RAM. */
export function fillWorld({ ram, ram32, cpu }: BareCpu, random: Random): void {
  ram.fill(0);
  fillCode(ram, random);
  fillTables(ram32, random);
  fillPaging(ram32, random);
  cpu.memoryWritten(0, RAM);
}

function fillCode(ram: Uint8Array, random: Random): void {
  const code16 = random.once(2);
  let at: number = PLACES.CODE;
  while (at < WORLD - 16) {
    const kind = random.below(20);
    const bytes = kind < 16 ? instruction(random, kind === 0 ? !code16 : code16) : noise(random);
    ram.set(bytes, at);
    at += bytes.length;
  }
  // real-mode vectors: into the code, by segments that are not all the same
  for (let vector = 0; vector < 256; vector++) {
    const segment = random.below(0x200);
    const offset = (PLACES.CODE + random.below(WORLD - PLACES.CODE) - 16 * segment) & 0xffff;
    ram.set([offset & 0xff, offset >> 8, segment & 0xff, segment >> 8], 4 * vector);
  }
}

function instruction(random: Random, code16: boolean): Uint8Array {
  const form = random.pick(opcodeForms);
  const encoding = encode(form, random, code16);
  if (encoding === null) return noise(random);
  const { bytes, displacementAt, displacementSize } = encoding;
  if (displacementSize === 4 && !random.once(4)) bytes.fill(0, displacementAt + 2, displacementAt + 4); // prettier-ignore
  // a repetition with a random count, and HLT, are met often enough
  const slow = bytes.includes(0xf2) || bytes.includes(0xf3) || form.row.meaning === 'hlt';
  return slow && !random.once(12) ? noise(random) : bytes;
}
function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: 1 + random.below(6) }, () => random.next() & 0xff);
}

function fillTables(ram32: Uint32Array, random: Random): void {
  const put = (at: number, [low, high]: readonly [number, number]): void => {
    ram32[at >> 2] = low;
    ram32[(at >> 2) + 1] = high;
  };
  for (let n = 1; n < CODE_AND_DATA; n++) put(PLACES.GDT + 8 * n, anySegment(random));
  for (let n = 0; n < 14; n++) put(PLACES.LDT + 8 * n, anySegment(random));
  for (let n = 14; n < 16; n++) put(PLACES.LDT + 8 * n, anyGate(random));
  put(PLACES.GDT + SYSTEM.LDT, descriptor(PLACES.LDT, LIMITS.LDT, 0x82, 0));
  put(PLACES.GDT + SYSTEM.TSS, descriptor(PLACES.TSS, LIMITS.TSS, 0x8b, 0));
  put(PLACES.GDT + SYSTEM.OTHER, descriptor(PLACES.OTHER, LIMITS.TSS, 0x89 | (random.below(4) << 5), 0)); // prettier-ignore
  put(PLACES.GDT + SYSTEM.TSS16, descriptor(PLACES.TSS16, LIMITS.TSS16, 0x81 | (random.below(4) << 5), 0)); // prettier-ignore
  for (let at: number = SYSTEM.GATES; at < LIMITS.GDT; at += 8)
    put(PLACES.GDT + at, anyGate(random));
  for (let vector = 0; vector < 256; vector++) put(PLACES.IDT + 8 * vector, anyGate(random));
  for (const tss of [PLACES.TSS, PLACES.OTHER]) {
    for (let field = 0; field < 26; field++) ram32[(tss >> 2) + field] = random.below(WORLD);
    // stacks of the inner levels and segments of the task
    for (const field of [2, 4, 6, 18, 19, 20, 21, 22, 23]) ram32[(tss >> 2) + field] = anySelector(random); // prettier-ignore
    ram32[(tss >> 2) + 7] = PAGING.DIRECTORY;
    ram32[(tss >> 2) + 24] = random.once(2) ? SYSTEM.LDT : 0;
    ram32[(tss >> 2) + 25] = random.pick([0x680000, 0x800000, 0xffff0000]);
  }
  for (let word = 0; word < 0x20; word++) ram32[(PLACES.TSS16 >> 2) + word] = random.next() & 0xfffefffe; // prettier-ignore
}

/** A selector of a code or data segment, in the GDT or the LDT. */
export function anySelector(random: Random): number {
  return random.once(4) ? 4 | (random.below(14) << 3) | random.below(4) : (random.below(CODE_AND_DATA) << 3) | random.below(4); // prettier-ignore
}

function anySegment(random: Random): readonly [number, number] {
  if (random.once(6)) return [random.next(), random.next()];
  const type = random.pick([0x2, 0x2, 0x3, 0x6, 0x0, 0xa, 0xa, 0xb, 0xe, 0x8]);
  const access = 0x10 | type | (random.below(4) << 5) | (random.once(12) ? 0 : 0x80);
  const limit = random.once(3) ? random.below(0x10000) : 0xfffff;
  const base = random.once(3) ? random.below(0x1000) : 0;
  return descriptor(base, limit, access, random.pick([0, 4, 4, 8, 0xc, 0xc]));
}
function anyGate(random: Random): readonly [number, number] {
  if (random.once(12)) return [random.next(), random.next()];
  const type = random.pick([0xe, 0xe, 0xe, 0xf, 0x6, 0x7, 0xc, 0x4, 0x5]);
  const selector = type === 5 ? random.pick([SYSTEM.TSS, SYSTEM.OTHER, SYSTEM.TSS16]) : anySelector(random) & 0xfffc; // prettier-ignore
  const offset = PLACES.CODE + random.below(WORLD - PLACES.CODE);
  const present = random.once(16) ? 0 : 0x8000;
  const parameters = type === 0xc || type === 4 ? random.below(4) : 0;
  return [((selector << 16) | offset) >>> 0, present | (random.below(4) << 13) | (type << 8) | parameters]; // prettier-ignore
}
function descriptor(
  base: number,
  limit: number,
  access: number,
  flags: number,
): readonly [number, number] {
  const low = ((limit & 0xffff) | (base << 16)) >>> 0;
  const high = ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff000000); // prettier-ignore
  return [low, high >>> 0];
}

function fillPaging(ram32: Uint32Array, random: Random): void {
  const flags = Array.from({ length: 16 }, () => random.pick(PAGE_FLAGS));
  // where the first instructions and the tables are
  flags[1] = 7;
  for (let n = 0; n < 1024; n++) {
    const page = ((n & 15) << 12) | (flags[n & 15] ?? 7);
    ram32[(PAGING.DIRECTORY >> 2) + n] = PAGING.TABLE | 7;
    ram32[(PAGING.TABLE >> 2) + n] = page;
    // every other entry is a large page: the world, and what follows it
    ram32[(PAGING.LARGE >> 2) + n] = (n & 1) === 0 ? PAGING.TABLE | 7 : 0x87;
  }
  for (let n = 0; n < 4; n++) ram32[(PAGING.POINTERS >> 2) + 2 * n] = PAGING.PAE_DIRECTORY | 1;
  for (let n = 0; n < 512; n++) {
    ram32[(PAGING.PAE_DIRECTORY >> 2) + 2 * n] = PAGING.PAE_TABLE | 7;
    ram32[(PAGING.PAE_TABLE >> 2) + 2 * n] = ((n & 15) << 12) | (flags[n & 15] ?? 7);
  }
}
