/**
 * Places in the source that entries name by the number of a file in their unit's line table (DWARF 5, 2.14
 * and 3.3.8.2).
 */
import type { ByteSource } from '../../emulator/formats/byte-source.ts';
import { DwarfReader } from '../../emulator/formats/dwarf/dwarf-reader.ts';
import type { Entry } from '../../emulator/formats/dwarf/entry.ts';
import type { TextSections } from '../../emulator/formats/dwarf/forms.ts';
import { readLineTable } from '../../emulator/formats/dwarf/line-table.ts';
import { AT } from '../../emulator/formats/dwarf/names.ts';
import { SECTION_NAME } from '../../emulator/formats/dwarf/sections.ts';
import type { Unit } from '../../emulator/formats/dwarf/unit.ts';
import { readAt } from '../../emulator/formats/dwarf/windows.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { SourceLine } from './line-list.ts';
import { sourcePath, type SourceMap } from './source-paths.ts';

/** Attributes that name a place together. */
export const DECLARED = { file: AT.DECL_FILE, line: AT.DECL_LINE, column: AT.DECL_COLUMN } as const;
export const CALLED = { file: AT.CALL_FILE, line: AT.CALL_LINE, column: AT.CALL_COLUMN } as const;

/** Units whose files are kept. */
const KEPT_UNITS = 64;

export class DwarfPlaces {
  private readonly home: string;
  private readonly map: SourceMap;
  /** Paths by number of a unit's file, by offset of the unit's header. */
  private readonly known = new Map<number, readonly string[]>();
  private texts: TextSections | null = null;

  /** @param home folder of the file of symbols, from which relative names count */
  constructor(home: string, map: SourceMap) {
    this.home = home;
    this.map = map;
  }

  /** Null where the entry does not say. */
  of(entry: Entry, attributes: typeof DECLARED | typeof CALLED): SourceLine | null {
    const file = entry.number(attributes.file);
    const line = entry.number(attributes.line);
    if (file === null || line === null) return null;
    const path = this.files(entry.unit)[file] ?? '';
    return path === '' ? null : { path, line, column: entry.number(attributes.column) ?? 0 };
  }

  private files(unit: Unit): readonly string[] {
    const { offset } = unit.header;
    const known = this.known.get(offset);
    if (known !== undefined) return known;
    const files = this.read(unit);
    const [oldest] = this.known.keys();
    if (this.known.size >= KEPT_UNITS && oldest !== undefined) this.known.delete(oldest);
    this.known.set(offset, files);
    return files;
  }

  private read(unit: Unit): readonly string[] {
    const at = unit.root.number(AT.STMT_LIST);
    if (at === null) return [];
    const { lines, texts, lineTexts } = unit.sections;
    const sections = (this.texts ??= {
      texts: whole(SECTION_NAME.texts, texts),
      lineTexts: whole(SECTION_NAME.lineTexts, lineTexts),
    });
    const folder = unit.root.text(AT.COMP_DIR) ?? '';
    try {
      const table = readAt(SECTION_NAME.lines, lines, at, (reader) => readLineTable(reader, sections)); // prettier-ignore
      return (table?.files ?? []).map(({ name, folder: inner }) =>
        name === '' ? '' : sourcePath([folder, inner, name], this.home, this.map),
      );
    } catch (error) {
      if (error instanceof FormatError) return [];
      throw error;
    }
  }
}

const whole = (name: string, section: ByteSource): DwarfReader =>
  new DwarfReader(name, section.read(0, section.length));
