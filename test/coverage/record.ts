/**
 * Which instructions of the system each test file brings before the decoder: runs the tests of the
 * processor, the hypervisor and the guests with the hook of register.mjs and writes executed.json, from
 * which the coverage table takes its last column. By hand, after tests have changed:
 *
 *   npx tsx test/coverage/record.ts [TEST...]       all tests, or these anew
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemRows } from './rows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['emulator', 'test/guests', 'test/conformance'];
/** Boots of Linux take minutes; decoder and debugger look at instructions that nothing executes. */
const LEFT_OUT = /linux|^cpu\/decode|^debugger/;
const SECONDS = 300;

function testFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  } catch {
    return []; // a folder that is not there yet
  }
  const tests = names.filter((name) => name.endsWith('.test.ts') && !LEFT_OUT.test(name));
  return tests.map((name) => `${folder}/${name}`).sort();
}

const directory = mkdtempSync(join(tmpdir(), 'guestscope-forms-'));
const wanted = process.argv.slice(2);
const file = new URL('executed.json', import.meta.url);
const known = JSON.parse(readFileSync(file, 'utf8')) as Record<string, readonly string[]>;
for (const test of wanted.length > 0 ? wanted : FOLDERS.flatMap(testFiles)) {
  const hooks = ['--import', 'tsx', '--import', './test/coverage/register.mjs'];
  spawnSync(process.execPath, [...hooks, test], {
    cwd: root,
    env: { ...process.env, FORM_RECORD: directory, FORM_TEST: test },
    timeout: SECONDS * 1000,
    stdio: 'ignore',
  });
}
const found = new Map<string, Set<string>>();
for (const name of readdirSync(directory)) {
  const { test, rows } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
    readonly test: string;
    readonly rows: readonly string[];
  };
  const all = found.get(test) ?? new Set();
  found.set(test, all);
  for (const row of rows) if (systemRows.has(row)) all.add(row);
}
rmSync(directory, { recursive: true });
const executed: Record<string, readonly string[]> = wanted.length > 0 ? known : {};
for (const [test, rows] of found) if (rows.size > 0) executed[test] = [...rows].sort();
const sorted = Object.fromEntries(Object.entries(executed).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
