/**
 * The index of a file's debugging information: names with their entries, units with their code, line
 * tables with their files. It is built once by reading through all of it (buildIndex()), which takes
 * seconds for a kernel, or taken from a disk; after that, questions read only what they need.
 */
import { EntryWalk } from '../../emulator/formats/dwarf/entry-walk.ts';
import { SECTION_NAME, type DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { RUN_WORDS, scanLines, type LineTablesData } from './line-scan.ts';
import { runAt } from './line-tables.ts';
import type { NameIndex, NameKind } from './name-index.ts';
import { NameCollector, NameTable, type NameTables } from './name-table.ts';
import { NumberList } from './number-list.ts';
import { CODE_WORDS, UnitCode } from './unit-code.ts';

export interface DebugIndexData {
  readonly names: NameTables;
  readonly lines: LineTablesData;
  /**
   * UNIT_WORDS words each, in the order of the file: offset of the header in .debug_info, and offset of
   * the line table + 1 or 0.
   */
  readonly units: Uint32Array;
  /** What units tell of their code (unit-code.ts): CODE_WORDS words each. */
  readonly code: Uint32Array;
}

export const UNIT_WORDS = 2;
/** Of the whole work, the part that reading entries takes. */
const ENTRIES_PART = 2 / 3;
/** A name that .debug_str has not been asked for yet. */
const UNKNOWN = 0;
/** Characters of a name that count. */
const LONGEST_NAME = 4096;

export class DebugIndex implements NameIndex {
  readonly data: DebugIndexData;
  private readonly names: NameTable;
  /** Offsets of units by the offset of their line table. */
  private readonly byLines = new Map<number, number[]>();

  constructor(data: DebugIndexData) {
    this.data = data;
    this.names = new NameTable(data.names);
    const { units } = data;
    for (let at = 0; at < units.length; at += UNIT_WORDS) {
      const lines = units[at + 1] ?? 0;
      if (lines === 0) continue;
      const list = this.byLines.get(lines - 1) ?? [];
      list.push(units[at] ?? 0);
      this.byLines.set(lines - 1, list);
    }
  }

  entries(kind: NameKind, name: string): readonly number[] {
    return this.names.entries(kind, name);
  }

  namesFrom(prefix: string, most: number): readonly string[] {
    return this.names.namesFrom(prefix, most);
  }

  unitsAt(address: number): readonly number[] {
    const { code, lines } = this.data;
    const found = new Set<number>();
    for (let at = 0; at < code.length; at += CODE_WORDS)
      if (address >= (code[at] ?? 0) && address < (code[at + 1] ?? 0)) found.add(code[at + 2] ?? 0);
    const run = runAt(lines.runs, address);
    const table = run === null ? null : (lines.runs[run * RUN_WORDS + 2] ?? 0);
    if (table !== null)
      for (const unit of this.byLines.get(lines.tables[table] ?? 0) ?? []) found.add(unit);
    return [...found];
  }
}

/**
 * Reads through all; yields every few milliseconds the part that is done, 0 to 1. Throws FormatError.
 * @param isCode whether the file has code at an address
 */
export function* buildIndex(
  sections: DwarfSections,
  isCode: (address: number) => boolean,
): Generator<number, DebugIndexData, undefined> {
  const { info, types, texts } = sections;
  const size = info.length + types.length;
  if (size > 0xffffffff) throw new Error(`its ${SECTION_NAME.info} is larger than 4 GiB`);
  const names = new NameCollector();
  const units = new NumberList();
  const code = new UnitCode(sections, isCode);
  const folders = new Map<number, string>();
  const nameAt = namesOf(texts.read(0, texts.length), names);
  const walk = new EntryWalk(sections, {
    unit(unit) {
      const { offset, lines, folder } = unit;
      for (const word of [offset, lines === null ? 0 : lines + 1]) units.push(word);
      if (lines !== null) folders.set(lines, folder);
      code.add(unit);
    },
    entry: (tag, offset, name) => names.add(tag, names.number(name), offset),
    entryAt(tag, offset, text) {
      const name = nameAt(text);
      if (name !== null) names.add(tag, name, offset);
    },
  });
  for (const done of walk.run()) yield (done / size) * ENTRIES_PART;
  for (const _ of code.read()) yield ENTRIES_PART;
  const scan = scanLines(sections, folders, isCode);
  for (let step = scan.next(); ; step = scan.next()) {
    if (step.done === true)
      return {
        names: names.finished(),
        lines: step.value,
        units: units.finished(),
        code: code.finished(),
      };
    yield ENTRIES_PART + step.value * (1 - ENTRIES_PART);
  }
}

/** Numbers of names by their place in .debug_str; each is read once. */
function namesOf(texts: Uint8Array, names: NameCollector): (place: number) => number | null {
  const known = new Uint32Array(texts.length);
  return (place) => {
    if (place >= texts.length) return null;
    let number = known[place] ?? UNKNOWN;
    if (number === UNKNOWN) {
      const text = texts.subarray(place, place + LONGEST_NAME);
      const end = text.indexOf(0);
      number = names.number(end < 0 ? text : text.subarray(0, end)) + 1;
      known[place] = number;
    }
    return number - 1;
  };
}
