/** Files (files.ts) of the computer that Node runs on. */
import { readFile } from 'node:fs/promises';
import type { Files } from './files.ts';

export const nodeFiles: Files = {
  readFile: (name) => readFile(name),
};
