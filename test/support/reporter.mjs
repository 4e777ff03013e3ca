/**
 * Reporter for node:test: one line a test file, each failure in full, and at the end the counts as JSON
 * in the file that GUESTSCOPE_COUNTS names, from which run-all.ts makes its closing line. Plain
 * JavaScript, because the runner loads it before anything that understands TypeScript.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { inspect } from 'node:util';

/** The text to print for the events of a run. */
export default async function* report(events) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const files = new Map();
  for await (const { type, data } of events) {
    if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    // a suite fails with its tests; only the tests count
    if (data.details.type === 'suite') continue;
    const open = data.skip !== undefined || data.todo !== undefined;
    const failed = type === 'test:fail' && !open;
    total[open ? 'skipped' : failed ? 'failed' : 'passed']++;
    const file = relative(process.cwd(), data.file ?? data.name);
    const entry = files.get(file) ?? { count: 0, milliseconds: 0 };
    files.set(file, entry);
    entry.count++;
    entry.milliseconds += data.details.duration_ms;
    if (failed) yield failure(file, data.name, data.details.error);
  }
  for (const [file, { count, milliseconds }] of [...files].sort()) {
    yield `  ${file}: ${count} tests, ${(milliseconds / 1000).toFixed(1)} s\n`;
  }
  const counts = process.env.GUESTSCOPE_COUNTS;
  if (counts) writeFileSync(counts, JSON.stringify(total));
}

function failure(file, name, error) {
  const cause = error.cause instanceof Error ? error.cause.stack : inspect(error.cause ?? error);
  return `  FAILED ${file}: ${name}\n${cause.replace(/^/gm, '    ')}\n`;
}
