/**
 * Where an object lies while execution is at an address (DWARF 5, 2.6): always at one place, or by a list
 * in .debug_loc (DWARF 4, 2.6.2) or .debug_loclists (DWARF 5, 2.6.2 and 7.7.3). The views of gcc, several
 * states of a program at one address, are stepped over.
 */
import { AddressBase, type AddressRange } from './address-base.ts';
import type { DwarfReader } from './dwarf-reader.ts';
import type { Entry } from './entry.ts';
import { AT } from './names.ts';
import { SECTION_NAME } from './sections.ts';
import { readAt } from './windows.ts';

/** DW_LLE_*. */
const LLE = {
  END_OF_LIST: 0, BASE_ADDRESSX: 1, STARTX_ENDX: 2, STARTX_LENGTH: 3, OFFSET_PAIR: 4,
  DEFAULT_LOCATION: 5, BASE_ADDRESS: 6, START_END: 7, START_LENGTH: 8, GNU_VIEW_PAIR: 9,
} as const; // prettier-ignore

/**
 * Operations of the expression that tells the place, copied; null where there is none at the address.
 * Throws FormatError.
 */
export function expressionAt(entry: Entry, attribute: number, address: number): Uint8Array | null {
  const block = entry.block(attribute);
  if (block !== null) return new Uint8Array(block);
  const list = entry.list(attribute);
  if (list === null) return null;
  const { unit } = entry;
  const { sections } = unit;
  if (unit.header.version < 5)
    return readAt(SECTION_NAME.locations, sections.locations, list.at, (reader) =>
      inOldList(reader, new AddressBase(unit), address),
    );
  const base = unit.root.number(AT.LOCLISTS_BASE);
  const place = list.isIndex ? unit.indexedList(sections.locationLists, base, list.at) : list.at;
  if (place === null) return null;
  return readAt(SECTION_NAME.locationLists, sections.locationLists, place, (reader) =>
    inNewList(reader, new AddressBase(unit), address),
  );
}

function inOldList(reader: DwarfReader, base: AddressBase, address: number): Uint8Array | null {
  for (let pair = base.oldPair(reader); pair !== null; pair = base.oldPair(reader)) {
    const operations = reader.block(reader.u16());
    if (holds(pair, address)) return new Uint8Array(operations);
  }
  return null;
}

function inNewList(reader: DwarfReader, base: AddressBase, address: number): Uint8Array | null {
  let otherwise: Uint8Array | null = null;
  for (;;) {
    const kind = reader.u8();
    let range: AddressRange;
    switch (kind) {
      case LLE.END_OF_LIST:
        return otherwise;
      case LLE.BASE_ADDRESSX:
        base.setIndexed(reader);
        continue;
      case LLE.BASE_ADDRESS:
        base.set(reader);
        continue;
      case LLE.GNU_VIEW_PAIR:
        reader.uleb();
        reader.uleb();
        continue;
      case LLE.DEFAULT_LOCATION:
        otherwise = new Uint8Array(reader.block(reader.uleb()));
        continue;
      case LLE.OFFSET_PAIR:
        range = base.offsets(reader);
        break;
      case LLE.STARTX_ENDX:
        range = base.indexedPair(reader);
        break;
      case LLE.STARTX_LENGTH:
        range = base.indexedLength(reader);
        break;
      case LLE.START_END:
        range = base.pair(reader);
        break;
      case LLE.START_LENGTH:
        range = base.length(reader);
        break;
      default:
        throw reader.malformed(`a list in it has an entry of a kind ${kind}, which there is not`);
    }
    const operations = reader.block(reader.uleb());
    if (holds(range, address)) return new Uint8Array(operations);
  }
}

const holds = ({ start, end }: AddressRange, address: number): boolean =>
  address >= start && address < end;
