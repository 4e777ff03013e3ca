/** Hit conditions of breakpoints: a count, compared with how often the breakpoint was met. */
import { ExpressionError } from './syntax.ts';

/** Whether to stop at the n-th hit, from 1. */
export type HitCondition = (hits: number) => boolean;

/** "5" (from the fifth hit on), ">= 5", "> 5", "== 5", "< 5", "<= 5", "% 5" (every fifth). */
export function compileHitCondition(text: string): HitCondition {
  const [, operator = '>=', digits = ''] =
    /^\s{0,99}(>=|<=|==|=|>|<|%)?\s{0,99}(\d{1,15})\s{0,99}$/.exec(text) ?? [];
  const count = Number(digits);
  if (digits === '' || (operator === '%' && count === 0)) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw new ExpressionError(
      `'${shown}' is no hit condition: write a number, or one after >=, >, ==, <, <= or %.`,
      0,
    );
  }
  // prettier-ignore
  switch (operator) {
    case '%':  return (hits) => hits % count === 0;
    case '<':  return (hits) => hits < count;
    case '<=': return (hits) => hits <= count;
    case '>':  return (hits) => hits > count;
    case '>=': return (hits) => hits >= count;
    default:   return (hits) => hits === count;
  }
}
