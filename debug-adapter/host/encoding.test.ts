import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeBase64, encodeBase64, Utf8Decoder } from './encoding.ts';

/** Expected values come from Node's Buffer and TextDecoder. */
describe('base64', () => {
  it('agrees with Node for every length and byte', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0xff);
      const text = Buffer.from(bytes).toString('base64');
      assert.equal(encodeBase64(bytes), text);
      assert.deepEqual(decodeBase64(text), bytes);
      assert.deepEqual(decodeBase64(text.replaceAll('=', '')), bytes);
    }
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    assert.deepEqual(decodeBase64(encodeBase64(all)), all);
  });

  it('refuses what is no base64', () => {
    for (const text of ['A', 'AAAAA', 'AA$=', 'AA=A', 'AAAA====', 'ä'])
      assert.equal(decodeBase64(text), null, text);
  });
});

describe('UTF-8 in pieces', () => {
  const decodeByteByByte = (bytes: Uint8Array): string => {
    const decoder = new Utf8Decoder();
    return Array.from(bytes, (byte) => decoder.decode(Uint8Array.of(byte))).join('');
  };

  it('decodes characters that are cut anywhere', () => {
    for (const text of ['plain', 'Grüße', '€ 42', '𝄞 clef', '日本語', '\u0000\u007f'])
      assert.equal(decodeByteByByte(new TextEncoder().encode(text)), text);
  });

  it('replaces what is malformed and goes on', () => {
    const decode = (...bytes: number[]): string => new Utf8Decoder().decode(Uint8Array.from(bytes));
    assert.equal(decode(0x80, 0x41), '\ufffdA');
    assert.equal(decode(0xc3, 0x41), '\ufffdA');
    assert.equal(decode(0xff, 0xfe, 0x42), '\ufffd\ufffdB');
    assert.equal(decode(0xc0, 0x80, 0x43), '\ufffdC', 'overlong');
    assert.equal(decode(0xed, 0xa0, 0x80, 0x44), '\ufffdD', 'surrogate');
    assert.equal(decode(0xf4, 0x90, 0x80, 0x80, 0x45), '\ufffdE', 'above U+10FFFF');
  });

  it('takes long output at once', () => {
    const text = 'x'.repeat(300_000);
    assert.equal(new Utf8Decoder().decode(new TextEncoder().encode(text)), text);
  });
});
