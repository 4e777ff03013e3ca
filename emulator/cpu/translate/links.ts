/** The links of a record: where a jump whose target is known keeps the record that it leads to. */
import { GOTO } from './handlers.ts';
import * as R from './record.ts';
import type { Shape } from './shape.ts';

export interface LinkFields {
  /** Field with the address of the target's record, 0 while unknown. */
  readonly link: number;
  /** Field with the target's EIP. */
  readonly eip: number;
}

const TARGET: LinkFields = { link: R.R_LINK, eip: R.R_IMMEDIATE };
const BEHIND: LinkFields = { link: R.R_LINK_NEXT, eip: R.R_NEXT_EIP };
/** Meanings that go on behind themselves unless they jump. */
const CONDITIONAL: ReadonlySet<string> = new Set(['jcc', 'loop', 'loope', 'loopne', 'jcxz']);

export function linksOf({ meaning, operands }: Shape): readonly LinkFields[] {
  if (CONDITIONAL.has(meaning)) return [TARGET, BEHIND];
  return operands[0] === 'j' || meaning === GOTO ? [TARGET] : [];
}
