/**
 * Addresses of an entry's code (DWARF 5, 2.17): one run of it, or a list of them in .debug_ranges
 * (DWARF 4, 2.17.3) or .debug_rnglists (DWARF 5, 2.17.3 and 7.25).
 */
import { AddressBase, type AddressRange } from './address-base.ts';
import type { DwarfReader } from './dwarf-reader.ts';
import type { Entry } from './entry.ts';
import { AT } from './names.ts';
import { SECTION_NAME } from './sections.ts';
import { readAt } from './windows.ts';

/** DW_RLE_*. */
const RLE = {
  END_OF_LIST: 0, BASE_ADDRESSX: 1, STARTX_ENDX: 2, STARTX_LENGTH: 3, OFFSET_PAIR: 4, BASE_ADDRESS: 5,
  START_END: 6, START_LENGTH: 7,
} as const; // prettier-ignore

/** More than any function has. */
const MOST_RANGES = 1 << 16;

/** Without empty ones, in the order of the file. Throws FormatError. */
export function rangesOf(entry: Entry): readonly AddressRange[] {
  const list = entry.list(AT.RANGES);
  if (list !== null) return listedRanges(entry, list).filter(({ start, end }) => start < end);
  const start = entry.address(AT.LOW_PC);
  if (start === null) return [];
  // an address, or since DWARF 4 bytes from the start
  const end = entry.address(AT.HIGH_PC) ?? start + (entry.number(AT.HIGH_PC) ?? 0);
  return start < end ? [{ start, end }] : [];
}

/** The address at which an entry's code is entered (2.18); null for one without code. */
export function entryAddress(entry: Entry): number | null {
  const low = entry.address(AT.LOW_PC);
  const told = entry.address(AT.ENTRY_PC);
  if (told !== null) return told;
  const first = low ?? rangesOf(entry)[0]?.start ?? null;
  // since DWARF 5 it may be a number of bytes from the start
  return first === null ? null : (first + (entry.number(AT.ENTRY_PC) ?? 0)) >>> 0;
}

function listedRanges(
  { unit }: Entry,
  { at, isIndex }: { readonly at: number; readonly isIndex: boolean },
): readonly AddressRange[] {
  const { sections } = unit;
  if (unit.header.version < 5)
    return readAt(SECTION_NAME.ranges, sections.ranges, at, (reader) =>
      oldRanges(reader, new AddressBase(unit)),
    );
  const base = unit.root.number(AT.RNGLISTS_BASE);
  const place = isIndex ? unit.indexedList(sections.rangeLists, base, at) : at;
  if (place === null) return [];
  return readAt(SECTION_NAME.rangeLists, sections.rangeLists, place, (reader) =>
    newRanges(reader, new AddressBase(unit)),
  );
}

function oldRanges(reader: DwarfReader, base: AddressBase): readonly AddressRange[] {
  const ranges: AddressRange[] = [];
  for (let pair = base.oldPair(reader); pair !== null; pair = base.oldPair(reader))
    add(ranges, pair, reader);
  return ranges;
}

function newRanges(reader: DwarfReader, base: AddressBase): readonly AddressRange[] {
  const ranges: AddressRange[] = [];
  for (;;) {
    const kind = reader.u8();
    switch (kind) {
      case RLE.END_OF_LIST:
        return ranges;
      case RLE.BASE_ADDRESSX:
        base.setIndexed(reader);
        break;
      case RLE.BASE_ADDRESS:
        base.set(reader);
        break;
      case RLE.OFFSET_PAIR:
        add(ranges, base.offsets(reader), reader);
        break;
      case RLE.STARTX_ENDX:
        add(ranges, base.indexedPair(reader), reader);
        break;
      case RLE.STARTX_LENGTH:
        add(ranges, base.indexedLength(reader), reader);
        break;
      case RLE.START_END:
        add(ranges, base.pair(reader), reader);
        break;
      case RLE.START_LENGTH:
        add(ranges, base.length(reader), reader);
        break;
      default:
        throw reader.malformed(`a list in it has an entry of a kind ${kind}, which there is not`);
    }
  }
}

function add(ranges: AddressRange[], range: AddressRange, reader: DwarfReader): void {
  if (ranges.push(range) > MOST_RANGES)
    throw reader.malformed('a list of ranges in it is too long');
}
