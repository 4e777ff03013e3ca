import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coloured } from './colours.ts';

/** The text that a client shows that strips the sequences. */
const stripped = (text: string): string =>
  text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');

describe('colours of the console', () => {
  for (const [text, expected] of [
    ['0x00007c00  90', '\u001b[36m0x00007c00\u001b[0m  90'],
    ['=> 0x00007c00  90', '=> \u001b[36m0x00007c00\u001b[0m  90'],
    ['#0  phys:0x00007c00', '#0  \u001b[36mphys:0x00007c00\u001b[0m'],
    ['General: eax=0x00000001', '\u001b[1mGeneral:\u001b[0m eax=0x00000001'],
    ['start_kernel:\n   0x00100000', '\u001b[1mstart_kernel:\u001b[0m\n   \u001b[36m0x00100000\u001b[0m'],
    ['call 0x00100010 <main+0x10>', 'call 0x00100010 \u001b[33m<main+0x10>\u001b[0m'],
    ['It is not there.', 'It is not there.'],
  ] as const)
    it(`of ${JSON.stringify(text)}`, () => {
      assert.equal(coloured(text), expected);
      assert.equal(stripped(coloured(text)), text);
    }); // prettier-ignore
});
