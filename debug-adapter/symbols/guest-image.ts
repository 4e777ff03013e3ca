/**
 * Where a file of symbols lies in the guest. A kernel may run elsewhere than it was linked: put there by
 * launch.json's "loadAddress", or by its own address-space randomisation. Its build ID (the note that a
 * linker writes, ELF gABI "Note Section"; NT_GNU_BUILD_ID) is in memory with it, so finding that tells
 * how far it has moved. i386 kernels move in linear and physical addresses by the same distance.
 */
import type { ElfFile } from '../../emulator/formats/elf.ts';
import { SECTION_FLAG, SECTION_TYPE, sectionBytes } from '../../emulator/formats/elf.ts';
import type { MachineClient } from '../machine-client.ts';
import { findInMemory } from '../memory-search.ts';

/** Bytes of a file that are in memory with it, and the linear address that they were linked to. */
interface Mark {
  readonly bytes: Uint8Array;
  readonly linear: number;
}

/** namesz 4, descsz, type 3, "GNU\0". */
const BUILD_ID_HEAD = [4, 0, 0, 0, -1, 0, 0, 0, 3, 0, 0, 0, 0x47, 0x4e, 0x55, 0];
/** A build ID's bytes are a hash; fewer could be anywhere. */
const SHORTEST_ID = 8;
/** Copies of a mark that are looked at: of a kernel there may be one where it was unpacked. */
const MOST_COPIES = 16;

export class GuestImage {
  /** Bytes from where the file was linked to where it is, as far as it is known. */
  slide = 0;
  /** It was looked for and found, here or where it was linked. */
  found = false;
  /** The file's, without its folder. */
  readonly name: string;
  private readonly mark: Mark | null;

  /** @param mark null for a file that cannot be found in memory: it is where it was linked */
  constructor(name: string, mark: Mark | null = null) {
    this.name = name;
    this.mark = mark;
  }

  static of(name: string, elf: ElfFile): GuestImage {
    for (const section of elf.sections) {
      if (section.type !== SECTION_TYPE.NOTE || (section.flags & SECTION_FLAG.ALLOC) === 0)
        continue;
      const bytes = buildId(sectionBytes(elf, section));
      if (bytes !== null) return new GuestImage(name, { ...bytes, linear: (section.address + bytes.at) >>> 0 }); // prettier-ignore
    }
    return new GuestImage(name);
  }

  /** It can be found, and has not been yet. */
  get isWanted(): boolean {
    return this.mark !== null && !this.found;
  }

  /** Looks for it in RAM, as the guest maps it now; true when it is found. */
  async find(machine: MachineClient, ramBytes: number): Promise<boolean> {
    const { mark } = this;
    if (mark === null) return false;
    const places = await findInMemory(machine, 'physical', mark.bytes, { start: 0, length: ramBytes, most: MOST_COPIES }); // prettier-ignore
    for (const physical of places) {
      const linear = await this.linearOf(mark, physical, machine);
      if (linear === null) continue;
      this.slide = (linear - mark.linear) | 0;
      this.found = true;
      return true;
    }
    return false;
  }

  /** The linear address of a copy of the mark: the linked one, moved by what the copy has moved. */
  private async linearOf(
    mark: Mark,
    physical: number,
    machine: MachineClient,
  ): Promise<number | null> {
    // prettier-ignore
    // i386 kernels are linked to a multiple of 16 MiB above where they are loaded, at an offset that
    // depends on how they were configured (CONFIG_VMSPLIT); 0 is of programs that are not moved
    for (const offset of LINEAR_OFFSETS) {
      const linear = (physical + offset) >>> 0;
      if ((linear - mark.linear) % PAGE !== 0) continue;
      if ((await machine.call('translate', linear)) === physical) return linear;
    }
    return null;
  }
}

const PAGE = 4096;
/** PAGE_OFFSET of arch/x86/Kconfig, 32-bit, and none. */
const LINEAR_OFFSETS = [0xc0000000, 0xb0000000, 0x80000000, 0x78000000, 0x40000000, 0];

/** The note in a section of notes. */
function buildId(notes: Uint8Array): { readonly bytes: Uint8Array; readonly at: number } | null {
  const head = BUILD_ID_HEAD.length;
  for (let at = 0; at + head <= notes.length; at += 4) {
    if (!BUILD_ID_HEAD.every((byte, index) => byte < 0 || notes[at + index] === byte)) continue;
    const size = notes[at + 4] ?? 0;
    if (size >= SHORTEST_ID && at + head + size <= notes.length)
      return { bytes: notes.slice(at, at + head + size), at };
  }
  return null;
}
