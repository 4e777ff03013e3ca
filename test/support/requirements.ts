/**
 * Programs and libraries that the tests use and npm cannot bring: on Debian and Ubuntu, as root, they
 * are installed; elsewhere a line says what is missing and which tests will feel it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Requirement {
  /** Present when this command is on the PATH, or this library is known to the loader. */
  readonly command?: string;
  readonly library?: string;
  readonly packages: readonly string[];
  /** What cannot be tested without it. */
  readonly use: string;
}

// prettier-ignore
const REQUIREMENTS: readonly Requirement[] = [
  { command: 'gcc',             packages: ['gcc', 'libc6-dev'], use: 'rebuilding the guests from their source' },
  { command: 'as',              packages: ['binutils'],         use: 'rebuilding the guests from their source' },
  { command: 'dpkg-deb',        packages: ['dpkg'],             use: 'unpacking the Linux kernel' },
  { command: 'xz',              packages: ['xz-utils'],         use: 'the vmlinux inside the Linux kernel' },
  { library: 'libnss3.so',      packages: ['libnss3'],          use: 'the headless browser of the editor tests' },
  { library: 'libnspr4.so',     packages: ['libnspr4'],         use: 'the headless browser of the editor tests' },
  { library: 'libexpat.so.1',   packages: ['libexpat1'],        use: 'the headless browser of the editor tests' },
  { command: 'fc-list',         packages: ['fontconfig', 'fonts-dejavu-core'], use: 'readable screenshots' },
];

function onPath(command: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, command)));
}

function missing(): readonly Requirement[] {
  // in a shell without /sbin on its PATH ldconfig still has its usual place
  const { stdout } = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  const libraries = typeof stdout === 'string' ? stdout : '';
  return REQUIREMENTS.filter(
    ({ command, library }) =>
      (command !== undefined && !onPath(command)) ||
      (library !== undefined && !libraries.includes(library)),
  );
}

/** Installs what is missing where it can; prints what it did and what stays missing. */
export function installRequirements(): void {
  if (process.platform !== 'linux') return;
  const wanted = missing();
  if (wanted.length === 0) return;
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    const packages = [...new Set(wanted.flatMap((row) => row.packages))];
    console.log(`Installing ${packages.join(' ')} (apt-get) …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // the status of update says little: one stale index of many makes it fail
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
    const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    spawnSync('apt-get', install, { stdio: ['ignore', 'ignore', 'inherit'], env });
  }
  for (const { command, library, packages, use } of missing()) {
    console.log(
      `Missing: ${command ?? library ?? ''} (package ${packages.join(', ')}), needed for ${use}.`,
    );
  }
}
