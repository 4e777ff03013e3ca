/**
 * `npm run fuzz:dap -- MESSAGES [SEED]`: says so many random messages to sessions with the real machine
 * (fuzz-sessions.ts). Exit status 1 at the first hang, crash, wrong or missing answer.
 */
import { fuzzSessions } from './fuzz-sessions.ts';

const [messages = 100_000, seed = 1] = process.argv.slice(2).map(Number);
if (!(messages > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run fuzz:dap -- MESSAGES [SEED]');
  process.exit(2);
}
const start = performance.now();
const seconds = (): string => ((performance.now() - start) / 1000).toFixed(0);
let told = 0;
const {
  sessions,
  messages: said,
  problems,
} = await fuzzSessions(messages, seed, (count) => {
  if (count - told < 10_000) return;
  told = count;
  console.log(`${count} messages, ${seconds()} s`);
});
for (const problem of problems.slice(0, 10)) console.error(problem.slice(0, 2000));
console.log(
  `${said} messages to ${sessions} sessions, ${problems.length} problems, ${seconds()} s`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
