/** The filter of the exit log's view: words, words that must not be there, comparisons of fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdapterError } from '../errors.ts';
import { rowFilter } from './exit-row-filter.ts';
import type { ExitRow } from '../protocol.ts';

const ROW: ExitRow = {
  ordinal: 7,
  position: 1234,
  reason: 30,
  name: 'IO_INSTRUCTION',
  qualification: 0,
  detail: 'out 0x3f8, 1 byte, 0x41',
  fields: { port: 0x3f8, size: 1, value: 0x41 },
  rip: 0x8048,
  linearRip: 0x8048,
  instructionLength: 1,
  cpl: 0,
  symbol: 'print_character+0x10',
  outcome: { kind: 'emulated', text: 'emulated', steps: 1 },
};
const shows = (filter: string): boolean => rowFilter('guestscope/findExits', filter)(ROW);

test('all words must be there, in any column and any case', () => {
  assert.ok(shows(''));
  assert.ok(shows('io_ OUT print_char'));
  assert.ok(shows('0x00008048 emulated'));
  assert.ok(!shows('io_ cpuid'));
});

test('a word with a minus must not be there', () => {
  assert.ok(shows('-cpuid'));
  assert.ok(!shows('-print'));
  assert.ok(!shows('-port==0x3f8'));
});

test('fields, position and privilege level are compared', () => {
  assert.ok(shows('port==0x3f8 value>=0x41 position<2000 cpl=0 vcpu==0'));
  assert.ok(!shows('port!=0x3f8'));
  assert.ok(!shows('leaf==1'), 'a field that the exit does not have');
  assert.ok(!shows('toString==1'), 'no field of the log');
});

test('a reason is compared by name and by number', () => {
  assert.ok(shows('reason=io_instruction'));
  assert.ok(shows('reason==30'));
  assert.ok(!shows('reason==10'));
});

test('what is no number is refused with a sentence', () => {
  assert.throws(
    () => shows('port==COM1'),
    (error) => error instanceof AdapterError && /"COM1" in "port==COM1" is no number/.test(error.message), // prettier-ignore
  );
});
