/**
 * Comparison and classification (SDM vol. 2, FCOM, FUCOM, FTST, FXAM; vol. 1, table 8-6).
 */
import { KIND, compareSignificands, kindOf, normalized } from './float80.ts';
import type { Float80 } from './float80.ts';
import { STATUS } from './rounding.ts';
import type { Context } from './rounding.ts';
import { noteDenormals } from './special-operands.ts';

export type Relation = 'less' | 'equal' | 'greater' | 'unordered';

/**
 * How a lies to b.
 * @param quietly quiet NaNs raise nothing (FUCOM, FUCOMI); else they are invalid too.
 */
export function compare(context: Context, a: Float80, b: Float80, quietly: boolean): Relation {
  const kindA = kindOf(a);
  const kindB = kindOf(b);
  if (kindA >= KIND.QUIET || kindB >= KIND.QUIET) {
    context.flags &= ~STATUS.DE;
    const silent = quietly && kindA <= KIND.QUIET && kindB <= KIND.QUIET;
    if (!silent) context.raise(STATUS.IE);
    return 'unordered';
  }
  noteDenormals(context, kindA, kindB);
  if (kindA === KIND.ZERO && kindB === KIND.ZERO) return 'equal';
  if (kindA === KIND.ZERO) return b.sign === 0 ? 'less' : 'greater';
  if (kindB === KIND.ZERO || a.sign !== b.sign) return a.sign === 0 ? 'greater' : 'less';
  const x = normalized(a);
  const y = normalized(b);
  const order = x.exponent - y.exponent || compareSignificands(x, y);
  if (order === 0) return 'equal';
  return order > 0 === (a.sign === 0) ? 'greater' : 'less';
}

/** Condition bits of the status word that FCOM, FUCOM and FTST set. */
export const CONDITIONS = {
  less: STATUS.C0,
  equal: STATUS.C3,
  greater: 0,
  unordered: STATUS.C3 | STATUS.C2 | STATUS.C0,
} as const satisfies Record<Relation, number>;

/** C3, C2 and C0 of FXAM for a register that is not empty. */
export function classOf(x: Float80): number {
  switch (kindOf(x)) {
    case KIND.UNSUPPORTED:
      return 0;
    case KIND.QUIET:
    case KIND.SIGNALLING:
      return STATUS.C0;
    case KIND.NORMAL:
      return STATUS.C2;
    case KIND.INFINITY:
      return STATUS.C2 | STATUS.C0;
    case KIND.ZERO:
      return STATUS.C3;
    case KIND.DENORMAL:
      return STATUS.C3 | STATUS.C2;
  }
}
