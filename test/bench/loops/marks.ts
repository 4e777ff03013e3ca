/**
 * Reads what the benchmark's guest says on its serial port (boot.s) and times its loops by it: the space
 * before a result is the last byte before the loop, the first digit the first one after it.
 */
import { isLoop, LOOPS, type LoopName } from './rows.ts';

/** Where a machine is, taken when a byte leaves the guest. */
export interface Instant {
  /** CPU time that the whole emulator has used, seconds. */
  readonly cpu: number;
  /** Retired instructions, where the emulator can tell. */
  readonly retired: number | null;
}

export interface LoopRun {
  /** As in the guest, unsigned. */
  readonly result: number;
  readonly cpuSeconds: number;
  readonly instructions: number | null;
}

/** All loops once. */
export type Pass = { readonly [name in LoopName]: LoopRun };

/** The byte by which the host asks for the next loop; any would do. */
export const GO = new Uint8Array([0x67]);

/** What a byte has told: the guest waits for GO before a loop, or has ended one. */
export type Heard =
  | { readonly kind: 'asks' }
  | { readonly kind: 'ran'; readonly name: LoopName; readonly run: LoopRun };

const LONGEST_LINE = 64;

export class MarkReader {
  private readonly now: () => Instant;
  private line = '';
  private start: Instant | null = null;
  private end: Instant | null = null;

  constructor(now: () => Instant) {
    this.now = now;
  }

  /** Takes the next byte. Throws an Error with what the guest said when it is something else. */
  push(byte: number): Heard | null {
    if (this.start !== null) this.end ??= this.now();
    const character = String.fromCharCode(byte);
    if (character === '\n') return this.endOfLine();
    this.line += character;
    if (this.line.length > LONGEST_LINE) throw new Error(`The guest wrote '${this.line}'.`);
    if (character === '?') return { kind: 'asks' };
    if (character === ' ') this.start = this.now();
    return null;
  }

  private endOfLine(): Heard {
    const { line, start, end } = this;
    this.line = '';
    this.start = null;
    this.end = null;
    const [, name = '', digits = ''] = /^(\w+)\? ([0-9a-f]{8})$/.exec(line) ?? [];
    if (!isLoop(name) || start === null || end === null) {
      throw new Error(`The guest wrote '${line}' instead of a loop and its result.`);
    }
    const [from, to] = [start.retired, end.retired];
    return {
      kind: 'ran',
      name,
      run: {
        result: parseInt(digits, 16),
        cpuSeconds: end.cpu - start.cpu,
        instructions: from === null || to === null ? null : to - from,
      },
    };
  }
}

/** A pass out of its runs; throws when a loop is missing. */
export function completePass(runs: ReadonlyMap<LoopName, LoopRun>): Pass {
  const missing = LOOPS.find(({ name }) => !runs.has(name));
  if (missing !== undefined) throw new Error(`The guest left out loop ${missing.name}.`);
  return Object.fromEntries(runs) as Pass;
}
