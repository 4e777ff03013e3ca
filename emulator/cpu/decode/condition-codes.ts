/**
 * The sixteen conditions of Jcc, SETcc and CMOVcc (SDM vol. 1, appendix B), by their encoding. Of
 * the manual's synonyms this is the one that GNU's tools print.
 */
export const CONDITION_NAMES = [
  'o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g',
] as const; // prettier-ignore
