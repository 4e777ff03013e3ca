/**
 * For `node --import`: the decoder of this process notes each opcode form that it decodes, and the process
 * writes them, with the name of the test file, to a file in the directory FORM_RECORD when it ends.
 */
import { writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';

register('./hooks.mjs', import.meta.url);
globalThis.decodedRows = new Set();
process.on('exit', () => {
  const rows = [...globalThis.decodedRows].map(({ mnemonic, operands }) =>
    `${mnemonic} ${operands}`.trim(),
  );
  const file = join(process.env.FORM_RECORD ?? '.', `${process.pid}.json`);
  writeFileSync(file, JSON.stringify({ test: process.argv[1] ?? '', rows: [...new Set(rows)] }));
});
