/**
 * What differs between what the host's processor and ours made of a record. Not compared is what depends
 * on the processor and not on the architecture: FOP, FIP, FDP and the selectors of the x87 pointers
 * (CPUID.7:EBX bits 6 and 13), RF in the frame of a fault, and OF of a rotate by an immediate above one,
 * which is undefined and ours an 80386's. Tolerances are those of the manual: one ulp of
 * transcendental x87 instructions (SDM vol. 1, 8.3.10), 1.5 × 2^-12 of RCPPS and RSQRTPS.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import { disassemble } from '../../../emulator/cpu/decode/disassembler.ts';
import { AT, bytesOf, CODE, DATA, DATA_SIZE, FX, SELECTOR, STACK } from './record.ts';

const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const FLAG_NAMES = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, TF: 0x100, IF: 0x200, DF: 0x400, OF: 0x800, IOPL: 0x3000, NT: 0x4000, AC: 1 << 18, ID: 1 << 21 } as const; // prettier-ignore
const RF = 1 << 16;
const STATUS_C1 = 0x200;
const PAGE_FAULT = 14;
/** Exceptions that push an error code (SDM vol. 3, table 6-1). */
const WITH_ERROR: readonly number[] = [8, 10, 11, 12, 13, 14, 17];
/** I/D of a page fault's error code: the host has NX. */
const FETCH = 0x10;
/** Access several words in an order of their own: CR2 is exact only to the page. */
const MANY_WORDS: ReadonlySet<string> = new Set(['fldenv', 'fnstenv', 'frstor', 'fnsave', 'fxsave', 'fxrstor', 'iret', 'iretd', 'enter', 'retf']); // prettier-ignore
/**
 * Images of the whole x87 unit, and CALL, which stores before it looks at its target (departures.ts), and
 * the faults that an access to memory can raise.
 */
const IMAGES: ReadonlySet<string> = new Set(['fldenv', 'fnstenv', 'frstor', 'fnsave', 'fxsave', 'fxrstor', 'call']); // prettier-ignore
const MEMORY_FAULTS: readonly number[] = [12, 13, 14, 17];
/** When they fault, a part of what they store may be in memory already. */
const STORE_IN_PARTS: ReadonlySet<string> = new Set(['fstp', 'fbstp', 'call', 'fnsave', 'fnstenv', 'fxsave']); // prettier-ignore
const LANDED = 3;
const ROTATES: ReadonlySet<string> = new Set(['rol', 'ror', 'rcl', 'rcr']);
const TRANSCENDENTAL: ReadonlySet<string> = new Set(['f2xm1', 'fyl2x', 'fyl2xp1', 'fptan', 'fpatan', 'fsin', 'fcos', 'fsincos']); // prettier-ignore
const APPROXIMATE: ReadonlySet<string> = new Set(['rcpps', 'rcpss', 'rsqrtps', 'rsqrtss']);

/** Places of an image of the x87 environment in memory that hold pointers, by their distance. */
const POINTERS: Readonly<Record<string, readonly [from: number, to: number]>> = {
  fxsave: [6, 24],
};

/** Null: nothing differs. `exactly`: CR2 to the byte, where that is known to be so. */
export function compare(start: DataView, actual: DataView, expected: DataView, exactly = true): string | null { // prettier-ignore
  const found: string[] = [];
  const differ = (name: string, a: number, b: number): void => {
    if (a !== b) found.push(`${name} ${a.toString(16)} not ${b.toString(16)}`);
  };
  const word = (at: number): readonly [number, number] => [actual.getUint32(at, true), expected.getUint32(at, true)]; // prettier-ignore
  const short = (at: number): readonly [number, number] => [actual.getUint16(at, true), expected.getUint16(at, true)]; // prettier-ignore
  const mnemonic = mnemonicOf(start);
  const vector = expected.getUint32(AT.VECTOR, true);
  // which of an image's words is looked at first is the processor's affair
  const eitherFault = IMAGES.has(mnemonic) && [vector, actual.getUint32(AT.VECTOR, true)].every((each) => MEMORY_FAULTS.includes(each)); // prettier-ignore
  if (eitherFault) return null;
  differ('exception', ...word(AT.VECTOR));
  if (vector === PAGE_FAULT) {
    const page = !exactly || MANY_WORDS.has(mnemonic) ? ~0xfff : -1;
    differ('error', (actual.getUint32(AT.ERROR, true)) & ~FETCH, expected.getUint32(AT.ERROR, true) & ~FETCH); // prettier-ignore
    differ('cr2', actual.getUint32(AT.CR2, true) & page, expected.getUint32(AT.CR2, true) & page);
  } else if (WITH_ERROR.includes(vector)) differ('error', ...word(AT.ERROR));
  differ('eip', ...word(AT.EIP));
  REGISTERS.forEach((name, i) => { differ(name, ...word(AT.GPR + 4 * i)); }); // prettier-ignore
  SEGMENTS.forEach((name, i) => { differ(name, ...short(AT.SELECTORS + 2 * i)); }); // prettier-ignore
  const [flags, wanted] = word(AT.EFLAGS);
  const wrong = (flags ^ wanted) & ~RF & ~(rotatesFurther(start) ? FLAG_NAMES.OF : 0);
  if (wrong !== 0) found.push(`flags ${flagNames(wrong)} (are ${flags.toString(16)})`);
  found.push(...compareFx(mnemonic, actual, expected));
  const [a, b] = [bytesOf(actual), bytesOf(expected)];
  const skipped = pointerBytes(mnemonic, start, actual);
  const partial = vector !== LANDED && STORE_IN_PARTS.has(mnemonic);
  for (let at = AT.DATA as number; at < AT.SIZE && !partial; at++) {
    if (a[at] === b[at] || skipped.has(at)) continue;
    const linear = at < AT.DATA + DATA_SIZE ? DATA + at - AT.DATA : STACK + at - AT.STACK;
    differ(`[${linear.toString(16)}]`, a[at] ?? 0, b[at] ?? 0);
    if (found.length > 12) break;
  }
  return found.length === 0 ? null : found.join(', ');
}

function compareFx(mnemonic: string, actual: DataView, expected: DataView): string[] {
  const found: string[] = [];
  const differ = (name: string, at: number, mask = 0xffff): void => {
    const a = actual.getUint16(AT.FX + at, true) & mask;
    const b = expected.getUint16(AT.FX + at, true) & mask;
    if (a !== b) found.push(`${name} ${a.toString(16)} not ${b.toString(16)}`);
  };
  const transcendental = TRANSCENDENTAL.has(mnemonic);
  differ('FCW', FX.FCW);
  differ('FSW', FX.FSW, transcendental ? ~STATUS_C1 : -1);
  differ('FTW', FX.FTW, 0xff);
  differ('MXCSR', FX.MXCSR);
  for (let i = 0; i < 8; i++) {
    const at = AT.FX + FX.ST + 16 * i;
    const [a, b] = [ordinal(actual, at), ordinal(expected, at)];
    const distance = a > b ? a - b : b - a;
    if (distance > (transcendental ? 1n : 0n)) found.push(`st${String(i)} ${hex80(actual, at)} not ${hex80(expected, at)}`); // prettier-ignore
  }
  for (let i = 0; i < 32; i++) {
    const at = AT.FX + FX.XMM + 4 * i;
    const [a, b] = [actual.getUint32(at, true), expected.getUint32(at, true)];
    if (a === b || (APPROXIMATE.has(mnemonic) && near(actual, expected, at))) continue;
    found.push(`xmm${String(i >> 2)}[${String(i & 3)}] ${a.toString(16)} not ${b.toString(16)}`);
  }
  return found;
}

/** Within twice the error that the manual allows, since both sides may be off by it. */
function near(actual: DataView, expected: DataView, at: number): boolean {
  const [a, b] = [actual.getFloat32(at, true), expected.getFloat32(at, true)];
  return Math.abs(a - b) <= Math.abs(b) * 3 * 2 ** -12;
}

/** A register as an integer in which neighbouring numbers of one sign are one apart. */
function ordinal(view: DataView, at: number): bigint {
  const exponent = view.getUint16(at + 8, true);
  const significand = view.getBigUint64(at, true);
  return (BigInt(exponent) << 64n) + significand;
}

/** Bytes of the windows into which an instruction stored pointers of the x87 unit. */
function pointerBytes(mnemonic: string, start: DataView, actual: DataView): ReadonlySet<number> {
  const range = POINTERS[mnemonic];
  const skipped = new Set<number>();
  if (range === undefined) return skipped;
  // FXSAVE writes from the first byte that changed: its alignment is 16
  const [before, after] = [bytesOf(start), bytesOf(actual)];
  let first = AT.DATA as number;
  while (first < AT.STACK && before[first] === after[first]) first++;
  first = AT.DATA + ((first - AT.DATA) & ~15);
  for (let i = range[0]; i < range[1]; i++) skipped.add(first + i);
  return skipped;
}

function hex80(view: DataView, at: number): string {
  return [8, 4, 0].map((i) => (i === 8 ? view.getUint16(at + i, true).toString(16) : view.getUint32(at + i, true).toString(16).padStart(8, '0'))).join('.'); // prettier-ignore
}
function flagNames(mask: number): string {
  const names = Object.entries(FLAG_NAMES).filter(([, bit]) => (mask & bit) !== 0);
  return names.map(([name]) => name).join(' ') || mask.toString(16);
}

function decoded(start: DataView): ReturnType<typeof decode> {
  const code16 = start.getUint16(AT.SELECTORS + 2, true) === SELECTOR.CODE16;
  return decode(codeOf(start), CODE, { defaultSize: code16 ? 2 : 4 });
}
/** By an immediate that is not one. */
function rotatesFurther(start: DataView): boolean {
  const instruction = decoded(start);
  if (typeof instruction === 'string' || !ROTATES.has(instruction.row.mnemonic)) return false;
  const count = instruction.operands[1];
  return count?.kind === 'immediate' && (count.value & 31) !== 1;
}
function codeOf(start: DataView): Uint8Array {
  const length = start.getUint8(AT.LENGTH);
  return new Uint8Array(start.buffer, start.byteOffset + AT.CODE, length);
}
function mnemonicOf(start: DataView): string {
  const instruction = decoded(start);
  return typeof instruction === 'string' ? instruction : instruction.row.mnemonic;
}

/** A case in one line. */
export function describe(start: DataView): string {
  const instruction = decoded(start);
  const text = typeof instruction === 'string' ? instruction : disassemble(instruction);
  const code = Array.from(codeOf(start), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const registers = REGISTERS.map((name, i) => `${name}=${start.getUint32(AT.GPR + 4 * i, true).toString(16)}`); // prettier-ignore
  const selectors = SEGMENTS.map((name, i) => `${name}=${start.getUint16(AT.SELECTORS + 2 * i, true).toString(16)}`); // prettier-ignore
  const flags = start.getUint32(AT.EFLAGS, true).toString(16);
  const pages = `pages ${String(start.getUint8(AT.PAGES))} ${String(start.getUint8(AT.PAGES + 1))}`;
  return `${code} (${text}) ${registers.join(' ')} ${selectors.join(' ')} flags=${flags} ${pages}`;
}
