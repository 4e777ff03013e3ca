/**
 * Objects of a stopped guest: reading the bytes of one from wherever its pieces lie, and storing values
 * in it. What is behind an address is the guest's and may be anything: everything read is bounded.
 */
import type { Value } from '../../emulator/expressions/evaluator.ts';
import { toBytes, U32, U64, convert } from '../../emulator/expressions/integers.ts';
import type { Syntax } from '../../emulator/expressions/syntax.ts';
import type { CType, Member } from '../symbols/c-types.ts';
import { type AdapterError, failure } from '../errors.ts';
import { addressIn, part, type Piece, reasonLost, type Storage, unitOf } from './storage.ts';
import { constant } from './trees.ts';
import { typeText } from './type-text.ts';
import type { Typed, TypedObject } from './typed.ts';
import { integerOfType, isFloat, sizeOf, stripped } from './types.ts';

/** The machine, as far as objects need it. */
export interface ObjectAccess {
  /** Throws the numbered error. */
  evaluate(syntax: Syntax): Promise<Value>;
  /** As many bytes from the start as can be read. */
  read(address: number, count: number): Promise<Uint8Array>;
  /** Throws the numbered error where not all of it can be written. */
  write(address: number, bytes: Uint8Array): Promise<void>;
  writeRegister(name: string, value: number): Promise<void>;
}

/** Bytes read at once at most; longer objects are read where they are opened. */
const MOST_BYTES = 1 << 16;

/** The same place with its addresses computed, so that its parts need not be. */
export async function settled(storage: Storage, access: ObjectAccess): Promise<Storage> {
  const pieces: Piece[] = [];
  for (const piece of storage) {
    if (piece.kind !== 'memory' || piece.address.kind === 'integer') pieces.push(piece);
    else pieces.push({ ...piece, address: constant(await number(piece.address, access), U32) });
  }
  return pieces;
}

/** The linear address of an object that lies in memory as a whole; null for any other, and before it is settled. */
export function linearOf(storage: Storage): number | null {
  const address = addressIn(storage);
  return address?.kind === 'integer' ? Number(address.value) : null;
}

async function number(syntax: Syntax, access: ObjectAccess): Promise<bigint> {
  if (syntax.kind === 'integer') return syntax.value;
  const value = await access.evaluate(syntax);
  if (value.kind === 'integer') return value.value;
  return value.kind === 'real' && Number.isFinite(value.value) ? BigInt(Math.trunc(value.value)) : 0n;
} // prettier-ignore

/** As many bytes of a settled object from its start as can be read; none of one that is lost. */
export async function bytesOf(
  storage: Storage,
  size: number,
  access: ObjectAccess,
): Promise<Uint8Array> {
  const wanted = Math.min(size, MOST_BYTES);
  if (reasonLost(storage) !== null || wanted === 0) return new Uint8Array(0);
  const linear = linearOf(storage);
  if (linear !== null) return access.read(linear, wanted);
  const bytes: number[] = [];
  for (const piece of storage) {
    const count = Math.min(piece.bytes, wanted - bytes.length);
    bytes.push(...(await pieceBytes(piece, count, access)));
  }
  return Uint8Array.from(bytes.slice(0, wanted));
}

async function pieceBytes(piece: Piece, count: number, access: ObjectAccess): Promise<Uint8Array> {
  if (piece.kind === 'lost') return new Uint8Array(0);
  if (piece.kind === 'memory')
    return access.read(Number(await number(piece.address, access)), count);
  const whole = new Uint8Array(Math.max(count, 8));
  const value = await access.evaluate(piece.value);
  const view = new DataView(whole.buffer);
  if (value.kind === 'integer') whole.set(toBytes(convert(value.value, U64)));
  else if (value.kind === 'real' && count === 4) view.setFloat32(0, value.value, true);
  else if (value.kind === 'real') view.setFloat64(0, value.value, true);
  return whole.subarray(0, count);
}

/** Why a value cannot be stored there, as the end of a sentence; null: it can. */
export function whyReadOnly(storage: Storage, type: CType): string | null {
  const reason = reasonLost(storage);
  if (reason !== null) return `: ${reason}`;
  if (integerOfType(type) === null && !isFloat(type)) return ': set its parts';
  const isComputed = storage.some((piece) => piece.kind === 'value' && piece.register === null);
  return isComputed ? ': nothing holds it, it is computed' : null;
}

/** Stores a number as the type has it. Throws the numbered error for one that cannot be. */
export async function store(
  at: Storage,
  type: CType,
  bits: Member['bits'],
  value: number | bigint,
  access: ObjectAccess,
): Promise<void> {
  const storage = await settled(at, access);
  if (bits === null) return storeBytes(storage, bytesFor(type, value), access);
  const { offset, size } = unitOf(bits);
  const unit = part(storage, offset, size);
  const old = await bytesOf(unit, size, access);
  const shift = BigInt(bits.first - offset * 8);
  const mask = ((1n << BigInt(bits.count)) - 1n) << shift;
  const before = old.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const after = (before & ~mask) | ((whole(value) << shift) & mask);
  return storeBytes(unit, toBytes(convert(after, U64)).subarray(0, size), access);
}

const refused = (problem: string): AdapterError => failure('registerRefused', { problem });

/** A structure takes the bytes of another one of its type. Throws the numbered error. */
export async function copyObject(
  target: TypedObject,
  value: Typed,
  access: ObjectAccess,
): Promise<void> {
  const size = sizeOf(target.type) ?? 0;
  if (value.kind !== 'object' || !isSame(value.type, target.type))
    throw refused(`A ${typeText(target.type)} takes another one; set its members.`);
  const bytes = await bytesOf(await settled(value.storage, access), size, access);
  if (bytes.length < size) throw refused('Not all of the value can be read.');
  await storeBytes(await settled(target.storage, access), bytes, access);
}

const isSame = (a: CType, b: CType): boolean => typeText(stripped(a)) === typeText(stripped(b));

const whole = (value: number | bigint): bigint =>
  typeof value === 'bigint' ? value : BigInt(Math.trunc(Number.isFinite(value) ? value : 0));

function bytesFor(type: CType, value: number | bigint): Uint8Array {
  const integer = integerOfType(type);
  if (integer !== null) return toBytes(convert(whole(value), integer));
  const size = sizeOf(type) ?? 0;
  const view = new DataView(new ArrayBuffer(8));
  if (size === 4) view.setFloat32(0, Number(value), true);
  else if (size === 8) view.setFloat64(0, Number(value), true);
  else throw refused(`A number of ${size} bytes cannot be stored; set its bytes.`);
  return new Uint8Array(view.buffer, 0, size);
}

async function storeBytes(
  storage: Storage,
  bytes: Uint8Array,
  access: ObjectAccess,
): Promise<void> {
  let start = 0;
  for (const piece of storage) {
    const some = bytes.subarray(start, start + Math.min(piece.bytes, bytes.length - start));
    start += some.length;
    if (some.length > 0) await storePiece(piece, some, access);
  }
}

async function storePiece(piece: Piece, bytes: Uint8Array, access: ObjectAccess): Promise<void> {
  if (piece.kind === 'memory')
    return access.write(Number(await number(piece.address, access)), bytes);
  if (piece.kind === 'lost') throw refused(`It cannot be changed: ${piece.reason}.`);
  const { register } = piece;
  if (register === null) throw refused('It cannot be changed: nothing holds it, it is computed.');
  const old = await number({ kind: 'name', at: 0, name: register.name }, access);
  const held = toBytes(convert(old, U32));
  held.set(bytes.subarray(0, held.length - register.byte), register.byte);
  const next = held.reduceRight((sum, byte) => sum * 256 + byte, 0);
  return access.writeRegister(register.name, next);
}
