/**
 * Asks gdb about the expressions of expressions.ts, in the process of Linux that the same ELF file is, and
 * writes its answers beside the file. Needs gdb with Python, on a host that runs programs for i386.
 *
 *   npx tsx test/guests/types/record.ts
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXPRESSIONS, IN_CALLER, IN_FRAME, OPTIMIZATIONS } from './expressions.ts';

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The committed file cannot be executed: it is for no operating system. */
const work = mkdtempSync(path.join(tmpdir(), 'guestscope-types-'));
for (const optimization of OPTIMIZATIONS) {
  const file = at(`built/types-${optimization}`);
  const program = path.join(work, optimization);
  copyFileSync(`${file}.elf`, program);
  chmodSync(program, 0o755);
  const said = execFileSync('gdb', ['-q', '-nx', '-batch', '-x', at('answers.py'), program], {
    input: [...EXPRESSIONS, ...IN_FRAME, 'up', ...IN_CALLER].join('\n'),
    encoding: 'utf8',
  });
  writeFileSync(`${file}.json`, said.slice(said.indexOf('{')));
}
rmSync(work, { recursive: true });
