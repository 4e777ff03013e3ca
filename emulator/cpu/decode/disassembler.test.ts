/**
 * The disassembler and, through it, the decoder against golden vectors (origin in the file itself).
 * Run: node --import tsx --test emulator/cpu/decode/disassembler.test.ts
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decode } from './decoder.ts';
import { disassemble } from './disassembler.ts';

interface Vector {
  readonly defaultSize: 2 | 4;
  readonly bytes: Uint8Array;
  readonly text: string;
}

const ORIGIN = 0x1000;

const vectors: readonly Vector[] = readFileSync(
  new URL('golden-instructions.txt', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map(parseVector);

function parseVector(line: string): Vector {
  const [, bits, bytes, text] = /^(16|32) {2}((?:[0-9a-f]{2} )+) +(\S.*)$/.exec(line) ?? [];
  assert.ok(bytes !== undefined && text !== undefined, `golden-instructions.txt: ${line}`);
  const values = bytes.split(' ').map((byte) => parseInt(byte, 16));
  return { defaultSize: bits === '16' ? 2 : 4, bytes: Uint8Array.from(values.slice(0, -1)), text };
}

function show({ defaultSize, bytes }: Vector): string {
  return `${defaultSize * 8} ${Buffer.from(bytes).toString('hex')}`;
}

test('every golden vector has its length and text', () => {
  assert.ok(vectors.length > 1000);
  for (const vector of vectors) {
    const instruction = decode(vector.bytes, ORIGIN, vector);
    assert.ok(typeof instruction === 'object', show(vector));
    assert.equal(instruction.length, vector.bytes.length, show(vector));
    assert.equal(disassemble(instruction), vector.text, show(vector));
  }
});

test('a window that ends early is reported, whatever byte is missing', () => {
  for (const vector of vectors) {
    for (let end = 0; end < vector.bytes.length; end++) {
      const result = decode(vector.bytes, ORIGIN, vector, 0, end);
      assert.equal(result, 'bytes', `${show(vector)} cut to ${end}`);
    }
  }
});

test('bytes outside the window are not looked at', () => {
  for (const vector of vectors) {
    const padded = new Uint8Array(vector.bytes.length + 40).fill(0xf0);
    padded.set(vector.bytes, 20);
    const instruction = decode(padded, ORIGIN, vector, 20, 20 + vector.bytes.length);
    assert.ok(typeof instruction === 'object', show(vector));
    assert.equal(disassemble(instruction), vector.text);
  }
});
