/**
 * Functions, what was inlined into them, and blocks (DWARF 5, 3.3 and 3.5): which of them an address lies
 * in, and what is declared there.
 */
import type { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { entryAddress, rangesOf } from '../../emulator/formats/dwarf/ranges.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { BlockScope, CodeScope, FunctionScope, InlinedScope } from './debug-information.ts';
import { CALLED, DECLARED, type DwarfPlaces } from './dwarf-places.ts';
import type { DwarfTypes } from './dwarf-types.ts';
import { type DwarfVariables, first } from './dwarf-variables.ts';
import { FunctionRanges } from './function-ranges.ts';
import type { CodeRange, SourceLine } from './line-list.ts';

const INNER: ReadonlySet<number> = new Set([TAG.LEXICAL_BLOCK, TAG.INLINED_SUBROUTINE]);
/** Blocks and inlined functions in one another. */
const MOST_NESTED = 64;

/** What scopes are read with. */
export interface ScopeReaders {
  readonly entries: DebugEntries;
  readonly types: DwarfTypes;
  readonly variables: DwarfVariables;
  readonly places: DwarfPlaces;
}

export class DwarfScopes {
  private readonly readers: ScopeReaders;
  private readonly functions: FunctionRanges;

  constructor(readers: ScopeReaders) {
    this.readers = readers;
    this.functions = new FunctionRanges(readers.entries);
  }

  /** Offset of the function that holds an address, or null. */
  functionOffset(unit: number, address: number): number | null {
    return this.functions.at(unit, address);
  }

  /** Innermost first; empty where no function of the unit holds the address. */
  at(unit: number, address: number): readonly CodeScope[] {
    const offset = this.functionOffset(unit, address);
    if (offset === null) return [];
    const scope = this.functionAt(offset);
    if (scope === null) return [];
    const inner = this.inside(offset, address).map((entry) => this.scope(entry, offset));
    return [...inner.reverse(), scope];
  }

  /** Null for one without code or name, or that cannot be read. */
  functionAt(offset: number): FunctionScope | null {
    try {
      return this.functionScope(this.readers.entries.entry(offset));
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }

  private functionScope(entry: Entry): FunctionScope | null {
    const { types } = this.readers;
    const start = entryAddress(entry);
    const { name, declared } = this.naming(entry);
    if (start === null || name === null) return null;
    return {
      kind: 'function',
      name,
      entry: start,
      declared,
      type: types.functionOf(entry),
      hasPrologue: isUnoptimized(entry.unit.root),
      ...this.body(entry, entry.offset),
    };
  }

  private scope(entry: Entry, frame: number): InlinedScope | BlockScope {
    const body = this.body(entry, frame);
    if (entry.tag !== TAG.INLINED_SUBROUTINE) return { kind: 'block', ...body };
    const { name, declared } = this.naming(entry);
    const call = this.readers.places.of(entry, CALLED);
    return { kind: 'inlined', name: name ?? '<unknown function>', declared, call, ...body };
  }

  private naming(entry: Entry): {
    readonly name: string | null;
    readonly declared: SourceLine | null;
  } {
    const origins = this.readers.entries.origins(entry);
    return {
      name: first(origins, (origin) => origin.text(AT.NAME)),
      declared: first(origins, (origin) => this.readers.places.of(origin, DECLARED)),
    };
  }

  /** @param frame offset of the function around */
  private body(entry: Entry, frame: number): Pick<BlockScope, 'ranges' | 'variables'> {
    const { entries, variables } = this.readers;
    const { offset } = entry;
    return {
      ranges: rangesOf(entry),
      get variables() {
        return orNothing(() => variables.in(entries.entry(offset), frame));
      },
    };
  }

  /** Entries of scopes inside a function that hold an address, outermost first. */
  private inside(offset: number, address: number): Entry[] {
    const found: Entry[] = [];
    const { entries } = this.readers;
    const below = (around: Entry, depth: number): boolean => {
      if (depth > MOST_NESTED) return false;
      for (const entry of entries.childrenOf(around, INNER)) {
        const ranges = rangesOf(entry);
        const isHere = ranges.some((range) => holds(range, address));
        if (isHere) found.push(entry);
        // a block without code of its own may hold some that have
        if (isHere || ranges.length === 0) {
          if (below(entry, depth + 1) || isHere) return true;
        }
      }
      return false;
    };
    orNothing(() => {
      below(entries.entry(offset), 0);
      return [];
    });
    return found;
  }
}

/** DW_LANG_Mips_Assembler, which all assemblers say. */
const ASSEMBLER = 0x8001;

/** By the options that gcc records; other compilers' code counts as not optimized, as it does for gdb. */
function isUnoptimized(unit: Entry): boolean {
  const producer = unit.text(AT.PRODUCER);
  if (producer === null || unit.number(AT.LANGUAGE) === ASSEMBLER) return false;
  const [, level = '0'] = [...producer.matchAll(/ -O(\S*)/g)].at(-1) ?? [];
  return level === '0';
}

const holds = ({ start, end }: CodeRange, address: number): boolean =>
  address >= start && address < end;

/** Empty where the file is damaged. */
function orNothing<Element>(read: () => readonly Element[]): readonly Element[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}
