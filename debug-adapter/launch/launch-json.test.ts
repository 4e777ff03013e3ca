import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findConfiguration, parseJsonWithComments } from './launch-json.ts';
import type { Surroundings } from './launch-json.ts';

const HERE: Surroundings = {
  folder: '/work/kernel',
  home: '/home/me',
  directory: '/tmp',
  environment: { IMAGE: 'bzImage' },
  platform: 'linux',
  separator: '/',
};

function launchJson(...configurations: readonly object[]): string {
  return JSON.stringify({ configurations });
}
function kernelOf(text: string): unknown {
  return findConfiguration(text, undefined, HERE)['kernel'];
}

describe('launch.json', () => {
  it('may have comments, trailing commas and both inside strings', () => {
    const text = '{ // one\n "a": "x // y", /* two */ "b": [1, 2, /* c */ ], "c": "/* */,]", }';
    assert.deepEqual(parseJsonWithComments(text), { a: 'x // y', b: [1, 2], c: '/* */,]' });
    assert.throws(() => parseJsonWithComments('{'), SyntaxError);
    assert.throws(() => findConfiguration('{', undefined, HERE), /launch.json is no JSON: /);
  });

  it('gives a configuration by name, or the only one', () => {
    const one = { type: 'guestscope', name: 'one' };
    const two = { type: 'guestscope', name: 'two' };
    const other = { type: 'node', name: 'other' };
    const find = (name: string | undefined, ...all: readonly object[]): unknown =>
      findConfiguration(launchJson(...all), name, HERE)['name'];
    assert.equal(find(undefined, other, one), 'one');
    assert.equal(find('two', other, one, two), 'two');
    for (const [name, all, problem] of [
      ['three', [one, two], /no configuration "three"; there is "one", "two"/],
      ['other', [other, one], /no configuration "other"/],
      [undefined, [one, two], /several configurations; name one of "one", "two"/],
      ['one', [one, one], /several configurations "one"; give them different names/],
      [undefined, [other], /no configuration of type "guestscope"/],
    ] as const)
      assert.throws(() => find(name, ...all), problem);
    assert.throws(() => findConfiguration('[]', undefined, HERE), /no configuration of type/);
  });

  it('fills in what variables stand for, and refuses those of an editor by name', () => {
    for (const [written, kernel] of [
      ['${workspaceFolder}/vmlinuz', '/work/kernel/vmlinuz'],
      ['${userHome}${/}${env:IMAGE}', '/home/me/bzImage'],
      ['${env:NOT_SET}k', 'k'],
      ['${cwd}/${workspaceFolderBasename}', '/tmp/kernel'],
    ] as const)
      assert.equal(kernelOf(launchJson({ type: 'guestscope', kernel: written })), kernel);
    const nested = { type: 'guestscope', kernel: [{ a: '${env:IMAGE}' }] };
    assert.deepEqual(kernelOf(launchJson(nested)), [{ a: 'bzImage' }]);
    for (const variable of ['file', 'command:pick', 'input:x', 'config:a.b'])
      assert.throws(
        () => kernelOf(launchJson({ type: 'guestscope', kernel: `\${${variable}}` })),
        (error: Error) =>
          error.message.includes(`uses \${${variable}}, which only an editor knows`),
      );
  });

  it('takes the section of the platform and leaves out the others', () => {
    const text = launchJson({
      type: 'guestscope',
      kernel: 'a',
      linux: { kernel: 'b' },
      osx: { kernel: '${file}' },
    });
    assert.deepEqual(findConfiguration(text, undefined, HERE), { type: 'guestscope', kernel: 'b' });
    const elsewhere = findConfiguration(text, undefined, { ...HERE, platform: 'windows' });
    assert.equal(elsewhere['kernel'], 'a');
  });
});
