/**
 * Names of source files: as a compiler wrote them into a file of symbols, as they are on the user's
 * computer (launch.json's "sourceMap"), and whether two of them mean the same file. Text alone; nothing
 * is looked up on a disk.
 */

/** Prefixes of folders as compiled, and what they are here. */
export interface SourceMap {
  readonly [compiled: string]: string;
}

const ROOTED = /^(?:[/\\]|[A-Za-z]:[/\\])/;

/**
 * A path as it was compiled.
 * @param parts from the outermost folder to the name; a rooted one starts anew
 */
export function compiledPath(parts: readonly string[]): string {
  return normalized(join(parts));
}

/**
 * A compiled name as a path of this computer.
 * @param parts as compiledPath() takes them
 * @param home folder of the file of symbols, from which relative names count
 */
export function sourcePath(parts: readonly string[], home: string, map: SourceMap): string {
  return normalized(join([home, mapped(compiledPath(parts), map)]));
}

/** Folder of a path, "" for a bare name. */
export function folderOf(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return slash < 0 ? '' : path.slice(0, Math.max(slash, 1));
}

/** Last part of a path. */
export function nameOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** Equal for paths that mean the same file whatever the slashes and the drive's letter look like. */
export function pathKey(path: string): string {
  return normalized(path).replace(/^[A-Za-z]:/, (drive) => drive.toLowerCase());
}

function join(parts: readonly string[]): string {
  let path = '';
  for (const part of parts) {
    if (part === '') continue;
    path = path === '' || ROOTED.test(part) ? part : `${path}/${part}`;
  }
  return path;
}

/** With the longest folder that is in the map replaced; "." is that of all relative names. */
function mapped(path: string, map: SourceMap): string {
  let best: string | null = null;
  let longest = -1;
  for (const [from, to] of Object.entries(map)) {
    const prefix = normalized(from);
    const inside = prefix.endsWith('/') ? prefix : `${prefix}/`;
    const fits = prefix === '' ? !ROOTED.test(path) : path === prefix || path.startsWith(inside);
    if (!fits || prefix.length <= longest) continue;
    longest = prefix.length;
    best = join([to, path.slice(prefix.length).replace(/^\//, '')]);
  }
  return best ?? path;
}

/** With forward slashes, and without "." and "..". */
function normalized(path: string): string {
  const text = path.replaceAll('\\', '/');
  const root = /^(?:[A-Za-z]:)?\/*/.exec(text)?.[0] ?? '';
  const kept: string[] = [];
  for (const part of text.slice(root.length).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (part !== '..' || root === '') kept.push(part);
  }
  return root.replace(/\/+$/, '/') + kept.join('/');
}
