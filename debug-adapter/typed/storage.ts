/**
 * Where an object of a program lies: a row of pieces in memory, in registers, or nowhere (DWARF 5, 2.6).
 * Addresses and values are trees of the machine's language, so that they can be read here at a stop, and
 * in the machine by a condition.
 */
import { S32, U16, U32, U64, U8, type IntegerType } from '../../emulator/expressions/integers.ts';
import { ExpressionError, type Syntax } from '../../emulator/expressions/syntax.ts';
import { advanced, binary, cast, constant, field, memoryAt } from './trees.ts';

export type Piece = { readonly bytes: number } & (
  | { readonly kind: 'memory'; readonly address: Syntax }
  | {
      /** As an unsigned integer whose low bytes these are. */
      readonly kind: 'value';
      readonly value: Syntax;
      /** The register that holds it, and at which of its bytes; null for a computed value. */
      readonly register: { readonly name: string; readonly byte: number } | null;
    }
  /** Not to be had, and why: "it has been optimized out". */
  | { readonly kind: 'lost'; readonly reason: string }
);
export type Storage = readonly Piece[];

export const inMemory = (address: Syntax): Storage => [
  { kind: 'memory', bytes: Infinity, address },
];
export const lost = (reason: string): Storage => [{ kind: 'lost', bytes: Infinity, reason }];

/** The address of what lies in memory as a whole; null for anything else. */
export function addressIn(storage: Storage): Syntax | null {
  const [first] = storage;
  return storage.length === 1 && first?.kind === 'memory' ? first.address : null;
}

/** Why it has no value; null when it has one. */
export function reasonLost(storage: Storage): string | null {
  const found = storage.find(({ kind }) => kind === 'lost');
  return found?.kind === 'lost' ? found.reason : null;
}

/** `size` bytes from `offset` on. */
export function part(storage: Storage, offset: number, size: number): Storage {
  const address = addressIn(storage);
  // an element behind the end of an array is where it would be
  if (address !== null)
    return [{ kind: 'memory', bytes: size, address: advanced(address, offset) }];
  const pieces: Piece[] = [];
  let start = 0;
  for (const piece of storage) {
    const from = Math.max(offset - start, 0);
    const to = Math.min(offset + size - start, piece.bytes);
    if (from < to) pieces.push(cut(piece, from, to - from));
    start += piece.bytes;
  }
  return pieces.length === 0 && size > 0 ? lost('it lies outside the variable') : pieces;
}

function cut(piece: Piece, from: number, bytes: number): Piece {
  switch (piece.kind) {
    case 'memory':
      return { ...piece, bytes, address: advanced(piece.address, from) };
    case 'lost':
      return { ...piece, bytes };
    case 'value': {
      const { value, register } = piece;
      if (from === 0) return { ...piece, bytes };
      const shifted = binary('>>', cast(value, U64), constant(from * 8));
      return { ...piece, bytes, value: shifted, register: register && { ...register, byte: register.byte + from } };
    }
  }
} // prettier-ignore

const TYPES: ReadonlyMap<number, IntegerType> = new Map([
  [1, U8],
  [2, U16],
  [4, U32],
  [8, U64],
]);

/** At most eight bytes of an object as an integer of the type. Throws ExpressionError for what is lost. */
export function load(storage: Storage, size: number, type: IntegerType, at: number): Syntax {
  const address = addressIn(storage);
  if (address !== null && size * 8 === type.bits) return memoryAt({ ...address, at }, type);
  let whole: Syntax | null = null;
  let start = 0;
  for (const piece of storage) {
    const bytes = Math.min(piece.bytes, size - start);
    const value = start === 0 ? pieceValue(piece, bytes, at) : binary('<<', cast(pieceValue(piece, bytes, at), U64), constant(start * 8)); // prettier-ignore
    whole = whole === null ? value : binary('|', cast(whole, U64), value);
    start += bytes;
    if (start >= size) break;
  }
  return cast(whole ?? constant(0), type);
}

function pieceValue(piece: Piece, bytes: number, at: number): Syntax {
  switch (piece.kind) {
    case 'memory': {
      const type = TYPES.get(bytes);
      if (type !== undefined) return memoryAt({ ...piece.address, at }, type);
      const low = memoryAt({ ...piece.address, at }, U8);
      const rest = pieceValue({ ...piece, address: advanced(piece.address, 1) }, bytes - 1, at);
      return binary('|', low, binary('<<', cast(rest, U64), constant(8)));
    }
    case 'value':
      return bytes >= 8 ? piece.value : field(piece.value, 0, bytes * 8, false);
    case 'lost':
      throw new ExpressionError(`There is no value here: ${piece.reason}.`, at);
  }
}

/** A bit-field, from the place of its storage unit on; as the type, or an int. */
export function loadBits(
  storage: Storage,
  bits: { readonly first: number; readonly count: number },
  type: IntegerType | null,
  at: number,
): Syntax {
  const { offset, size } = unitOf(bits);
  const unit = load(part(storage, offset, size), size, TYPES.get(size) ?? U64, at);
  const { signed } = type ?? S32;
  return cast(field(unit, bits.first - offset * 8, bits.count, signed), type ?? S32);
}

/** The smallest aligned unit, from where the bits are counted, that holds them all. */
export function unitOf({ first, count }: { readonly first: number; readonly count: number }): {
  readonly offset: number;
  readonly size: number;
} {
  const low = first >> 3;
  const high = (first + count - 1) >> 3;
  for (const size of [1, 2, 4, 8]) {
    const offset = low - (low % size);
    if (high < offset + size) return { offset, size };
  }
  return { offset: low, size: Math.min(high - low + 1, 8) };
}

/** A constant that is nowhere in the guest. */
export function storageOfInteger(value: bigint): Storage {
  return [{ kind: 'value', bytes: Infinity, value: constant(value, U64), register: null }];
}

/** The same of any length, in pieces of eight bytes. */
export function storageOfBytes(bytes: Uint8Array): Storage {
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    const some = bytes.subarray(at, at + 8);
    const value = some.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    pieces.push({ kind: 'value', bytes: some.length, value: constant(value, U64), register: null });
  }
  return pieces;
}
