import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, formatReference, parseReference } from './memory-reference.ts';

describe('memory references', () => {
  it('are linear, or physical with a prefix', () => {
    assert.deepEqual(parseReference('0x100'), { space: 'linear', address: 256 });
    assert.deepEqual(parseReference('256'), { space: 'linear', address: 256 });
    assert.deepEqual(parseReference('phys:0xFFFFFFFF'), { space: 'physical', address: 0xffffffff });
    assert.deepEqual(parseReference(' 0X10 '), { space: 'linear', address: 16 });
    assert.deepEqual(parseReference('-0x10'), { space: 'linear', address: -16 });
  });

  it('come back as they were written', () => {
    for (const text of [
      '0x00100123',
      'phys:0x00000000',
      '0xffffffff',
      '0x100000000',
      '-0x00000010',
    ])
      assert.equal(formatReference(parseReference(text)), text);
    assert.equal(formatAddress(0), '0x00000000');
  });

  it('refuse everything else with a sentence', () => {
    for (const text of ['', 'eip', '0x', '0xg', 'phys:', 'phys: 1', '1.5', '0x12345678123456789'])
      assert.throws(() => parseReference(text), /is no memory reference; write 0x1000/, text);
    assert.throws(
      () => parseReference('x'.repeat(1000)),
      (error: Error) => error.message.length < 200,
    );
  });
});
