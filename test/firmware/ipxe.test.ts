/**
 * iPXE (Debian's ipxe.iso, an El Torito image) from SeaBIOS to its prompt, driven by the keyboard and seen
 * on the VGA's text screen.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GuestRun } from '../guests/whole-machine.ts';
import { debianFile } from '../support/debian-packages.ts';

const CTRL_B = '\u0002';

test('iPXE comes to its prompt and answers commands', { timeout: 600_000 }, () => {
  const guest = new GuestRun({
    image: debianFile('ipxe', '/usr/lib/ipxe/ipxe.iso'),
    interface: 'bare',
    format: 'bios',
    bios: {
      medium: 'cdrom',
      firmware: debianFile('seabios', '/usr/share/seabios/bios-256k.bin'),
      firmwareName: 'SeaBIOS',
      videoRom: debianFile('seabios', '/usr/share/seabios/vgabios-stdvga.bin'),
    },
    memoryMiB: 64,
    cpu: 'max',
  });
  const sees = (pattern: RegExp): void => {
    guest.go({ budget: 2_000_000, most: 2e9, done: () => pattern.test(guest.screen) });
    assert.match(guest.screen, pattern);
  };
  sees(/^iPXE initialising devices/m);
  // held in the keyboard until iPXE looks at it
  guest.typeKeys(CTRL_B);
  sees(/^iPXE> *$/m);
  guest.typeKeys('show platform\r');
  sees(/^builtin\/platform:string = pcbios$/m);
  guest.typeKeys('echo Good evening\r');
  sees(/^Good evening$/m);

  const { picture } = guest.machine.screen(null);
  assert.equal(picture?.kind, 'text');
  // the video BIOS has loaded its font: a capital A is not blank
  assert.ok(picture.glyphs?.subarray(32 * 0x41, 32 * 0x42).some((line) => line !== 0));
  assert.notEqual(picture.cursor, null);
});
