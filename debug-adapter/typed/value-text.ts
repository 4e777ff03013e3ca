/**
 * Values of C's types as text, from their bytes: integers in decimal, enumerators by name, characters
 * with their letter, pointers with the symbol that they point to, structures and arrays in brief.
 */
import { fromBytes } from '../../emulator/expressions/integers.ts';
import type { BaseType, CType, EnumType, Member } from '../symbols/c-types.ts';
import { membersOf } from './members.ts';
import { typeText } from './type-text.ts';
import { integerOfType, isCharacter, isStruct, sizeOf, stripped } from './types.ts';

/** Shown of an array or a structure before it is opened. */
const BRIEF_ROWS = 8;
const BRIEF_LENGTH = 120;
const BRIEF_DEPTH = 2;

export interface TextOptions {
  /** Numbers in hexadecimal. */
  readonly hex: boolean;
  /** The symbol at an address, with its offset; null where none is near. */
  symbolAt(address: number): string | null;
  /** A declaration alone by the complete type. */
  completed(type: CType): CType;
}

export const UNREADABLE = '<not readable>';

/** @param bytes of the object: fewer than the type has where the rest cannot be read */
export function textOf(
  type: CType,
  bytes: Uint8Array,
  options: TextOptions,
  bits: Member['bits'] = null,
  depth = 0,
): string {
  const kind = options.completed(type);
  const size = bits === null ? (sizeOf(kind) ?? 0) : (bits.first + bits.count + 7) >> 3;
  if (isStruct(kind)) {
    if (kind.isDeclaration) return '{…}';
    return depth > BRIEF_DEPTH ? '{…}' : structText(kind, bytes, options, depth);
  }
  if (kind.kind === 'array') return arrayText(kind, bytes, options, depth);
  if (kind.kind === 'function') return `{${typeText(kind)}}`;
  if (kind.kind === 'void') return 'void';
  if (bytes.length < size) return UNREADABLE;
  if (kind.kind === 'base' && kind.encoding === 'float') return realText(kind, bytes);
  const value = integerIn(kind, bytes, bits);
  if (value === null) return hexBytes(bytes.subarray(0, size));
  if (kind.kind === 'pointer') return pointerText(kind.target, Number(value), options);
  return integerText(kind, value, size, options);
}

/** A number, with its sign where the type has one; null for what is none. */
export function integerIn(type: CType, bytes: Uint8Array, bits: Member['bits']): bigint | null {
  const integer = integerOfType(type);
  if (integer === null) return null;
  if (bits === null) return fromBytes(bytes.subarray(0, integer.bits / 8), integer).value;
  const all = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const low = all >> BigInt(bits.first);
  return integer.signed ? BigInt.asIntN(bits.count, low) : BigInt.asUintN(bits.count, low);
}

function integerText(
  kind: CType,
  value: bigint,
  size: number,
  { hex }: Pick<TextOptions, 'hex'>,
): string {
  const number = hex ? `0x${BigInt.asUintN(size * 8, value).toString(16)}` : String(value);
  if (kind.kind === 'enum') return enumText(kind, value, number);
  if (kind.kind !== 'base') return number;
  if (kind.encoding === 'boolean') return value === 0n ? 'false' : value === 1n ? 'true' : number;
  return isCharacter(kind) ? `${number} ${characterText(Number(value) & 0xff)}` : number;
}

const LETTERS: ReadonlyMap<number, string> = new Map([
  [0, '\\0'],
  [9, '\\t'],
  [10, '\\n'],
  [13, '\\r'],
  [39, "\\'"],
  [92, '\\\\'],
]);

function characterText(code: number): string {
  const isPrinted = code >= 0x20 && code < 0x7f;
  const letter = LETTERS.get(code) ?? (isPrinted ? String.fromCharCode(code) : `\\x${code.toString(16).padStart(2, '0')}`); // prettier-ignore
  return `'${letter}'`;
}

/** The enumerator, or those that are bits of the value: `VM_READ | VM_WRITE`. */
function enumText({ values }: EnumType, value: bigint, number: string): string {
  const found = values.find((each) => each.value === value);
  if (found !== undefined) return found.name;
  const isFlags = values.every((each) => each.value >= 0n && (each.value & (each.value - 1n)) === 0n);
  if (!isFlags || value <= 0n) return number;
  const set = values.filter((each) => each.value !== 0n && (value & each.value) !== 0n);
  const rest = set.reduce((left, each) => left & ~each.value, value);
  const names = set.map(({ name }) => name);
  return [...names, ...(rest === 0n ? [] : [`0x${rest.toString(16)}`])].join(' | ');
} // prettier-ignore

function realText({ size }: BaseType, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 4) return singleText(view.getFloat32(0, true));
  return String(size === 8 ? view.getFloat64(0, true) : extended(view));
}

/** The fewest digits that tell it from its neighbours. */
function singleText(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

/** The x87's 80 bits (SDM vol. 1, 4.2.2), as near as a number of 64 bits comes. */
function extended(view: DataView): number {
  if (view.byteLength < 10) return NaN;
  const head = view.getUint16(8, true);
  const exponent = head & 0x7fff;
  const mantissa = view.getBigUint64(0, true);
  const sign = head & 0x8000 ? -1 : 1;
  if (exponent === 0x7fff) return BigInt.asUintN(63, mantissa) === 0n ? sign * Infinity : NaN;
  return sign * Number(mantissa) * 2 ** (exponent - 16383 - 63);
}

export function pointerText(
  target: CType,
  address: number,
  { symbolAt }: Pick<TextOptions, 'symbolAt'>,
): string {
  const number = `0x${address.toString(16).padStart(address === 0 ? 1 : 8, '0')}`;
  const symbol = address === 0 || isCharacter(target) ? null : symbolAt(address);
  return symbol === null ? number : `${number} <${symbol}>`;
}

/** Text in quotes, up to its NUL; "…" behind it when it had none in all the bytes that were looked at. */
export function quoted(bytes: Uint8Array, isWhole: boolean): string {
  const end = bytes.indexOf(0);
  const text = Array.from(end < 0 ? bytes : bytes.subarray(0, end), (byte) => {
    if (byte === 0x22) return '\\"';
    const letter = characterText(byte).slice(1, -1);
    return letter === "\\'" ? "'" : letter;
  }).join('');
  return `"${text}"${end < 0 && !isWhole ? '…' : ''}`;
}

/** Characters of an array that are shown. */
const TEXT_SHOWN = 256;

function arrayText(
  { element, count }: Extract<CType, { kind: 'array' }>,
  bytes: Uint8Array,
  options: TextOptions,
  depth: number,
): string {
  const length = count ?? (isCharacter(element) ? bytes.length : 0);
  const size = sizeOf(options.completed(element)) ?? 0;
  if (isCharacter(element) && length > 0) {
    const some = bytes.subarray(0, Math.min(length, TEXT_SHOWN));
    return some.length === 0 ? UNREADABLE : quoted(some, some.length === count);
  }
  if (length === 0) return '[]';
  if (depth > BRIEF_DEPTH || size === 0) return `[${length}]`;
  if (bytes.length < Math.min(size, length * size)) return UNREADABLE;
  const shown = Math.min(length, BRIEF_ROWS, Math.floor(bytes.length / size));
  const rows = Array.from({ length: shown }, (_, index) =>
    textOf(element, bytes.subarray(index * size, (index + 1) * size), options, null, depth + 1),
  );
  return `[${length}] ${brief(rows, shown < length)}`;
}

function structText(
  kind: Extract<CType, { kind: 'struct' | 'union' | 'class' }>,
  bytes: Uint8Array,
  options: TextOptions,
  depth: number,
): string {
  if (bytes.length === 0 && kind.size > 0) return UNREADABLE;
  const members = membersOf(kind);
  const rows = members.slice(0, BRIEF_ROWS).map(({ member, offset }) => {
    const part = bytes.subarray(offset);
    const size = sizeOf(options.completed(member.type)) ?? 0;
    const own = member.bits === null ? part.subarray(0, size) : part.subarray(0, 8);
    return `${member.name ?? ''} = ${textOf(member.type, own, options, member.bits, depth + 1)}`;
  });
  return brief(rows, members.length > rows.length);
}

/** As many as fit on a line. */
function brief(rows: readonly string[], hasMore: boolean): string {
  let text = '';
  for (const [index, row] of rows.entries()) {
    const next = index === 0 ? row : `${text}, ${row}`;
    if (next.length > BRIEF_LENGTH && index > 0) return `{${text}, …}`;
    text = next;
  }
  return `{${text}${hasMore ? ', …' : ''}}`;
}

function hexBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

/** Bytes that textOf() looks at of an object: of text without a length, as much as is shown. */
export function bytesShown(type: CType, size: number): number {
  const isText = type.kind === 'array' && type.count === null && isCharacter(type.element);
  return isText ? TEXT_SHOWN : Math.min(size, BRIEF_BYTES);
}

/** Enough of an object, however large it is. */
const BRIEF_BYTES = 4096;

export const isTextPointer = (type: CType): boolean => {
  const kind = stripped(type);
  return kind.kind === 'pointer' && isCharacter(kind.target);
};
