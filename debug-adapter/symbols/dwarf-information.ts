/**
 * Debugging information of one ELF file as the session asks for it (debug-information.ts): names are looked
 * up in the file's index, and what they stand for is read from its entries then. What a damaged file
 * cannot tell is not there.
 */
import { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { dwarfSections, type DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { CType } from './c-types.ts';
import type {
  Callee,
  CallSite,
  CodeScope,
  DebugInformation,
  FunctionScope,
  Variable,
} from './debug-information.ts';
import { DwarfCalls } from './dwarf-calls.ts';
import { DwarfPlaces } from './dwarf-places.ts';
import { DwarfScopes } from './dwarf-scopes.ts';
import { DwarfTypes, VOID } from './dwarf-types.ts';
import { DwarfVariables } from './dwarf-variables.ts';
import type { GuestImage } from './guest-image.ts';
import type { NameIndex } from './name-index.ts';
import { folderOf, type SourceMap } from './source-paths.ts';
import type { SymbolFile } from './symbol-file.ts';
import { spellings } from './type-names.ts';

/** Tags of what is asked for as "struct x". */
const TAGS: { readonly [word: string]: readonly number[] } = {
  struct: [TAG.STRUCTURE_TYPE, TAG.CLASS_TYPE],
  class: [TAG.CLASS_TYPE, TAG.STRUCTURE_TYPE],
  union: [TAG.UNION_TYPE],
  enum: [TAG.ENUMERATION_TYPE],
};
/** DWARF 5, 7.7.1. */
const DW_OP_addr = 0x03;
const VARIABLES: ReadonlySet<number> = new Set([TAG.VARIABLE]);

/** Address that a file's symbol was linked to; null where it has none of that name. */
export type LinkedSymbol = (name: string) => number | null;

export class DwarfInformation implements DebugInformation {
  readonly image: GuestImage;
  private readonly index: NameIndex;
  private readonly entries: DebugEntries;
  private readonly types: DwarfTypes;
  private readonly variables: DwarfVariables;
  private readonly scopes: DwarfScopes;
  private readonly symbol: LinkedSymbol;
  private readonly calls: DwarfCalls;

  /** @param places tells the paths of source files */
  constructor(
    image: GuestImage,
    sections: DwarfSections,
    index: NameIndex,
    places: DwarfPlaces,
    symbol: LinkedSymbol,
  ) {
    this.image = image;
    this.index = index;
    this.symbol = symbol;
    const entries = new DebugEntries(sections);
    this.entries = entries;
    this.types = new DwarfTypes(entries, (tag, name) => this.tagged([tag], name)?.offset ?? null);
    this.variables = new DwarfVariables(entries, this.types, places);
    const { types, variables } = this;
    this.scopes = new DwarfScopes({ entries, types, variables, places });
    this.calls = new DwarfCalls(entries, types, (name) =>
      this.read(index.entries('function', name)),
    );
  }

  static of(
    file: SymbolFile,
    image: GuestImage,
    index: NameIndex,
    map: SourceMap,
    symbol: LinkedSymbol,
  ): DwarfInformation {
    const sections = dwarfSections((name) => file.section(name));
    const places = new DwarfPlaces(folderOf(file.path), map);
    return new DwarfInformation(image, sections, index, places, symbol);
  }

  functions(name: string): readonly FunctionScope[] {
    return this.index
      .entries('function', name)
      .map((offset) => this.scopes.functionAt(offset))
      .filter((scope) => scope !== null);
  }

  scopesAt(address: number): readonly CodeScope[] {
    for (const unit of this.index.unitsAt(address)) {
      const scopes = this.scopes.at(unit, address);
      if (scopes.length > 0) return scopes;
    }
    return [];
  }

  callAt(returnAddress: number): CallSite | null {
    // behind a call that never returns may begin another function
    const offset = this.functionOffset(returnAddress - 1);
    return offset === null ? null : this.calls.siteAt(offset, returnAddress);
  }

  tailCallsOf(entry: number): readonly Callee[] | null {
    const offset = this.functionOffset(entry);
    return offset === null ? null : this.calls.tailCalls(offset, entry);
  }

  private functionOffset(address: number): number | null {
    for (const unit of this.index.unitsAt(address)) {
      const offset = this.scopes.functionOffset(unit, address);
      if (offset !== null) return offset;
    }
    return null;
  }

  variable(name: string, address?: number): Variable | null {
    const found = [...this.read(this.index.entries('variable', name))];
    const units = address === undefined ? [] : this.index.unitsAt(address);
    const isExternal = (entry: Entry): boolean =>
      this.entries.origins(entry).some((origin) => origin.flag(AT.EXTERNAL));
    const entry =
      found.find(isExternal) ??
      found.find(({ unit }) => units.includes(unit.header.offset)) ??
      found[0];
    return entry === undefined ? this.declared(name) : this.variables.of(entry, null);
  }

  /** One that an assembler or the linker defines: the sources say its type, the symbol where it is. */
  private declared(name: string): Variable | null {
    const [entry] = this.read(this.index.entries('declared', name));
    const variable = entry === undefined ? null : this.variables.of(entry, null);
    const address = variable === null ? null : this.symbol(name);
    return variable === null || address === null ? null : placed(variable, address);
  }

  variablesOfUnit(address: number): readonly Variable[] {
    const variables: Variable[] = [];
    try {
      for (const unit of this.index.unitsAt(address))
        for (const entry of this.entries.childrenOf(this.entries.unit(unit).root, VARIABLES)) {
          const hasPlace = entry.has(AT.LOCATION) || entry.has(AT.CONST_VALUE);
          const variable = hasPlace ? this.variables.of(entry, null) : null;
          if (variable !== null) variables.push(variable);
        }
    } catch (error) {
      // those that could be read until then are shown
      if (!(error instanceof FormatError)) throw error;
    }
    return variables;
  }

  type(name: string): CType | null {
    const [, word, rest] = /^(\w+)\s+(.+)$/.exec(name.trim()) ?? [];
    const tags = TAGS[word ?? ''];
    if (tags !== undefined && rest !== undefined) {
      const entry = this.tagged(tags, rest);
      return entry === null ? null : this.types.at(entry.offset);
    }
    for (const spelling of spellings(name)) {
      const [entry] = this.read(this.index.entries('type', spelling));
      if (entry !== undefined) return this.types.at(entry.offset);
    }
    return name.trim() === 'void' ? VOID : null;
  }

  enumerator(name: string): bigint | null {
    const [entry] = this.read(this.index.entries('enumerator', name));
    const value = entry?.constant(AT.CONST_VALUE) ?? null;
    return value === null ? null : BigInt(value);
  }

  namesFrom(prefix: string, most: number): readonly string[] {
    return this.index.namesFrom(prefix, most);
  }

  /** A complete structure, union, class or enumeration. */
  private tagged(tags: readonly number[], name: string): Entry | null {
    for (const entry of this.read(this.index.entries('tag', name)))
      if (tags.includes(entry.tag)) return entry;
    return null;
  }

  /** Those that can be read. */
  private *read(offsets: readonly number[]): Generator<Entry, void, undefined> {
    for (const offset of offsets) {
      const entry = this.entries.find(offset);
      if (entry !== null) yield entry;
    }
  }
}

/** A variable at an address. */
function placed(variable: Variable, address: number): Variable {
  const operations = new Uint8Array(5);
  operations[0] = DW_OP_addr;
  new DataView(operations.buffer).setUint32(1, address, true);
  return {
    name: variable.name,
    isParameter: false,
    get type() {
      return variable.type;
    },
    declared: variable.declared,
    locationAt: () => ({ operations, frameBase: null, constant: null }),
  };
}
