/** The committed guest of the benchmark is what its source says, and keeps code apart from what is written. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findMultibootHeader } from '../../../emulator/formats/multiboot-header.ts';
import { cannotBuild } from '../../guests/build.ts';
import { buildLoops } from './build.ts';

const committed = readFileSync(new URL('loops.bin', import.meta.url));

test(
  'the loops rebuilt from source are the committed ones',
  { skip: cannotBuild() ?? false },
  (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'guestscope-loops-'));
    t.after(() => rmSync(folder, { recursive: true }));
    buildLoops(folder);
    const rebuilt = readFileSync(path.join(folder, 'loops.bin'));
    assert.ok(rebuilt.equals(committed), 'run test/bench/loops/build.ts');
  },
);

test('the image says where it goes, below everything that it writes', () => {
  const addresses = findMultibootHeader(committed)?.addresses;
  assert.equal(addresses?.loadStart, 0x100000);
  assert.equal(addresses.loadEnd - addresses.loadStart, committed.length);
  // .bss, the lowest of what is written
  assert.ok(addresses.loadEnd <= 0x200000 && addresses.bssEnd > 0x200000);
});
