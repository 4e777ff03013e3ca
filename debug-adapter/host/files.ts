/**
 * Files as the adapter needs them: read whole or by ranges, by the name that stands in launch.json, and
 * unpacked. The host gives it (Node's file system, the editor's workspace), and errors of either are told
 * in the same words.
 */
import { bytesSource, type ByteSource } from '../../emulator/formats/byte-source.ts';
import { describeFailure, failure } from '../errors.ts';

export interface Files {
  /** Rejects with the host's error, whose `code` is looked at. */
  readFile(name: string): Promise<Uint8Array>;
  /** Opens a file to be read by ranges. Rejects as readFile() does. */
  open(name: string): Promise<OpenFile>;
  /** Whether there is a file, or a folder, of this name. */
  exists(name: string): Promise<boolean>;
  /** Unpacks data of zlib; rejects when it is damaged or unpacks to more than `size` bytes. */
  inflate(packed: Uint8Array, size: number): Promise<Uint8Array>;
}

/** A file that is read by ranges, at once; read() throws a sentence when it has changed meanwhile. */
export interface OpenFile extends ByteSource {
  /** It is read no more. */
  close(): void;
}

/** A file of a host that reads files whole only. */
export function wholeFile(bytes: Uint8Array): OpenFile {
  return { ...bytesSource(bytes), close: () => undefined };
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
export function readNamedFile(files: Files, attribute: string, file: string): Promise<Uint8Array> {
  return named(attribute, file, files.readFile(file));
}

/** As readNamedFile(), to be read by ranges. */
export function openNamedFile(files: Files, attribute: string, file: string): Promise<OpenFile> {
  return named(attribute, file, files.open(file));
}

async function named<Result>(
  attribute: string,
  file: string,
  reading: Promise<Result>,
): Promise<Result> {
  try {
    return await reading;
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
