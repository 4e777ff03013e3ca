/**
 * iPXE in the shape of a Linux kernel (Debian's ipxe.lkrn), which has no other entry than the 16-bit one: it
 * starts on the BIOS services of emulator/firmware, prints by INT 10h, reads keys by INT 16h from the serial
 * port, takes INT 15h over and waits for the real-time clock's interrupts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skip } from '../guests/linux/boots.ts';
import type { Fingerprint } from '../guests/whole-machine.ts';
import { GuestRun } from '../guests/whole-machine.ts';
import { debianFile } from '../support/debian-packages.ts';

const CTRL_B = '\u0002';
/** Several times what it takes to its prompt. */
const LIMIT = 1e9;

function prompted(): Fingerprint {
  const guest = new GuestRun({
    image: debianFile('ipxe', '/boot/ipxe.lkrn'),
    format: 'auto',
    interface: 'bare',
    memoryMiB: 64,
  });
  const says = (pattern: RegExp): void => {
    guest.go({ most: LIMIT, done: () => pattern.test(guest.text) });
    assert.match(guest.text, pattern);
  };
  assert.match(guest.machine.guest.summary, /boot protocol 2\.07, .*, 16-bit entry$/);
  says(/^iPXE initialising devices\.\.\.ok\r$/m);
  says(/Press Ctrl-B for the iPXE command line/);
  guest.type(CTRL_B);
  says(/iPXE> $/);
  guest.type('show platform\r');
  says(/^builtin\/platform:string = pcbios\r$/m);
  says(/iPXE> $/);
  guest.type('echo Good evening\r');
  says(/^Good evening\r$/m);
  return guest.fingerprint;
}

test('iPXE as a kernel comes to its prompt, each time the same', { skip, timeout: 600_000 }, () => {
  assert.deepEqual(prompted(), prompted());
});
