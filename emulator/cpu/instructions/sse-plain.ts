/**
 * When emitted code may compute singles and doubles itself (SDM vol. 1, 11.5): WebAssembly rounds to
 * nearest and tells no exceptions, so it may where nothing but precision can be raised, and that changes
 * nothing. Everything else is handed over to the TypeScript form, which is exact (cpu/sse).
 *
 * A memory operand of an instruction that is handed over is read twice, which only a device could tell.
 */
import type { Local, VectorInstruction } from '../../wasm/assembler.ts';
import * as L from '../layout.ts';
import { FLAG, MASK_SHIFT, ROUNDING_MASK } from '../sse/mxcsr.ts';
import type { Backend } from '../translate/backend.ts';
import { doublewords } from './simd-packed.ts';

/** The vector instructions and constants of one format. */
export interface Format {
  /** Bytes a lane. */
  readonly size: 4 | 8;
  readonly abs: VectorInstruction;
  readonly eq: VectorInstruction;
  readonly lt: VectorInstruction;
  readonly gt: VectorInstruction;
  readonly le: VectorInstruction;
  readonly ge: VectorInstruction;
  readonly bitmask: VectorInstruction;
  /** Smallest normal and greatest finite number in every lane. */
  readonly least: readonly number[];
  readonly greatest: readonly number[];
}

function singles(word: number): number[] {
  return doublewords(word, word, word, word);
}
function doubles(high: number, low = 0): number[] {
  return doublewords(low, high, low, high);
}

// prettier-ignore
export const SINGLE: Format = {
  size: 4, abs: 'f32x4Abs', eq: 'f32x4Eq', lt: 'f32x4Lt', gt: 'f32x4Gt', le: 'f32x4Le', ge: 'f32x4Ge',
  bitmask: 'i32x4Bitmask', least: singles(0x00800000), greatest: singles(0x7f7fffff),
};
// prettier-ignore
export const DOUBLE: Format = {
  size: 8, abs: 'f64x2Abs', eq: 'f64x2Eq', lt: 'f64x2Lt', gt: 'f64x2Gt', le: 'f64x2Le', ge: 'f64x2Ge',
  bitmask: 'i64x2Bitmask', least: doubles(0x00100000), greatest: doubles(0x7fefffff, -1),
};

/** 2^31 in every lane. */
export const INTEGERS_END = { 4: singles(0x4f000000), 8: doubles(0x41e00000) } as const;
/** As doubles: the smallest normal and the greatest single. */
export const LEAST_SINGLE = doubles(0x38100000);
export const GREATEST_SINGLE = doubles(0x47efffff, 0xe0000000);

export const ZERO = singles(0);

/** All ones in the first `bytes` bytes, and in all but them. */
export function firstBytes(bytes: number): number[] {
  return Array.from({ length: 16 }, (_, at) => (at < bytes ? 0xff : 0));
}
export function otherBytes(bytes: number): number[] {
  return firstBytes(bytes).map((byte) => byte ^ 0xff);
}

/** Pushes in which lanes there is a zero, a normal number or an infinity. */
export function pushSettled({ body }: Backend, format: Format, x: Local): void {
  body.get(x).vector(format.abs).v128(format.least).vector(format.ge);
  body.get(x).v128(ZERO).vector(format.eq).vector('v128Or');
}

export function pushZero({ body }: Backend, format: Format, x: Local): void {
  body.get(x).v128(ZERO).vector(format.eq);
}

/**
 * Pushes in which lanes there is a normal number. The smallest one does not count: it may be a tiny
 * result that was rounded up.
 */
export function pushNormal(e: Backend, format: Format, x: Local): void {
  const { body } = e;
  const magnitude = e.tempVector();
  body.get(x).vector(format.abs).tee(magnitude).v128(format.least).vector(format.gt);
  body.get(magnitude).v128(format.greatest).vector(format.le).vector('v128And');
}

/** Goes on if the vector on the stack is all ones in its first `bytes` bytes, else hands over. */
export function handOverUnlessAll(e: Backend, bytes: number): void {
  const { body } = e;
  if (bytes < 16) body.v128(otherBytes(bytes)).vector('v128Or');
  body.vector('i32x4AllTrue').op('eqz');
  body.if();
  e.assist();
  body.end();
}

/**
 * Goes on if an inexact result changes nothing, #P being masked and reported before, and, for results
 * that are `rounded`, RC is round to nearest; else hands over.
 */
export function handOverUnlessQuiet(e: Backend, rounded = true): void {
  const { body } = e;
  const wanted = (FLAG.PE << MASK_SHIFT) | FLAG.PE;
  e.getState(L.MXCSR);
  body.i32(wanted).op('xor');
  body.i32(rounded ? wanted | ROUNDING_MASK : wanted).op('and');
  body.if();
  e.assist();
  body.end();
}

/** Writes the first `bytes` bytes of a vector to operand 0, an XMM register that holds `before`. */
export function writeFirst(e: Backend, result: Local, before: Local, bytes: number): void {
  const { body } = e;
  if (bytes < 16) {
    body.get(result).get(before).v128(firstBytes(bytes)).vector('v128Bitselect').set(result);
  }
  e.writeVector(0, result);
}
