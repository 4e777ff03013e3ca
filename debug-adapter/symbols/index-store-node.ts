/** Indexes (index-store.ts) in a folder: one file each, of which those that were not used for long go first. */
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { IndexStore } from './index-store.ts';

/** Bytes that all indexes together may take. */
const MOST_BYTES = 512 << 20;
const ENDING = '.index';
const KEY = /^[0-9a-f-]{1,128}$/;

export class FolderStore implements IndexStore {
  private readonly folder: string;
  private readonly mostBytes: number;

  constructor(folder: string, mostBytes: number = MOST_BYTES) {
    this.folder = folder;
    this.mostBytes = mostBytes;
  }

  async read(key: string): Promise<Uint8Array | null> {
    try {
      const name = this.nameOf(key);
      const { size } = await stat(name);
      if (size > this.mostBytes) return null;
      const bytes = await readFile(name);
      const now = new Date();
      await utimes(name, now, now);
      return bytes;
    } catch {
      return null;
    }
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.mostBytes) return;
    const name = this.nameOf(key);
    // another session never sees a half of it
    const unfinished = `${name}.${process.pid}.new`;
    try {
      await mkdir(this.folder, { recursive: true });
      await writeFile(unfinished, bytes);
      await rename(unfinished, name);
      await this.tidy();
    } catch {
      await rm(unfinished, { force: true }).catch(() => undefined);
    }
  }

  /** Removes those that were used longest ago until the others fit. */
  private async tidy(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(ENDING));
    const files = await Promise.all(
      names.map(async (name) => {
        const file = path.join(this.folder, name);
        const { size, mtimeMs } = await stat(file);
        return { file, size, mtimeMs };
      }),
    );
    let left = this.mostBytes;
    for (const { file, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      left -= size;
      if (left < 0) await rm(file, { force: true });
    }
  }

  private nameOf(key: string): string {
    if (!KEY.test(key)) throw new Error(`"${key}" is no key of an index`);
    return path.join(this.folder, key + ENDING);
  }
}

/** $XDG_CACHE_HOME/guestscope, or .cache/guestscope in the home folder. */
export function cacheFolder(): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  const base = path.isAbsolute(given) ? given : path.join(homedir(), '.cache');
  return path.join(base, 'guestscope');
}
