/**
 * "launch.json#name" of a command line: finds the file, the workspace it belongs to and the configuration,
 * as an editor that has the folder open would.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { LaunchArguments, Surroundings } from '../launch/launch-json.ts';
import { findConfiguration } from '../launch/launch-json.ts';
import { UsageError } from './command-line-node.ts';

const PLATFORMS: { readonly [platform: string]: Surroundings['platform'] } = {
  win32: 'windows',
  darwin: 'osx',
};

export interface LaunchFile {
  readonly configuration: LaunchArguments;
  /** Absolute. */
  readonly folder: string;
}

/**
 * @param written a launch.json or a folder that has one in .vscode, then optionally "#" and a name.
 * @param workspace the folder of ${workspaceFolder}; undefined: the one around .vscode, else the file's.
 */
export function readLaunchFile(written: string, workspace: string | undefined): LaunchFile {
  const { file, name } = splitName(written);
  const around = basename(dirname(file)) === '.vscode' ? dirname(dirname(file)) : dirname(file);
  const folder = workspace === undefined ? around : resolve(workspace);
  if (!existsSync(folder))
    throw new UsageError(`--workspace names ${folder}, and there is no such folder.`);
  const surroundings: Surroundings = {
    folder,
    home: homedir(),
    directory: process.cwd(),
    environment: process.env,
    platform: PLATFORMS[process.platform] ?? 'linux',
    separator: sep,
  };
  const configuration = findConfiguration(readFileSync(file, 'utf8'), name, surroundings);
  return { configuration, folder };
}

/** A "#" may be part of a file's name too: the longest name that there is counts. */
function splitName(written: string): { readonly file: string; readonly name: string | undefined } {
  let end = written.length;
  for (;;) {
    const file = fileAt(resolve(written.slice(0, end)));
    if (file !== null) {
      return { file, name: end < written.length ? written.slice(end + 1) : undefined };
    }
    end = written.lastIndexOf('#', end - 1);
    if (end <= 0) break;
  }
  throw new UsageError(`There is no launch.json at ${written.split('#')[0] ?? ''}.`);
}

function fileAt(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() === true) return path;
  if (stats === undefined || !stats.isDirectory()) return null;
  return fileAt(join(path, '.vscode', 'launch.json'));
}
