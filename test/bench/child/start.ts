/** Starts measuring processes from the benchmark. */
import { type ChildProcess, fork } from 'node:child_process';
import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundle } from '../../../extension/build/bundle.ts';
import type { Answer, Jobs } from './jobs.ts';

export interface Measuring<Result> {
  /** One more measurement; rejects with what went wrong there. */
  measure(): Promise<Result>;
  close(): void;
}

/** The measuring program and what it measures, bundled into a temporary folder that remove() deletes. */
export interface Program {
  /** Path of the debug adapter's bundle, made now; the worker's is beside it. */
  adapter(): Promise<string>;
  start<Name extends keyof Jobs>(
    name: Name,
    options: Jobs[Name]['options'],
  ): Measuring<Jobs[Name]['result']>;
  remove(): void;
}

export async function bundleProgram(): Promise<Program> {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestscope-bench-'));
  const file = path.join(folder, 'child.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  return {
    async adapter() {
      await bundle(false, folder);
      return path.join(folder, 'adapter.cjs');
    },
    start: (name, options) => start(file, name, options),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function start<Name extends keyof Jobs>(
  file: string,
  name: Name,
  options: Jobs[Name]['options'],
): Measuring<Jobs[Name]['result']> {
  const child = fork(file, [name, JSON.stringify(options)], { execArgv: [] });
  return {
    async measure() {
      const answered = nextAnswer(child, name);
      child.send('measure');
      const answer = await answered;
      if ('problem' in answer) throw new Error(answer.problem);
      return answer.value as Jobs[Name]['result'];
    },
    close() {
      if (child.connected) child.disconnect();
    },
  };
}

function nextAnswer(child: ChildProcess, name: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const died = (code: number | null): void => {
      reject(new Error(`The measuring process '${name}' ended with status ${String(code)}.`));
    };
    child.once('exit', died);
    child.once('message', (message) => {
      child.off('exit', died);
      resolve(message as Answer);
    });
  });
}
