/**
 * Floating-point arithmetic and comparisons of SSE as emitted code: the ordinary cases of
 * sse-arithmetic.ts and sse-compare.ts, which do the others (sse-plain.ts says which those are).
 * Approximations are not here.
 */
import type { Local, VectorInstruction } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { setFlagsFromImage } from './flags.ts';
import { doublewords, runs } from './simd-packed.ts';
import {
  DOUBLE,
  SINGLE,
  handOverUnlessAll,
  handOverUnlessQuiet,
  pushNormal,
  pushSettled,
  pushZero,
  writeFirst,
  type Format,
} from './sse-plain.ts';

/** Bytes of the destination that an operation of one lane or of all writes and looks at. */
export function extent(format: Format, scalar: boolean): 4 | 8 | 16 {
  return scalar ? format.size : 16;
}
/** From a register, or from so many bytes of memory. */
export function forms(bytes: number): readonly string[] {
  return ['v,v', `v,g${String(bytes)}`];
}

/** How a zero may come about without an underflow. */
type ZeroRule = 'always' | 'of a zero';

/** Replaces the operands by those of a lane-by-lane operation. */
type Arrangement = (e: Backend, a: Local, b: Local) => void;

function arithmetic(
  name: VectorInstruction,
  format: Format,
  zeros: ZeroRule,
  scalar: boolean,
  arrange: Arrangement = () => undefined,
): EmittedInstruction {
  const bytes = extent(format, scalar);
  return {
    vector: true,
    patterns: forms(bytes),
    emit(e) {
      const { body } = e;
      e.requireXmm();
      handOverUnlessQuiet(e);
      const [a, b, result] = [e.tempVector(), e.tempVector(), e.tempVector()];
      e.readVector(1);
      body.set(b);
      e.readVector(0);
      body.set(a);
      arrange(e, a, b);
      body.get(a).get(b).vector(name).set(result);
      pushSettled(e, format, a);
      pushSettled(e, format, b);
      body.vector('v128And');
      pushNormal(e, format, result);
      pushZero(e, format, result);
      if (zeros === 'of a zero') {
        pushZero(e, format, a);
        pushZero(e, format, b);
        body.vector('v128Or').vector('v128And');
      }
      body.vector('v128Or').vector('v128And');
      handOverUnlessAll(e, bytes);
      writeFirst(e, result, a, bytes);
      e.next();
    },
  };
}

/** HADD and HSUB: the even lanes of both operands, and the odd ones. */
function neighbours({ size }: Format): Arrangement {
  const pick = (first: number): number[] =>
    runs(...Array.from({ length: 16 / size }, (_, n) => [2 * n * size + first, size] as const));
  return (e, a, b) => {
    const { body } = e;
    const even = e.tempVector();
    body.get(a).get(b).shuffle(pick(0)).set(even);
    body.get(a).get(b).shuffle(pick(size)).set(b).get(even).set(a);
  };
}
/** ADDSUB: the even lanes of the source with the opposite sign. */
function alternating(signs: readonly number[]): Arrangement {
  return ({ body }, _, b) => body.get(b).v128(signs).vector('v128Xor').set(b);
}
const SIGN = 0x80000000;

function root(name: VectorInstruction, format: Format, scalar: boolean): EmittedInstruction {
  const bytes = extent(format, scalar);
  return {
    vector: true,
    patterns: forms(bytes),
    emit(e) {
      const { body } = e;
      e.requireXmm();
      handOverUnlessQuiet(e);
      const [a, b, result] = [e.tempVector(), e.tempVector(), e.tempVector()];
      e.readVector(1);
      body.tee(b).vector(name).set(result);
      e.readVector(0);
      body.set(a);
      pushSettled(e, format, b);
      pushNormal(e, format, result);
      pushZero(e, format, result);
      body.vector('v128Or').vector('v128And');
      handOverUnlessAll(e, bytes);
      writeFirst(e, result, a, bytes);
      e.next();
    },
  };
}

/** Instructions that round nothing, by what they push of two vectors. */
function exact(
  push: (e: Backend, a: Local, b: Local) => void,
  format: Format,
  scalar: boolean,
  immediate = '',
): EmittedInstruction {
  const bytes = extent(format, scalar);
  return {
    vector: true,
    patterns: forms(bytes).map((form) => form + immediate),
    emit(e) {
      const { body } = e;
      e.requireXmm();
      const [a, b, result] = [e.tempVector(), e.tempVector(), e.tempVector()];
      e.readVector(1);
      body.set(b);
      e.readVector(0);
      body.set(a);
      pushSettled(e, format, a);
      pushSettled(e, format, b);
      body.vector('v128And');
      handOverUnlessAll(e, bytes);
      push(e, a, b);
      body.set(result);
      writeFirst(e, result, a, bytes);
      e.next();
    },
  };
}

/** MIN and MAX: pmin and pmax of the operands the other way round. */
function choice(name: VectorInstruction, format: Format, scalar: boolean): EmittedInstruction {
  return exact(({ body }, a, b) => body.get(b).get(a).vector(name), format, scalar);
}

/**
 * CMP of operands that are no NaNs: immediate 0 EQ, 1 LT, 2 LE, 3 UNORD, and with 4 the opposite.
 */
function comparison(format: Format, scalar: boolean): EmittedInstruction {
  return exact(
    (e, a, b) => {
      const { body } = e;
      const predicate = e.temp();
      e.immediate();
      body.i32(3).op('and').set(predicate);
      body.get(a).get(b).vector(format.eq);
      pushWhere(e, () => body.get(predicate).i32(1).op('and').op('eqz'));
      body.get(a).get(b).vector(format.lt);
      pushWhere(e, () => body.get(predicate).i32(1).op('sub').i32(2).op('ltU'));
      body.vector('v128Or');
      body.i32(0);
      e.immediate();
      body.i32(2).op('shrU').i32(1).op('and').op('sub').vector('i32x4Splat').vector('v128Xor');
    },
    format,
    scalar,
    ',i',
  );
}
/** Keeps the vector on the stack if the condition, 0 or 1, holds, else makes it zero. */
function pushWhere({ body }: Backend, condition: () => void): void {
  body.i32(0);
  condition();
  body.op('sub').vector('i32x4Splat').vector('v128And');
}

/** COMIS and UCOMIS, which differ only for NaNs. */
function order(format: Format): EmittedInstruction {
  return {
    vector: true,
    patterns: forms(format.size),
    emit(e) {
      const { body } = e;
      e.requireXmm();
      const [a, b] = [e.tempVector(), e.tempVector()];
      const [image, overflow] = [e.temp(), e.temp()];
      e.readVector(1);
      body.set(b);
      e.readVector(0);
      body.set(a);
      pushSettled(e, format, a);
      pushSettled(e, format, b);
      body.vector('v128And');
      handOverUnlessAll(e, format.size);
      // ZF is bit 6 of the image, CF bit 0
      body.get(a).get(b).vector(format.eq).vector(format.bitmask).i32(1).op('and');
      body.i32(6).op('shl');
      body.get(a).get(b).vector(format.lt).vector(format.bitmask).i32(1).op('and');
      body.op('or').set(image).i32(0).set(overflow);
      setFlagsFromImage(e, image, overflow);
      e.next();
    },
  };
}

// prettier-ignore
export const sseFastArithmetic = {
  addps: arithmetic('f32x4Add', SINGLE, 'always', false),    addss: arithmetic('f32x4Add', SINGLE, 'always', true),
  addpd: arithmetic('f64x2Add', DOUBLE, 'always', false),    addsd: arithmetic('f64x2Add', DOUBLE, 'always', true),
  subps: arithmetic('f32x4Sub', SINGLE, 'always', false),    subss: arithmetic('f32x4Sub', SINGLE, 'always', true),
  subpd: arithmetic('f64x2Sub', DOUBLE, 'always', false),    subsd: arithmetic('f64x2Sub', DOUBLE, 'always', true),
  mulps: arithmetic('f32x4Mul', SINGLE, 'of a zero', false), mulss: arithmetic('f32x4Mul', SINGLE, 'of a zero', true),
  mulpd: arithmetic('f64x2Mul', DOUBLE, 'of a zero', false), mulsd: arithmetic('f64x2Mul', DOUBLE, 'of a zero', true),
  divps: arithmetic('f32x4Div', SINGLE, 'of a zero', false), divss: arithmetic('f32x4Div', SINGLE, 'of a zero', true),
  divpd: arithmetic('f64x2Div', DOUBLE, 'of a zero', false), divsd: arithmetic('f64x2Div', DOUBLE, 'of a zero', true),
  sqrtps: root('f32x4Sqrt', SINGLE, false),                  sqrtss: root('f32x4Sqrt', SINGLE, true),
  sqrtpd: root('f64x2Sqrt', DOUBLE, false),                  sqrtsd: root('f64x2Sqrt', DOUBLE, true),
  haddps: arithmetic('f32x4Add', SINGLE, 'always', false, neighbours(SINGLE)), hsubps: arithmetic('f32x4Sub', SINGLE, 'always', false, neighbours(SINGLE)),
  haddpd: arithmetic('f64x2Add', DOUBLE, 'always', false, neighbours(DOUBLE)), hsubpd: arithmetic('f64x2Sub', DOUBLE, 'always', false, neighbours(DOUBLE)),
  addsubps: arithmetic('f32x4Add', SINGLE, 'always', false, alternating(doublewords(SIGN, 0, SIGN, 0))),
  addsubpd: arithmetic('f64x2Add', DOUBLE, 'always', false, alternating(doublewords(0, SIGN, 0, 0))),

  minps: choice('f32x4Pmin', SINGLE, false), minss: choice('f32x4Pmin', SINGLE, true),
  minpd: choice('f64x2Pmin', DOUBLE, false), minsd: choice('f64x2Pmin', DOUBLE, true),
  maxps: choice('f32x4Pmax', SINGLE, false), maxss: choice('f32x4Pmax', SINGLE, true),
  maxpd: choice('f64x2Pmax', DOUBLE, false), maxsd: choice('f64x2Pmax', DOUBLE, true),
  cmpps: comparison(SINGLE, false),          cmpss: comparison(SINGLE, true),
  cmppd: comparison(DOUBLE, false),          'cmpsd-xmm': comparison(DOUBLE, true),
  comiss: order(SINGLE), ucomiss: order(SINGLE), comisd: order(DOUBLE), ucomisd: order(DOUBLE),
} as const satisfies Readonly<Record<string, EmittedInstruction>>;
