/**
 * Runs records on the host's own processor: builds execute.c with gcc -m32 once for each process that
 * asks, and lets it execute a file of records in place. Throws where that is not to be had.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AT } from './record.ts';

const SECONDS = 120;

export class Native {
  readonly #directory = mkdtempSync(join(tmpdir(), 'guestscope-native-'));
  readonly #program = join(this.#directory, 'execute');

  /** @param source execute.c, where it is not beside this file (in a bundle) */
  constructor(source = fileURLToPath(new URL('execute.c', import.meta.url))) {
    const options = ['-O1', '-m32', '-static', '-no-pie', '-fno-pie', '-fno-stack-protector'];
    execFileSync('gcc', [...options, '-o', this.#program, source]);
  }

  /** The records as the host leaves them, in order. */
  run(records: readonly DataView[]): DataView[] {
    const bytes = new Uint8Array(records.length * AT.SIZE);
    records.forEach((record, i) => {
      bytes.set(new Uint8Array(record.buffer, record.byteOffset, AT.SIZE), i * AT.SIZE);
    });
    const file = join(this.#directory, 'records');
    writeFileSync(file, bytes);
    execFileSync(this.#program, [file], { timeout: SECONDS * 1000 });
    const out = readFileSync(file);
    return records.map((_, i) => new DataView(out.buffer, out.byteOffset + i * AT.SIZE, AT.SIZE));
  }

  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
