/**
 * Writer of cpio archives in the "newc" format (cpio(5); Linux Documentation/driver-api/early-userspace/
 * buffer-format.rst), which is what an initramfs is made of. Only what a small initramfs needs:
 * directories, regular files, symbolic links and device nodes; no hard links, no checksums. Times are
 * zero and inode numbers count up, so that the same entries give the same bytes.
 */

export type CpioEntry =
  | { readonly kind: 'directory'; readonly name: string; readonly mode?: number }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly bytes: Uint8Array;
      readonly mode?: number;
    }
  | { readonly kind: 'link'; readonly name: string; readonly target: string }
  | {
      readonly kind: 'character device';
      readonly name: string;
      readonly major: number;
      readonly minor: number;
      readonly mode?: number;
    };

/** File types in st_mode (stat(2)). */
const TYPE = { directory: 0o040000, file: 0o100000, link: 0o120000, 'character device': 0o020000 };
const DEFAULT_MODE = { directory: 0o755, file: 0o755, link: 0o777, 'character device': 0o600 };

/** The archive, entries in the order given (a directory before what lies in it), trailer included. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  entries.forEach((entry, index) => parts.push(member(entry, index + 1)));
  parts.push(member({ kind: 'file', name: 'TRAILER!!!', bytes: new Uint8Array(0), mode: 0 }, 0));
  return Buffer.concat(parts);
}

/** Header of thirteen 8-digit hexadecimal fields, name and content, both padded to four bytes. */
function member(entry: CpioEntry, inode: number): Uint8Array {
  const content =
    entry.kind === 'file'
      ? Buffer.from(entry.bytes)
      : Buffer.from(entry.kind === 'link' ? entry.target : '');
  const permissions = 'mode' in entry ? entry.mode : DEFAULT_MODE[entry.kind];
  const device = entry.kind === 'character device' ? [entry.major, entry.minor] : [0, 0];
  const name = Buffer.from(`${entry.name}\0`);
  const trailer = inode === 0;
  // prettier-ignore
  const fields = [
    inode, trailer ? 0 : TYPE[entry.kind] | permissions, 0 /* uid */, 0 /* gid */, 1 /* nlink */, 0 /* mtime */,
    content.length, 0, 0 /* device the file was on */, ...device, name.length, 0 /* checksum */,
  ];
  const header = Buffer.from(
    `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`,
  );
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(content)]);
}

function padded(bytes: Buffer): Buffer {
  const rest = bytes.length % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - rest)]);
}
