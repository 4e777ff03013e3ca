/**
 * For `node --import`: the decoder of this thread notes each opcode form that it decodes, and the thread
 * writes them, with the name of the test file (FORM_TEST), to a file in the directory FORM_RECORD when it
 * ends. The machines of a test are often in worker threads, each with a decoder of its own.
 */
import { writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

register('./hooks.mjs', import.meta.url);
globalThis.decodedRows = new Set();
process.on('exit', () => {
  const rows = [...globalThis.decodedRows].map(({ mnemonic, operands }) =>
    `${mnemonic} ${operands}`.trim(),
  );
  const file = join(process.env.FORM_RECORD ?? '.', `${process.pid}-${threadId}.json`);
  writeFileSync(
    file,
    JSON.stringify({ test: process.env.FORM_TEST ?? '', rows: [...new Set(rows)] }),
  );
});
