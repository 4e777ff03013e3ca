/**
 * The files that launch.json lists under "symbols": names of addresses, source lines and debugging
 * information out of each, ELF or System.map, and one view of them all.
 */
import { isElf } from '../../emulator/formats/elf.ts';
import { describeFailure, failure } from '../errors.ts';
import { type Files, type OpenFile, openNamedFile } from '../host/files.ts';
import { kernelImage } from '../paravirt-hooks/kernel-image.ts';
import { kernelTypes } from '../paravirt-hooks/kernel-types.ts';
import type { KernelFiles } from '../paravirt-hooks/paravirt-hooks.ts';
import { AddressSpace } from './address-space.ts';
import type { DebugInformation } from './debug-information.ts';
import { GuestImage } from './guest-image.ts';
import { LineIndex } from './line-index.ts';
import { nameOf, type SourceMap } from './source-paths.ts';
import { SymbolFile } from './symbol-file.ts';
import { SymbolModule } from './symbol-module.ts';
import { SymbolTable, symbolsOfElf } from './symbol-table.ts';
import { parseSystemMap } from './system-map.ts';

/** Bytes of debugging information that a launch reads at once; more is read in the background. */
const AT_ONCE = 4 << 20;

/** A file of symbols as launch.json names it. */
interface SymbolEntry {
  readonly file: string;
  /** Linear address of its first byte in memory; absent or "auto": where it was linked, or found to be. */
  readonly loadAddress?: number | 'auto';
  /** Expression that tells whether it belongs to the address space that the guest is in; absent: always. */
  readonly when?: string | undefined;
}

export interface SymbolOptions {
  /** Instead of AT_ONCE. */
  readonly atOnce?: number;
  /** Hears of each file before it is read, and may throw to end the work. */
  readonly next?: (name: string, index: number) => void;
}

/** All files of symbols; open until close(). */
export class GuestSymbols {
  readonly modules: readonly SymbolModule[];
  readonly symbols: SymbolTable;
  readonly lines: LineIndex;
  /** What paravirt hooks need of them. */
  readonly kernel: KernelFiles;

  constructor(modules: readonly SymbolModule[]) {
    this.modules = modules;
    this.symbols = new SymbolTable(modules);
    this.lines = new LineIndex(modules);
    const kernels = modules.flatMap(({ file, image }) =>
      file === null || image.isObject || image.space !== null
        ? []
        : [{ file, image: kernelImage(file.elf, image) }],
    );
    this.kernel = {
      symbols: this.symbols,
      kernels: kernels.map(({ image }) => image),
      type: kernelTypes(kernels.map(({ file }) => file)),
    };
  }

  /** Of the files that can be found in memory, and of those that cannot. */
  get images(): readonly GuestImage[] {
    return this.modules.map(({ image }) => image);
  }

  /** What the files that count here tell of types, functions and variables, as far as they have been read. */
  get information(): readonly DebugInformation[] {
    return this.modules.flatMap(({ information, image }) => (image.isHere && information) || []);
  }

  /** Files whose debugging information has not been read yet. */
  get waiting(): readonly SymbolModule[] {
    return this.modules.filter(({ isWaiting }) => isWaiting);
  }

  /** Nothing is read from the files any more. */
  close(): void {
    for (const module of this.modules) module.close();
  }
}

/** Opens all of them; throws the numbered error that names the file. */
export async function loadSymbols(
  entries: readonly SymbolEntry[],
  map: SourceMap,
  files: Files,
  { next = () => undefined, atOnce = AT_ONCE }: SymbolOptions = {},
): Promise<GuestSymbols> {
  const modules: SymbolModule[] = [];
  try {
    for (const [index, entry] of entries.entries()) {
      const path = entry.file;
      const attribute = `symbols[${index}]`;
      next(nameOf(path), index);
      const source = await openNamedFile(files, attribute, path);
      const module = await moduleOf(path, source, map, files).catch((cause: unknown) => {
        source.close();
        throw failure('fileUnusable', { attribute, file: path, problem: problemOf(cause) });
      });
      modules.push(module);
      place(module, entry, attribute);
      if (module.size <= atOnce) for (const _ of module.indexing()) continue;
      if (module.problem === null) continue;
      throw failure('fileUnusable', { attribute, file: path, problem: problemOf(module.problem) });
    }
    return new GuestSymbols(modules);
  } catch (cause) {
    for (const module of modules) module.close();
    throw cause;
  }
}

/** Where and in which address space the file is said to be. Throws the numbered error. */
function place(
  { image, file, path }: SymbolModule,
  { loadAddress = 'auto', when }: SymbolEntry,
  attribute: string,
): void {
  if (when !== undefined) image.space = new AddressSpace(when, `${attribute}.when`);
  if (loadAddress === 'auto') return;
  const linked = file?.start ?? null;
  if (linked === null || image.isObject) {
    const problem = `${nameOf(path)} is no ELF program or library, which alone lie in one piece; remove it.`;
    throw failure('configurationRefused', { attribute: `${attribute}.loadAddress`, problem });
  }
  image.fix((loadAddress - linked) | 0);
}

async function moduleOf(
  path: string,
  source: OpenFile,
  map: SourceMap,
  files: Files,
): Promise<SymbolModule> {
  const name = nameOf(path);
  if (!isElf(source.read(0, Math.min(source.length, 4)))) {
    const symbols = parseSystemMap(source.read(0, source.length));
    source.close();
    return new SymbolModule(path, new GuestImage(name), symbols, null, map);
  }
  const file = await SymbolFile.of(path, source, files);
  return new SymbolModule(path, GuestImage.of(name, file.elf), symbolsOfElf(file.elf), file, map);
}

/** Without the full stop, as a part of a sentence. */
function problemOf(cause: unknown): string {
  return (typeof cause === 'string' ? cause : describeFailure(cause)).replace(/\.$/, '');
}
