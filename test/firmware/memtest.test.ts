/**
 * The first six tests of Memtest86+ on 16 MiB: about ten thousand million instructions. The whole pass
 * is by-hand/memtest-pass.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Memtest } from './memtest86.ts';

test('Memtest86+ finds no error in its tests 0 to 5', { timeout: 600_000 }, () => {
  const guest = new Memtest();
  const seen = new Set<number>();
  const { errors } = guest.until(({ test: number }) => {
    seen.add(number);
    return number >= 6;
  }, 15e9);
  assert.equal(errors, 0, guest.screen);
  // test 1 is over so soon that it may not be seen
  assert.match([...seen].join(' '), /0 (1 )?2 3 4 5 6$/);
  assert.match(guest.screen, /Memtest86\+ v6.*│ Guestscope/);
  assert.match(guest.screen, /Memory *: *16MB/);
});
