/**
 * What exits add up to: by detail, address and time, in bounded memory whatever a guest does, and the
 * same again from a saved state.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CounterTable } from './counter-table.ts';
import { ExitRate, FIRST_WIDTH, RATE_BUCKETS } from './exit-rate.ts';
import { ExitCounts } from './exit-statistics.ts';
import { NONE } from './exit-outcome.ts';
import { REASON } from './exit-reasons.ts';
import type { RecordedExit } from './vm-exit.ts';

const PLAIN: RecordedExit = {
  vcpu: 0, reason: REASON.HLT, qualification: 0, instructionLength: 1, instructionInformation: 0, guestLinear: 0,
  guestPhysical: 0, interruptionInformation: 0, interruptionErrorCode: 0, idtVectoringInformation: 0,
  idtVectoringErrorCode: 0, operand: 0, rip: 0x100, csBase: 0, cpl: 0, eax: 0, ebx: 0, ecx: 0, edx: 0, esi: 0,
  accessSize: 0, interruptibility: 0, activity: 0,
  pendingDebug: 0, exitCode: 0, exitInfo1: 0, exitInfo1High: 0, exitInfo2: 0, nextRip: 0, eflags: 2, position: 0,
  ordinal: 0,
}; // prettier-ignore

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('the table of counts', () => {
  test('counts pairs of any 32-bit keys apart', () => {
    const table = new CounterTable();
    const keys = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff];
    for (const [times, first] of keys.entries()) {
      for (const second of keys) {
        for (let n = 0; n <= times; n++) table.add(first, second);
      }
    }
    assert.equal(table.entries().length, 25);
    for (const [first, , count] of table.entries()) assert.equal(count, keys.indexOf(first) + 1);
    assert.equal(table.others, 0);
  });

  test('stays bounded in a storm, keeps what is frequent, and loses no count', () => {
    const table = new CounterTable();
    const storm = 200_000;
    for (let n = 0; n < storm; n++) {
      table.add(n, 1);
      if (n % 10 === 0) table.add(0xfee00000, 2);
    }
    const entries = table.entries();
    assert.ok(entries.length <= 3072, String(entries.length));
    assert.deepEqual(entries[0], [0xfee00000, 2, storm / 10]);
    const kept = entries.reduce((sum, [, , count]) => sum + count, 0);
    assert.equal(kept + table.others, storm + storm / 10);
  });

  test('goes on from a saved state as if nothing had been', () => {
    const [one, two] = [new CounterTable(), new CounterTable()];
    const add = (table: CounterTable, n: number): void => {
      table.add(Math.imul(n, 0x9e3779b1), (n * n) % 97);
    };
    for (let n = 0; n < 3000; n++) add(one, n);
    two.restore(copy(one.state()));
    for (let n = 2000; n < 9000; n++) for (const table of [one, two]) add(table, n);
    assert.deepEqual(two.state(), one.state());
  });
});

describe('the rate', () => {
  test('is by stretches of instructions, which double when there are too many', () => {
    const rate = new ExitRate();
    for (let bucket = 0; bucket < RATE_BUCKETS; bucket++) rate.add(bucket * FIRST_WIDTH, 10);
    assert.equal(rate.state().width, FIRST_WIDTH);
    rate.add(RATE_BUCKETS * FIRST_WIDTH, 12);
    const { width, buckets } = rate.state();
    assert.equal(width, 2 * FIRST_WIDTH);
    assert.equal(buckets.length, RATE_BUCKETS / 2 + 1);
    for (const bucket of buckets.slice(0, -1)) assert.deepEqual(bucket, [[10, 2]]);
    assert.deepEqual(buckets.at(-1), [[12, 1]]);
  });

  test('reaches any position at once, and comes back from a saved state', () => {
    const rate = new ExitRate();
    rate.add(0, 10);
    rate.add(2 ** 50, 10);
    const { buckets, width } = rate.state();
    assert.deepEqual([buckets[0], buckets.at(-1)], [[[10, 1]], [[10, 1]]]);
    assert.ok(buckets.length <= RATE_BUCKETS && width * RATE_BUCKETS > 2 ** 50);
    const again = new ExitRate();
    again.restore(copy(rate.state()));
    for (const each of [rate, again]) each.add(2 ** 51, 12);
    assert.deepEqual(again.state(), rate.state());
  });
});

describe('statistics', () => {
  test('tell exits apart by what the reason decodes', () => {
    const counts = new ExitCounts(true);
    const rows: readonly (readonly [Partial<RecordedExit>, string])[] = [
      // SDM vol. 3, table 28-5: OUT to 3f8h of one byte, IN from 61h
      [{ reason: REASON.IO_INSTRUCTION, qualification: 0x03f80000 }, 'port: out 0x3f8'],
      [{ reason: REASON.IO_INSTRUCTION, qualification: 0x00610008 }, 'port: in 0x61'],
      // table 28-3
      [{ reason: REASON.CR_ACCESS, qualification: 0x700 }, 'register: to cr0'],
      [{ reason: REASON.CR_ACCESS, qualification: 0x13 }, 'register: from cr3'],
      [{ reason: REASON.CR_ACCESS, qualification: 0x20 }, 'register: clts'],
      [{ reason: REASON.DR_ACCESS, qualification: 0x17 }, 'register: from dr7'],
      [{ reason: REASON.WRMSR, ecx: 0x1b }, 'MSR: IA32_APIC_BASE'],
      [{ reason: REASON.RDMSR, ecx: 0x12345 }, 'MSR: 0x12345'],
      [{ reason: REASON.VMCALL, eax: 5 }, 'hypercall: 0x5'],
      [{ reason: REASON.CPUID, eax: 0x40000000 }, 'leaf: 0x40000000'],
      [{ reason: REASON.EXCEPTION_NMI, interruptionInformation: 0x80000b0e }, 'vector: #PF'],
      [{ reason: REASON.EPT_VIOLATION, guestPhysical: 2 ** 35 + 0x123 }, 'page: 0x800000000'],
    ];
    for (const [exit] of rows) counts.add({ ...PLAIN, ...exit });
    counts.add(PLAIN);
    const { details, reasons } = counts.statistics(13, null);
    assert.deepEqual(
      details.map(({ what, detail }) => `${what}: ${detail}`).sort(),
      rows.map(([, text]) => text).sort(),
    );
    assert.equal(
      reasons.reduce((sum, { count }) => sum + count, 0),
      13,
    );
  });

  test('count addresses with their reason, and interrupts that went in', () => {
    const counts = new ExitCounts(true);
    for (const rip of [0x10, 0x20, 0x20]) counts.add({ ...PLAIN, rip, csBase: 0xfffffff0 });
    for (const vector of [0xef, NONE, 0xef, 0x20]) counts.interrupted(vector);
    const { addresses, interrupts } = counts.statistics(3, null);
    assert.deepEqual(addresses, [
      { address: 0x10, reason: 'HLT', count: 2 },
      { address: 0, reason: 'HLT', count: 1 },
    ]);
    assert.deepEqual(interrupts, [
      { vector: 0xef, count: 2 },
      { vector: 0x20, count: 1 },
    ]);
  });

  test('are by reason alone where that is all that is wanted', () => {
    const counts = new ExitCounts(false);
    counts.add({ ...PLAIN, reason: REASON.CPUID });
    const { reasons, details, addresses, rate } = counts.statistics(1, null);
    assert.deepEqual(reasons, [{ reason: 'CPUID', number: 10, count: 1 }]);
    assert.deepEqual([details, addresses, rate.stretches], [[], [], []]);
  });
});
