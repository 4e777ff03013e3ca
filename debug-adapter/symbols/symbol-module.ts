/**
 * One of the files that launch.json lists under "symbols", or that the guest has loaded: names of
 * addresses, which are there from the start, and what its debugging information tells, which for a large
 * file comes later, out of an index that is built in the background or found on the disk.
 */
import type { ByteSource } from '../../emulator/formats/byte-source.ts';
import { dwarfSections, type DwarfSections } from '../../emulator/formats/dwarf/sections.ts';
import { SECTION_FLAG, type ElfFile } from '../../emulator/formats/elf.ts';
import { describeFailure } from '../errors.ts';
import { buildIndex, DebugIndex, type DebugIndexData } from './debug-index.ts';
import { DwarfInformation, type LinkedSymbol } from './dwarf-information.ts';
import type { GuestImage } from './guest-image.ts';
import { LineTables } from './line-tables.ts';
import { ModuleFrames } from './module-frames.ts';
import { folderOf, nameOf, type SourceMap } from './source-paths.ts';
import type { SymbolFile } from './symbol-file.ts';
import type { Symbol } from './symbol-table.ts';

export class SymbolModule {
  readonly path: string;
  readonly name: string;
  readonly image: GuestImage;
  readonly symbols: readonly Symbol[];
  /** Null for a System.map. */
  readonly file: SymbolFile | null;
  /** Null for a file without debugging information. */
  readonly sections: DwarfSections | null;
  /** How frames of its code are left. */
  readonly frames: ModuleFrames;
  /** Null until it is read. */
  index: DebugIndex | null = null;
  lines: LineTables | null = null;
  information: DwarfInformation | null = null;
  /** A sentence why its debugging information cannot be used. */
  problem: string | null = null;
  private readonly map: SourceMap;

  constructor(
    path: string,
    image: GuestImage,
    symbols: readonly Symbol[],
    file: SymbolFile | null,
    map: SourceMap,
  ) {
    this.path = path;
    this.name = nameOf(path);
    this.image = image;
    this.symbols = symbols;
    this.file = file;
    this.map = map;
    this.frames = new ModuleFrames(file);
    const section = (name: string): ByteSource | null => file?.section(name) ?? null;
    const hasSome = ['.debug_info', '.debug_line'].some((name) => section(name) !== null);
    this.sections = hasSome ? dwarfSections(section) : null;
  }

  /** It has debugging information that has not been read yet. */
  get isWaiting(): boolean {
    return this.sections !== null && this.index === null && this.problem === null;
  }

  /** Bytes to be read for the index. */
  get size(): number {
    const { info, types, lines } = this.sections ?? {};
    return (info?.length ?? 0) + (types?.length ?? 0) + (lines?.length ?? 0);
  }

  /** Builds the index; yields every few milliseconds the part that is done, 0 to 1. */
  *indexing(): Generator<number, void, undefined> {
    const { sections, file } = this;
    if (sections === null || file === null) return;
    try {
      this.use(yield* buildIndex(sections, codeOf(file.elf)));
    } catch (cause) {
      this.problem = describeFailure(cause);
    }
  }

  /** Takes an index that was built before, of the same file. */
  use(data: DebugIndexData): void {
    const { sections, file } = this;
    if (sections === null || file === null) return;
    this.lines = new LineTables({
      data: data.lines,
      section: sections.lines,
      home: folderOf(this.path),
      map: this.map,
      isCode: codeOf(file.elf),
      failed: (problem) => (this.problem ??= problem),
    });
    this.index = new DebugIndex(data);
    this.information = DwarfInformation.of(file, this.image, this.index, this.map, linkedBy(this.symbols)); // prettier-ignore
  }

  close(): void {
    this.file?.close();
  }
}

/** Looks a symbol up; the few that are asked for are kept. */
function linkedBy(symbols: readonly Symbol[]): LinkedSymbol {
  const known = new Map<string, number | null>();
  return (name) => {
    const address = known.get(name);
    if (address !== undefined) return address;
    const found = symbols.find((symbol) => symbol.name === name)?.address ?? null;
    known.set(name, found);
    return found;
  };
}

/** Whether a linear address lies in code of the file. */
function codeOf(elf: ElfFile): (address: number) => boolean {
  const wanted = SECTION_FLAG.ALLOC | SECTION_FLAG.EXECINSTR;
  const ranges = elf.sections
    .filter(({ flags }) => (flags & wanted) === wanted)
    .map(({ address, size }) => ({ start: address >>> 0, size }));
  return (address) => ranges.some(({ start, size }) => address >= start && address < start + size);
}
