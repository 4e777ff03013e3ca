/**
 * The index of names (symbols/name-index.ts) the simple way, for tests: all entries of a file are read when
 * it is made. The one that sessions use must find the same.
 */
import { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { rangesOf } from '../../emulator/formats/dwarf/ranges.ts';
import type { DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import type { NameIndex, NameKind } from '../symbols/name-index.ts';

/** What entries of a tag are indexed as, and whether names of it are completed. */
const KINDS: ReadonlyMap<number, NameKind> = new Map([
  [TAG.SUBPROGRAM, 'function'],
  [TAG.VARIABLE, 'variable'],
  [TAG.STRUCTURE_TYPE, 'tag'],
  [TAG.UNION_TYPE, 'tag'],
  [TAG.CLASS_TYPE, 'tag'],
  [TAG.ENUMERATION_TYPE, 'tag'],
  [TAG.TYPEDEF, 'type'],
  [TAG.BASE_TYPE, 'type'],
]);
/** What keys of declarations begin with. */
const DECLARED = 'declared ';
const ENUMERATORS: ReadonlySet<number> = new Set([TAG.ENUMERATOR]);
const WANTED: ReadonlySet<number> = new Set([...KINDS.keys(), TAG.NAMESPACE]);

export class ScannedNames implements NameIndex {
  private readonly byName = new Map<string, number[]>();
  private readonly completed = new Set<string>();
  private readonly units: { readonly start: number; readonly end: number; readonly unit: number }[] = []; // prettier-ignore
  private readonly source: DebugEntries;

  /** Throws FormatError. */
  constructor(sections: DwarfSections) {
    this.source = new DebugEntries(sections);
    for (const unit of this.source.unitStarts) {
      const { root } = this.source.unit(unit);
      for (const range of rangesOf(root)) this.units.push({ ...range, unit });
      this.scan(root);
    }
    for (const key of [...this.byName.keys()])
      if (key.startsWith(DECLARED) && this.byName.has(`variable ${key.slice(DECLARED.length)}`))
        this.byName.delete(key);
  }

  entries(kind: NameKind, name: string): readonly number[] {
    return this.byName.get(`${kind} ${name}`) ?? [];
  }

  namesFrom(prefix: string, most: number): readonly string[] {
    const names = [...this.completed].filter((name) => name.startsWith(prefix));
    return names.sort().slice(0, most);
  }

  unitsAt(address: number): readonly number[] {
    const found = this.units.filter(({ start, end }) => address >= start && address < end);
    return [...new Set(found.map(({ unit }) => unit))];
  }

  /** Of all that is indexed: its kind, its name, and the entries. */
  *all(): Generator<readonly [NameKind, string, readonly number[]], void, undefined> {
    for (const [key, offsets] of this.byName) {
      const space = key.indexOf(' ');
      yield [key.slice(0, space) as NameKind, key.slice(space + 1), offsets];
    }
  }

  /** Addresses at which code of a unit begins. */
  get codeStarts(): readonly number[] {
    return this.units.map(({ start }) => start);
  }

  private scan(around: Entry): void {
    for (const entry of this.source.childrenOf(around, WANTED)) {
      const kind = KINDS.get(entry.tag);
      if (kind === undefined) this.scan(entry);
      else if (isDefinition(entry)) this.add(kind, entry);
      else if (kind === 'variable' && entry.flag(AT.DECLARATION)) this.add('declared', entry);
      if (entry.tag !== TAG.ENUMERATION_TYPE) continue;
      for (const value of this.source.childrenOf(entry, ENUMERATORS)) this.add('enumerator', value);
    }
  }

  private add(kind: NameKind, entry: Entry): void {
    const name = this.source.origins(entry).map((origin) => origin.text(AT.NAME)).find((text) => text !== null); // prettier-ignore
    if (name === undefined) return;
    const key = `${kind} ${name}`;
    const known = this.byName.get(key);
    if (known === undefined) this.byName.set(key, [entry.offset]);
    else known.push(entry.offset);
    if (kind === 'function' || kind === 'variable' || entry.tag === TAG.TYPEDEF)
      this.completed.add(name);
  }
}

function isDefinition(entry: Entry): boolean {
  if (entry.tag === TAG.SUBPROGRAM) return entry.has(AT.LOW_PC) || entry.has(AT.RANGES);
  if (entry.tag !== TAG.VARIABLE) return !entry.flag(AT.DECLARATION);
  return entry.has(AT.LOCATION) || entry.has(AT.CONST_VALUE) || (entry.has(AT.SPECIFICATION) && !entry.flag(AT.DECLARATION)); // prettier-ignore
}
