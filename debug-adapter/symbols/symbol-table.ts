/**
 * Names of addresses, from the files that launch.json lists under "symbols": which symbol is at or before
 * an address, and where a symbol is. Addresses are those of the running guest: a file's own, moved as far
 * as the file has moved (guest-image.ts).
 */
import type { ElfFile } from '../../emulator/formats/elf.ts';
import { ELF_TYPE, elfSymbols } from '../../emulator/formats/elf.ts';
import type { CodePlace } from './address-space.ts';
import type { GuestImage } from './guest-image.ts';

export interface Symbol {
  readonly name: string;
  /** Linear address, unsigned 32 bits. */
  readonly address: number;
  /** Bytes, 0 where unknown. */
  readonly size: number;
}

export interface NearSymbol {
  readonly symbol: Symbol;
  /** Bytes from the symbol's address. */
  readonly offset: number;
}

/** Section of a symbol that is no address. */
const SHN_ABS = 0xfff1;
/** A symbol without a size reaches at most this far. */
const REACH = 0x10000;
/** Names completed at most. */
const COMPLETIONS = 200;

/** Symbols of one file, at the addresses that it was linked to. */
class SymbolList {
  readonly image: GuestImage;
  /** By address; of several at one address the best name comes last. */
  private readonly byAddress: readonly Symbol[];
  private readonly byName = new Map<string, Symbol>();

  constructor(symbols: readonly Symbol[], image: GuestImage) {
    this.image = image;
    this.byAddress = [...symbols].sort(
      (a, b) => a.address - b.address || a.size - b.size || compareNames(b.name, a.name),
    );
    for (const symbol of symbols)
      if (!this.byName.has(symbol.name)) this.byName.set(symbol.name, symbol);
  }

  get size(): number {
    return this.byAddress.length;
  }

  /** Wherever the guest is. */
  find(name: string): Symbol | null {
    const symbol = this.byName.get(name);
    return symbol === undefined ? null : this.moved(symbol);
  }

  near(address: number): NearSymbol | null {
    const linked = this.image.toLinked(address);
    if (linked === null) return null;
    let low = 0;
    let high = this.byAddress.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.byAddress[middle]?.address ?? 0) <= linked) low = middle + 1;
      else high = middle;
    }
    const symbol = this.byAddress[low - 1];
    if (symbol === undefined) return null;
    const offset = linked - symbol.address;
    const moved = offset < Math.max(symbol.size, REACH) ? this.moved(symbol) : null;
    return moved && { symbol: moved, offset };
  }

  names(): Iterable<string> {
    return this.byName.keys();
  }

  /** Null while nobody knows where it is. */
  private moved(symbol: Symbol): Symbol | null {
    const address = this.image.toGuest(symbol.address);
    if (address === null || address === symbol.address) return address === null ? null : symbol;
    return { ...symbol, address };
  }
}

/** A file's symbols, and where the file is. */
export interface SymbolSource {
  readonly symbols: readonly Symbol[];
  readonly image: GuestImage;
}

export class SymbolTable {
  private readonly lists: readonly SymbolList[];

  /** @param sources one for each file */
  constructor(sources: readonly SymbolSource[]) {
    this.lists = sources.map(({ symbols, image }) => new SymbolList(symbols, image));
  }

  get size(): number {
    return this.lists.reduce((sum, { size }) => sum + size, 0);
  }

  /** The symbol of that name, the first one given where files that count here disagree. */
  find(name: string): Symbol | null {
    for (const list of this.lists) {
      const symbol = list.image.isHere ? list.find(name) : null;
      if (symbol !== null) return symbol;
    }
    return null;
  }

  /** What a name means wherever it counts: in the first file of all address spaces, and in each other one. */
  placesOf(name: string): readonly CodePlace[] {
    const places: CodePlace[] = [];
    for (const list of this.lists) {
      const { space } = list.image;
      const symbol = list.find(name);
      const isTaken = space === null && places.some((place) => place.space === null);
      if (symbol !== null && !isTaken) places.push({ address: symbol.address, space });
    }
    return places;
  }

  /** The nearest symbol at or before a linear address, if the address still belongs to it. */
  near(address: number): NearSymbol | null {
    let nearest: NearSymbol | null = null;
    for (const list of this.lists) {
      const near = list.near(address);
      if (near !== null && (nearest === null || near.offset < nearest.offset)) nearest = near;
    }
    return nearest;
  }

  /** "start_kernel+0x13", "start_kernel", or null. */
  describe(address: number): string | null {
    const near = this.near(address);
    if (near === null) return null;
    const { symbol, offset } = near;
    return offset === 0 ? symbol.name : `${symbol.name}+0x${offset.toString(16)}`;
  }

  /** Names that begin so, sorted. */
  complete(prefix: string): readonly string[] {
    const names = new Set<string>();
    for (const name of this.names()) if (name.startsWith(prefix)) names.add(name);
    return [...names].sort(compareNames).slice(0, COMPLETIONS);
  }

  *names(): Generator<string, void, undefined> {
    for (const list of this.lists) yield* list.names();
  }
}

function compareNames(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Symbols of an ELF file. Throws Error with a sentence about the file. */
export function symbolsOfElf(file: ElfFile): readonly Symbol[] {
  const symbols: Symbol[] = [];
  // those of an object file count from their section
  const isRelative = file.type === ELF_TYPE.REL;
  for (const { name, value, size, section } of elfSymbols(file)) {
    if (section === SHN_ABS) continue;
    const base = isRelative ? (file.sections[section]?.address ?? 0) : 0;
    symbols.push({ name, address: (base + value) >>> 0, size });
  }
  if (symbols.length === 0)
    throw new Error('it is an ELF file without a symbol table; give the one before stripping');
  return symbols;
}
