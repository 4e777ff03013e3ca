/**
 * First step of `npm start` and `npm test`: makes a fresh clone ready. Plain JavaScript without imports
 * from packages, since nothing is installed yet. Runs `npm ci` when node_modules is missing or holds
 * other versions than package-lock.json; otherwise it costs a few milliseconds.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Packages of a lock file as path → version, without those of other platforms. */
function lockedVersions(file) {
  const { packages } = JSON.parse(readFileSync(root + file, 'utf8'));
  const needed = Object.entries(packages).filter(([path, entry]) => path && !entry.optional);
  return new Map(needed.map(([path, entry]) => [path, entry.version]));
}

function upToDate() {
  let installed;
  try {
    installed = lockedVersions('node_modules/.package-lock.json');
  } catch {
    return false; // nothing installed yet, or half of it
  }
  return [...lockedVersions('package-lock.json')].every(([path, v]) => installed.get(path) === v);
}

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Node ${process.versions.node} is too old: Guestscope needs 20.19 or newer from nodejs.org.`,
  );
  process.exit(1);
}
if (!upToDate()) {
  console.log('Installing packages (npm ci) …');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.status !== 0) {
    console.error('npm ci failed: see its message above, then run the command again.');
    process.exit(1);
  }
}
