/**
 * The loops of the benchmark's guest (boot.s has their counts), in the order in which they run, and what
 * their figures mean.
 */

export interface LoopRow {
  /** As the guest prints it. */
  readonly name: string;
  readonly title: string;
  /**
   * 'integer': counted in instructions and part of the mean. 'memory': counted in instructions, decided
   * by address translation alone. 'bytes': the loop's result is the number of bytes that it went through.
   */
  readonly kind: 'integer' | 'memory' | 'bytes';
}

// prettier-ignore
export const LOOPS = [
  { name: 'crc',      title: 'CRC-32 by table',              kind: 'integer' },
  { name: 'sieve',    title: 'sieve of Eratosthenes',        kind: 'integer' },
  { name: 'copy',     title: 'copy by MOV',                  kind: 'integer' },
  { name: 'calls',    title: 'recursive calls',              kind: 'integer' },
  { name: 'bytecode', title: 'bytecode by indirect jumps',   kind: 'integer' },
  { name: 'hash',     title: 'hash: IMUL, ROL, CMOV',        kind: 'integer' },
  { name: 'sort',     title: 'Shell sort',                   kind: 'integer' },
  { name: 'stride',   title: 'stride over 32 MiB of pages',  kind: 'memory'  },
  { name: 'strings',  title: 'REP MOVS, CMPS, STOS, SCAS',   kind: 'bytes'   },
] as const satisfies readonly LoopRow[];

export type LoopName = (typeof LOOPS)[number]['name'];

export function isLoop(name: string): name is LoopName {
  return LOOPS.some((row) => row.name === name);
}
