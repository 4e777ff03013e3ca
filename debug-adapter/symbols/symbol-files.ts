/**
 * The files that launch.json lists under "symbols": names of addresses and source lines out of each, ELF
 * or System.map, and one view of them all.
 */
import type { ElfFile } from '../../emulator/formats/elf.ts';
import { isElf, SECTION_FLAG } from '../../emulator/formats/elf.ts';
import { describeFailure, failure } from '../errors.ts';
import { type Files, openNamedFile } from '../files.ts';
import { type KernelImage, kernelImage } from '../paravirt-hooks/kernel-image.ts';
import { kernelTypes } from '../paravirt-hooks/kernel-types.ts';
import type { KernelFiles } from '../paravirt-hooks/paravirt-hooks.ts';
import { debugSections } from './debug-sections.ts';
import { GuestImage } from './guest-image.ts';
import { LineIndex, type LinePart } from './line-index.ts';
import { readLines } from './line-rows.ts';
import { folderOf, nameOf, type SourceMap } from './source-paths.ts';
import { SymbolFile } from './symbol-file.ts';
import { type SymbolSource, SymbolTable, symbolsOfElf } from './symbol-table.ts';
import { parseSystemMap } from './system-map.ts';

export interface GuestSymbols {
  readonly symbols: SymbolTable;
  readonly lines: LineIndex;
  /** Of the files that can be found in memory, and of those that cannot. */
  readonly images: readonly GuestImage[];
  /** The ELF files among them, open until close(). */
  readonly files: readonly SymbolFile[];
  /** What paravirt hooks need of them. */
  readonly kernel: KernelFiles;
  close(): void;
}

/**
 * Reads all of them; throws the numbered error that names the file.
 * @param next hears of each file before it is read, and may throw to end the work
 */
export async function loadSymbols(
  names: readonly string[],
  map: SourceMap,
  files: Files,
  next: (name: string, index: number) => void = () => undefined,
): Promise<GuestSymbols> {
  const symbols: SymbolSource[] = [];
  const lines: LinePart[] = [];
  const opened: SymbolFile[] = [];
  const kernels: KernelImage[] = [];
  const close = (): void => opened.forEach((file) => file.close());
  try {
    for (const [index, file] of names.entries()) {
      const attribute = `symbols[${index}]`;
      next(nameOf(file), index);
      const source = await openNamedFile(files, attribute, file);
      try {
        if (!isElf(source.read(0, Math.min(source.length, 4)))) {
          const list = parseSystemMap(source.read(0, source.length));
          source.close();
          symbols.push({ symbols: list, image: new GuestImage(nameOf(file)) });
          continue;
        }
        const symbolFile = await SymbolFile.of(file, source, files);
        opened.push(symbolFile);
        const { elf } = symbolFile;
        const image = GuestImage.of(nameOf(file), elf);
        symbols.push({ symbols: symbolsOfElf(elf), image });
        kernels.push(kernelImage(elf, image));
        const sections = debugSections(symbolFile);
        const home = folderOf(file);
        const isCode = codeOf(elf);
        if (sections !== null)
          lines.push({ lines: readLines({ sections, home, isCode }, map), image });
      } catch (cause) {
        source.close();
        const problem = describeFailure(cause).replace(/\.$/, '');
        throw failure('fileUnusable', { attribute, file, problem });
      }
    }
  } catch (cause) {
    close();
    throw cause;
  }
  const images = symbols.map(({ image }) => image);
  const table = new SymbolTable(symbols);
  return {
    symbols: table,
    lines: new LineIndex(lines),
    images,
    files: opened,
    kernel: { symbols: table, kernels, type: kernelTypes(opened) },
    close,
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
