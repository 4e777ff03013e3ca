/**
 * One full pass of Memtest86+ on 16 MiB: about two hundred thousand million instructions, most of them spent
 * in waiting: the bit fade test leaves the memory alone for 80 seconds of the guest's time, twice.
 * Run: npm run test:memtest
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Memtest } from '../memtest86.ts';

test('Memtest86+ passes', { timeout: 3_600_000 }, () => {
  const guest = new Memtest();
  const start = process.cpuUsage();
  const { passes, errors } = guest.until((progress) => progress.passes >= 1, 400e9);
  const { user, system } = process.cpuUsage(start);
  console.log(
    `  one pass: ${(guest.machine.retired / 1e9).toFixed(1)} G instructions, ${((user + system) / 1e6).toFixed(0)} s of processor time`,
  );
  assert.equal(errors, 0, guest.screen);
  assert.equal(passes, 1, guest.screen);
});
