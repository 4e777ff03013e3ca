/**
 * Breakpoints on data: which of those that an access met want to stop, and what the memory held before
 * and after. The processor watches (cpu/watchpoints.ts); conditions and hit counts are looked at here,
 * once the instruction is complete.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { WatchHit } from '../cpu/watchpoints.ts';
import type { DataBreakpoint } from '../debug-port.ts';
import type { DataAccess } from '../stop-reason.ts';
import { type Compiled, compile, type Meeting, stops } from './breakpoints.ts';
import { expressionNames } from './expression-names.ts';
import { checkedAddress, readMemory } from './memory.ts';

export interface DataHit {
  readonly ids: readonly number[];
  readonly access: DataAccess;
}

export const NO_ACCESS: DataAccess = {
  linear: 0, size: 0, write: false, instruction: 0, before: null, after: null,
}; // prettier-ignore

const LONGEST = 1 << 20;
/** Bytes shown of a breakpoint's memory. */
const SHOWN = 16;

interface CompiledData extends Compiled {
  readonly breakpoint: DataBreakpoint;
  /** What the memory held when it was looked at last. */
  last: Uint8Array | null;
}

export class DataBreakpoints {
  #all: readonly CompiledData[] = [];

  /** Replaces all. Throws ExpressionError for a bad condition, RangeError for a range that is none. */
  set(breakpoints: readonly DataBreakpoint[], cpu: Cpu): void {
    const known = expressionNames(new Set());
    this.#all = breakpoints.map((breakpoint) => {
      const { space, address, length } = breakpoint;
      checkedAddress(space, address);
      if (!Number.isInteger(length) || length < 1 || length > LONGEST) {
        throw new RangeError(
          `A data breakpoint has 1 to ${String(LONGEST)} bytes, not ${String(length)}.`,
        );
      }
      checkedAddress(space, address + length - 1);
      return { ...compile(breakpoint, known), breakpoint, last: contents(cpu, breakpoint) };
    });
  }

  /** The first access at which one wants to stop; null: none does. */
  hit(hits: readonly WatchHit[], cpu: Cpu, meeting: Meeting): DataHit | null {
    let found: DataHit | null = null;
    for (const { indexes, ...access } of hits) {
      const met = indexes.map((index) => this.#all[index]);
      const stopping = met.filter((each) => stops(each, meeting));
      const [first] = stopping;
      if (found === null && stopping.length > 0) {
        const after = contents(cpu, first.breakpoint);
        const ids = stopping.map(({ id }) => id);
        found = { ids, access: { ...access, before: first.last, after } };
      }
      if (access.write) for (const each of met) each.last = contents(cpu, each.breakpoint);
    }
    return found;
  }
}

function contents(cpu: Cpu, { space, address, length }: DataBreakpoint): Uint8Array | null {
  const wanted = Math.min(length, SHOWN);
  const { bytes } = readMemory(cpu, space, address, wanted);
  return bytes.length < wanted ? null : bytes;
}
