/**
 * Every instruction that runs in TypeScript, by its meaning in the opcode tables, and which of them end
 * a translated block. One that may change CS:EIP, a mode or an address mapping ends it.
 */
import type { TypescriptInstruction } from '../processor.ts';
import { controlFarInstructions } from './control-far.ts';
import { decimalInstructions } from './decimal.ts';
import { ioInstructions } from './io.ts';
import { miscellaneousInstructions } from './miscellaneous.ts';
import { segmentRegisterInstructions } from './segment-registers.ts';
import { simdTypescriptInstructions } from './simd.ts';
import { sseArithmeticInstructions } from './sse-arithmetic.ts';
import { sseCompareInstructions } from './sse-compare.ts';
import { sseConvertInstructions } from './sse-convert.ts';
import { systemInstructions } from './system.ts';
import { x87Instructions } from './x87.ts';

export const TYPESCRIPT_INSTRUCTIONS: Readonly<Record<string, TypescriptInstruction>> = {
  ...controlFarInstructions,
  ...decimalInstructions,
  ...ioInstructions,
  ...miscellaneousInstructions,
  ...segmentRegisterInstructions,
  ...simdTypescriptInstructions,
  ...sseArithmeticInstructions,
  ...sseCompareInstructions,
  ...sseConvertInstructions,
  ...systemInstructions,
  ...x87Instructions,
};

export const ENDS_BLOCK: ReadonlySet<string> = new Set([
  'jmp-far', 'call-far', 'ret-far', 'int', 'int3', 'into', 'int1', 'iret', 'ud', 'hlt', 'sysenter', 'sysexit',
  'mov-cr', 'lmsw', 'vmcall', 'vmmcall', 'vmx', 'svm', 'rsm', 'in', 'out', 'ins', 'outs', 'invlpg', 'wrmsr', 'cpuid',
]); // prettier-ignore
