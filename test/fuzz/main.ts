/**
 * The fuzzer by hand: `npx tsx test/fuzz/main.ts STREAMS [FIRST-SEED [MODEL]]`. Prints what failed, with
 * the seed, and how many instructions were run in which modes.
 */
import { modelWithMost } from '../vectors/forms/models.ts';
import { FuzzFailure, Fuzzer } from './fuzz.ts';

const [count = '100', first = '1', model = modelWithMost()] = process.argv.slice(2);
const fuzzer = new Fuzzer(model);
const totals = new Map<string, number>();
let [instructions, failures] = [0, 0];
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  try {
    const stream = fuzzer.run(seed);
    instructions += stream.instructions;
    for (const [name, times] of [...stream.starts, ...stream.ends]) totals.set(name, (totals.get(name) ?? 0) + times); // prettier-ignore
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    failures++;
    if (failures <= 20) process.stdout.write(`${error.message}\n`);
  }
}
for (const [name, times] of [...totals].sort())
  process.stdout.write(`  ${name}: ${String(times)}\n`);
process.stdout.write(`${String(instructions)} instructions, ${String(failures)} failures\n`);
process.exitCode = failures === 0 ? 0 : 1;
