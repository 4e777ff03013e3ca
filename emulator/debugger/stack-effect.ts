/**
 * What an instruction does to the stack pointer and to other registers whose values are known, worked out
 * without executing it. Enough for what compilers and assembler programmers write at the beginning and the
 * end of functions and handlers; whatever else may write a register makes it unknown, which is never wrong.
 */
import type { Instruction, Operand, RegisterOperand } from '../cpu/decode/instruction.ts';
import { SEGMENT } from '../cpu/layout.ts';
import { callsNext } from './instruction-kinds.ts';
import type { StackView } from './stack-view.ts';

const [EAX, ECX, EDX, SP, BP] = [0, 1, 2, 4, 5] as const;
/** POPA takes the registers off in the order DI SI BP (SP) BX DX CX AX, which is from 7 down. */
const ALL_REGISTERS = 8;
/** Mask of a 32-bit stack pointer. */
const WIDE = 0xffffffff;

/** The stack pointer, and all general registers by number; a null one is unknown. */
export interface Pointers {
  readonly sp: number;
  /** That of SP does not count. */
  readonly registers: readonly (number | null)[];
}

/** Only read their operands. */
// prettier-ignore
const READERS = new Set([
  'cmp', 'test', 'push', 'bt', 'bound', 'nop', 'hint-nop', 'jmp', 'jcc', 'out', 'cli', 'sti', 'cld', 'std', 'clc', 'stc',
]);
/** Write their first operand, if it is a register, and no other. */
// prettier-ignore
const WRITERS = new Set([
  'mov', 'lea', 'add', 'sub', 'and', 'or', 'xor', 'adc', 'sbb', 'inc', 'dec', 'neg', 'not', 'shl', 'shr', 'sar', 'rol', 'ror',
  'movzx', 'movsx', 'setcc', 'cmovcc', 'bsf', 'bsr', 'bts', 'btr', 'btc', 'bswap', 'mov-sreg',
]);

const isRegister = (operand: Operand | undefined, number: number): boolean =>
  operand?.kind === 'register' && operand.file === 'gpr' && operand.size > 1 && operand.number === number; // prettier-ignore
const immediate = (operand: Operand | undefined): number | null =>
  operand?.kind === 'immediate' ? operand.value : null;
/** The general register that an operand is or is part of, or null. */
function registerOf(operand: Operand | undefined): RegisterOperand | null {
  return operand?.kind === 'register' && operand.file === 'gpr' ? operand : null;
}
const numberOf = ({ number, size }: RegisterOperand): number => (size === 1 ? number & 3 : number);

/** The registers after an instruction that goes on to the next one; null where SP is unknown. */
export function stackEffect(
  stack: StackView,
  pointers: Pointers,
  instruction: Instruction,
): Pointers | null {
  const { sp, registers } = pointers;
  const { operandSize: size, operands, row } = instruction;
  const [target] = operands;
  switch (row.meaning) {
    case 'push':
    case 'push-sreg':
    case 'pushf':
      return { sp: stack.moved(sp, -size), registers };
    case 'pusha':
      return { sp: stack.moved(sp, -size * ALL_REGISTERS), registers };
    case 'pop': {
      if (isRegister(target, SP)) return null;
      const into = registerOf(target);
      return {
        sp: stack.moved(sp, size),
        registers: into === null ? registers : popped(stack, pointers, sp, size, [into.number]),
      };
    }
    case 'pop-sreg':
      return loadsStackSegment(target) ? null : { sp: stack.moved(sp, size), registers };
    case 'popf':
      return { sp: stack.moved(sp, size), registers };
    case 'popa':
      return {
        sp: stack.moved(sp, size * ALL_REGISTERS),
        registers: popped(stack, pointers, sp, size, [7, 6, 5, null, 3, 2, 1, 0]),
      };
    case 'enter': {
      if (immediate(operands[1]) !== 0) return null;
      const frame = stack.moved(sp, -size);
      const allocated = immediate(target) ?? 0;
      return { sp: stack.moved(frame, -allocated), registers: registers.with(BP, frame) };
    }
    case 'leave': {
      const frame = registers[BP];
      if (frame === null) return null;
      return {
        sp: stack.moved(frame, size),
        registers: popped(stack, pointers, frame, size, [BP]),
      };
    }
    case 'call':
      if (callsNext(instruction)) return { sp: stack.moved(sp, -size), registers };
      return { sp, registers: registers.with(EAX, null).with(ECX, null).with(EDX, null) };
    case 'mov-sreg':
      if (loadsStackSegment(target)) return null;
      break;
    default:
      if (READERS.has(row.meaning ?? '')) return pointers;
  }
  return written(stack, pointers, instruction);
}

/** The registers with what lies on the stack, from `at` on, taken into these; null: passed over. */
function popped(
  stack: StackView,
  { registers }: Pointers,
  at: number,
  size: number,
  into: readonly (number | null)[],
): readonly (number | null)[] {
  const after = [...registers];
  const bytes = size === 2 ? 2 : 4;
  for (const [index, register] of into.entries()) {
    if (register === null) continue;
    const value = stack.read(stack.moved(at, index * bytes), bytes);
    const before = registers[register] ?? 0;
    after[register] = value !== null && bytes === 2 ? ((before & ~0xffff) | value) >>> 0 : value;
  }
  return after;
}

function loadsStackSegment(operand: Operand | undefined): boolean {
  return operand?.kind === 'register' && operand.file === 'segment' && operand.number === SEGMENT.SS; // prettier-ignore
}

/** After an instruction that writes registers: a value where it follows from known ones, else none. */
function written(
  stack: StackView,
  pointers: Pointers,
  { row, operands, operandSize }: Instruction,
): Pointers | null {
  const { sp, registers } = pointers;
  const into = registerOf(operands[0]);
  if (!WRITERS.has(row.meaning ?? '')) {
    if (operands.some((operand) => isRegister(operand, SP))) return null;
    // who knows which: multiplication, strings, CPUID, exchanges
    const frame = operands.some((operand) => isRegister(operand, BP)) ? null : registers[BP];
    return { sp, registers: registers.map((_, number) => (number === BP ? frame : null)) };
  }
  if (into === null) return pointers;
  const isPointer = isRegister(into, SP) || isRegister(into, BP);
  const isWhole =
    into.size === operandSize && (isPointer || (operandSize === 4 && stack.mask === WIDE));
  const value = isWhole ? valueOf(stack, pointers, { row, operands }) : null;
  if (isRegister(into, SP)) return value === null ? null : { sp: value, registers };
  return { sp, registers: registers.with(numberOf(into), value) };
}

/** What the first operand becomes, where it follows from the known registers and constants. */
function valueOf(
  stack: StackView,
  pointers: Pointers,
  { row, operands }: Pick<Instruction, 'row' | 'operands'>,
): number | null {
  const [target, source] = operands;
  const old = known(pointers, target);
  const given = row.meaning === 'lea' ? addressOf(pointers, source) : known(pointers, source);
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

/** Null for parts of registers too. */
function known(pointers: Pointers, operand: Operand | undefined): number | null {
  const register = registerOf(operand);
  if (register === null) return immediate(operand);
  return register.size === 1 ? null : valueOfRegister(pointers, register.number);
}
function valueOfRegister({ sp, registers }: Pointers, number: number): number | null {
  return number === SP ? sp : registers[number];
}

/** The effective address of LEA, where it is a register and a constant. */
function addressOf(pointers: Pointers, operand: Operand | undefined): number | null {
  if (operand?.kind !== 'memory' || operand.index >= 0 || operand.base < 0) return null;
  const base = valueOfRegister(pointers, operand.base);
  return base === null ? null : base + operand.displacement;
}
