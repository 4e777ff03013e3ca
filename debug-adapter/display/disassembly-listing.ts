/**
 * One listing of instructions for an editor that scrolls. An editor asks for rows relative to a reference
 * ("100 before, 50 of them", then "150 before, …") and expects neighbouring answers to fit together; but
 * backwards, x86 code can be cut into instructions in many ways. So what was found before a reference is
 * kept, and earlier rows are found before the first of it, never anew.
 *
 * It always gives exactly the rows asked for and never fails: what cannot be read or lies outside the
 * address space is a row that says so.
 */
import type { DisassembledLine } from '../../emulator/debug-port.ts';

/** Reads `count` lines, `offset` instructions from `address`. */
type ReadLines = (
  address: number,
  offset: number,
  count: number,
) => Promise<readonly DisassembledLine[]>;

const TOP = 2 ** 32;
/** References whose earlier lines are kept. */
const KEPT_REFERENCES = 16;
/** Lines that are really disassembled for one request; an editor asks for some hundreds. */
const MOST_LINES = 20_000;

export class DisassemblyListing {
  private readonly read: ReadLines;
  /** Lines before a reference, nearest first. */
  private readonly earlier = new Map<number, DisassembledLine[]>();

  constructor(read: ReadLines) {
    this.read = read;
  }

  /** The guest's code may have changed. */
  forget(): void {
    this.earlier.clear();
  }

  /** Exactly `count` lines from `offset` instructions after (before) `address`. */
  async lines(
    address: number,
    offset: number,
    count: number,
  ): Promise<readonly DisassembledLine[]> {
    const before = Math.max(-offset, 0);
    const wantedBefore = Math.min(before, count);
    const rows: DisassembledLine[] = [];
    if (wantedBefore > 0) {
      const known = await this.linesBefore(address, before);
      const first = known.at(-1)?.address ?? address;
      // known[0] is the instruction right before the reference, known[before - 1] the farthest.
      for (let back = before; back > before - wantedBefore; back--)
        rows.push(known[back - 1] ?? outside(first - (back - known.length)));
    }
    const wantedAfter = count - rows.length;
    if (wantedAfter > 0)
      rows.push(...(await this.linesFrom(address, Math.max(offset, 0), wantedAfter)));
    return rows;
  }

  private async linesBefore(address: number, count: number): Promise<readonly DisassembledLine[]> {
    const known = this.earlier.get(address) ?? [];
    this.earlier.delete(address);
    this.earlier.set(address, known);
    for (const oldest of this.earlier.keys()) {
      if (this.earlier.size <= KEPT_REFERENCES) break;
      this.earlier.delete(oldest);
    }
    const first = known.at(-1)?.address ?? address;
    const missing = Math.min(count, MOST_LINES) - known.length;
    if (missing > 0 && first > 0 && first <= TOP) {
      const lines = await this.attempt(first, -missing, missing);
      for (const line of lines.toReversed()) {
        const next = known.at(-1)?.address ?? address;
        // Only lines that really lie before: at address 0 the machine may wrap around.
        if (line.address >= next || line.address < 0) break;
        known.push(line);
      }
    }
    return known;
  }

  private async linesFrom(
    address: number,
    offset: number,
    count: number,
  ): Promise<readonly DisassembledLine[]> {
    const asked = Math.min(count, MOST_LINES);
    const inside = address >= 0 && address < TOP && offset <= MOST_LINES;
    const lines = inside ? await this.attempt(address, offset, asked) : [];
    const rows: DisassembledLine[] = [];
    for (const line of lines) {
      const last = rows.at(-1);
      if (line.address < address || (last !== undefined && line.address <= last.address)) break;
      rows.push(line);
    }
    while (rows.length < count) {
      const last = rows.at(-1);
      const next =
        last === undefined ? address + offset : last.address + Math.max(last.bytes.length, 1);
      rows.push(outside(next));
    }
    return rows;
  }

  private async attempt(
    address: number,
    offset: number,
    count: number,
  ): Promise<readonly DisassembledLine[]> {
    try {
      return await this.read(address, offset, count);
    } catch {
      return [];
    }
  }
}

function outside(address: number): DisassembledLine {
  return { address, bytes: new Uint8Array(0), text: '??', valid: false };
}
