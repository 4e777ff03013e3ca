/** Part of `npm run generate`: writes emulator/cpu/OPCODES.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { coverageDocument } from './opcode-table.ts';
import { fileURLToPath } from 'node:url';

const DOCUMENT = new URL('../../emulator/cpu/OPCODES.md', import.meta.url);

/** The text that the document should have, and the one that it has. */
export async function documentTexts(): Promise<{
  readonly wanted: string;
  readonly actual: string;
}> {
  const wanted = await format(coverageDocument(), { parser: 'markdown' });
  return { wanted, actual: readFileSync(DOCUMENT, 'utf8') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOCUMENT, await format(coverageDocument(), { parser: 'markdown' }));
}
