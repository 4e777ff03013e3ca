/** Texts found in a stream of bytes, against a plain search of the whole stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsoleWatch } from './console-watch.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Lengths of the stream after which some text was found. */
function found(stream: string, texts: readonly string[]): readonly (readonly [number, number])[] {
  const watch = new ConsoleWatch();
  watch.set(texts.map(bytes));
  const ends: [number, number][] = [];
  bytes(stream).forEach((byte, at) => {
    if (watch.see(byte)) ends.push([at + 1, watch.take() ?? -1]);
  });
  return ends;
}
/** The same by looking at everything that ends there. */
function expected(
  stream: string,
  texts: readonly string[],
): readonly (readonly [number, number])[] {
  return Array.from(stream).flatMap((_, at) => {
    const index = texts.findIndex((text) => text !== '' && stream.slice(0, at + 1).endsWith(text));
    return index < 0 ? [] : [[at + 1, index] as const];
  });
}

test('texts are found where they end, those that overlap themselves too', () => {
  for (const [stream, texts] of [
    ['login: ', ['login: ']],
    ['lologin: login: ', ['login: ', 'in']],
    ['aabaabaaabaabaab', ['aabaab', 'aaab']],
    ['abababababca', ['ababc', 'abab']],
    ['nothing', ['else', '']],
  ] as const)
    assert.deepEqual(found(stream, texts), expected(stream, texts), stream);
});

test('every text of two letters in every stream of them', () => {
  const words = (length: number): string[] =>
    Array.from({ length: 2 ** length }, (_, n) =>
      n.toString(2).padStart(length, '0').replaceAll('0', 'a').replaceAll('1', 'b'),
    );
  for (const text of words(4))
    for (const stream of words(9))
      assert.deepEqual(found(stream, [text]), expected(stream, [text]), `${text} in ${stream}`);
});

test('a text that stays in the list goes on with what it has matched', () => {
  const watch = new ConsoleWatch();
  watch.set([bytes('login')]);
  for (const byte of bytes('log')) assert.equal(watch.see(byte), false);
  watch.set([bytes('new'), bytes('login')]);
  assert.deepEqual(
    [...bytes('in')].map((byte) => watch.see(byte)),
    [false, true],
  );
  assert.equal(watch.take(), 1);
  assert.equal(watch.take(), null);
});
