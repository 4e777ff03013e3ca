/**
 * The few structures of a kernel that its hooks are made of, straight from its debugging information. They
 * stand in headers that nearly every file of a kernel includes, so the first units have them, and
 * breakpoints on hooks can be set before anybody has indexed the whole.
 */
import { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import { AT, TAG } from '../../emulator/formats/dwarf/names.ts';
import { dwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { CType } from '../symbols/c-types.ts';
import { DwarfTypes } from '../symbols/dwarf-types.ts';
import type { SymbolFile } from '../symbols/symbol-file.ts';

/** Units that are looked at. */
const MOST_UNITS = 256;
const PREFIX = 'struct ';

/** Gives a complete structure by its name, "struct pv_info", of the first file that has it. */
export function kernelTypes(files: readonly SymbolFile[]): (name: string) => CType | null {
  const found = files.map((file) => new FirstStructures(file));
  return (name) => {
    if (!name.startsWith(PREFIX)) return null;
    for (const structures of found) {
      const type = structures.find(name.slice(PREFIX.length));
      if (type !== null) return type;
    }
    return null;
  };
}

class FirstStructures {
  private readonly entries: DebugEntries;
  private readonly types: DwarfTypes;
  private readonly offsets = new Map<string, number>();
  private unitsRead = 0;

  constructor(file: SymbolFile) {
    this.entries = new DebugEntries(dwarfSections((name) => file.section(name)));
    this.types = new DwarfTypes(this.entries, (tag, name) => tag === TAG.STRUCTURE_TYPE ? (this.offsets.get(name) ?? null) : null); // prettier-ignore
  }

  find(name: string): CType | null {
    try {
      while (!this.offsets.has(name) && this.readUnit());
    } catch (cause) {
      // a damaged file has the types that it has
      if (!(cause instanceof FormatError)) throw cause;
    }
    const offset = this.offsets.get(name);
    return offset === undefined ? null : this.types.at(offset);
  }

  /** False when there are no more. */
  private readUnit(): boolean {
    const start = this.entries.unitStarts[this.unitsRead];
    if (start === undefined || this.unitsRead >= MOST_UNITS) return false;
    this.unitsRead++;
    for (const entry of this.entries.children(this.entries.unit(start).root)) {
      if (entry.tag !== TAG.STRUCTURE_TYPE || entry.flag(AT.DECLARATION)) continue;
      const name = entry.text(AT.NAME);
      if (name !== null && !this.offsets.has(name)) this.offsets.set(name, entry.offset);
    }
    return true;
  }
}
