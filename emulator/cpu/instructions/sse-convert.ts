/**
 * Conversions between singles, doubles and doubleword integers in XMM, MMX and general registers (SDM
 * vol. 1, 10.4.4, 11.4.1.6 and 11.4.2; vol. 2, CVTDQ2PD to CVTTSS2SI).
 *
 * As on Intel's processors, CVTPI2PS and CVTPI2PD have to do with the x87 unit only if their source is
 * an MMX register, and the unit has gone over to MMX when #XM is raised.
 */
import type { Instruction } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import {
  doubleToInteger,
  doubleToIntegerTruncated,
  doubleToSingle,
  integerToDouble,
  integerToSingle,
  singleToDouble,
  singleToInteger,
  singleToIntegerTruncated,
} from '../sse/convert.ts';
import type { LaneOperation } from '../sse/lanes.ts';
import { enterMmx, registerNumber, sourceAt, sse, sseWithMmx, writeMmx, xmmAt } from './simd-access.ts'; // prettier-ignore
import { RESULT, reportFlags, writeResult } from './sse-float-access.ts';

interface Shape {
  readonly operation: LaneOperation;
  readonly count: 1 | 2 | 4;
  /** Bytes a lane. */
  readonly from: 4 | 8;
  readonly to: 4 | 8;
}

/** Converts to RESULT, which is zero after the last lane. */
function convert(cpu: Processor, instruction: Instruction, shape: Shape): void {
  const { operation, count, from, to } = shape;
  const { state } = cpu;
  const source = sourceAt(cpu, instruction, 1);
  if (usesMmx(instruction)) enterMmx(state);
  const mxcsr = state.get(L.MXCSR);
  let flags = 0;
  state.i32.fill(0, RESULT >> 2, (RESULT >> 2) + 4);
  for (let lane = 0; lane < count; lane++) {
    flags |= operation(state, mxcsr, source, source + lane * from, RESULT + lane * to);
  }
  reportFlags(cpu, mxcsr, flags);
}

function usesMmx({ operands }: Instruction): boolean {
  return isMmx(operands[0]) || isMmx(operands[1]);
}
function isMmx(operand: Instruction['operands'][number]): boolean {
  return operand.kind === 'register' && operand.file === 'mmx';
}

/** To an XMM register, of which `length` bytes are written. */
function toXmm(
  operation: LaneOperation,
  count: 1 | 2 | 4,
  from: 4 | 8,
  to: 4 | 8,
  length: 4 | 8 | 16,
): TypescriptInstruction {
  const shape = { operation, count, from, to };
  return sse((cpu, instruction) => {
    convert(cpu, instruction, shape);
    writeResult(cpu.state, xmmAt(registerNumber(instruction, 0)), length);
  });
}

/** From two integers in an MMX register or in memory. */
function ofMmx(operation: LaneOperation, to: 4 | 8): TypescriptInstruction {
  const body = (cpu: Processor, instruction: Instruction): void => {
    convert(cpu, instruction, { operation, count: 2, from: 4, to });
    writeResult(cpu.state, xmmAt(registerNumber(instruction, 0)), to === 4 ? 8 : 16);
  };
  const ofRegister = sseWithMmx(body);
  const ofMemory = sse(body);
  return (cpu, instruction) => {
    (usesMmx(instruction) ? ofRegister : ofMemory)(cpu, instruction);
  };
}

/** To two integers in an MMX register. */
function toMmx(operation: LaneOperation, from: 4 | 8): TypescriptInstruction {
  return sseWithMmx((cpu, instruction) => {
    const { state } = cpu;
    convert(cpu, instruction, { operation, count: 2, from, to: 4 });
    const { i32 } = state;
    writeMmx(state, registerNumber(instruction, 0), i32[RESULT >> 2], i32[(RESULT >> 2) + 1]);
  });
}

/** To an integer in a general register. */
function toGeneral(operation: LaneOperation, from: 4 | 8): TypescriptInstruction {
  return sse((cpu, instruction) => {
    convert(cpu, instruction, { operation, count: 1, from, to: 4 });
    cpu.state.setGpr(registerNumber(instruction, 0), 4, cpu.state.i32[RESULT >> 2]);
  });
}

// prettier-ignore
export const sseConvertInstructions = {
  //               operation            lanes  from  to  bytes written
  cvtps2pd:  toXmm(singleToDouble,           2, 4, 8, 16),
  cvtpd2ps:  toXmm(doubleToSingle,           2, 8, 4, 16),
  cvtss2sd:  toXmm(singleToDouble,           1, 4, 8, 8),
  cvtsd2ss:  toXmm(doubleToSingle,           1, 8, 4, 4),
  cvtdq2ps:  toXmm(integerToSingle,          4, 4, 4, 16),
  cvtps2dq:  toXmm(singleToInteger,          4, 4, 4, 16),
  cvttps2dq: toXmm(singleToIntegerTruncated, 4, 4, 4, 16),
  cvtdq2pd:  toXmm(integerToDouble,          2, 4, 8, 16),
  cvtpd2dq:  toXmm(doubleToInteger,          2, 8, 4, 16),
  cvttpd2dq: toXmm(doubleToIntegerTruncated, 2, 8, 4, 16),
  cvtsi2ss:  toXmm(integerToSingle,          1, 4, 4, 4),
  cvtsi2sd:  toXmm(integerToDouble,          1, 4, 8, 8),
  cvtpi2ps:  ofMmx(integerToSingle, 4),
  cvtpi2pd:  ofMmx(integerToDouble, 8),
  cvtps2pi:  toMmx(singleToInteger, 4),
  cvttps2pi: toMmx(singleToIntegerTruncated, 4),
  cvtpd2pi:  toMmx(doubleToInteger, 8),
  cvttpd2pi: toMmx(doubleToIntegerTruncated, 8),
  cvtss2si:  toGeneral(singleToInteger, 4),
  cvttss2si: toGeneral(singleToIntegerTruncated, 4),
  cvtsd2si:  toGeneral(doubleToInteger, 8),
  cvttsd2si: toGeneral(doubleToIntegerTruncated, 8),
} as const satisfies Record<string, TypescriptInstruction>;
