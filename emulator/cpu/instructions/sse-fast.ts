/**
 * Floating-point SSE instructions as emitted code: the ordinary cases of sse-arithmetic.ts,
 * sse-compare.ts and sse-convert.ts, which do the others (sse-plain.ts says which those are).
 * Approximations, horizontal forms and conversions with MMX registers are not here.
 */
import type { Local, VectorInstruction } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { setFlagsFromImage } from './flags.ts';
import {
  DOUBLE,
  GREATEST_SINGLE,
  INTEGERS_END,
  LEAST_SINGLE,
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
function extent(format: Format, scalar: boolean): 4 | 8 | 16 {
  return scalar ? format.size : 16;
}
function forms(bytes: number): readonly string[] {
  return ['v,v', `v,g${String(bytes)}`];
}

/** How a zero may come about without an underflow. */
type ZeroRule = 'always' | 'of a zero';

function arithmetic(
  name: VectorInstruction,
  format: Format,
  zeros: ZeroRule,
  scalar: boolean,
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

interface Conversion {
  readonly patterns: readonly string[];
  /** Hands over unless the operand's result is ordinary. */
  readonly check: (e: Backend, b: Local) => void;
  /** Takes the operand from the stack and pushes the result. */
  readonly push: readonly VectorInstruction[];
  /** Bytes of an XMM destination that are written. */
  readonly bytes: 4 | 8 | 16;
}

function conversion({ patterns, check, push, bytes }: Conversion): EmittedInstruction {
  return {
    vector: true,
    patterns,
    emit(e) {
      const { body } = e;
      e.requireXmm();
      const [b, before, result] = [e.tempVector(), e.tempVector(), e.tempVector()];
      e.readVector(1);
      body.set(b);
      check(e, b);
      body.get(b);
      for (const name of push) body.vector(name);
      body.set(result);
      e.readVector(0);
      body.set(before);
      if (e.operandKind(0) === 'xmm') writeFirst(e, result, before, bytes);
      else e.writeVector(0, result);
      e.next();
    },
  };
}

const always = (): void => undefined;
const whenQuiet = (e: Backend): void => {
  handOverUnlessQuiet(e);
};

/** Singles that become doubles: in the first `bytes` bytes. */
function widening(patterns: readonly string[], count: 1 | 2): EmittedInstruction {
  const check = (e: Backend, b: Local): void => {
    pushSettled(e, SINGLE, b);
    handOverUnlessAll(e, 4 * count);
  };
  return conversion({
    patterns,
    check,
    push: ['f64x2PromoteLowF32x4'],
    bytes: count === 1 ? 8 : 16,
  });
}

/** Doubles that become singles. */
function narrowing(patterns: readonly string[], count: 1 | 2): EmittedInstruction {
  const check = (e: Backend, b: Local): void => {
    const { body } = e;
    const magnitude = e.tempVector();
    handOverUnlessQuiet(e);
    body.get(b).vector('f64x2Abs').tee(magnitude).v128(LEAST_SINGLE).vector('f64x2Ge');
    body.get(magnitude).v128(GREATEST_SINGLE).vector('f64x2Le').vector('v128And');
    pushZero(e, DOUBLE, b);
    body.vector('v128Or');
    handOverUnlessAll(e, 8 * count);
  };
  return conversion({
    patterns,
    check,
    push: ['f32x4DemoteF64x2Zero'],
    bytes: count === 1 ? 4 : 16,
  });
}

/** Numbers that become integers. `nearest` is null where they are truncated. */
function toIntegers(
  patterns: readonly string[],
  format: Format,
  nearest: VectorInstruction | null,
  scalar: boolean,
): EmittedInstruction {
  const check = (e: Backend, b: Local): void => {
    const { body } = e;
    handOverUnlessQuiet(e, nearest !== null);
    body.get(b);
    if (nearest !== null) body.vector(nearest);
    body.vector(format.abs).v128(INTEGERS_END[format.size]).vector(format.lt);
    handOverUnlessAll(e, extent(format, scalar));
  };
  const truncate = format === SINGLE ? 'i32x4TruncSatF32x4S' : 'i32x4TruncSatF64x2SZero';
  const push: VectorInstruction[] = nearest === null ? [truncate] : [nearest, truncate];
  return conversion({ patterns, check, push, bytes: 16 });
}

// prettier-ignore
export const sseFastInstructions = {
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

  minps: choice('f32x4Pmin', SINGLE, false), minss: choice('f32x4Pmin', SINGLE, true),
  minpd: choice('f64x2Pmin', DOUBLE, false), minsd: choice('f64x2Pmin', DOUBLE, true),
  maxps: choice('f32x4Pmax', SINGLE, false), maxss: choice('f32x4Pmax', SINGLE, true),
  maxpd: choice('f64x2Pmax', DOUBLE, false), maxsd: choice('f64x2Pmax', DOUBLE, true),
  cmpps: comparison(SINGLE, false),          cmpss: comparison(SINGLE, true),
  cmppd: comparison(DOUBLE, false),          'cmpsd-xmm': comparison(DOUBLE, true),
  comiss: order(SINGLE), ucomiss: order(SINGLE), comisd: order(DOUBLE), ucomisd: order(DOUBLE),

  cvtdq2pd: conversion({ patterns: forms(8), check: always, push: ['f64x2ConvertLowI32x4S'], bytes: 16 }),
  cvtsi2sd: conversion({ patterns: ['v,r4', 'v,g4'], check: always, push: ['f64x2ConvertLowI32x4S'], bytes: 8 }),
  cvtdq2ps: conversion({ patterns: forms(16), check: whenQuiet, push: ['f32x4ConvertI32x4S'], bytes: 16 }),
  cvtsi2ss: conversion({ patterns: ['v,r4', 'v,g4'], check: whenQuiet, push: ['f32x4ConvertI32x4S'], bytes: 4 }),
  cvtps2pd: widening(forms(8), 2),   cvtss2sd: widening(forms(4), 1),
  cvtpd2ps: narrowing(forms(16), 2), cvtsd2ss: narrowing(forms(8), 1),
  cvtps2dq: toIntegers(forms(16), SINGLE, 'f32x4Nearest', false), cvttps2dq: toIntegers(forms(16), SINGLE, null, false),
  cvtpd2dq: toIntegers(forms(16), DOUBLE, 'f64x2Nearest', false), cvttpd2dq: toIntegers(forms(16), DOUBLE, null, false),
  cvtss2si: toIntegers(['r4,v', 'r4,g4'], SINGLE, 'f32x4Nearest', true), cvttss2si: toIntegers(['r4,v', 'r4,g4'], SINGLE, null, true),
  cvtsd2si: toIntegers(['r4,v', 'r4,g8'], DOUBLE, 'f64x2Nearest', true), cvttsd2si: toIntegers(['r4,v', 'r4,g8'], DOUBLE, null, true),
} as const satisfies Readonly<Record<string, EmittedInstruction>>;
