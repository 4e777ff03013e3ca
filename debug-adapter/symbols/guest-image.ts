/**
 * Where a file of symbols lies in the guest. A kernel may run elsewhere than it was linked: put there by
 * launch.json's "loadAddress", or by its own address-space randomisation. Its build ID (the note that a
 * linker writes, ELF gABI "Note Section"; NT_GNU_BUILD_ID) is in memory with it, so finding that tells
 * how far it has moved. i386 kernels move in linear and physical addresses by the same distance. A module
 * of Linux lies in several pieces, of which the kernel's own list of modules tells.
 */
import type { ElfFile } from '../../emulator/formats/elf.ts';
import { ELF_TYPE, SECTION_FLAG, SECTION_TYPE, sectionBytes } from '../../emulator/formats/elf.ts';
import type { MachineClient } from '../machine/machine-client.ts';
import { findInMemory } from '../machine/memory-search.ts';
import type { AddressSpace } from './address-space.ts';

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

/** A section of an object file: its name, where symbol-file.ts has laid it out, and where it is. */
interface Piece {
  readonly name: string;
  readonly start: number;
  readonly size: number;
  /** Linear address in the guest, null while it is not known. */
  address: number | null;
}

export class GuestImage {
  /** Bytes from where the file was linked to where it is, as far as it is known. */
  slide = 0;
  /** It was looked for and found, here or where it was linked. */
  found = false;
  /** The one that it belongs to; null: it counts in all. */
  space: AddressSpace | null = null;
  /** The file's, without its folder. */
  readonly name: string;
  /** Bytes of the build ID in hexadecimal digits, null for a file without one. */
  readonly buildId: string | null;
  private readonly mark: Mark | null;
  /** Null for a file that is in one piece. */
  private readonly pieces: readonly Piece[] | null;

  /** @param mark null for a file that cannot be found in memory: it is where it was linked */
  constructor(name: string, mark: Mark | null = null, pieces: readonly Piece[] | null = null) {
    this.name = name;
    this.mark = pieces === null ? mark : null;
    this.buildId = mark && hexDigits(mark.bytes.subarray(BUILD_ID_HEAD.length));
    this.pieces = pieces;
  }

  static of(name: string, elf: ElfFile): GuestImage {
    const pieces = elf.type === ELF_TYPE.REL ? piecesOf(elf) : null;
    for (const section of elf.sections) {
      if (section.type !== SECTION_TYPE.NOTE || (section.flags & SECTION_FLAG.ALLOC) === 0)
        continue;
      const bytes = buildId(sectionBytes(elf, section));
      if (bytes !== null) return new GuestImage(name, { ...bytes, linear: (section.address + bytes.at) >>> 0 }, pieces); // prettier-ignore
    }
    return new GuestImage(name, null, pieces);
  }

  /** It is an object file, whose sections the guest puts where it likes: place() tells where. */
  get isObject(): boolean {
    return this.pieces !== null;
  }

  /** It counts where the guest is stopped: every view of files of symbols asks this. */
  get isHere(): boolean {
    return this.space?.isCurrent ?? true;
  }

  /** It is said to be there, moved by so many bytes, and not looked for. */
  fix(slide: number): void {
    this.slide = slide;
    this.found = true;
  }

  /** The guest has it in memory, as far as that is known. */
  get isPlaced(): boolean {
    return this.pieces?.some(({ address }) => address !== null) ?? true;
  }

  /** Addresses of its pieces in the guest, of an object file by section; empty while it is not there. */
  get places(): readonly {
    readonly name: string;
    readonly address: number;
    readonly size: number;
  }[] {
    return (this.pieces ?? []).flatMap(({ name, address, size }) =>
      address === null ? [] : [{ name, address, size }],
    );
  }

  /** The guest has loaded the object file. @param sections linear addresses by name; none: unloaded */
  place(sections: ReadonlyMap<string, number>): void {
    for (const piece of this.pieces ?? []) piece.address = sections.get(piece.name) ?? null;
    this.found = sections.size > 0;
  }

  /** Linear address in the guest of what the file has at an address; null while it is not there. */
  toGuest(linked: number): number | null {
    if (this.pieces === null) return (linked + this.slide) >>> 0;
    const piece = this.pieces.find(({ start, size }) => linked >= start && linked <= start + size);
    if (piece === undefined || piece.address === null) return null;
    return (piece.address + linked - piece.start) >>> 0;
  }

  /** The other way; null for an address that is not of this file, or that of another address space. */
  toLinked(address: number): number | null {
    if (!this.isHere) return null;
    if (this.pieces === null) return (address - this.slide) >>> 0;
    for (const { start, size, address: place } of this.pieces)
      if (place !== null && address >= place && address < place + size)
        return start + address - place;
    return null;
  }

  /** It can be found, and has not been yet. */
  get isWanted(): boolean {
    return this.mark !== null && !this.found && this.space === null;
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

  /**
   * Build IDs of what the guest has mapped where kernels are, of a kernel that was not found: it has
   * another one. Empty for a file that is no kernel.
   */
  async others(machine: MachineClient, ramBytes: number): Promise<readonly string[]> {
    const { mark } = this;
    if (mark === null || mark.linear < LEAST_KERNEL) return [];
    const size = mark.bytes.length - BUILD_ID_HEAD.length;
    const head = Uint8Array.from(BUILD_ID_HEAD, (byte) => (byte < 0 ? size : byte));
    const places = await findInMemory(machine, 'physical', head, { start: 0, length: ramBytes, most: MOST_COPIES }); // prettier-ignore
    const found = new Set<string>();
    for (const physical of places)
      for (const offset of LINEAR_OFFSETS) {
        const linear = (physical + offset) >>> 0;
        if (offset === 0 || (await machine.call('translate', linear)) !== physical) continue;
        const { bytes } = await machine.call(
          'readMemory',
          'physical',
          physical + head.length,
          size,
        );
        found.add(hexDigits(bytes));
      }
    return [...found];
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
/** Kernels are linked to addresses from here on; programs below. */
const LEAST_KERNEL = 0x78000000;
/** PAGE_OFFSET of arch/x86/Kconfig, 32-bit, and none. */
const LINEAR_OFFSETS = [0xc0000000, 0xb0000000, 0x80000000, 0x78000000, 0x40000000, 0];

function piecesOf(elf: ElfFile): readonly Piece[] {
  return elf.sections
    .filter(({ flags, size }) => (flags & SECTION_FLAG.ALLOC) !== 0 && size > 0)
    .map(({ name, address: start, size }) => ({ name, start, size, address: null }));
}

function hexDigits(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

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
