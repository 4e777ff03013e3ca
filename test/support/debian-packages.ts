/**
 * Files out of Debian's packages: downloaded through apt, with a package index of its own for the i386
 * architecture, so that nothing on the computer is changed and no root rights are needed. What comes out
 * of them is kept in a cache and never committed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'; // prettier-ignore
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** `$XDG_CACHE_HOME/guestscope/debian` or, in a checkout without that variable, `.cache/guests/debian`. */
export function cacheDirectory(): string {
  const shared = process.env['XDG_CACHE_HOME'];
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  return shared ? path.join(shared, 'guestscope/debian') : path.join(root, '.cache/guests/debian');
}

/** A package index for one download of packages. */
export class DebianPackages {
  readonly #work: string;
  readonly #options: readonly string[];
  /** What `apt-get update` said last. */
  readonly updateText: string;

  constructor(cache: string) {
    const work = path.join(cache, `fetch-${process.pid}`);
    rmSync(work, { recursive: true, force: true });
    for (const directory of ['lists/partial', 'archives/partial', 'packages']) {
      mkdirSync(path.join(work, directory), { recursive: true });
    }
    this.#work = work;
    this.#options = [
      'APT::Architecture=i386',
      'APT::Architectures=i386',
      `Dir::State=${work}`,
      'Dir::State::status=/dev/null',
      `Dir::Cache=${work}`,
      'APT::Sandbox::User=', // the cache belongs to whoever runs this
    ].flatMap((option) => ['-o', option]);
    // One index that is out of step gives exit status 100 although the packages are there: ask for those.
    this.updateText = lastLine(run('apt-get', [...this.#options, 'update', '-q'], work));
  }

  /** What `apt-cache depends` prints. */
  depends(name: string): string {
    return run('apt-cache', [...this.#options, 'depends', name], this.#work);
  }

  /** Paths of the packages' files, in order. Throws an Error with one sentence. */
  download(names: readonly string[]): readonly string[] {
    const folder = path.join(this.#work, 'packages');
    const said = run('apt-get', [...this.#options, 'download', '-q', ...names], folder);
    return names.map((name) => {
      const file = readdirSync(folder).find((entry) => entry.startsWith(`${name}_`));
      if (file === undefined) {
        throw new Error(`apt-get download of ${names.join(' and ')} failed: ${lastLine(said)}`);
      }
      return path.join(folder, file);
    });
  }

  /** Removes what was downloaded. */
  close(): void {
    rmSync(this.#work, { recursive: true, force: true });
  }
}

/**
 * One file of one package, from the cache or fetched into it. `name` is its path in the package, from the
 * root. Throws an Error with one sentence where apt is missing or does not know the package.
 */
export function debianFile(packageName: string, name: string): Uint8Array {
  const cache = cacheDirectory();
  mkdirSync(cache, { recursive: true });
  const kept = path.join(cache, `${packageName}-${path.basename(name)}`);
  if (!existsSync(kept)) {
    const packages = new DebianPackages(cache);
    const [file = ''] = packages.download([packageName]);
    replaceFile(kept, member(file, `.${name}`));
    packages.close();
  }
  return new Uint8Array(readFileSync(kept));
}

/** One file out of a Debian package, without unpacking the rest. */
export function member(debian: string, name: string): Uint8Array {
  const maxBuffer = 1 << 30;
  const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', debian], { maxBuffer });
  return execFileSync('tar', ['-xOf', '-', name], { input: tar, maxBuffer });
}

/** In one step, so that a reader in another process sees the old file or the new one. */
export function replaceFile(name: string, bytes: Uint8Array): void {
  const temporary = `${name}.${process.pid}`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, name);
}

function run(command: string, commandArguments: readonly string[], cwd: string): string {
  const result = spawnSync(command, commandArguments, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (result.error !== undefined) {
    throw new Error(
      `${command} could not be started (${result.error.message}); ` +
        `Debian's packages can be fetched on Debian only: elsewhere name your own guest in launch.json.`,
    );
  }
  return result.stdout + result.stderr;
}

function lastLine(text: string): string {
  return text.trim().split('\n').pop() ?? '';
}
