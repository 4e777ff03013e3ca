/**
 * Random scripts for thrash.s: a few page directories and tables that lie among each other's entries,
 * pages of data, and devices; writes to all of them, by every way there is; and accesses that must fare
 * as the tables say. After what changes a table comes a flush, as the architecture asks for it: without
 * one a processor may do this or that, and two of them need not agree.
 */
import { Mulberry32 } from '../../vectors/replay/mulberry32.ts';

/** Numbers of thrash.s. */
export const OPERATION = {
  finish: 0, write: 1, read: 2, flushPage: 3, setCr3: 4, setCr0: 5, setCr4: 6, setEfer: 7, write16: 8, store: 9,
  copy: 10, change: 11, exchange: 12, userPush: 13, userRead: 14, userWrite: 15, userFetch: 16,
} as const; // prettier-ignore

export const SCRIPT_ADDRESS = 0x100000;
/** Page table and directories that map the first 4 MiB as they are; nothing writes to the former. */
const IDENTITY_TABLE = 0x8000;
const POINTERS = 0x9000;
/** What the script plays with: tables, then data, then pages of INT 0x80. */
const TABLES = 0x200000;
const TABLE_PAGES = 24;
const DATA = 0x240000;
const DATA_PAGES = 24;
const CODE = 0x280000;
const CODE_PAGES = 4;
/** The first entries of these are the identity mapping. */
const DIRECTORIES = 3;
/** Linear addresses that the tables of the script map, from 4 MiB on. */
const REGIONS = 6;

const CR0_BASE = 0x80000011;
const WP = 0x10000;
const PSE = 0x10;
const PAE = 0x20;
const NXE = 0x800;

export interface ThrashScript {
  readonly cpu: string;
  /** What is written to memory before the first instruction. */
  readonly memory: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

class ScriptWriter {
  readonly words: number[] = [];
  readonly #random: Mulberry32;
  readonly #pae: boolean;
  /** Read-only pages stay so: CR0.WP is always set, and no part of an entry is written, but by programs. */
  readonly #strict: boolean;
  #directory = 0;

  constructor(seed: number, pae: boolean, strict: boolean) {
    this.#random = new Mulberry32(Math.imul(seed + 1, 0x9e3779b1));
    this.#pae = pae;
    this.#strict = strict;
  }

  below(limit: number): number {
    return this.#random.next() % limit;
  }
  #chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  emit(operation: number, first = 0, second = 0, third = 0): void {
    this.words.push(operation, first >>> 0, second >>> 0, third >>> 0);
  }

  // ---- what entries may be

  /** The lower half of an entry of any level. */
  entry(): number {
    if (this.#chance(10)) return this.#random.next() & ~1;
    const flags = this.#chance(80) ? 7 : 1 | (this.below(4) << 1);
    const used = this.#chance(50) ? 0x60 : this.below(4) << 5;
    const kind = this.below(100);
    // what maps the script itself may be read, and be a table of another kind, but not overwritten
    if (kind < 5 && this.#strict) return this.#page(TABLES, DIRECTORIES) | (flags & ~2) | used;
    if (kind < 35)
      return this.#page(TABLES + DIRECTORIES * 4096, TABLE_PAGES - DIRECTORIES) | flags | used;
    if (kind < 80) return this.#page(DATA, DATA_PAGES) | flags | used;
    if (kind < 88) return this.#page(CODE, CODE_PAGES) | flags | used;
    if (kind < 92) return 0xa0000 | (this.below(32) << 12) | flags | used;
    if (kind < 94) return (0x800000 + (this.below(16) << 12)) | flags | used;
    // a large page in the upper half of RAM, sometimes with reserved bits; as an entry of a table, a page there
    return 0x400000 | (this.below(4) << 20) | (this.#chance(20) ? 0x2000 : 0) | flags | used | 0x80;
  }
  #page(from: number, pages: number): number {
    return from + (this.below(pages) << 12);
  }
  /** Where an entry of the script's tables may be written, not the identity mapping's. */
  #entryAddress(): number {
    const page = this.below(TABLE_PAGES);
    const size = this.#pae ? 8 : 4;
    // a directory's few regions more often than the rest
    const index = this.#chance(60)
      ? 1 + this.below(REGIONS * (this.#pae ? 2 : 1))
      : 16 + this.below(496);
    return TABLES + page * 4096 + (index + (this.#pae ? 1 : 0)) * size;
  }
  /** A linear address of the script's, or, now and then, any at all. */
  #linear(): number {
    if (this.#chance(2)) return (this.#random.next() | 0x02000000) & ~3;
    if (this.#chance(10)) return this.#page(DATA, DATA_PAGES) + this.below(1024) * 4;
    const region = (1 + this.below(REGIONS)) << 22;
    const page = this.#chance(60) ? 1 + this.below(12) : this.below(1024);
    return region + page * 4096 + this.below(1024) * 4;
  }
  flush(): void {
    this.emit(OPERATION.setCr3, this.#cr3(this.#directory));
  }
  #cr3(directory: number): number {
    return this.#pae ? POINTERS + directory * 32 : TABLES + directory * 4096;
  }

  // ---- what is done

  step(): void {
    const kind = this.below(100);
    const address = this.#linear();
    if (kind < 25) this.emit(OPERATION.read, address);
    else if (kind < 35) this.emit(OPERATION.userRead, address);
    else if (kind < 55) this.#writeEntry();
    else if (kind < 67) this.#writeThrough(address);
    else if (kind < 72) this.emit(OPERATION.flushPage, address);
    else if (kind < 80) this.#switch();
    else if (kind < 84) this.#many(address);
    else if (kind < 88) this.#change(address);
    else if (this.#strict) {
      this.emit(OPERATION.userFetch, address);
      this.flush();
    } else this.#loosely(address);
  }
  #writeEntry(): void {
    const address = this.#entryAddress();
    const times = this.#chance(15) ? 4 : 1;
    for (let each = 0; each < times; each++) {
      this.emit(OPERATION.write, address + each * (this.#pae ? 8 : 4), this.entry());
      if (this.#pae && this.#chance(10)) this.emit(OPERATION.write, address + 4, this.#upper());
    }
    this.flush();
  }
  #upper(): number {
    const kind = this.below(10);
    return kind < 5 ? 0 : kind < 8 ? 0x80000000 : kind === 8 ? 1 : 0x100;
  }
  #writeThrough(address: number): void {
    const operation = this.#chance(50) ? OPERATION.userWrite : OPERATION.write;
    this.emit(operation, address, this.entry());
    this.flush();
  }
  #change(address: number): void {
    if (this.#chance(50)) this.emit(OPERATION.exchange, address & ~7, this.entry(), 0);
    else this.emit(OPERATION.userPush, address + 4, this.entry());
    this.flush();
  }
  #switch(): void {
    this.#directory = this.below(DIRECTORIES);
    this.flush();
  }
  #many(address: number): void {
    const count = 1 + this.below(this.#chance(20) ? 1200 : 6);
    if (this.#chance(50)) this.emit(OPERATION.store, this.entry(), count, address);
    else this.emit(OPERATION.copy, this.#page(DATA, DATA_PAGES), count, address);
    this.flush();
  }
  #loosely(address: number): void {
    const kind = this.below(4);
    if (kind === 0) {
      const paging = this.#chance(85) ? CR0_BASE : 0x11;
      this.emit(OPERATION.setCr0, paging | (this.#chance(50) ? WP : 0));
      return;
    }
    if (kind === 1) this.emit(OPERATION.write16, address + this.below(4), this.#random.next());
    else if (kind === 2) this.emit(OPERATION.change, address + this.below(4), this.#random.next());
    else this.emit(OPERATION.write, this.#entryAddress() + this.below(4), this.#random.next());
    this.flush();
  }
}

const words = (values: readonly number[]): Uint8Array =>
  new Uint8Array(Uint32Array.from(values).buffer);

/** The tables as the script finds them. */
function firstTables(writer: ScriptWriter, pae: boolean): ThrashScript['memory'] {
  const size = pae ? 8 : 4;
  const identity = new DataView(new ArrayBuffer(4096 * 2));
  for (let page = 0; page < 1024; page++) identity.setUint32(page * size, (page << 12) | 7, true);
  const tables = new DataView(new ArrayBuffer(TABLE_PAGES * 4096));
  for (let at = 0; at < tables.byteLength; at += size) {
    if (writer.below(2) === 0) tables.setUint32(at, writer.entry(), true);
  }
  for (let page = 0; page < TABLE_PAGES; page++) {
    tables.setUint32(page * 4096, IDENTITY_TABLE | 7, true);
    if (!pae) continue;
    // PAE maps 4 MiB by two tables
    tables.setUint32(page * 4096 + 4, 0, true);
    tables.setUint32(page * 4096 + 8, (IDENTITY_TABLE + 0x4000) | 7, true);
    tables.setUint32(page * 4096 + 12, 0, true);
  }
  const bytes = new Uint8Array(identity.buffer);
  const pointers = Array.from({ length: DIRECTORIES * 8 }, (_, at) =>
    at % 8 === 0 ? (TABLES + Math.floor(at / 8) * 4096) | 1 : 0,
  );
  return [
    { address: IDENTITY_TABLE, bytes: bytes.subarray(0, 4096) },
    ...(pae ? [{ address: IDENTITY_TABLE + 0x4000, bytes: bytes.subarray(4096) }] : []),
    { address: TABLES, bytes: new Uint8Array(tables.buffer) },
    { address: POINTERS, bytes: words(pointers) },
    { address: CODE, bytes: Uint8Array.from({ length: CODE_PAGES * 4096 }, (_, at) => (at % 2 === 0 ? 0xcd : 0x80)) },
  ]; // prettier-ignore
}

/** With CR0.WP clear the supervisor writes where a program may only read, which then reads. */
export function writeProtectScript(): ThrashScript {
  const writer = new ScriptWriter(0, false, true);
  const table = new Uint32Array(1024);
  table[1] = DATA | 5;
  const directory = Uint32Array.of(IDENTITY_TABLE | 7, (TABLES + 0x1000) | 7);
  const address = (1 << 22) + 0x1000;
  writer.flush();
  writer.emit(OPERATION.setCr0, CR0_BASE);
  writer.emit(OPERATION.userRead, address);
  writer.emit(OPERATION.write, address, 0x12345678);
  writer.emit(OPERATION.userRead, address);
  writer.emit(OPERATION.userWrite, address, 1);
  const tables = [
    { address: TABLES, bytes: new Uint8Array(directory.buffer) },
    { address: TABLES + 0x1000, bytes: new Uint8Array(table.buffer) },
  ];
  return finished(writer, [identityTable(), ...tables]);
}

/** More tables than there are pages for: without paging, every 2 MiB take one. */
export function farReadsScript(): ThrashScript {
  const writer = new ScriptWriter(0, false, true);
  for (let round = 0; round < 2; round++) {
    for (let region = 1; region < 400; region++) writer.emit(OPERATION.read, region << 21);
  }
  return finished(writer, []);
}

function identityTable(): ThrashScript['memory'][number] {
  const entries = Uint32Array.from({ length: 1024 }, (_, page) => (page << 12) | 7);
  return { address: IDENTITY_TABLE, bytes: new Uint8Array(entries.buffer) };
}

function finished(writer: ScriptWriter, memory: ThrashScript['memory']): ThrashScript {
  writer.emit(OPERATION.finish);
  const script = { address: SCRIPT_ADDRESS, bytes: words(writer.words) };
  return { cpu: 'max', memory: [...memory, script] };
}

export function thrashScript(seed: number, steps: number): ThrashScript {
  const pae = seed % 2 === 1;
  const strict = seed % 4 < 2;
  const writer = new ScriptWriter(seed, pae, strict);
  const memory = firstTables(writer, pae);
  if (pae) writer.emit(OPERATION.setEfer, seed % 8 < 4 ? NXE : 0);
  writer.emit(OPERATION.setCr4, pae ? PAE : seed % 8 < 4 ? PSE : 0);
  writer.flush();
  writer.emit(OPERATION.setCr0, CR0_BASE | WP);
  for (let step = 0; step < steps; step++) writer.step();
  return finished(writer, memory);
}
