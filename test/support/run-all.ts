/**
 * `npm test`: installs what the tests need from outside npm, runs every suite (or those named as
 * arguments) and closes with "N passed, N failed". Exit status 0 only when nothing failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../../extension/build/tools.ts';
import type { EditorResult } from '../editor/run.ts';
import { installRequirements } from './requirements.ts';

interface Counts {
  passed: number;
  failed: number;
  /** Skipped and to-do tests. */
  skipped: number;
}

/** Folders whose tests are a suite of their own; every other *.test.ts is a unit test. */
const TEST_FOLDERS = {
  guests: ['test/guests', 'test/conformance', 'test/vectors', 'test/fuzz'],
  dap: ['test/dap', 'test/golden'],
  firmware: ['test/firmware'],
  package: ['test/package'],
  editor: ['test/editor'],
} as const satisfies Record<string, readonly string[]>;

const SUITES = {
  lint: lint,
  typecheck: () => commands([['type check', 'tsc', '-b']]),
  unit: () => nodeTests(unitTests()),
  guests: () => nodeTests(testsBelow(TEST_FOLDERS.guests).filter((file) => !isLinux(file))),
  dap: () => nodeTests(testsBelow(TEST_FOLDERS.dap)),
  firmware: () => nodeTests(testsBelow(TEST_FOLDERS.firmware).filter((file) => !isByHand(file))),
  memtest: () => nodeTests(testsBelow(TEST_FOLDERS.firmware).filter(isByHand)),
  linux: () => nodeTests(testsBelow(TEST_FOLDERS.guests).filter(isLinux)),
  package: () => nodeTests(testsBelow(TEST_FOLDERS.package)),
  editor: editor,
} as const satisfies Record<string, () => Promise<Counts>>;

type SuiteName = keyof typeof SUITES;

/** Runs a command of node_modules/.bin or the Node binary; resolves with its exit status. */
function runCommand(command: string, args: readonly string[], env = {}): Promise<number> {
  return new Promise((resolve) => {
    const file =
      command === 'node' ? process.execPath : join(projectRoot, 'node_modules/.bin', command);
    const child = spawn(file, args, {
      cwd: projectRoot,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      shell: process.platform === 'win32',
    });
    child.once('error', (error) => {
      console.error(`  ${command}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Each command is one check: [title, command, ...arguments]. */
async function commands(
  rows: readonly (readonly [string, string, ...string[]])[],
): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [title, command, ...args] of rows) {
    const status = await runCommand(command, args);
    if (status === 0) counts.passed++;
    else counts.failed++;
    console.log(`  ${title}: ${status === 0 ? 'ok' : 'FAILED'}`);
  }
  return counts;
}

function lint(): Promise<Counts> {
  const config = ['--config', '.config/eslint.config.js', '--max-warnings', '0'];
  return commands([
    ['eslint', 'eslint', ...config, '.'],
    ['prettier', 'prettier', '--check', '--log-level', 'warn', '.'],
    ['knip', 'knip'],
  ]);
}

/** Tests that boot a real kernel are a suite of their own because they take minutes. */
function isLinux(file: string): boolean {
  return /\/linux[\w-]*\.test\.ts$/.test(file);
}

/** Minutes of a processor for little more than the others prove: run when they are named. */
function isByHand(file: string): boolean {
  return file.includes('/by-hand/');
}
const BY_HAND: readonly SuiteName[] = ['memtest'];

/** All *.test.ts below these folders, sorted. */
function testsBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    let entries: string[];
    try {
      entries = readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' });
    } catch {
      return []; // a folder that is not there yet
    }
    return entries
      .filter((entry) => entry.endsWith('.test.ts') && !entry.includes('node_modules'))
      .map((entry) => `${folder}/${entry.replaceAll('\\', '/')}`)
      .sort();
  });
}

function unitTests(): string[] {
  const others = Object.values(TEST_FOLDERS).flat();
  return testsBelow(['emulator', 'debug-adapter', 'extension', 'test']).filter(
    (file) => !others.some((folder) => file.startsWith(`${folder}/`)),
  );
}

async function nodeTests(files: readonly string[]): Promise<Counts> {
  if (files.length === 0) {
    console.log('  FAILED no tests found');
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const directory = mkdtempSync(join(tmpdir(), 'guestscope-counts-'));
  const file = join(directory, 'counts.json');
  const reporter = pathToFileURL(join(projectRoot, 'test/support/reporter.mjs')).href;
  const status = await runCommand(
    'node',
    [
      ...['--import', 'tsx', '--test', '--test-concurrency=2'],
      ...[`--test-reporter=${reporter}`, '--test-reporter-destination=stdout'],
      ...files,
    ],
    { GUESTSCOPE_COUNTS: file },
  );
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
  } catch (error) {
    console.error(`  The tests left no counts: ${String(error)}`);
  }
  rmSync(directory, { recursive: true, force: true });
  // a runner that dies counts as a failure even when no test says so
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

async function editor(): Promise<Counts> {
  const { editorHost, runSuites } = await import('../editor/run.ts');
  console.log(`  in ${editorHost().title}`);
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  let results: readonly EditorResult[];
  try {
    results = await runSuites();
  } catch (error) {
    console.error(`  FAILED ${error instanceof Error ? error.message : String(error)}`);
    return { ...counts, failed: 1 };
  }
  for (const { title, outcome, milliseconds, error } of results) {
    counts[outcome]++;
    console.log(`  ${outcome} ${title} (${(milliseconds / 1000).toFixed(1)} s)`);
    if (error !== undefined) console.log(error.replace(/^/gm, '    '));
  }
  return counts;
}

function isSuite(name: string): name is SuiteName {
  return Object.hasOwn(SUITES, name);
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !isSuite(name));
  if (unknown.length > 0) {
    console.error(
      `No suite is called ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}.`,
    );
    return 2;
  }
  const wanted = (names.length > 0 ? names : Object.keys(SUITES))
    .filter(isSuite)
    .filter((name) => names.length > 0 || !BY_HAND.includes(name));
  if (names.length === 0) installRequirements();
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const rows: string[] = [];
  for (const name of wanted) {
    console.log(`\n== ${name}`);
    const start = performance.now();
    const counts = await SUITES[name]();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key];
    rows.push(
      `${name.padEnd(10)} ${String(counts.passed).padStart(6)} passed ${String(counts.failed).padStart(4)} failed ${String(counts.skipped).padStart(4)} skipped ${seconds.padStart(8)} s`,
    );
  }
  const skipped = total.skipped > 0 ? `, ${String(total.skipped)} skipped` : '';
  console.log(`\n${rows.join('\n')}\n`);
  console.log(`${String(total.passed)} passed, ${String(total.failed)} failed${skipped}`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
