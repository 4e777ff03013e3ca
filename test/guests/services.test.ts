/**
 * The BIOS services under the 16-bit entry of a bzImage, called one after the other by services/calls.s,
 * which says what each line is. Expected values: the interface's documentation (IBM PS/2 and PC BIOS
 * Interface Technical Reference; ACPI 6.5, 15.1) and the machine's own memory map.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { SERVICES_CALLER } from './build.ts';
import { GuestRun } from './whole-machine.ts';

const program = readFileSync(path.join(SERVICES_CALLER, 'calls.bin'));
const LIMIT = 10_000_000;

function called(): GuestRun {
  const run = new GuestRun({ image: program, format: 'bzimage', interface: 'bare', memoryMiB: 64 });
  run.go({ budget: 10_000, most: LIMIT, done: () => run.text.includes('keys') });
  run.type('aQ\r');
  const stop = run.go({ budget: 10_000, most: LIMIT });
  assert.equal(stop.kind, 'halted-forever');
  return run;
}

test('a program at the 16-bit entry finds the services of a BIOS', () => {
  const { text } = called();
  assert.deepEqual(text.split('\r\n'), [
    // the setup code's segments: CS 20h paragraphs behind the others (boot.rst, "Running the Kernel")
    'start 1020 1000 1000 E000',
    // equipment, KiB of low memory, KiB above 1 MiB, KiB to 16 MiB and 64-KiB units above
    'memory 0222 027F FC00c 3C00c 0300',
    'map  00000000 00000000 0009FC00 00000000 00000001',
    'map  0009FC00 00000000 00000400 00000000 00000002',
    'map  000E0000 00000000 00000400 00000000 00000003',
    'map  000F0000 00000000 00010000 00000000 00000002',
    'map  00100000 00000000 03F00000 00000000 00000001',
    // support, then A20 shut and open
    'a20 0003c 0000 0001',
    // no disk extensions, no disk, no APM, no PCI BIOS, no VBE
    'absent 0100C 0000c 8600C 8101C 4F00',
    // a wait of 80 ms, in ticks; the board's clock, 2007-02-04 18:44
    'time 0000c 0001 1844 2007 0204',
    // 80 columns in mode 3; behind "cursor 5003" in the twelfth line, and the shape
    'cursor 5003 0A0B 0607',
    '\x1b[06;04Hstring 0509',
    // none; a, Q, return; one put there, seen and taken; A and a by the keyboard's scan codes
    'keys 0000 1E61 1051 1C0D 1234 1234 1E41 1E61',
    'The guest has divided by zero, or met an instruction that its processor does not have.',
    '',
  ]);
});

test('two runs are the same to the instruction', () => {
  assert.deepEqual(called().fingerprint, called().fingerprint);
});
