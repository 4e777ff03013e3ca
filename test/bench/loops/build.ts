/**
 * Builds the benchmark's guest, loops.bin, from the assembly beside it with the GNU assembler and linker.
 * The result is committed, so that a benchmark needs nothing but Node; build.test.ts proves that it comes
 * from its source.
 *
 *   npx tsx test/bench/loops/build.ts    builds it in place
 */
import { chmodSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { assemble, cannotBuild, inTemporaryFolder, run } from '../../guests/build.ts';

const HERE = path.dirname(fileURLToPath(import.meta.url));
/** boot.s begins with the multiboot header; the loops follow in the order in which they run. */
const PARTS = ['boot', 'processor', 'serial', 'crc', 'sieve', 'copy', 'calls', 'bytecode', 'hash', 'sort', 'stride', 'strings'] as const; // prettier-ignore

/** Writes loops.bin into `target`. */
export function buildLoops(target: string): void {
  inTemporaryFolder((work) => {
    const objects = PARTS.map((part) => assemble(path.join(HERE, `${part}.s`), work));
    const binary = path.join(target, 'loops.bin');
    run('ld', ['-m', 'elf_i386', '-T', path.join(HERE, 'loops.ld'), '-o', binary, ...objects]);
    chmodSync(binary, 0o644);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = cannotBuild();
  if (problem !== null) {
    console.error(`The benchmark's guest cannot be built: ${problem}.`);
    process.exitCode = 1;
  } else buildLoops(HERE);
}
