/**
 * Calls as the compiler made them (DWARF 5, 3.4; DW_TAG_GNU_call_site before): what a call leads to, what
 * it passes in registers, and which functions a function leaves by a jump (tail calls). Parameters on the
 * stack are left out: their places are told as such.
 */
import type { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { expressionAt } from '../../emulator/formats/dwarf/location-lists.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { entryAddress } from '../../emulator/formats/dwarf/ranges.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { Callee, CallParameter, CallSite, Location } from './debug-information.ts';
import type { DwarfTypes } from './dwarf-types.ts';
import { first } from './dwarf-variables.ts';

const SITES: ReadonlySet<number> = new Set([TAG.CALL_SITE, TAG.GNU_CALL_SITE]);
const PARAMETERS: ReadonlySet<number> = new Set([TAG.CALL_SITE_PARAMETER, TAG.GNU_CALL_SITE_PARAMETER]); // prettier-ignore
/** What has calls, or has blocks that have. */
const WANTED: ReadonlySet<number> = new Set([...SITES, TAG.LEXICAL_BLOCK, TAG.INLINED_SUBROUTINE]);
/** Blocks in one another, and calls of one function. */
const MOST_NESTED = 64;
const MOST_SITES = 10_000;
/** Functions whose tail calls are kept. */
const KEPT_FUNCTIONS = 4096;
/** DW_OP_reg0, and how many of them there are. */
const REG0 = 0x50;
const REGISTERS = 32;

export class DwarfCalls {
  private readonly entries: DebugEntries;
  private readonly types: DwarfTypes;
  private readonly functions: (name: string) => Iterable<Entry>;
  /** By where a function is entered: many are jumped to from everywhere. */
  private readonly left = new Map<number, readonly Callee[] | null>();

  /** @param functions those with code of their own, by name */
  constructor(
    entries: DebugEntries,
    types: DwarfTypes,
    functions: (name: string) => Iterable<Entry>,
  ) {
    this.entries = entries;
    this.types = types;
    this.functions = functions;
  }

  /** @param around offset of the function that calls */
  siteAt(around: number, returnAddress: number): CallSite | null {
    return orNull(() => {
      const caller = this.entries.entry(around);
      for (const site of this.sites(caller)) {
        if (isTailCall(site) || returnOf(site) !== returnAddress) continue;
        const place = { caller, address: returnAddress };
        return { callee: this.callee(site, place), parameters: [...this.parameters(site, place)] };
      }
      return null;
    });
  }

  /** Null for a function that is entered elsewhere. */
  tailCalls(offset: number, entry: number): readonly Callee[] | null {
    const known = this.left.get(entry);
    if (known !== undefined) return known;
    const found = this.readTailCalls(offset, entry);
    const [oldest] = this.left.keys();
    if (this.left.size >= KEPT_FUNCTIONS && oldest !== undefined) this.left.delete(oldest);
    this.left.set(entry, found);
    return found;
  }

  private readTailCalls(offset: number, entry: number): readonly Callee[] | null {
    return orNull(() => {
      const caller = this.entries.entry(offset);
      if (entryAddress(caller) !== entry) return null;
      const place = { caller, address: entry };
      return [...this.sites(caller)].filter(isTailCall).map((site) => this.callee(site, place));
    });
  }

  /** All of a function, those of its blocks and of what was inlined into it among them. */
  private sites(around: Entry): readonly Entry[] {
    const found: Entry[] = [];
    const below = (entry: Entry, depth: number): void => {
      for (const child of this.entries.childrenOf(entry, WANTED))
        if (!SITES.has(child.tag)) {
          if (depth >= MOST_NESTED) throw tooMany();
          below(child, depth + 1);
        } else if (found.push(child) > MOST_SITES) throw tooMany();
    };
    below(around, 0);
    return found;
  }

  private *parameters(site: Entry, place: Place): Generator<CallParameter, void, undefined> {
    for (const parameter of this.entries.childrenOf(site, PARAMETERS)) {
      const [operation, ...more] = parameter.block(AT.LOCATION) ?? [];
      const value = parameter.block(AT.CALL_VALUE) ?? parameter.block(AT.GNU_CALL_SITE_VALUE);
      const register = (operation ?? 0) - REG0;
      if (value === null || more.length > 0 || register < 0 || register >= REGISTERS) continue;
      yield { register, value: this.location(value, place) };
    }
  }

  private location(operations: Uint8Array, { caller, address }: Place): Location {
    const start = caller.unit.header.offset;
    return {
      operations: new Uint8Array(operations),
      frameBase: expressionAt(caller, AT.FRAME_BASE, address - 1),
      constant: null,
      typeAt: (offset) => this.types.at(start + offset),
    };
  }

  private callee(site: Entry, place: Place): Callee {
    const isOld = site.tag === TAG.GNU_CALL_SITE;
    const origin = this.entries.follow(site, isOld ? AT.ABSTRACT_ORIGIN : AT.CALL_ORIGIN);
    if (origin !== null) return this.named(origin);
    const target = site.block(isOld ? AT.GNU_CALL_SITE_TARGET : AT.CALL_TARGET);
    return { kind: 'computed', target: target === null ? null : this.location(target, place) };
  }

  private named(origin: Entry): Callee {
    const entry = entryAddress(origin);
    if (entry !== null) return { kind: 'functions', entries: [entry] };
    const chain = this.entries.origins(origin);
    const name = first(chain, (each) => each.text(AT.NAME));
    if (name === null) return UNKNOWN;
    const linkage = linkageOf(chain);
    const sources = new Set(chain.map(({ offset }) => offset));
    const own: Entry[] = [];
    const others: Entry[] = [];
    for (const found of this.functions(name)) {
      const all = this.entries.origins(found);
      if (all.some(({ offset }) => sources.has(offset))) own.push(found);
      else if (isExternal(all) && linkageOf(all) === linkage) others.push(found);
    }
    const meant = own.length > 0 ? own : isExternal(chain) ? others : [];
    if (meant.length === 0) return isExternal(chain) ? { kind: 'external', name: linkage ?? name } : UNKNOWN; // prettier-ignore
    const entries = meant.map(entryAddress).filter((each) => each !== null);
    return { kind: 'functions', entries };
  }
}

/** Where an expression of a call is evaluated: in a function, at an address. */
interface Place {
  readonly caller: Entry;
  readonly address: number;
}

const UNKNOWN: Callee = { kind: 'computed', target: null };

const isTailCall = (site: Entry): boolean =>
  site.flag(AT.CALL_TAIL_CALL) || site.flag(AT.GNU_TAIL_CALL);
const returnOf = (site: Entry): number | null =>
  site.address(site.tag === TAG.GNU_CALL_SITE ? AT.LOW_PC : AT.CALL_RETURN_PC);
const isExternal = (chain: readonly Entry[]): boolean =>
  chain.some((entry) => entry.flag(AT.EXTERNAL));
const linkageOf = (chain: readonly Entry[]): string | null =>
  first(chain, (entry) => entry.text(AT.LINKAGE_NAME));

function tooMany(): FormatError {
  return new FormatError('malformed', 'The section .debug_info is damaged: a function has more calls than there can be.'); // prettier-ignore
}

/** Null where the file is damaged. */
function orNull<Found>(read: () => Found | null): Found | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
