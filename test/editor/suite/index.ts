/**
 * Entry of the tests inside the extension host: runs every *.suite file beside it with mocha and leaves
 * the outcome as JSON in GUESTSCOPE_EDITOR_RESULTS for run.ts, which counts it.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';
import type { EditorResult } from '../run.ts';
import { Ui } from './ui.ts';

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'tdd', timeout: 300_000, slow: 5000, reporter: 'min' });
  const wanted = process.env['GUESTSCOPE_EDITOR_SUITES']?.split(',');
  for (const file of readdirSync(__dirname).sort()) {
    const name = /^(.*)\.suite\.cjs$/.exec(file)?.[1];
    if (name !== undefined && (!wanted || wanted.includes(name)))
      mocha.addFile(join(__dirname, file));
  }
  const results: EditorResult[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    const record = (test: Mocha.Test, error?: Error) => {
      results.push({
        title: test.fullTitle(),
        milliseconds: test.duration ?? 0,
        outcome: error ? 'failed' : test.pending ? 'skipped' : 'passed',
        ...(error ? { error: error.stack ?? error.message } : {}),
      });
    };
    runner.on('pass', (test) => record(test));
    runner.on('pending', (test) => record(test));
    runner.on('fail', (test, error: Error) => {
      record(test, error);
      void Ui.here()
        ?.screenshot(`failed ${test.fullTitle()}`)
        .catch(() => undefined);
    });
  });
  const file = process.env['GUESTSCOPE_EDITOR_RESULTS'];
  if (file) writeFileSync(file, JSON.stringify(results));
  if (failures > 0) throw new Error(`${String(failures)} editor tests failed.`);
}
