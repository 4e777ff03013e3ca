/**
 * One case of the form vectors: the whole state of a user program before one instruction and, after
 * execution, the whole state that an exception found (execute.c ends every case in one: the bytes around
 * the instruction are INT3). The same bytes are read by execute.c, whose `Record` has these offsets.
 *
 * A record begins as base(seed), which is random but likes edges, and patches; what a vector file keeps
 * of it is the seed, the patches and what the instruction changed (vector-file.ts).
 */
import { Random } from './random.ts';

/** Offsets in a record, in bytes; little endian. */
export const AT = {
  /** EAX ECX EDX EBX ESP EBP ESI EDI. */
  GPR: 0,
  EFLAGS: 32,
  EIP: 36,
  /** Vector of the exception that ended the case, its error code, and CR2 of a page fault. */
  VECTOR: 40,
  ERROR: 44,
  CR2: 48,
  /** Selectors ES CS SS DS FS GS. */
  SELECTORS: 52,
  /** What the second page of DATA and of STACK is: an index of PAGE_FLAGS (replay.ts). */
  PAGES: 64,
  LENGTH: 66,
  CODE: 68,
  /** The image of FXSAVE (SDM vol. 1, 10.5.1), 512 bytes. */
  FX: 96,
  DATA: 608,
  STACK: 1632,
  SIZE: 1888,
} as const;

/** Linear addresses: the two windows have a page boundary in their middle. */
export const DATA = 0x7e00;
export const DATA_SIZE = 1024;
export const CODE = 0x9800;
export const STACK = 0xaf80;
export const STACK_SIZE = 256;
export const CODE_LIMIT = 24;

/** Offsets in the FXSAVE image. */
export const FX = { FCW: 0, FSW: 2, FTW: 4, FOP: 6, FIP: 8, FCS: 12, FDP: 16, FDS: 20, MXCSR: 24, MXCSR_MASK: 28, ST: 32, XMM: 160, END: 288 } as const; // prettier-ignore

/** Selectors of the segments that a case may use: the two flat ones of Linux, and entries of the LDT. */
export const SELECTOR = { NULL: 0, CS32: 0x23, DS32: 0x2b, CODE16: 0x07, STACK16: 0x0f } as const;

/** EFLAGS that a user program can see: the arithmetic ones and DF vary, IF is set. */
const ALWAYS = 0x202;
const ARITHMETIC = 0x8d5;

/** The state that follows from a seed. */
export function base(seed: number): DataView {
  const view = new DataView(new ArrayBuffer(AT.SIZE));
  const random = new Random(seed);
  for (let i = 0; i < 8; i++) view.setUint32(AT.GPR + 4 * i, random.value(), true);
  view.setUint32(AT.GPR + 16, STACK + 64 + random.below(32) * 4, true);
  view.setUint32(AT.EFLAGS, (random.next() & ARITHMETIC) | ALWAYS, true);
  view.setUint32(AT.EIP, CODE, true);
  const selectors = [SELECTOR.DS32, SELECTOR.CS32, SELECTOR.DS32, SELECTOR.DS32, 0, 0];
  selectors.forEach((selector, i) => {
    view.setUint16(AT.SELECTORS + 2 * i, selector, true);
  });
  fillFx(view, random);
  for (let at: number = AT.DATA; at < AT.SIZE; at += 16) random.block(view, at);
  return view;
}

function fillFx(view: DataView, random: Random): void {
  const masked = random.below(4) !== 0;
  const control = 0x40 | (random.next() & 0x0f00) | (masked ? 0x3f : random.next() & 0x3f);
  view.setUint16(AT.FX + FX.FCW, random.below(3) === 0 ? 0x37f : control, true);
  const codes = random.next() & 0x4700;
  // exceptions that are already flagged, masked ones only: another would be pending
  const flags = random.below(3) === 0 ? random.next() & control & 0x3f : 0;
  view.setUint16(AT.FX + FX.FSW, codes | flags | (random.below(8) << 11), true);
  const tags = [0xff, 0xff, 0x7f, 0x00, random.next() & 0xff][random.below(5)] ?? 0;
  view.setUint8(AT.FX + FX.FTW, tags);
  view.setUint32(AT.FX + FX.FIP, random.next(), true);
  view.setUint32(AT.FX + FX.FDP, random.next(), true);
  const rounding = random.below(3) === 0 ? random.next() & 0xe000 : 0;
  const zero = random.below(6) === 0 ? 0x40 : 0;
  const masks = random.below(4) === 0 ? random.next() & 0x1f80 : 0x1f80;
  view.setUint32(AT.FX + FX.MXCSR, rounding | zero | masks | (random.next() & masks >> 7 & 0x3f), true); // prettier-ignore
  for (let i = 0; i < 8; i++) random.float80(view, AT.FX + FX.ST + 16 * i);
  for (let i = 0; i < 8; i++) random.block(view, AT.FX + FX.XMM + 16 * i);
}

/** Bytes of a record as an array that shares its memory. */
export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, AT.SIZE);
}
