/**
 * What lists of ranges and of locations have in common (DWARF 5, 2.6.2 and 2.17.3): each of their entries
 * begins with a pair of addresses, some counted from a base that other entries change.
 */
import type { DwarfReader } from './dwarf-reader.ts';
import type { Unit } from './unit.ts';

/** From `start` to before `end`. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

export class AddressBase {
  private base: number;
  private readonly unit: Unit;

  constructor(unit: Unit) {
    this.unit = unit;
    this.base = unit.base;
  }

  set(reader: DwarfReader): void {
    this.base = reader.address(this.unit.header.address);
  }
  setIndexed(reader: DwarfReader): void {
    this.base = this.indexed(reader);
  }

  /** Up to DWARF 4: past entries that change the base; null at the end of the list. */
  oldPair(reader: DwarfReader): AddressRange | null {
    const { address } = this.unit.header;
    for (;;) {
      const start = reader.address(address);
      const end = reader.address(address);
      if (start === 0 && end === 0) return null;
      if (start !== 0xffffffff) return this.from(start, end);
      this.base = end;
    }
  }

  /** Two numbers, counted from the base. */
  offsets(reader: DwarfReader): AddressRange {
    const start = reader.uleb();
    return this.from(start, reader.uleb());
  }
  pair(reader: DwarfReader): AddressRange {
    const { address } = this.unit.header;
    const start = reader.address(address);
    return { start, end: reader.address(address) };
  }
  length(reader: DwarfReader): AddressRange {
    const start = reader.address(this.unit.header.address);
    return { start, end: start + reader.uleb() };
  }
  indexedPair(reader: DwarfReader): AddressRange {
    const start = this.indexed(reader);
    return { start, end: this.indexed(reader) };
  }
  indexedLength(reader: DwarfReader): AddressRange {
    const start = this.indexed(reader);
    return { start, end: start + reader.uleb() };
  }

  private indexed(reader: DwarfReader): number {
    const address = this.unit.indexedAddress(reader.uleb());
    if (address === null) throw reader.malformed('a list in it names an address that there is not');
    return address;
  }

  private from(start: number, end: number): AddressRange {
    return { start: (this.base + start) >>> 0, end: (this.base + end) >>> 0 };
  }
}
