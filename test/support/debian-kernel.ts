/**
 * The real guests: Debian's current 32-bit kernels, for old PCs (linux-image-686) and for those with more
 * than 32 bits of physical addresses and NX (linux-image-686-pae), with a small initramfs made of Debian's
 * busybox-static. The packages come through apt (debian-packages.ts), are kept in a cache and never
 * committed.
 *
 *   npx tsx test/support/debian-kernel.ts          prints the two paths and the command line
 *   npx tsx test/support/debian-kernel.ts DIR      also copies them to DIR/vmlinuz and DIR/initrd.gz
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import { cpioArchive } from './cpio.ts';
import { cacheDirectory, DebianPackages, member, replaceFile } from './debian-packages.ts';

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
  const packages = new DebianPackages(cache);
  const metaPackage = `linux-image-${flavour}`;
  const image = /Depends: (linux-image-\d\S+-686\S*)/.exec(packages.depends(metaPackage))?.[1];
  if (image === undefined) {
    throw new Error(
      `apt knows no package ${metaPackage} for i386, which Debian has up to release 12; ` +
        `on another system name your own kernel in launch.json. apt-get update said: ${packages.updateText}`,
    );
  }
  const [imageFile = '', busyboxFile = ''] = packages.download([image, 'busybox-static']);
  const release = image.slice('linux-image-'.length);
  replaceFile(
    path.join(cache, `vmlinuz-${release}`),
    member(imageFile, `./boot/vmlinuz-${release}`),
  );
  replaceFile(path.join(cache, 'busybox'), member(busyboxFile, './bin/busybox'));
  packages.close();
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
