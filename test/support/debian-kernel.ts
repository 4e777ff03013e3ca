/**
 * The real guests: Debian's current 32-bit kernels, for old PCs (linux-image-686) and for those with more
 * than 32 bits of physical addresses and NX (linux-image-686-pae), with a small initramfs made of Debian's
 * busybox-static. The packages come through apt, with a package index of its own for
 * the i386 architecture, so that nothing on the computer is changed and no root rights are needed; they
 * are kept in a cache and never committed.
 *
 *   npx tsx test/support/debian-kernel.ts          prints the two paths and the command line
 *   npx tsx test/support/debian-kernel.ts DIR      also copies them to DIR/vmlinuz and DIR/initrd.gz
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import { cpioArchive } from './cpio.ts';

/** What the initramfs prints on the serial port when the kernel has started it. */
export const READY_MARKER = 'GUESTSCOPE-READY';
/** Added to the command line, this makes the initramfs power off after the marker. */
export const POWER_OFF_WORD = 'guestscope.poweroff';
/** All that the kernel must be told: where its console is. */
export const COMMAND_LINE = 'console=ttyS0';

export type Flavour = '686' | '686-pae';

export interface DebianKernel {
  /** Path of the bzImage. */
  readonly kernel: string;
  /** Path of the gzip-compressed initramfs. */
  readonly initrd: string;
  /** "6.1.0-50-686", as `uname -r` says it. */
  readonly release: string;
}

/**
 * Paths of kernel and initramfs, fetched first when the cache does not have them (about 53 MB for
 * each flavour).
 * Throws an Error with one sentence where apt is missing or does not know the packages.
 */
export function debianKernel(
  flavour: Flavour = '686',
  cache: string = cacheDirectory(),
): DebianKernel {
  mkdirSync(cache, { recursive: true });
  let release = cachedRelease(cache, flavour);
  if (release === undefined) {
    fetchPackages(cache, flavour);
    release = cachedRelease(cache, flavour);
    if (release === undefined) {
      throw new Error(`No kernel came out of Debian's packages; remove ${cache} and try again.`);
    }
  }
  // written each time: the initramfs follows this file, not the cache
  const initrd = path.join(cache, 'initrd.gz');
  const archive = gzipSync(initramfs(readFileSync(path.join(cache, 'busybox'))), {
    level: constants.Z_BEST_COMPRESSION,
  });
  if (!existsSync(initrd) || !archive.equals(readFileSync(initrd))) replaceFile(initrd, archive);
  return { kernel: path.join(cache, `vmlinuz-${release}`), initrd, release };
}

/** `$XDG_CACHE_HOME/guestscope/debian` or, in a checkout without that variable, `.cache/guests/debian`. */
export function cacheDirectory(): string {
  const shared = process.env['XDG_CACHE_HOME'];
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  return shared ? path.join(shared, 'guestscope/debian') : path.join(root, '.cache/guests/debian');
}

function cachedRelease(cache: string, flavour: Flavour): string | undefined {
  if (!existsSync(path.join(cache, 'busybox'))) return undefined;
  const kernel = readdirSync(cache).find(
    (name) => name.startsWith('vmlinuz-') && /\d-(686.*)$/.exec(name)?.[1] === flavour,
  );
  return kernel?.slice('vmlinuz-'.length);
}

/** The initramfs as an uncompressed archive: busybox, an /init and the nodes it needs before devtmpfs. */
export function initramfs(busybox: Uint8Array): Uint8Array {
  return cpioArchive([
    { kind: 'directory', name: 'bin' },
    { kind: 'directory', name: 'dev' },
    { kind: 'directory', name: 'proc' },
    { kind: 'directory', name: 'root' },
    { kind: 'directory', name: 'sys' },
    { kind: 'character device', name: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', name: 'bin/busybox', bytes: busybox },
    { kind: 'link', name: 'bin/sh', target: 'busybox' },
    { kind: 'file', name: 'init', bytes: Buffer.from(INIT) },
  ]);
}

/** Leaving the shell switches the machine off; without the word in the command line nothing else does. */
const INIT = `#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/ttyS0 >/dev/ttyS0 2>&1
echo ${READY_MARKER}
if ! grep -qw ${POWER_OFF_WORD} /proc/cmdline; then
  cd /root
  setsid cttyhack sh
fi
poweroff -f
`;

/** Downloads both packages and takes bzImage and busybox out of them into `cache`. */
function fetchPackages(cache: string, flavour: Flavour): void {
  const work = path.join(cache, `fetch-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  for (const directory of ['lists/partial', 'archives/partial', 'packages']) {
    mkdirSync(path.join(work, directory), { recursive: true });
  }
  const options = [
    'APT::Architecture=i386',
    'APT::Architectures=i386',
    `Dir::State=${work}`,
    'Dir::State::status=/dev/null',
    `Dir::Cache=${work}`,
    'APT::Sandbox::User=', // the cache belongs to whoever runs this
  ].flatMap((option) => ['-o', option]);

  // One index that is out of step gives exit status 100 although the packages are there: ask for those.
  const update = run('apt-get', [...options, 'update', '-q'], work);
  const metaPackage = `linux-image-${flavour}`;
  const image = /Depends: (linux-image-\d\S+-686\S*)/.exec(
    run('apt-cache', [...options, 'depends', metaPackage], work).text,
  )?.[1];
  if (image === undefined) {
    throw new Error(
      `apt knows no package ${metaPackage} for i386, which Debian has up to release 12; ` +
        `on another system name your own kernel in launch.json. apt-get update said: ${lastLine(update.text)}`,
    );
  }
  const packages = path.join(work, 'packages');
  const download = run(
    'apt-get',
    [...options, 'download', '-q', image, 'busybox-static'],
    packages,
  );
  const files = readdirSync(packages).map((name) => path.join(packages, name));
  const imageFile = files.find((name) => path.basename(name).startsWith(image));
  const busyboxFile = files.find((name) => path.basename(name).startsWith('busybox-static'));
  if (imageFile === undefined || busyboxFile === undefined) {
    throw new Error(
      `apt-get download of ${image} and busybox-static failed: ${lastLine(download.text)}`,
    );
  }
  const release = image.slice('linux-image-'.length);
  replaceFile(
    path.join(cache, `vmlinuz-${release}`),
    member(imageFile, `./boot/vmlinuz-${release}`),
  );
  replaceFile(path.join(cache, 'busybox'), member(busyboxFile, './bin/busybox'));
  rmSync(work, { recursive: true, force: true });
}

/** One file out of a Debian package, without unpacking the rest. */
function member(debian: string, name: string): Uint8Array {
  const maxBuffer = 1 << 30;
  const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', debian], { maxBuffer });
  return execFileSync('tar', ['-xOf', '-', name], { input: tar, maxBuffer });
}

function run(command: string, commandArguments: readonly string[], cwd: string): { text: string } {
  const result = spawnSync(command, commandArguments, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (result.error !== undefined) {
    throw new Error(
      `${command} could not be started (${result.error.message}); ` +
        `Debian's kernel can be fetched on Debian only: elsewhere name your own kernel in launch.json.`,
    );
  }
  return { text: result.stdout + result.stderr };
}

function lastLine(text: string): string {
  return text.trim().split('\n').pop() ?? '';
}

/** In one step, so that a reader in another process sees the old file or the new one. */
function replaceFile(name: string, bytes: Uint8Array): void {
  const temporary = `${name}.${process.pid}`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = debianKernel();
  const target = process.argv[2];
  if (target === undefined) {
    process.stdout.write(`${found.kernel}\n${found.initrd}\n${COMMAND_LINE}\n`);
  } else {
    mkdirSync(target, { recursive: true });
    copyFileSync(found.kernel, path.join(target, 'vmlinuz'));
    copyFileSync(found.initrd, path.join(target, 'initrd.gz'));
    process.stdout.write(
      `Debian's ${found.release} and an initramfs with busybox are in ${target}.\n`,
    );
  }
}
