/** Files (files.ts) of the computer that Node runs on. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { checkRange } from '../../emulator/formats/byte-source.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { Files, OpenFile } from './files.ts';

export const nodeFiles: Files = {
  readFile: (name) => readFile(name),
  async open(name) {
    const found = await stat(name);
    if (found.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    // opening a pipe would wait for somebody who writes to it
    if (!found.isFile()) throw new Error('it is no regular file');
    return new PagedFile(name);
  },
  exists: (name) =>
    access(name).then(
      () => true,
      () => false,
    ),
  inflate: (packed, size) => promisify(inflate)(packed, { maxOutputLength: Math.max(size, 1) }),
};

/** Bytes that are read at once, and how many of them are kept; longer ranges are read as they are. */
const PAGE = 0x10000;
const MOST_PAGES = 128;

/** A file that is read by pages, of which those that were used last are kept. */
class PagedFile implements OpenFile {
  readonly length: number;
  private readonly name: string;
  private readonly descriptor: number;
  /** When it was written last, as it was opened. */
  private readonly written: number;
  private isOpen = true;
  /** By number; the one that was used last comes last. */
  private readonly pages = new Map<number, Uint8Array>();

  constructor(name: string) {
    this.name = name;
    this.descriptor = openSync(name, 'r');
    const { size, mtimeMs } = fstatSync(this.descriptor);
    this.length = size;
    this.written = mtimeMs;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(offset, length, this.length, 'file');
    const first = Math.floor(offset / PAGE);
    const inside = offset - first * PAGE;
    if (inside + length <= PAGE) return this.page(first).subarray(inside, inside + length);
    if (length > PAGE) return this.fromDisk(offset, length);
    const bytes = new Uint8Array(length);
    const head = this.page(first).subarray(inside);
    bytes.set(head);
    bytes.set(this.page(first + 1).subarray(0, length - head.length), head.length);
    return bytes;
  }

  close(): void {
    if (this.isOpen) closeSync(this.descriptor);
    this.isOpen = false;
    this.pages.clear();
  }

  private page(number: number): Uint8Array {
    const known = this.pages.get(number);
    const start = number * PAGE;
    const page = known ?? this.fromDisk(start, Math.min(PAGE, this.length - start));
    this.pages.delete(number);
    this.pages.set(number, page);
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= MOST_PAGES) break;
      this.pages.delete(oldest);
    }
    return page;
  }

  /** Pages are never written again, so that who has a view of one may keep it. */
  private fromDisk(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.readInto(offset, bytes);
    return bytes;
  }

  readInto(offset: number, bytes: Uint8Array): void {
    const { length } = bytes;
    checkRange(offset, length, this.length, 'file');
    if (!this.isOpen) throw new FormatError('truncated', `${this.name} is no longer open.`);
    let done = 0;
    while (done < length) {
      const count = readSync(this.descriptor, bytes, done, length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
    const { size, mtimeMs } = fstatSync(this.descriptor);
    if (done < length || size !== this.length || mtimeMs !== this.written)
      throw new FormatError('truncated', `${this.name} has changed since it was opened; restart the session.`); // prettier-ignore
  }
}
