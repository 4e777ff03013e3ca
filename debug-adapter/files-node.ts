/** Files (files.ts) of the computer that Node runs on. */
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import type { Files } from './files.ts';

export const nodeFiles: Files = {
  readFile: (name) => readFile(name),
  exists: (name) =>
    access(name).then(
      () => true,
      () => false,
    ),
  inflate: (packed, size) => promisify(inflate)(packed, { maxOutputLength: Math.max(size, 1) }),
};
