/**
 * Variables and parameters (DWARF 5, 4.1) as whoever debugs sees them: what an entry and those that it
 * completes say together, and where the object is, which is read when it is asked.
 */
import type { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { expressionAt } from '../../emulator/formats/dwarf/location-lists.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { Location, Variable } from './debug-information.ts';
import type { CType } from './c-types.ts';
import { DECLARED, type DwarfPlaces } from './dwarf-places.ts';
import type { DwarfTypes } from './dwarf-types.ts';

const VARIABLES: ReadonlySet<number> = new Set([TAG.FORMAL_PARAMETER, TAG.VARIABLE]);
const BLOCKS: ReadonlySet<number> = new Set([TAG.LEXICAL_BLOCK]);
/** Blocks in one another that are looked through. */
const MOST_NESTED = 16;

export class DwarfVariables {
  private readonly entries: DebugEntries;
  private readonly types: DwarfTypes;
  private readonly places: DwarfPlaces;

  constructor(entries: DebugEntries, types: DwarfTypes, places: DwarfPlaces) {
    this.entries = entries;
    this.types = types;
    this.places = places;
  }

  /**
   * Null for one without a name.
   * @param frame offset of the function around it, which has the frame base; null outside functions
   */
  of(entry: Entry, frame: number | null): Variable | null {
    const origins = this.entries.origins(entry);
    const name = first(origins, (origin) => origin.text(AT.NAME));
    if (name === null) return null;
    const type = this.types.laterOf(entry);
    const { offset } = entry;
    return {
      name,
      isParameter: entry.tag === TAG.FORMAL_PARAMETER,
      get type() {
        return type();
      },
      declared: first(origins, (origin) => this.places.of(origin, DECLARED)),
      locationAt: (address) => this.locationAt(offset, frame, address),
    };
  }

  /**
   * Those declared directly in a scope. Of an inlined function and of one that was compiled apart from its
   * source, entries may tell only what is left of it: the rest is as its origin has it, and mostly has no
   * place.
   */
  in(scope: Entry, frame: number): readonly Variable[] {
    const own = [...this.entries.childrenOf(scope, VARIABLES)];
    const origin = this.entries.follow(scope, AT.ABSTRACT_ORIGIN);
    const all = origin === null ? own : this.merged(scope, own, origin);
    const variables = all.filter((entry) => !isElsewhere(entry)).map((entry) => this.of(entry, frame)); // prettier-ignore
    const named = variables.filter((variable) => variable !== null);
    // parameters stand first in the source
    return [...named.filter(({ isParameter }) => isParameter), ...named.filter(({ isParameter }) => !isParameter)]; // prettier-ignore
  }

  private merged(scope: Entry, own: readonly Entry[], origin: Entry): readonly Entry[] {
    const byOrigin = new Map<number | null, Entry>();
    for (const entry of own) byOrigin.set(this.entries.referred(entry, AT.ABSTRACT_ORIGIN), entry);
    const inBlocks = new Set<number | null>();
    this.addOriginsInBlocks(scope, inBlocks, 0);
    const ordered = [...this.entries.childrenOf(origin, VARIABLES)]
      .filter(({ offset }) => byOrigin.has(offset) || !inBlocks.has(offset))
      .map((entry) => byOrigin.get(entry.offset) ?? entry);
    return [...new Set([...ordered, ...own])];
  }

  /** A compiler may put a variable of a function into a block of what it has made of the function. */
  private addOriginsInBlocks(scope: Entry, origins: Set<number | null>, depth: number): void {
    if (depth > MOST_NESTED) return;
    for (const block of this.entries.childrenOf(scope, BLOCKS)) {
      for (const entry of this.entries.childrenOf(block, VARIABLES))
        origins.add(this.entries.referred(entry, AT.ABSTRACT_ORIGIN));
      this.addOriginsInBlocks(block, origins, depth + 1);
    }
  }

  private locationAt(offset: number, frame: number | null, address: number): Location | null {
    try {
      const origins = this.entries.origins(this.entries.entry(offset));
      const frameBase =
        frame === null ? null : expressionAt(this.entries.entry(frame), AT.FRAME_BASE, address);
      const [{ unit }] = origins;
      const start = unit.header.offset;
      const typeAt = (place: number): CType => this.types.at(start + place);
      const operations = first(origins, (entry) => expressionAt(entry, AT.LOCATION, address));
      const nothing = new Uint8Array(0);
      if (operations !== null)
        // an empty expression is that of an object that is nowhere
        return operations.length === 0 ? null : { operations, frameBase, constant: null, typeAt };
      const constant = first(origins, constantOf);
      return constant === null ? null : { operations: nothing, frameBase, constant };
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }
}

/** It is declared here and defined outside: "extern int jiffies;" in a block. */
function isElsewhere(entry: Entry): boolean {
  return entry.flag(AT.DECLARATION) && !entry.has(AT.LOCATION) && !entry.has(AT.CONST_VALUE);
}

function constantOf(entry: Entry): bigint | Uint8Array | null {
  const constant = entry.constant(AT.CONST_VALUE);
  if (constant !== null) return BigInt(constant);
  const block = entry.block(AT.CONST_VALUE);
  return block === null ? null : new Uint8Array(block);
}

/** The first of entries that says something. */
export function first<Value>(
  origins: readonly Entry[],
  say: (entry: Entry) => Value | null,
): Value | null {
  for (const origin of origins) {
    const value = say(origin);
    if (value !== null) return value;
  }
  return null;
}
