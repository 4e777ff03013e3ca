/** Names of source files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf, nameOf, pathKey, sourcePath } from './source-paths.ts';

test('relative names count from the file of symbols, rooted ones begin anew', () => {
  assert.equal(sourcePath(['.', '', 'story.s'], '/work/story', {}), '/work/story/story.s');
  assert.equal(sourcePath(['/build', 'init', 'main.c'], '/w', {}), '/build/init/main.c');
  assert.equal(sourcePath(['/build', '/usr/include', 'a.h'], '/w', {}), '/usr/include/a.h');
  assert.equal(sourcePath(['/build/x', '../y/./z', 'a.c'], '/w', {}), '/build/y/z/a.c');
});

test('the longest mapped folder counts, and only whole names of folders', () => {
  const map = { '/build': '/home/me', '/build/linux/': '/src', './': '/here' };
  assert.equal(sourcePath(['/build/linux', 'init', 'main.c'], '/w', map), '/src/init/main.c');
  assert.equal(sourcePath(['/build/other', 'a.c'], '/w', map), '/home/me/other/a.c');
  assert.equal(sourcePath(['/builder', 'a.c'], '/w', map), '/builder/a.c');
  assert.equal(sourcePath(['/build'], '/w', map), '/home/me');
  assert.equal(sourcePath(['x', 'a.c'], '/w', map), '/here/x/a.c');
  assert.equal(sourcePath(['/a', 'b.c'], '/w', { '/': 'C:\\root' }), 'C:/root/a/b.c');
});

test('paths mean the same file however slashes and drives are written', () => {
  assert.equal(pathKey('C:\\src\\.\\a.c'), pathKey('c:/src/a.c'));
  assert.notEqual(pathKey('/src/A.c'), pathKey('/src/a.c'));
  assert.equal(pathKey('/a/../../b'), '/b');
  assert.equal(pathKey('../a'), '../a');
});

test('folder and name of a path', () => {
  assert.deepEqual([folderOf('/a/b.c'), nameOf('/a/b.c')], ['/a', 'b.c']);
  assert.deepEqual([folderOf('b.c'), nameOf('b.c')], ['', 'b.c']);
  assert.deepEqual([folderOf('/b.c'), nameOf('C:\\x\\b.c')], ['/', 'b.c']);
});
