/**
 * From launch.json to a machine's configuration: which file is booted and which firmware boots it.
 * Run: node --import tsx --test debug-adapter/launch/launching.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files } from '../host/files.ts';
import { nodeFiles } from '../host/files-node.ts';
import { checkedConfiguration, machineConfiguration } from './launching.ts';

/** Files with their own names as contents. */
function filesOf(...names: readonly string[]): Files {
  return {
    ...nodeFiles,
    readFile: (name) =>
      names.includes(name)
        ? Promise.resolve(new TextEncoder().encode(name))
        : Promise.reject(Object.assign(new Error('no'), { code: 'ENOENT' })),
  };
}
const configured = (guest: object, files: Files) =>
  machineConfiguration(checkedConfiguration({ guest }), files);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const BIG = '/usr/share/seabios/bios-256k.bin';
const SMALL = '/usr/share/seabios/bios.bin';
const VIDEO = '/usr/share/seabios/vgabios-isavga.bin';

test("a medium is booted by Debian's SeaBIOS, by either of its files", async () => {
  const { guest } = await configured({ image: '/d' }, filesOf('/d', BIG, SMALL, VIDEO));
  assert.deepEqual(guest, {
    kernel: bytes('/d'),
    kernelName: '/d',
    format: 'bios',
    bios: { medium: 'auto', firmware: bytes(BIG), firmwareName: BIG, videoRom: bytes(VIDEO) },
    commandLine: '',
    entry: 'auto',
    loadAddress: 'auto',
  });
  const second = await configured({ image: '/d', format: 'bios' }, filesOf('/d', SMALL));
  assert.deepEqual(second.guest.bios, {
    medium: 'auto',
    firmware: bytes(SMALL),
    firmwareName: SMALL,
  });
});

test('firmware and medium can be named', async () => {
  const named = { image: '/d', medium: 'cdrom', firmware: '/f', videoFirmware: '/v' };
  const { guest } = await configured(named, filesOf('/d', '/f', '/v', BIG));
  assert.deepEqual(guest.bios, {
    medium: 'cdrom',
    firmware: bytes('/f'),
    firmwareName: '/f',
    videoRom: bytes('/v'),
  });
});

test('what cannot be is refused by the attribute, with cause and remedy', async () => {
  const rows = [
    [{ image: '/d' }, /"guest.firmware" is missing; .*install Debian's package "seabios"/],
    [{ image: '/d', firmware: '/f' }, /"guest.firmware" names \/f, which cannot be read/],
    [{ image: '/none', firmware: '/k' }, /"guest.image" names \/none, which cannot be read/],
    [{ image: '/d', format: 'flat' }, /"guest.format": .*write "auto"/],
    [{ kernel: '/k', format: 'bios' }, /"guest.format": .*"guest.image" instead/],
  ] as const;
  for (const [guest, message] of rows) {
    await assert.rejects(configured(guest, filesOf('/d', '/k')), { message });
  }
});
