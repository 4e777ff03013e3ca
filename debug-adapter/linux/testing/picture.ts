/** The memory of a program that does not run: what its file puts there, and a page that tests write to. */
import type { ElfFile } from '../../../emulator/formats/elf.ts';
import { SECTION_FLAG, SECTION_TYPE, sectionBytes } from '../../../emulator/formats/elf.ts';

interface Area {
  readonly start: number;
  readonly bytes: Uint8Array;
}

const PAGE = 4096;
const FREE_PAGE = 0x5000000;

export class Picture {
  private readonly areas: readonly Area[];

  constructor(elf: ElfFile) {
    const loaded = elf.sections.filter(({ flags }) => (flags & SECTION_FLAG.ALLOC) !== 0);
    const areas = loaded.map((section) => ({
      start: section.address,
      bytes: section.type === SECTION_TYPE.NOBITS ? new Uint8Array(section.size) : sectionBytes(elf, section).slice(), // prettier-ignore
    }));
    this.areas = [...areas, { start: FREE_PAGE, bytes: new Uint8Array(PAGE) }];
  }

  /** Whole pages can be read where there is something in them. */
  read(address: number, count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; at++) {
      const place = address + at;
      const page = place - (place % PAGE);
      const inPage = this.areas.filter(({ start, bytes: held }) => start < page + PAGE && start + held.length > page); // prettier-ignore
      if (inPage.length === 0) return bytes.subarray(0, at);
      const area = inPage.find(({ start, bytes: held }) => place >= start && place < start + held.length); // prettier-ignore
      if (area !== undefined) bytes[at] = area.bytes[place - area.start] ?? 0;
    }
    return bytes;
  }

  /** @param size bytes, 1 to 4 */
  write(address: number, value: number, size: number): void {
    const area = this.areas.find(({ start, bytes }) => address >= start && address < start + bytes.length); // prettier-ignore
    for (let at = 0; area !== undefined && at < size; at++)
      area.bytes[address - area.start + at] = value >>> (8 * at);
  }

  word(address: number): number {
    const bytes = this.read(address, 4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }
}
