/**
 * Answers to operands that need no arithmetic: the masked responses to invalid operations and division
 * by zero, and the rules by which NaNs pass through (SDM vol. 1, 4.8.3.5, table 4-7, 8.5.1 to 8.5.3).
 */
import { KIND, compareSignificands, indefinite, infinity, quiet } from './float80.ts';
import type { Float80, Kind } from './float80.ts';
import { STATUS } from './rounding.ts';
import type { Context } from './rounding.ts';

/** Raises #IA and gives its masked answer. */
export function invalid(context: Context): Float80 {
  // an invalid operand outranks a denormal one, which a memory operand may already have raised
  context.flags = (context.flags & ~STATUS.DE) | STATUS.IE;
  context.roundedUp = false;
  return indefinite();
}

/**
 * The answer of an operation of two operands of which one is unsupported or a NaN (table 4-7): the
 * quiet NaN rather than the signalling one, else the one of larger significand, else the positive one.
 */
export function nanOf(context: Context, a: Float80, kindA: Kind, b: Float80, kindB: Kind): Float80 {
  if (kindA === KIND.UNSUPPORTED || kindB === KIND.UNSUPPORTED) return invalid(context);
  context.flags &= ~STATUS.DE;
  if (kindA === KIND.SIGNALLING || kindB === KIND.SIGNALLING) context.raise(STATUS.IE);
  if (kindA < KIND.QUIET) return quiet(b);
  if (kindB < KIND.QUIET) return quiet(a);
  if (kindA !== kindB) return quiet(kindA === KIND.QUIET ? a : b);
  const order = compareSignificands(a, b);
  if (order !== 0) return quiet(order > 0 ? a : b);
  return quiet(a.sign === 0 ? a : b);
}

/** nanOf() for an operation of one operand. */
export function nanOfOne(context: Context, x: Float80, kind: Kind): Float80 {
  if (kind === KIND.UNSUPPORTED) return invalid(context);
  if (kind === KIND.SIGNALLING) context.raise(STATUS.IE);
  return quiet(x);
}

export function noteDenormals(context: Context, kindA: Kind, kindB: Kind): void {
  if (kindA === KIND.DENORMAL || kindB === KIND.DENORMAL) context.raise(STATUS.DE);
}

/** Raises #Z and gives its masked answer. */
export function divideByZero(context: Context, sign: number): Float80 {
  context.flags = (context.flags & ~STATUS.DE) | STATUS.ZE;
  return infinity(sign);
}
