/**
 * Machines that start in Debian's SeaBIOS: our own boot sector (boot/boot.s) from a floppy, a disk and a CD,
 * media from which nothing boots, and GRUB from a disk to its prompt, where it answers. What GRUB and SeaBIOS
 * say comes from their sources; the numbers of the boot sector's lines from SeaBIOS's interface (drive
 * numbers, EDD 3.0) and its memory map.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { MachineStop } from '../../emulator/machine-stop.ts';
import { debianFirmware, type DebianFirmware } from '../support/debian-firmware.ts';
import { isoImage } from '../support/iso-image.ts';
import { BOOT } from './build.ts';
import { skip } from './linux/boots.ts';
import { GuestRun } from './whole-machine.ts';

const sector = readFileSync(path.join(BOOT, 'boot.bin'));
const LIMIT = 30_000_000;
/** Until SeaBIOS has started something, or given up: a change of the board's cost is to be seen. */
const SEABIOS_INSTRUCTIONS = 10_000_000;

let fetched: DebianFirmware | undefined;
const firmware = (): DebianFirmware => (fetched ??= debianFirmware());

interface Options {
  readonly interface?: 'bare' | 'kvm';
  readonly small?: boolean;
  readonly video?: boolean;
  readonly vcpus?: number;
}

function machine(image: Uint8Array, options: Options = {}): GuestRun {
  const { bios, smallBios, video } = firmware();
  return new GuestRun({
    image,
    interface: options.interface ?? 'bare',
    vcpus: options.vcpus ?? 1,
    memoryMiB: 32,
    bios: {
      medium: 'auto',
      firmware: options.small === true ? smallBios : bios,
      firmwareName: 'SeaBIOS',
      ...(options.video === true && { videoRom: video }),
    },
  });
}

/** A disk of 20 MB that begins with the boot sector and the one behind it. */
function disk(): Uint8Array {
  const image = new Uint8Array(20_000_000);
  image.set(sector);
  return image;
}

/** What the boot sector says, from its first line on. */
function booted(run: GuestRun, stop: MachineStop): readonly string[] {
  assert.deepEqual(stop, { kind: 'power-off', code: 0, via: 'debug-exit port 0xf4' }, run.text);
  const lines = run.text.split(/\r?\n/);
  const first = lines.findIndex((line) => line.startsWith('drive'));
  return lines
    .slice(first)
    .filter((line) => !line.startsWith('the end') && !'the end'.startsWith(line));
}

const SECTOR_LINES = ['sector Hello from the second sector', 'again W!llo from the second sector'];
/** RAM, EBDA, BIOS, RAM, tables, the ROM at 4 GiB. */
const MEMORY = 'memory 06';

describe('a boot sector', { skip }, () => {
  const MEDIA = [
    ['alone, on a floppy', sector, ['drive 00', ...SECTOR_LINES, MEMORY]],
    ['of a disk', disk(), ['drive 80', ...SECTOR_LINES, 'extensions 30', MEMORY]],
    ['of a CD', isoImage({ boot: sector }), ['drive E0', 'sector CD001', 'extensions 30', MEMORY]],
  ] as const;
  for (const [name, image, lines] of MEDIA) {
    test(`${name} reads its medium by INT 13h`, () => {
      const before = Buffer.from(image);
      const run = machine(image);
      assert.deepEqual(booted(run, run.go({ most: LIMIT })), lines);
      assert.ok(before.equals(image), 'the image is as it was');
      assert.ok(run.machine.retired < SEABIOS_INSTRUCTIONS, `${run.machine.retired} instructions`);
      console.log(`  ${name}: power-off after ${run.machine.retired} instructions`);
    });
  }

  test('is the same run each time, in whatever slices', () => {
    const [first, second] = [machine(disk()), machine(disk())];
    first.go({ most: LIMIT });
    second.go({ most: LIMIT, budget: 77_777 });
    assert.deepEqual(second.fingerprint, first.fingerprint);
  });

  test('starts by the smaller ROM, with a display, under a hypervisor, with two processors', () => {
    for (const options of [
      { small: true },
      { video: true },
      { interface: 'kvm' },
      { vcpus: 2 },
    ] as const) {
      const run = machine(sector, options);
      assert.equal(booted(run, run.go({ most: LIMIT }))[0], 'drive 00');
    }
  });
});

describe('a medium from which nothing boots ends in a stop that says so', { skip }, () => {
  const CASES = [
    ['a floppy of zeros', new Uint8Array(1_474_560), /said: not a bootable disk/],
    ['a disk of zeros', new Uint8Array(8_000_000), /said: not a bootable disk/],
  ] as const;
  for (const [name, image, reason] of CASES) {
    test(name, () => {
      const stop = machine(image).go({ most: LIMIT });
      assert.equal(stop.kind, 'guest-error');
      assert.match(stop.kind === 'guest-error' ? stop.description : '', reason);
    });
  }
});

describe('GRUB from a disk', { skip, timeout: 600_000 }, () => {
  const MOST = 400_000_000;
  const PROMPT = /grub> ?$/;
  /** The text without what moves the cursor. */
  const plain = (text: string): string => text.replace(/\x1b\[[0-9;?]*[a-zA-Z]/g, '');

  function prompted(): GuestRun {
    const run = machine(firmware().grubDisk);
    run.go({ most: MOST, done: () => PROMPT.test(plain(run.text)) });
    return run;
  }
  test('comes to its prompt, and a command typed there answers', () => {
    const run = prompted();
    assert.match(plain(run.text), /GNU GRUB {2}version 2/);
    console.log(`  to the prompt: ${run.machine.retired} instructions`);
    // firmware looks at the serial port 18 times a second and has room for a few keys
    run.type('ls\r');
    run.go({ most: MOST, done: () => /\(hd0\)\s+grub> ?$/.test(plain(run.text)) });
  });

  test('is the same run each time', () => {
    assert.deepEqual(prompted().fingerprint, prompted().fingerprint);
  });
});
