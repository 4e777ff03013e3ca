/**
 * .debug_aranges (DWARF 5, 6.1.2): which addresses the code of each unit has, for those units for which
 * the compiler or the assembler wrote it down. Sets with segments are passed over.
 */
import type { ByteSource } from '../byte-source.ts';
import { DwarfReader } from './dwarf-reader.ts';
import { SECTION_NAME } from './sections.ts';
import { MOST_HEADER, unitExtent } from './unit-header.ts';

/** The version of all sets up to DWARF 5. */
const VERSION = 2;

/** Hears of a range from `start` to before `end`; `unit` is the offset of its unit's header in .debug_info. */
export type TellRange = (unit: number, start: number, end: number) => void;

/** Tells all ranges that are not empty; yields after each set. Throws FormatError. */
export function* readAddressRanges(
  section: ByteSource,
  tell: TellRange,
): Generator<void, void, undefined> {
  for (let at = 0; at + 4 <= section.length;) {
    const head = section.read(at, Math.min(MOST_HEADER, section.length - at));
    const { size } = unitExtent(new DwarfReader(SECTION_NAME.addressRanges, head));
    readSet(new DwarfReader(SECTION_NAME.addressRanges, section.read(at, size)), tell);
    at += size;
    yield;
  }
}

function readSet(reader: DwarfReader, tell: TellRange): void {
  const { format } = unitExtent(reader);
  if (reader.u16() !== VERSION) return;
  const unit = reader.offset(format);
  const size = reader.u8();
  const segment = reader.u8();
  if ((size !== 4 && size !== 8) || segment !== 0) return;
  // the first pair is aligned to the size of one, counted from the start of the set
  reader.at = Math.ceil(reader.at / (2 * size)) * (2 * size);
  while (reader.left >= 2 * size) {
    const start = reader.address(size);
    const length = reader.address(size);
    if (length > 0) tell(unit, start, start + length);
  }
}
