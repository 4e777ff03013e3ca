/**
 * RDRAND and RDSEED (SDM vol. 2; vol. 1, 7.3.17 "Random number generator instructions"). The numbers come
 * from a generator of 32 bits of state in the vCPU's block (mulberry32), other ones for
 * each processor from power-on: the same launch gives the same numbers. One is always available (CF = 1).
 */
import type { Instruction } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { FLAG } from '../state.ts';

function nextNumber({ state }: Processor): number {
  const word = (state.get(L.RANDOM) + 0x6d2b79f5) | 0;
  state.set(L.RANDOM, word);
  let mixed = Math.imul(word ^ (word >>> 15), word | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}

const random =
  (kind: 'rdrand' | 'rdseed'): TypescriptInstruction =>
  (cpu, { operands: [operand], operandSize, length }: Instruction) => {
    if (operand.kind !== 'register') return cpu.fault(VECTOR.UD);
    const register = operand.number;
    if (cpu.leaves({ kind, register, size: operandSize }, length)) return;
    const value = nextNumber(cpu);
    cpu.state.setGpr(register, operandSize, operandSize === 2 ? value & 0xffff : value);
    cpu.state.arithmeticFlags = FLAG.CF;
  };

export const randomInstructions = {
  rdrand: random('rdrand'),
  rdseed: random('rdseed'),
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
