/**
 * Call frame information of one file: that of .debug_frame, then that of .eh_frame, which programs have
 * without debugging information too. Indexed when it is first asked for, in some tens of milliseconds.
 */
import type { FrameSection } from '../../emulator/formats/dwarf/frame-entries.ts';
import { frameRow, type FrameRow } from '../../emulator/formats/dwarf/frame-program.ts';
import { FrameTable } from '../../emulator/formats/dwarf/frame-table.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { SymbolFile } from './symbol-file.ts';

const SECTIONS: readonly FrameSection['name'][] = ['.debug_frame', '.eh_frame'];

export class ModuleFrames {
  private readonly file: SymbolFile | null;
  private known: readonly FrameTable[] | null = null;

  /** @param file null: there is none */
  constructor(file: SymbolFile | null) {
    this.file = file;
  }

  /** How frames of the code at an address, as it was linked, are left; null where nothing tells. */
  at(address: number): FrameRow | null {
    this.known ??= this.read();
    for (const table of this.known) {
      const entry = table.at(address);
      if (entry === null) continue;
      try {
        return frameRow(entry, address);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
    return null;
  }

  private read(): readonly FrameTable[] {
    const { file } = this;
    if (file === null) return [];
    return SECTIONS.flatMap((name) => {
      const bytes = file.section(name);
      if (bytes === null) return [];
      const address = file.elf.sections.find((section) => section.name === name)?.address ?? 0;
      return [FrameTable.of({ name, bytes, address: address >>> 0 })];
    });
  }
}
