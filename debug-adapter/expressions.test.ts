import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveSymbols } from './expressions.ts';
import { withoutAnnotation } from './registers.ts';
import { SymbolTable } from './symbols/symbol-table.ts';

const symbols = new SymbolTable([
  { name: 'start_kernel', address: 0xc0100000, size: 0 },
  { name: 'jiffies', address: 0xc0200000, size: 4 },
  { name: 'eax', address: 1, size: 0 },
  { name: 'port', address: 2, size: 0 },
]);
const resolve = (text: string): string => resolveSymbols(text, symbols);

describe('symbols in expressions', () => {
  it('become addresses', () => {
    assert.equal(resolve('start_kernel'), '0xc0100000');
    assert.equal(resolve('eip >= start_kernel + 4'), 'eip >= 0xc0100000 + 4');
    assert.equal(resolve('u32[jiffies]'), 'u32[0xc0200000]');
    assert.equal(resolve('&jiffies'), '0xc0200000');
    assert.equal(resolve('(&jiffies)+1'), '(0xc0200000)+1');
  });

  it('do not hide registers and fields of exits', () => {
    assert.equal(resolve('eax == port'), 'eax == port');
  });

  it('leave other names and the bitwise operator alone', () => {
    assert.equal(resolve('nothing + 1'), 'nothing + 1');
    assert.equal(resolve('eip & jiffies'), 'eip & 0xc0200000');
    assert.equal(resolve('eip&jiffies'), 'eip&0xc0200000');
    assert.equal(resolve('eip && jiffies'), 'eip && 0xc0200000');
    assert.equal(resolve('u32[esp]'), 'u32[esp]');
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
