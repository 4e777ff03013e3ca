/**
 * Firmware and boot loader of real machines: Debian's seabios, and a disk with GRUB made of grub-pc-bin by
 * grub-common's grub-mkimage. The packages come through apt with package lists of their own, so that nothing
 * on the computer is changed and no root rights are needed; what they hold is kept in the cache beside the
 * kernels and never committed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import path from 'node:path';
import { cacheDirectory } from './debian-packages.ts';

export interface DebianFirmware {
  /** 256 and 128 KiB, and the option ROM of a VGA. */
  readonly bios: Uint8Array;
  readonly smallBios: Uint8Array;
  readonly video: Uint8Array;
  /** A disk that boots GRUB to its prompt: no configuration file. */
  readonly grubDisk: Uint8Array;
}

/** libdevmapper is there for grub-mkimage, which may run where it is not installed. */
const PACKAGES = ['seabios', 'grub-pc-bin', 'grub-common', 'libdevmapper1.02.1'] as const;
const GRUB_MODULES = ['biosdisk', 'part_msdos', 'fat', 'iso9660', 'normal', 'echo', 'ls', 'halt', 'reboot'] as const; // prettier-ignore
/** 4 MiB, so that it is a disk and no floppy. */
const DISK_BYTES = 4 << 20;

/** From the cache or, the first time, from Debian (about 5 MB). Throws an Error with one sentence. */
export function debianFirmware(): DebianFirmware {
  const cache = path.join(cacheDirectory(), 'firmware');
  if (!existsSync(cache)) fetchInto(cache);
  const file = (name: string): Uint8Array => readFileSync(path.join(cache, name));
  return {
    bios: file('bios-256k.bin'),
    smallBios: file('bios.bin'),
    video: file('vgabios-isavga.bin'),
    grubDisk: file('grub.img'),
  };
}

function fetchInto(cache: string): void {
  const work = `${cache}-${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  for (const folder of ['lists/partial', 'archives/partial', 'packages', 'root', 'done']) {
    mkdirSync(path.join(work, folder), { recursive: true });
  }
  download(work);
  const root = path.join(work, 'root');
  const packages = path.join(work, 'packages');
  for (const name of readdirSync(packages)) {
    execFileSync('dpkg-deb', ['-x', path.join(packages, name), root]);
  }
  const done = path.join(work, 'done');
  for (const name of ['bios-256k.bin', 'bios.bin', 'vgabios-isavga.bin']) {
    writeFileSync(path.join(done, name), readFileSync(path.join(root, 'usr/share/seabios', name)));
  }
  writeFileSync(path.join(done, 'grub.img'), grubDisk(root, work));
  rmSync(cache, { recursive: true, force: true });
  renameSync(done, cache);
  rmSync(work, { recursive: true });
}

function download(work: string): void {
  const options = [
    `Dir::State=${work}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${work}`,
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  const apt = (...words: readonly string[]): string => {
    const { error, stdout, stderr } = spawnSync('apt-get', [...options, ...words], {
      cwd: path.join(work, 'packages'),
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    if (error === undefined) return stdout + stderr;
    throw new Error(
      `apt-get could not be started (${error.message}); SeaBIOS and GRUB can be fetched on Debian only.`,
    );
  };
  // an index of many that is out of step makes it fail: ask for the packages all the same
  apt('update', '-q');
  const said = apt('download', '-q', ...PACKAGES);
  const got = readdirSync(path.join(work, 'packages'));
  const missing = PACKAGES.filter((name) => !got.some((file) => file.startsWith(`${name}_`)));
  if (missing.length === 0) return;
  const last = said.trim().split('\n').pop() ?? '';
  throw new Error(`apt-get download gave no ${missing.join(', ')}: ${last}`);
}

/** boot.img, and behind it diskboot.img with the kernel of GRUB, as grub-mkimage puts them together. */
function grubDisk(root: string, work: string): Uint8Array {
  const modules = path.join(root, 'usr/lib/grub/i386-pc');
  const core = path.join(work, 'core.img');
  const libraries = readdirSync(path.join(root, 'lib')).map((name) => path.join(root, 'lib', name));
  execFileSync(
    path.join(root, 'usr/bin/grub-mkimage'),
    ['-O', 'i386-pc', '-d', modules, '-p', '/boot/grub', '-o', core, ...GRUB_MODULES],
    { env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } },
  );
  const disk = new Uint8Array(DISK_BYTES);
  disk.set(readFileSync(path.join(modules, 'boot.img')));
  disk.set(readFileSync(core), 512);
  return disk;
}
