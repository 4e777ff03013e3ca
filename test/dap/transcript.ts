/**
 * Golden transcripts: a script of DAP requests is played against a session, and everything that was said
 * is compared, line by line, with a file of JSON lines. `UPDATE_GOLDEN=1` rewrites the file; a difference
 * leaves what was really said beside it as `.actual`.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Said, TestClient } from '../../debug-adapter/testing/test-client.ts';

/** A request and its arguments, or an event that must come before the script goes on. */
export type Step = readonly [command: string, args?: unknown] | { readonly until: string };

/** Says the script's requests one after the other, each after the response to the one before. */
export async function play(client: TestClient, script: readonly Step[]): Promise<void> {
  for (const step of script) {
    if ('until' in step) await client.event(step.until);
    else await client.request(...step);
  }
}

/**
 * The conversation as JSON lines without sequence numbers. Console output is joined, since how it is cut
 * into events depends on the host's speed.
 */
export function transcriptOf(said: readonly Said[]): string {
  const lines: string[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') lines.push(JSON.stringify({ console: text }));
    text = '';
  };
  for (const message of said) {
    const { type, command, event, success, arguments: args } = message;
    // what the adapter can do is the same in all of them, and has a golden file of its own
    const body = command === 'initialize' && success === true ? '(capabilities)' : message.body;
    if (event === 'guestscope.console') {
      text += (body as { readonly text: string }).text;
      continue;
    }
    if (event === 'guestscope.exits') continue;
    flush();
    if (type === 'request') lines.push(JSON.stringify({ request: command, arguments: args }));
    else if (type === 'event') lines.push(JSON.stringify({ event, body }));
    else lines.push(JSON.stringify({ response: command, success, body }));
  }
  flush();
  return lines.map((line) => `${line}\n`).join('');
}

/** @param name of the file beside this one, without `.jsonl`. */
export function assertGolden(name: string, actual: string): void {
  const golden = fileURLToPath(new URL(`./${name}.jsonl`, import.meta.url));
  const leftover = `${golden}.actual`;
  rmSync(leftover, { force: true });
  if (process.env['UPDATE_GOLDEN'] === '1') {
    writeFileSync(golden, actual);
    return;
  }
  let expected = '';
  try {
    expected = readFileSync(golden, 'utf8');
  } catch {
    writeFileSync(leftover, actual);
    assert.fail(`There is no ${golden}; UPDATE_GOLDEN=1 writes it.`);
  }
  if (actual === expected) return;
  writeFileSync(leftover, actual);
  const [is, was] = [actual.split('\n'), expected.split('\n')];
  const line = is.findIndex((text, index) => text !== was[index]);
  assert.fail(
    `The conversation differs from ${name}.jsonl in line ${line + 1}:\n- ${was[line]}\n+ ${is[line]}`,
  );
}
