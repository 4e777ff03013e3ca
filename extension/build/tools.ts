/**
 * Tools that are too large for node_modules and are fetched from the npm registry when first needed:
 * the VS Code server and a headless Chromium. Each is installed by exact version into a cache, without
 * running install scripts, and appears there only once it is complete.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url)).replace(/[\\/]$/, '');

/** `$XDG_CACHE_HOME/guestscope/<name>`, or `.cache/<name>` in the checkout without that variable. */
export function cacheDirectory(name: string): string {
  const shared = process.env['XDG_CACHE_HOME'];
  return shared ? join(shared, 'guestscope', name) : join(projectRoot, '.cache', name);
}

export interface Tool {
  /** Folder in the cache; names the version. */
  readonly folder: string;
  /** What it is, for the message. */
  readonly title: string;
  /** Exact package specifiers. */
  readonly packages: readonly string[];
  /** Folders below node_modules whose own package.json is to be installed as well. */
  readonly nested: readonly string[];
  /** Packages that must be compiled here (needs a C++ compiler). */
  readonly compiled?: readonly string[];
}

/**
 * The folder of an installed tool, installing it first where the cache does not have it.
 * Throws an Error with one sentence when npm fails.
 */
export function ensureTool(tool: Tool): string {
  const folder = cacheDirectory(tool.folder);
  if (existsSync(folder)) return folder;
  console.log(`Installing ${tool.title} into ${folder} (once) …`);
  const partial = `${folder}.${String(process.pid)}.partial`;
  try {
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, 'package.json'), '{ "private": true }\n');
    npm(partial, ['install', '--save-exact', ...tool.packages], tool.title);
    for (const nested of tool.nested) {
      npm(join(partial, 'node_modules', nested), ['install', '--omit=dev'], tool.title);
    }
    const { compiled = [] } = tool;
    if (compiled.length > 0) npm(partial, ['rebuild', ...compiled], tool.title, []);
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

function npm(
  cwd: string,
  args: readonly string[],
  title: string,
  scripts: readonly string[] = ['--ignore-scripts'],
): void {
  const quiet = [...scripts, '--no-audit', '--no-fund', '--loglevel=error'];
  const cli = process.env['npm_execpath'];
  const result = spawnSync(
    cli ? process.execPath : 'npm',
    [...(cli ? [cli] : []), ...args, ...quiet],
    {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      shell: cli === undefined && process.platform === 'win32',
    },
  );
  if (result.status === 0) return;
  const cause = result.error?.message ?? result.stderr.trim().split('\n').slice(-8).join('\n');
  throw new Error(
    `npm could not install ${title}; check that its registry is reachable.\n${cause}`,
  );
}
