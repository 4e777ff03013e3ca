/**
 * The files that launch.json lists under "symbols": names of addresses and source lines out of each, ELF
 * or System.map, and one view of them all.
 */
import type { ElfFile } from '../../emulator/formats/elf.ts';
import { isElf, parseElf, SECTION_FLAG } from '../../emulator/formats/elf.ts';
import { describeFailure, failure } from '../errors.ts';
import { type Files, readNamedFile } from '../files.ts';
import { debugSections } from './debug-sections.ts';
import { LineIndex, type LineSource } from './line-index.ts';
import { folderOf, type SourceMap } from './source-paths.ts';
import { type Symbol, SymbolTable, symbolsOfElf } from './symbol-table.ts';
import { parseSystemMap } from './system-map.ts';

export interface GuestSymbols {
  readonly symbols: SymbolTable;
  readonly lines: LineIndex;
}

/** Reads all of them; throws the numbered error that names the file. */
export async function loadSymbols(
  names: readonly string[],
  map: SourceMap,
  files: Files,
): Promise<GuestSymbols> {
  const symbols: (readonly Symbol[])[] = [];
  const lines: LineSource[] = [];
  for (const [index, file] of names.entries()) {
    const attribute = `symbols[${index}]`;
    const bytes = await readNamedFile(files, attribute, file);
    try {
      if (!isElf(bytes)) {
        symbols.push(parseSystemMap(bytes));
        continue;
      }
      const elf = parseElf(bytes);
      symbols.push(symbolsOfElf(elf));
      const sections = await debugSections(elf, files);
      if (sections !== null) lines.push({ sections, home: folderOf(file), isCode: codeOf(elf) });
    } catch (cause) {
      const problem = describeFailure(cause).replace(/\.$/, '');
      throw failure('fileUnusable', { attribute, file, problem });
    }
  }
  return { symbols: new SymbolTable(symbols.flat()), lines: LineIndex.read(lines, map) };
}

/** Whether a linear address lies in code of the file. */
function codeOf(elf: ElfFile): (address: number) => boolean {
  const wanted = SECTION_FLAG.ALLOC | SECTION_FLAG.EXECINSTR;
  const ranges = elf.sections
    .filter(({ flags }) => (flags & wanted) === wanted)
    .map(({ address, size }) => ({ start: address >>> 0, size }));
  return (address) => ranges.some(({ start, size }) => address >= start && address < start + size);
}
