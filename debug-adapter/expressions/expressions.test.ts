import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse, surroundings } from './expressions.ts';
import { logText, parseLogMessage } from './log-message.ts';
import { withoutAnnotation } from '../display/registers.ts';
import { GuestImage } from '../symbols/guest-image.ts';
import { SymbolTable } from '../symbols/symbol-table.ts';

const symbols = new SymbolTable([
  {
    image: new GuestImage('a file'),
    symbols: [
      { name: 'start_kernel', address: 0xc0100000, size: 0 },
      { name: 'jiffies', address: 0xc0200000, size: 4 },
      { name: 'eax', address: 1, size: 0 },
      { name: 'port', address: 2, size: 0 },
      { name: 'memcpy.isra.0', address: 0xc0300000, size: 0 },
      { name: 'HLT', address: 0xc0400000, size: 0 },
    ],
  },
]);
const around = surroundings({ symbols });
/** What a name becomes. */
function meaning(text: string): unknown {
  const { syntax } = parse(text, around);
  if (syntax.kind === 'integer') return syntax.value;
  return syntax.kind === 'name' ? syntax.name : syntax.kind;
}

describe('symbols in expressions', () => {
  it('become addresses', () => {
    assert.equal(meaning('start_kernel'), 0xc0100000n);
    assert.equal(meaning('&jiffies'), 0xc0200000n);
    assert.equal(meaning('(&jiffies)'), 0xc0200000n);
    assert.equal(meaning('memcpy.isra.0'), 0xc0300000n);
  });

  it('do not hide registers and fields of exits, but constants', () => {
    assert.equal(meaning('eax'), 'eax');
    assert.equal(meaning('EAX'), 'eax');
    assert.equal(meaning('port'), 'port');
    assert.equal(meaning('exit.port'), 'port');
    assert.equal(meaning('CPUID'), 10n);
    assert.equal(meaning('HLT'), 0xc0400000n);
  });

  it('are told when they are not there', () => {
    assert.throws(() => parse('1 + start_kernl', around), {
      message: "There is no name 'start_kernl' here. Did you mean 'start_kernel'?",
      position: 4,
    });
  });
});

describe('log messages', () => {
  const lineOf = (message: string): string =>
    logText(
      {
        parts: parseLogMessage(message, (text) => parse(text, around)).map((part) =>
          typeof part === 'string' ? part : { symbolAt: 0xc0100004 },
        ),
        after: 0,
      },
      symbols,
    );

  it('have expressions between braces, and braces by doubling them', () => {
    assert.equal(lineOf('at {symbol(eip)}, {{eax}}'), 'at start_kernel+0x4, {eax}');
    assert.equal(lineOf('}{'), '}{');
  });
});

describe('values as they are edited', () => {
  it('lose what the view has added to the number', () => {
    assert.equal(withoutAnnotation('0x80000011 PE PG'), '0x80000011');
    assert.equal(withoutAnnotation('0xc0100000 <start_kernel+0x4>'), '0xc0100000');
  });

  it('stay expressions where they are', () => {
    for (const text of ['5', '0x10', 'eax + 4', '0x10 + A', 'start_kernel'])
      assert.equal(withoutAnnotation(text), text);
  });
});
