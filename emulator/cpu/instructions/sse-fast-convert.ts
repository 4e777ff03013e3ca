/**
 * Floating-point conversions of SSE as emitted code: the ordinary cases of sse-convert.ts, which does the
 * others (sse-plain.ts says which those are). Conversions with MMX registers are not here.
 */
import type { Local, VectorInstruction } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { extent, forms } from './sse-fast-arithmetic.ts';
import {
  DOUBLE,
  GREATEST_SINGLE,
  INTEGERS_END,
  LEAST_SINGLE,
  SINGLE,
  handOverUnlessAll,
  handOverUnlessQuiet,
  pushSettled,
  pushZero,
  writeFirst,
  type Format,
} from './sse-plain.ts';

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
export const sseFastConversions = {
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
