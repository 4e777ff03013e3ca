/**
 * The form vectors by hand; needs gcc -m32, Linux on an x86 processor that has the features, and root.
 *
 *   npx tsx test/vectors/forms/main.ts compare CASES [SEED [MNEMONIC-OR-ENCODING]]
 *       executes so many cases natively and on our processor and shows what differs
 *   npx tsx test/vectors/forms/main.ts noise CASES [SEED]
 *       the same with random bytes as code
 *   npx tsx test/vectors/forms/main.ts sample CASES-PER-FORM [SEED]
 *       writes forms.vectors, the sample that the test suite replays
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { compare, describe } from './compare.ts';
import { nativeForms } from './forms.ts';
import { makeCase } from './make-case.ts';
import { Native } from './native.ts';
import { AT } from './record.ts';
import { isHarmless, makeNoise } from './noise.ts';
import { Replay, TIMEOUT } from './replay.ts';
import { modelWithMost, isImplemented } from './models.ts';
import { choose, writeVectors } from './vector-file.ts';

const BATCH = 20000;
const SHOWN = Number(process.env['SHOWN'] ?? 40);

function* cases(total: number, seed: number, filter: string): Generator<DataView> {
  const forms = nativeForms.filter(({ row, encoding }) => filter === '' || row.mnemonic === filter || encoding === filter); // prettier-ignore
  for (let made = 0, n = 0; made < total && n < total * 20; n++) {
    const form = forms[n % forms.length];
    if (form === undefined || !isImplemented(form)) continue;
    const record = makeCase(form, Math.imul(n + 1, 0x01000193) ^ Math.imul(seed, 0x9e3779b1));
    if (record === null) continue;
    made++;
    yield record;
  }
}

function* noise(total: number, seed: number): Generator<DataView> {
  const replay = new Replay(modelWithMost());
  for (let made = 0, n = 0; made < total && n < total * 20; n++) {
    const record = makeNoise(Math.imul(n + 1, 0x01000193) ^ Math.imul(seed, 0x9e3779b1));
    if (record === null || !isHarmless(record, replay.run(record, 'step'))) continue;
    made++;
    yield record;
  }
}

function compareAll(native: Native, records: Iterable<DataView>, exactly = true): number {
  const replay = new Replay(modelWithMost());
  const seen = new Map<string, number>();
  let [compared, differences] = [0, 0];
  let batch: DataView[] = [];
  const flush = (): void => {
    const outcomes = native.run(batch);
    batch.forEach((start, i) => {
      const expected = outcomes[i];
      if (expected === undefined || expected.getUint32(AT.VECTOR, true) === TIMEOUT) return;
      compared++;
      for (const how of ['block', 'step'] as const) {
        const found = compare(start, replay.run(start, how), expected, exactly);
        if (found === null) continue;
        differences++;
        const text = describe(start);
        const name = /\((?:lock |rep\w* |addr\d+ |data\d+ |[c-g]s |es |ss )*([^\s)]+)/.exec(text)?.[1] ?? '';
        const times = (seen.get(name) ?? 0) + 1;
        seen.set(name, times);
        if (times <= Number(process.env['EACH'] ?? 3) && seen.size <= SHOWN) process.stdout.write(`${how}: ${text}\n    ${found}\n`);
        return;
      }
    });
    batch = [];
  };
  for (const record of records) {
    batch.push(record);
    if (batch.length === BATCH) flush();
  }
  if (batch.length > 0) flush();
  for (const [name, times] of [...seen].sort((a, b) => b[1] - a[1])) process.stdout.write(`${name}: ${String(times)}\n`); // prettier-ignore
  process.stdout.write(`${String(compared)} cases, ${String(differences)} differences\n`);
  return differences;
}

function writeSample(perForm: number, seed: number): void {
  const cases = choose(native, perForm, seed);
  const processor = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  const origin = `Every user-mode opcode form. Origin: native execution, test/vectors/forms/execute.c, on an\n${processor}. Layout: vector-file.ts.`; // prettier-ignore
  const file = process.env['SAMPLE'] ?? new URL('forms.vectors', import.meta.url);
  const bytes = writeVectors(cases, origin);
  writeFileSync(file, bytes);
  process.stdout.write(`${String(cases.length)} cases, ${String(bytes.length)} bytes\n`);
}

const [command, count = '', seed = '1', filter = ''] = process.argv.slice(2);
const native = new Native(process.env['EXECUTE_C']);
try {
  if (command === 'compare') process.exitCode = compareAll(native, cases(Number(count), Number(seed), filter)) === 0 ? 0 : 1; // prettier-ignore
  else if (command === 'noise') process.exitCode = compareAll(native, noise(Number(count), Number(seed)), false) === 0 ? 0 : 1; // prettier-ignore
  else if (command === 'sample') writeSample(Number(count), Number(seed));
  else process.stdout.write('compare CASES [SEED [FORM]], noise CASES [SEED], or sample CASES-PER-FORM [SEED]\n');
} finally {
  native.dispose();
}
