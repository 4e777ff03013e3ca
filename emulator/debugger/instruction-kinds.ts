/**
 * What a debugger must know of an instruction to step sensibly: whether it calls, returns or repeats.
 * The names are those of the meanings in cpu/decode.
 */
import type { Instruction } from '../cpu/decode/instruction.ts';
import type { CodeView } from './code-view.ts';

const CALLS = new Set(['call', 'call-far']);
/** Their handlers return to the instruction after, as functions do. */
const INTERRUPTS = new Set(['int', 'int3', 'into', 'int1']);
const RETURNS = new Set(['ret', 'ret-far', 'iret']);
const STRINGS = new Set(['movs', 'stos', 'lods', 'cmps', 'scas', 'ins', 'outs']);
const SHORTEST_CALL = 2;
/** With an operand-size and a segment prefix, SIB and displacement. */
const LONGEST_CALL = 9;

const meaning = ({ row }: Instruction): string => row.meaning ?? '';

/** Something else runs before the instruction after it: a function or a handler. */
export function isCall(instruction: Instruction): boolean {
  if (INTERRUPTS.has(meaning(instruction))) return true;
  return CALLS.has(meaning(instruction)) && !callsNext(instruction);
}
/** CALL to the next instruction: only pushes EIP, for code that does not know where it lies. */
export function callsNext({ row, operands, eip, length }: Instruction): boolean {
  if (row.meaning !== 'call') return false;
  return operands[0]?.kind === 'relative' && operands[0].target === (eip + length) >>> 0;
}

export function isReturn(instruction: Instruction): boolean {
  return RETURNS.has(meaning(instruction));
}

/** A string instruction with a repeat prefix: it may pause many times at its own address. */
export function isRepeated(instruction: Instruction): boolean {
  return instruction.repeat !== 0 && STRINGS.has(meaning(instruction));
}

/** Whether a CALL ends exactly before a linear address: what a return address looks like. */
export function followsCall(code: CodeView, address: number): boolean {
  for (let length = SHORTEST_CALL; length <= LONGEST_CALL; length++) {
    const before = code.instructionAt(address - length);
    if (before?.length === length && CALLS.has(meaning(before))) return true;
  }
  return false;
}
