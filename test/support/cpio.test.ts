import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpioArchive } from './cpio.ts';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test('a file becomes a newc header, its name and its content, each padded to four bytes', () => {
  const archive = cpioArchive([
    { kind: 'file', name: 'hello!', bytes: Buffer.from('Hi!'), mode: 0o644 },
  ]);
  // Field order of cpio(5) "New ASCII Format": magic, ino, mode, uid, gid, nlink, mtime, filesize,
  // devmajor, devminor, rdevmajor, rdevminor, namesize, check.
  const header =
    '070701' + '00000001' + '000081a4' + '00000000' + '00000000' + '00000001' + '00000000' +
    '00000003' + '00000000' + '00000000' + '00000000' + '00000000' + '00000007' + '00000000'; // prettier-ignore
  assert.equal(text(archive.subarray(0, 124)), `${header}hello!\0\0\0\0Hi!\0`);
});

test('name and content start at multiples of four', () => {
  const archive = text(
    cpioArchive([
      { kind: 'directory', name: 'dev' },
      { kind: 'link', name: 'sh', target: 'busybox' },
      { kind: 'character device', name: 'dev/console', major: 5, minor: 1 },
    ]),
  );
  const headers = [...archive.matchAll(/070701/g)].map((match) => match.index);
  assert.equal(headers.length, 4);
  assert.ok(headers.every((offset) => offset % 4 === 0));
  // rdevmajor and rdevminor of the console
  assert.equal(archive.slice(headers[2]! + 78, headers[2]! + 94), '0000000500000001');
});

test('an archive ends with the trailer', () => {
  assert.match(text(cpioArchive([])), /TRAILER!!!\0+$/);
});
