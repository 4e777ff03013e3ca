/**
 * What an instruction does to the stack pointer and the frame pointer, worked out on their known values
 * without executing it. Enough for what compilers and assembler programmers write in functions; anything
 * else makes the value unknown, which is never wrong.
 */
import type { Instruction, Operand } from '../cpu/decode/instruction.ts';
import { SEGMENT } from '../cpu/layout.ts';
import { callsNext } from './instruction-kinds.ts';
import type { StackView } from './stack-view.ts';

const SP = 4;
const BP = 5;
/** POPA takes the registers off in the order DI SI BP; all eight are eight words. */
const POPA_BP = 2;
const ALL_REGISTERS = 8;

/** The two pointers; a null frame pointer is unknown. */
export interface Pointers {
  readonly sp: number;
  readonly bp: number | null;
}

/** Only read their operands. */
const READERS = new Set(['cmp', 'test', 'push', 'bt', 'bound', 'nop', 'hint-nop', 'jmp', 'out']); // prettier-ignore

const isRegister = (operand: Operand | undefined, number: number): boolean =>
  operand?.kind === 'register' && operand.file === 'gpr' && operand.size > 1 && operand.number === number; // prettier-ignore
const immediate = (operand: Operand | undefined): number | null =>
  operand?.kind === 'immediate' ? operand.value : null;

/** The pointers after an instruction that goes on to the next one; null where SP is unknown. */
export function stackEffect(
  stack: StackView,
  { sp, bp }: Pointers,
  instruction: Instruction,
): Pointers | null {
  const { operandSize: size, operands, row } = instruction;
  switch (row.meaning) {
    case 'push':
    case 'push-sreg':
    case 'pushf':
      return { sp: stack.moved(sp, -size), bp };
    case 'pusha':
      return { sp: stack.moved(sp, -size * ALL_REGISTERS), bp };
    case 'pop':
      if (isRegister(operands[0], SP)) return null;
      return {
        sp: stack.moved(sp, size),
        bp: isRegister(operands[0], BP) ? stack.read(sp, size) : bp,
      };
    case 'pop-sreg':
      return loadsStackSegment(operands[0]) ? null : { sp: stack.moved(sp, size), bp };
    case 'mov-sreg':
      return loadsStackSegment(operands[0]) ? null : { sp, bp };
    case 'popf':
      return { sp: stack.moved(sp, size), bp };
    case 'popa':
      return {
        sp: stack.moved(sp, size * ALL_REGISTERS),
        bp: stack.read(stack.moved(sp, size * POPA_BP), size),
      };
    case 'enter': {
      if (immediate(operands[1]) !== 0) return null;
      const frame = stack.moved(sp, -size);
      return { sp: stack.moved(frame, -(immediate(operands[0]) ?? 0)), bp: frame };
    }
    case 'leave':
      return bp === null ? null : { sp: stack.moved(bp, size), bp: stack.read(bp, size) };
    case 'xchg':
      if (isRegister(operands[0], SP) || isRegister(operands[1], SP)) return null;
      return { sp, bp: isRegister(operands[0], BP) || isRegister(operands[1], BP) ? null : bp };
    case 'call':
      return callsNext(instruction) ? { sp: stack.moved(sp, -size), bp } : { sp, bp };
    default: {
      if (READERS.has(row.meaning ?? '')) return { sp, bp };
      const value = valueOf(stack, { sp, bp }, instruction);
      if (isRegister(operands[0], SP)) return value === null ? null : { sp: value, bp };
      return { sp, bp: isRegister(operands[0], BP) ? value : bp };
    }
  }
}

function loadsStackSegment(operand: Operand | undefined): boolean {
  return operand?.kind === 'register' && operand.file === 'segment' && operand.number === SEGMENT.SS; // prettier-ignore
}

/** What the first operand becomes, where it follows from the two pointers and constants. */
function valueOf(
  stack: StackView,
  pointers: Pointers,
  { row, operands }: Instruction,
): number | null {
  const known = (operand: Operand | undefined): number | null => {
    if (isRegister(operand, SP)) return pointers.sp;
    return isRegister(operand, BP) ? pointers.bp : immediate(operand);
  };
  const [target, source] = operands;
  const old = known(target);
  const given = row.meaning === 'lea' ? addressOf(pointers, source) : known(source);
  switch (row.meaning) {
    case 'mov':
    case 'lea':
      return given === null ? null : stack.moved(given, 0);
    case 'add':
      return old === null || given === null ? null : stack.moved(old, given);
    case 'sub':
      return old === null || given === null ? null : stack.moved(old, -given);
    case 'and':
      return old === null || given === null ? null : stack.moved(old & given, 0);
    case 'inc':
      return old === null ? null : stack.moved(old, 1);
    case 'dec':
      return old === null ? null : stack.moved(old, -1);
    default:
      return null;
  }
}

/** The effective address of LEA, where it is a pointer and a constant. */
function addressOf({ sp, bp }: Pointers, operand: Operand | undefined): number | null {
  if (operand?.kind !== 'memory' || operand.index >= 0) return null;
  const base = operand.base === SP ? sp : operand.base === BP ? bp : null;
  return base === null ? null : base + operand.displacement;
}
