/**
 * The shape of an instruction: everything that selects a handler of the interpreter tier and nothing
 * that a record holds. Two instructions of the same shape share their code.
 *
 * Operand letters: r register, i immediate, c the CL register of a shift, j branch target, and for
 * memory b [base+disp] and x [base+index*scale+disp] in a flat segment, s the same with a segment
 * check, w with a segment check and 16-bit addresses. A number gives the size in bytes.
 * SIMD: v XMM register, q MMX register, and for memory g, whatever its address and segment.
 */
import type { Backend } from './backend.ts';

/** Flat: SS is a flat 32-bit segment; otherwise SS with checks and a 32-bit or 16-bit stack pointer. */
export type StackMode = 'flat' | '32' | '16';

export interface Shape {
  readonly meaning: string;
  /** Condition code, or -1. */
  readonly condition: number;
  readonly operands: readonly string[];
  /** Effective operand size where no operand tells it, else 0. */
  readonly operandSize: 0 | 2 | 4;
  readonly stack: StackMode | null;
  /** Address size of string instructions, LOOP and JCXZ, else 0. */
  readonly addressSize: 0 | 2 | 4;
  readonly repeat: 0 | 0xf2 | 0xf3;
}

/** How an instruction's meaning is emitted, and for which shapes. */
export interface EmittedInstruction {
  /** Operand patterns, "r4,m4"; m stands for each of the four memory letters. */
  readonly patterns: readonly string[];
  /** One shape for each of the sixteen conditions. */
  readonly conditional?: true;
  /** The operand size is part of the shape. */
  readonly sized?: true;
  readonly usesStack?: true;
  /** The address size is part of the shape. */
  readonly addressed?: true;
  /** REP prefixes that make a difference. */
  readonly repeats?: readonly (0xf2 | 0xf3)[];
  /** The block ends with this instruction. */
  readonly endsBlock?: true;
  /** Memory operands are of the kind g. */
  readonly vector?: true;
  readonly emit: (e: Backend, shape: Shape) => void;
}

export function shapeKey(shape: Shape): string {
  return `${shape.meaning}/${shape.condition}/${shape.operands.join(',')}/${shape.operandSize}/${
    shape.stack ?? ''
  }/${shape.addressSize}/${shape.repeat}`;
}

const MEMORY_LETTERS = ['b', 'x', 's', 'w'];

function expand(pattern: string): string[][] {
  const operands = pattern === '' ? [] : pattern.split(',');
  const at = operands.findIndex((operand) => operand.startsWith('m'));
  const found = operands[at];
  if (found === undefined) return [operands];
  return MEMORY_LETTERS.map((letter) => {
    const copy = [...operands];
    copy[at] = letter + found.slice(1);
    return copy;
  });
}

/** An operand of 2 or 4 bytes has the operand size, where the shape has both (PUSH, CALL). */
function agrees(operand: string | undefined, size: 0 | 2 | 4): boolean {
  const digit = Number(operand?.[1] ?? size);
  return size === 0 || digit === size;
}

/** Unchecked memory operands (b, x) come with a flat stack. */
function meets(operand: string | undefined, stack: StackMode | null): boolean {
  return stack === null || stack === 'flat' || !/^[bx]/.test(operand ?? '');
}

/** Every shape of an instruction, in a fixed order. */
export function shapesOf(meaning: string, instruction: EmittedInstruction): Shape[] {
  const conditions = instruction.conditional ? [...Array(16).keys()] : [-1];
  const sizes = instruction.sized ? ([2, 4] as const) : ([0] as const);
  const stacks = instruction.usesStack ? (['flat', '32', '16'] as const) : ([null] as const);
  const addresses = instruction.addressed ? ([2, 4] as const) : ([0] as const);
  const repeats = [0, ...(instruction.repeats ?? [])] as const;
  const shapes: Shape[] = [];
  for (const pattern of instruction.patterns)
    for (const operands of expand(pattern))
      for (const condition of conditions)
        for (const operandSize of sizes.filter((size) => agrees(operands[0], size)))
          for (const stack of stacks.filter((mode) => meets(operands[0], mode)))
            for (const addressSize of addresses)
              for (const repeat of repeats)
                shapes.push({
                  meaning,
                  condition,
                  operands,
                  operandSize,
                  stack,
                  addressSize,
                  repeat,
                });
  return shapes;
}

/** "r#,m#" for each size: sized('r#,i') is r1,i r2,i r4,i. */
export function eachSize(...patterns: readonly string[]): string[] {
  return [1, 2, 4].flatMap((size) =>
    patterns.map((pattern) => pattern.replaceAll('#', String(size))),
  );
}
export function wordSizes(...patterns: readonly string[]): string[] {
  return [2, 4].flatMap((size) => patterns.map((pattern) => pattern.replaceAll('#', String(size))));
}
