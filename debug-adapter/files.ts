/**
 * Files as the adapter needs them: read whole, by the name that stands in launch.json, and unpacked. The host gives it
 * (Node's file system, the editor's workspace), and errors of either are told in the same words.
 */
import { describeFailure, failure } from './errors.ts';

export interface Files {
  /** Rejects with the host's error, whose `code` is looked at. */
  readFile(name: string): Promise<Uint8Array>;
  /** Whether there is a file, or a folder, of this name. */
  exists(name: string): Promise<boolean>;
  /** Unpacks data of zlib; rejects when it is damaged or unpacks to more than `size` bytes. */
  inflate(packed: Uint8Array, size: number): Promise<Uint8Array>;
}

/** What codes of Node and of the editor's file system mean. */
const CAUSES: { readonly [code: string]: string } = {
  ENOENT: 'there is no such file',
  FileNotFound: 'there is no such file',
  EISDIR: 'it is a folder',
  FileIsADirectory: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  FileNotADirectory: 'a part of the path is no folder',
  EACCES: 'reading it is not permitted',
  EPERM: 'reading it is not permitted',
  NoPermissions: 'reading it is not permitted',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
  Unavailable: 'its file system is not available',
};

/** Contents of a file that `attribute` of launch.json names; throws the numbered error. */
export async function readNamedFile(
  files: Files,
  attribute: string,
  file: string,
): Promise<Uint8Array> {
  try {
    return await files.readFile(file);
  } catch (cause) {
    const code =
      typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
    throw failure('fileUnreadable', {
      attribute,
      file,
      problem: CAUSES[code] ?? describeFailure(cause),
    });
  }
}
