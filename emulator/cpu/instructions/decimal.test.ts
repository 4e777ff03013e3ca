/**
 * Decimal adjustment. Expected values are hashes of all results (AX, then the six arithmetic flags,
 * undefined ones included) that an Intel Xeon gave when each instruction was executed natively for
 * every AL, five values of AH and both values of CF and AF.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VECTOR } from '../processor.ts';
import { ARITHMETIC_FLAGS, FLAG } from '../state.ts';
import { ProtectedMachine } from '../testing/protected-machine.ts';

/** FNV-1a over 16-bit values, low byte first. */
function hash(values: Iterable<number>): number {
  let state = 0x811c9dc5;
  for (const value of values) {
    for (const byte of [value & 0xff, (value >> 8) & 0xff]) {
      state = Math.imul(state ^ byte, 0x01000193);
    }
  }
  return state >>> 0;
}

function* results(cpu: ProtectedMachine, bytes: readonly number[]): Generator<number> {
  for (const ah of [0, 1, 0x7f, 0x80, 0xff]) {
    for (let al = 0; al < 256; al++) {
      for (const flags of [0, FLAG.CF, FLAG.AF, FLAG.CF | FLAG.AF]) {
        cpu.state.setGpr(0, 2, (ah << 8) | al);
        cpu.state.eflags = flags;
        cpu.execute(bytes);
        yield cpu.state.gpr(0, 2);
        yield cpu.state.eflags & ARITHMETIC_FLAGS;
      }
    }
  }
}

describe('decimal adjustment gives what hardware gives', () => {
  const cases = [
    { name: 'AAA',      bytes: [0x37],       expected: 0x910e9a9d },
    { name: 'AAS',      bytes: [0x3f],       expected: 0x7884befd },
    { name: 'DAA',      bytes: [0x27],       expected: 0xc06b61f5 },
    { name: 'DAS',      bytes: [0x2f],       expected: 0xa2b1505d },
    { name: 'AAM',      bytes: [0xd4, 0x0a], expected: 0x980bb04d },
    { name: 'AAD',      bytes: [0xd5, 0x0a], expected: 0x5cb676a5 },
    { name: 'AAM 7',    bytes: [0xd4, 0x07], expected: 0x432f2565 },
    { name: 'AAD 7',    bytes: [0xd5, 0x07], expected: 0x9f2eb525 },
    { name: 'AAM 255',  bytes: [0xd4, 0xff], expected: 0xbcf9a895 },
    { name: 'AAD 255',  bytes: [0xd5, 0xff], expected: 0x35410e65 },
  ] as const; // prettier-ignore
  for (const { name, bytes, expected } of cases) {
    it(name, () => {
      assert.equal(hash(results(new ProtectedMachine(), bytes)), expected);
    });
  }
});

describe('their neighbours', () => {
  it('AAM 0 divides by zero', () => {
    const cpu = new ProtectedMachine();
    assert.deepEqual(cpu.execute([0xd4, 0]), { vector: VECTOR.DE, errorCode: null });
  });

  it('SALC spreads CF over AL', () => {
    const cpu = new ProtectedMachine();
    cpu.state.eflags = FLAG.CF;
    cpu.execute([0xd6]);
    assert.equal(cpu.state.gpr(0, 1), 0xff);
  });

  it('XLAT reads DS:[EBX + AL], or the overriding segment', () => {
    const cpu = new ProtectedMachine();
    cpu.memory.bytes[0x9080] = 0x5a;
    cpu.state.setGpr(3, 4, 0x9000);
    cpu.state.setGpr(0, 4, 0x80);
    cpu.execute([0xd7]);
    assert.equal(cpu.state.gpr(0, 4), 0x5a);
    cpu.state.setSegment(4, { selector: 0, rights: 0xc093, base: 0x80, limit: 0xffffffff });
    cpu.state.setGpr(0, 4, 0);
    cpu.execute([0x64, 0xd7]);
    assert.equal(cpu.state.gpr(0, 4), 0x5a);
  });
});
