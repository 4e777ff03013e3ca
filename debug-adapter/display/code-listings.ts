/**
 * Guest code as text sources, for clients that show a frame by its source and know no disassembly: each
 * listing is a stretch of instructions around an address, one a line, with the names of symbols between.
 * A frame in code that is listed already, and is still the same, keeps its listing, so that a step moves
 * a cursor instead of opening a new text.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DisassembledLine } from '../../emulator/debug-port.ts';
import { formatAddress } from './memory-reference.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';

/** Instructions before and from the address that a listing is made for. */
const BEFORE = 32;
const FROM = 200;
/** The oldest are forgotten. */
const MOST_LISTINGS = 64;

export interface CodeListing {
  readonly reference: number;
  /** "start_kernel+0x13.asm". */
  readonly name: string;
  readonly text: string;
  /** Address of the instruction in each line; null in the line of a label. */
  readonly addresses: readonly (number | null)[];
}

/** Reads `count` lines, `offset` instructions from `address`. */
type ReadLines = (
  address: number,
  offset: number,
  count: number,
) => Promise<readonly DisassembledLine[]>;
/** A row as text, without its address. */
type Describe = (line: DisassembledLine) => string;

export class CodeListings {
  private readonly read: ReadLines;
  private readonly listings = new Map<number, CodeListing>();
  private next = 1;

  constructor(read: ReadLines) {
    this.read = read;
  }

  find(reference: number): CodeListing | null {
    return this.listings.get(reference) ?? null;
  }

  all(): readonly CodeListing[] {
    return [...this.listings.values()];
  }

  /** The listing that shows an address, and the index of its line in it. */
  async showing(
    address: number,
    symbols: SymbolTable,
    describe: Describe,
  ): Promise<{ readonly listing: CodeListing; readonly line: number }> {
    for (const listing of this.listings.values()) {
      const line = listing.addresses.indexOf(address);
      if (line < 0) continue;
      const first = listing.addresses.find((each) => each !== null) ?? address;
      const count = listing.addresses.filter((each) => each !== null).length;
      const now = asText(await this.read(first, 0, count), symbols, describe);
      if (now.text === listing.text) return { listing, line };
    }
    const listing = this.keep(address, symbols, await this.around(address, symbols, describe));
    return { listing, line: Math.max(listing.addresses.indexOf(address), 0) };
  }

  /** From the function's beginning where one is known and near, else from some instructions before. */
  private async around(
    address: number,
    symbols: SymbolTable,
    describe: Describe,
  ): Promise<Pick<CodeListing, 'text' | 'addresses'>> {
    const near = symbols.near(address);
    if (near !== null && near.offset < FROM) {
      const found = asText(await this.read(address - near.offset, 0, FROM), symbols, describe);
      if (found.addresses.includes(address)) return found;
    }
    return asText(await this.read(address, -BEFORE, BEFORE + FROM), symbols, describe);
  }

  private keep(
    address: number,
    symbols: SymbolTable,
    found: Pick<CodeListing, 'text' | 'addresses'>,
  ): CodeListing {
    const reference = this.next++;
    const name = `${symbols.describe(address) ?? formatAddress(address)}.asm`;
    const listing = { reference, name, ...found };
    this.listings.set(reference, listing);
    for (const oldest of this.listings.keys()) {
      if (this.listings.size <= MOST_LISTINGS) break;
      this.listings.delete(oldest);
    }
    return listing;
  }
}

function asText(
  lines: readonly DisassembledLine[],
  symbols: SymbolTable,
  describe: Describe,
): Pick<CodeListing, 'text' | 'addresses'> {
  const text: string[] = [];
  const addresses: (number | null)[] = [];
  for (const line of lines) {
    if (line.address < 0) continue;
    const near = symbols.near(line.address);
    if (near?.offset === 0) {
      text.push(`${near.symbol.name}:`);
      addresses.push(null);
    }
    text.push(`${formatAddress(line.address)}  ${describe(line)}`);
    addresses.push(line.address);
  }
  return { text: text.map((row) => `${row}\n`).join(''), addresses };
}

/** As the protocol names it. */
export function listingSource({ reference, name }: CodeListing): DebugProtocol.Source {
  return { name, sourceReference: reference, origin: 'disassembly' };
}
