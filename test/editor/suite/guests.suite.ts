/** Guests that are found in a workspace, with the configuration that each is started with. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, suiteSetup, suiteTeardown, test } from 'mocha';
import * as vscode from 'vscode';
import { findGuests } from '../../../extension/guest-finder.ts';

/** Multiboot Specification 0.6.96, 3.1.1: magic, flags (addresses given), checksum; the rest is zero. */
function multibootKernel(): Buffer {
  const kernel = Buffer.alloc(512);
  kernel.writeUInt32LE(0x1badb002, 0);
  kernel.writeUInt32LE(0x10000, 4);
  kernel.writeUInt32LE(2 ** 32 - 0x1badb002 - 0x10000, 8);
  return kernel;
}

suite('guests', () => {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const place = join(folder?.uri.fsPath ?? '', 'found');

  suiteSetup(() => {
    mkdirSync(place);
    writeFileSync(join(place, 'kernel.bin'), multibootKernel());
    writeFileSync(join(place, 'disk.img'), Buffer.alloc(1024));
    writeFileSync(join(place, 'initrd.img'), Buffer.alloc(1024));
    writeFileSync(join(place, 'noise.elf'), 'no kernel');
  });
  suiteTeardown(() => rmSync(place, { recursive: true }));

  test('kernels are told by what they hold, disk images by their names', async () => {
    assert.ok(folder);
    const found = await findGuests(folder);
    const ours = found.filter(({ uri }) => uri.path.includes('/found/'));
    assert.deepEqual(
      ours.map(({ kind, configuration }) => [kind, configuration['guest'] as unknown]),
      [
        ['multiboot', { kernel: '${workspaceFolder}/found/kernel.bin' }],
        ['disk image', { image: '${workspaceFolder}/found/disk.img' }],
      ],
    );
  });

  test('a Linux kernel comes with the initial RAM disk beside it', async function () {
    assert.ok(folder);
    if (!existsSync(join(folder.uri.fsPath, 'linux/vmlinuz'))) return this.skip();
    const linux = (await findGuests(folder)).find(({ kind }) => kind === 'bzimage');
    assert.deepEqual(linux?.configuration['guest'], {
      kernel: '${workspaceFolder}/linux/vmlinuz',
      initrd: '${workspaceFolder}/linux/initrd.gz',
      commandLine: 'console=ttyS0',
    });
  });
});
