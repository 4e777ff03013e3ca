/**
 * Model-specific registers and CPUID: reset values and checks by SDM vol. 3, 12.11 and 12.12, and
 * vol. 2, "CPUID".
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { msrIndexes, msrName, readMsr, writeMsr } from './msrs.ts';
import { FakeProcessor } from './testing/fake-processor.ts';

describe('model-specific registers', () => {
  it('have the values of power-on', () => {
    const cpu = new FakeProcessor();
    assert.deepEqual(readMsr(cpu, 0x1b), { low: 0xfee00900, high: 0 });
    assert.deepEqual(readMsr(cpu, 0x277), { low: 0x00070406, high: 0x00070406 });
    assert.deepEqual(readMsr(cpu, 0xfe), { low: 0x508, high: 0 });
  });

  it('that do not exist, or not in this model, fault', () => {
    const cpu = new FakeProcessor();
    assert.equal(readMsr(cpu, 0xc0000080), null);
    assert.equal(writeMsr(cpu, 0x12345678, { low: 0, high: 0 }), false);
    assert.equal(readMsr(new FakeProcessor('pentium'), 0x277), null);
  });

  it('refuse reserved bits, bad memory types and writes to what is constant', () => {
    const cpu = new FakeProcessor();
    const cases = [
      [0xfe, 0, 0],
      [0x277, 0x02, 0],
      [0x277, 0, 0x08],
      [0x2ff, 0x100, 0],
      [0x2ff, 0x803, 0],
      [0x200, 0x1006, 0x10],
      [0x201, 0x1001, 0],
      [0x1b, 0xfee00d00, 0],
    ] as const;
    for (const [index, low, high] of cases) {
      assert.equal(writeMsr(cpu, index, { low, high }), false, msrName(index) ?? '');
    }
    assert.equal(writeMsr(cpu, 0x2ff, { low: 0xc06, high: 0 }), true);
    assert.deepEqual(readMsr(cpu, 0x2ff), { low: 0xc06, high: 0 });
  });

  it('each keep a value of their own', () => {
    const cpu = new FakeProcessor();
    const mtrrs = msrIndexes(cpu).filter((index) => index >= 0x200 && index < 0x270);
    const stored = [0x8b, 0x174, 0x175, 0x176, ...mtrrs];
    // fixed ranges take bytes that are memory types: a number in base 5
    const digits = [0, 1, 4, 5, 6];
    const valueOf = (index: number): number =>
      index < 0x250
        ? (index & 0x1f) << 12
        : (digits[index % 5] ?? 0) | ((digits[Math.floor(index / 5) % 5] ?? 0) << 8);
    for (const index of stored) {
      assert.ok(writeMsr(cpu, index, { low: valueOf(index), high: 0 }), msrName(index) ?? '');
    }
    for (const index of stored) assert.equal(readMsr(cpu, index)?.low, valueOf(index));
  });

  it('the time-stamp counter goes on from what was written', () => {
    const cpu = new FakeProcessor();
    cpu.tsc = { low: 0x10, high: 5 };
    assert.ok(writeMsr(cpu, 0x10, { low: 0xfffffff0, high: 1 }));
    assert.deepEqual(readMsr(cpu, 0x10), { low: 0xfffffff0, high: 1 });
    cpu.tsc = { low: 0x30, high: 5 };
    assert.deepEqual(readMsr(cpu, 0x10), { low: 0x10, high: 2 });
    assert.ok(writeMsr(cpu, 0x10, { low: 0, high: 0 }));
    assert.deepEqual(readMsr(cpu, 0x10), { low: 0, high: 0 });
    const borrowing = new FakeProcessor();
    borrowing.tsc = { low: 0x10, high: 5 };
    assert.ok(writeMsr(borrowing, 0x10, { low: 0, high: 0 }));
    assert.deepEqual(readMsr(borrowing, 0x10), { low: 0, high: 0 });
  });
});

describe('time in the largest model', () => {
  it('IA32_TSC_ADJUST moves with the counter and moves it (vol. 3, 17.17.3)', () => {
    const cpu = new FakeProcessor('max');
    cpu.tsc = { low: 100, high: 0 };
    assert.ok(writeMsr(cpu, 0x10, { low: 50, high: 0 }));
    assert.deepEqual(readMsr(cpu, 0x3b), { low: 0xffffffce, high: 0xffffffff });
    assert.ok(writeMsr(cpu, 0x3b, { low: 0, high: 1 }));
    assert.deepEqual(readMsr(cpu, 0x10), { low: 100, high: 1 });
  });

  it('IA32_TSC_DEADLINE counts in ticks of the counter, the timer in time', () => {
    let armed = 0;
    const cpu = new FakeProcessor('max');
    cpu.tsc = { low: 1000, high: 2 };
    Object.assign(cpu.platform, {
      now: () => 400,
      tscDeadline: () => armed,
      setTscDeadline: (time: number) => {
        armed = time;
      },
    });
    assert.deepEqual(readMsr(cpu, 0x6e0), { low: 0, high: 0 });
    assert.ok(writeMsr(cpu, 0x6e0, { low: 1500, high: 2 }));
    assert.equal(armed, 900);
    assert.deepEqual(readMsr(cpu, 0x6e0), { low: 1500, high: 2 });
    assert.ok(writeMsr(cpu, 0x6e0, { low: 0, high: 0 }));
    assert.equal(armed, 0);
    // long past: at once
    assert.ok(writeMsr(cpu, 0x6e0, { low: 1, high: 0 }));
    assert.equal(armed, 1);
  });

  it('are absent where the model does not name them', () => {
    for (const index of [0x3b, 0x6e0, 0xc0000080, 0xc0000103]) {
      assert.equal(readMsr(new FakeProcessor('pentium3'), index), null);
      assert.notEqual(readMsr(new FakeProcessor('max'), index), null);
    }
  });

  it('EFER keeps SCE and NXE and refuses what belongs to 64-bit mode', () => {
    const cpu = new FakeProcessor('max');
    assert.ok(writeMsr(cpu, 0xc0000080, { low: 0x801, high: 0 }));
    assert.deepEqual(readMsr(cpu, 0xc0000080), { low: 0x801, high: 0 });
    assert.equal(writeMsr(cpu, 0xc0000080, { low: 0x900, high: 0 }), false);
  });
});
