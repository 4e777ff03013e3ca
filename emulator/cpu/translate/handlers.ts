/**
 * The list of everything that the interpreter tier can execute: one handler for each shape of each
 * emitted instruction, plus the records that end blocks. Hot ones come first, since they live in the
 * interpreter's main function. The list is the same in every process.
 */
import { arithmeticInstructions } from '../instructions/arithmetic.ts';
import { bitInstructions } from '../instructions/bit.ts';
import { controlTransferInstructions } from '../instructions/control-transfer.ts';
import { dataTransferInstructions } from '../instructions/data-transfer.ts';
import { flagControlInstructions } from '../instructions/flag-control.ts';
import { multiplyInstructions } from '../instructions/multiply.ts';
import { shiftInstructions } from '../instructions/shift.ts';
import { simdInstructions } from '../instructions/simd.ts';
import { sseFastArithmetic } from '../instructions/sse-fast-arithmetic.ts';
import { sseFastConversions } from '../instructions/sse-fast-convert.ts';
import { stackInstructions } from '../instructions/stack.ts';
import { stringInstructions } from '../instructions/string.ts';
import { timeInstructions } from '../instructions/time.ts';
import { isHot } from './hot-shapes.ts';
import { shapeKey, shapesOf, type EmittedInstruction, type Shape } from './shape.ts';

/** What the compiled tier compiles too: all emitted instructions but those of SIMD. */
const COMPILED: Readonly<Record<string, EmittedInstruction>> = {
  ...arithmeticInstructions,
  ...bitInstructions,
  ...controlTransferInstructions,
  ...dataTransferInstructions,
  ...flagControlInstructions,
  ...multiplyInstructions,
  ...shiftInstructions,
  ...stackInstructions,
  ...stringInstructions,
  ...timeInstructions,
};

/** Every instruction whose meaning is emitted, by its name in the opcode tables. */
export const EMITTED: Readonly<Record<string, EmittedInstruction>> = {
  ...COMPILED,
  ...simdInstructions,
  ...sseFastArithmetic,
  ...sseFastConversions,
};

export interface Handler {
  readonly key: string;
  readonly shape: Shape;
  readonly instruction: EmittedInstruction;
  /** The compiled tier compiles it. */
  readonly compiled: boolean;
}

const NO_OPERANDS = { condition: -1, operands: [], operandSize: 0, stack: null, addressSize: 0, repeat: 0 } as const; // prettier-ignore

/** The meaning of the record that ends a block without a branch. */
export const GOTO = 'pseudo:goto';

/** Records that are no instructions of the guest. */
const PSEUDO: Readonly<Record<string, EmittedInstruction>> = {
  /** Calls the TypeScript instruction whose number is the immediate. */
  'pseudo:typescript': { patterns: [''], emit: (e) => { e.assist(); } }, // prettier-ignore
  /** A block that ends without a branch goes on at the immediate. */
  [GOTO]: { patterns: [''], emit: (e) => { e.continueAtTarget(); } }, // prettier-ignore
  'pseudo:breakpoint': { patterns: [''], emit: (e) => { e.stopAtBreakpoint(); } }, // prettier-ignore
  /** After the one instruction of a single step. */
  'pseudo:stepped': { patterns: [''], emit: (e) => { e.stopAfterStep(); } }, // prettier-ignore
};

export interface HandlerList {
  readonly handlers: readonly Handler[];
  /** Handlers before this index live in the main function. */
  readonly hot: number;
  readonly indexOf: ReadonlyMap<string, number>;
}

export function listHandlers(): HandlerList {
  const hot: Handler[] = [];
  const cold: Handler[] = [];
  for (const [meaning, instruction] of Object.entries(PSEUDO)) {
    const shape: Shape = { meaning, ...NO_OPERANDS };
    const compiled = meaning === GOTO;
    hot.push({ key: shapeKey(shape), shape, instruction, compiled });
  }
  for (const [meaning, instruction] of Object.entries(EMITTED)) {
    for (const shape of shapesOf(meaning, instruction)) {
      const compiled = meaning in COMPILED;
      const handler: Handler = { key: shapeKey(shape), shape, instruction, compiled };
      (isHot(shape) ? hot : cold).push(handler);
    }
  }
  const handlers = [...hot, ...cold];
  return {
    handlers,
    hot: hot.length,
    indexOf: new Map(handlers.map(({ key }, index) => [key, index])),
  };
}

export const pseudoKey = (name: 'typescript' | 'goto' | 'breakpoint' | 'stepped'): string =>
  shapeKey({ meaning: `pseudo:${name}`, ...NO_OPERANDS });
