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
import { CALL_VERSIONS, EXPRESSIONS, IN_CALLER, IN_CALLS, IN_FRAME, OPTIMIZATIONS } from './expressions.ts'; // prettier-ignore

const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The committed file cannot be executed: it is for no operating system. */
const work = mkdtempSync(path.join(tmpdir(), 'guestscope-types-'));
function record(name: string, frames: readonly (readonly string[])[]): void {
  const file = at(`built/${name}`);
  const program = path.join(work, name);
  copyFileSync(`${file}.elf`, program);
  chmodSync(program, 0o755);
  const said = execFileSync('gdb', ['-q', '-nx', '-batch', '-x', at('answers.py'), program], {
    input: frames.map((expressions) => expressions.join('\n')).join('\nup\n'),
    encoding: 'utf8',
  });
  writeFileSync(`${file}.json`, said.slice(said.indexOf('{')));
}

for (const optimization of OPTIMIZATIONS)
  record(`types-${optimization}`, [[...EXPRESSIONS, ...IN_FRAME], IN_CALLER]);
for (const version of CALL_VERSIONS) record(`calls-${version}`, IN_CALLS);
rmSync(work, { recursive: true });
