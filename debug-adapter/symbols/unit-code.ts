/**
 * Where the code of units lies, as they tell it themselves: in .debug_aranges (DWARF 5, 6.1.2), or for those
 * that are not there by their own two addresses or list of ranges (3.1.1). Line tables alone do not tell
 * all of it: a piece of a function may begin before its first row.
 */
import { readAddressRanges } from '../../emulator/formats/dwarf/address-ranges.ts';
import { DebugEntries } from '../../emulator/formats/dwarf/debug-entries.ts';
import type { WalkedUnit } from '../../emulator/formats/dwarf/entry-walk.ts';
import { rangesOf } from '../../emulator/formats/dwarf/ranges.ts';
import type { DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import { NumberList } from './number-list.ts';

/** A row: from, to before, and the offset of the unit's header. */
export const CODE_WORDS = 3;
/** More than any file has: units of a hostile one may all have the same long list. */
const MOST_ROWS = 1 << 20;

export class UnitCode {
  private readonly sections: DwarfSections;
  private readonly isCode: (address: number) => boolean;
  private readonly words = new NumberList();
  /** All units, by their offsets. */
  private readonly units = new Map<number, WalkedUnit>();
  private rows = 0;

  /** @param isCode whether the file has code at an address; what the linker dropped is dropped */
  constructor(sections: DwarfSections, isCode: (address: number) => boolean) {
    this.sections = sections;
    this.isCode = isCode;
  }

  add(unit: WalkedUnit): void {
    this.units.set(unit.offset, unit);
  }

  /** Once all units are known. What is damaged tells nothing. */
  *read(): Generator<void, void, undefined> {
    const listed = new Set<number>();
    const sets = readAddressRanges(this.sections.addressRanges, (unit, start, end) => {
      if (!this.units.has(unit)) return;
      listed.add(unit);
      this.push(unit, start, end);
    });
    yield* untilDamaged(sets);
    const entries = new DebugEntries(this.sections);
    for (const { offset, code, hasRanges } of this.units.values()) {
      if (listed.has(offset)) continue;
      if (code !== null) this.push(offset, code.start, code.end);
      if (hasRanges && this.rows < MOST_ROWS) yield* untilDamaged(this.ranges(entries, offset));
    }
  }

  finished(): Uint32Array {
    return this.words.finished();
  }

  private *ranges(entries: DebugEntries, unit: number): Generator<void, void, undefined> {
    for (const { start, end } of rangesOf(entries.unit(unit).root)) this.push(unit, start, end);
    yield;
  }

  private push(unit: number, start: number, end: number): void {
    if (this.rows++ >= MOST_ROWS || !this.isCode(start)) return;
    for (const word of [start, end, unit]) this.words.push(word);
  }
}

function* untilDamaged(steps: Generator<void, void, undefined>): Generator<void, void, undefined> {
  try {
    yield* steps;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
}
