/**
 * The log gives back what was recorded, every field of it, from rows that are only numbers, and with it
 * what became of each exit; filters hold rows back and counts go on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExitLog } from './exit-log.ts';
import { ExitWitness } from './exit-witness.ts';
import type { RecordedExit } from './vm-exit.ts';

/** Every field has its own value, with bit 31 set where fields have 32 bits. */
function exitWith(ordinal: number, first: number, reason = 30): RecordedExit {
  let next = first;
  const word = (): number => next++;
  return {
    vcpu: ordinal & 7,
    reason,
    qualification: word(),
    instructionLength: word(),
    instructionInformation: word(),
    guestLinear: word(),
    guestPhysical: 2 ** 36 - 1 - ordinal,
    interruptionInformation: word(),
    interruptionErrorCode: word(),
    idtVectoringInformation: word(),
    idtVectoringErrorCode: word(),
    operand: word(),
    accessSize: word(),
    interruptibility: word(),
    activity: word(),
    pendingDebug: word(),
    exitCode: word(),
    exitInfo1: word(),
    exitInfo1High: word(),
    exitInfo2: 2 ** 48 + ordinal,
    nextRip: word(),
    eflags: word(),
    rip: word(),
    csBase: word(),
    cpl: ordinal & 3,
    eax: word(),
    ebx: word(),
    ecx: word(),
    edx: word(),
    esi: word(),
    position: 2 ** 24 + ordinal,
    ordinal,
  };
}

/** An outcome whose words differ. */
function outcome(first: number): ExitWitness {
  const witness = new ExitWitness();
  witness.kind = 1;
  witness.intervened = 1;
  [witness.vector, witness.errorCode, witness.interrupt] = [first, first + 1, first + 2];
  [witness.eax, witness.ebx, witness.ecx, witness.edx] = [3, 4, 5, 6].map((n) => first + n);
  [witness.gpr, witness.steps] = [first + 7, first + 8];
  return witness;
}

const ordinals = (log: ExitLog, from = 0): number[] =>
  log.read(from, Infinity).map(({ ordinal }) => ordinal);

test('rows come back as they were recorded, those of physical addresses beyond 4 GiB too', () => {
  const log = new ExitLog();
  const rows = [exitWith(0, 0x80000000), exitWith(1, 0xffffff00), exitWith(2, 0x10)];
  const kept = rows.map((exit) => ({ ...exit, row: log.add(exit), outcome: null }));
  assert.deepEqual(log.read(0, 10), kept);
  assert.deepEqual(log.read(1, 1), [kept[1]]);
});

test('an exit waits until it is settled, and then its outcome comes back whole', () => {
  const log = new ExitLog();
  const rows = [0, 1].map((ordinal) => log.add(exitWith(ordinal, 0x10)));
  log.settle(rows[1], outcome(0x80000000));
  assert.deepEqual(
    log.read(0, 2).map((row) => row.outcome),
    [null, outcome(0x80000000).outcome()],
  );
});

test('a row is overwritten by the exit that comes a whole ring later, and by nothing else', () => {
  const log = new ExitLog({ capacity: 5 });
  const rows: number[] = [];
  for (let ordinal = 0; ordinal < 13; ordinal++) {
    rows.push(log.add(exitWith(ordinal, ordinal * 0x100)));
    log.settle(rows[ordinal], outcome(ordinal * 0x100));
  }
  assert.deepEqual([log.first, log.end, log.total], [8, 13, 13]);
  for (const [at, row] of log.read(0, 100).entries()) {
    const ordinal = 8 + at;
    const expected = { ...exitWith(ordinal, ordinal * 0x100), row: ordinal };
    assert.deepEqual(row, { ...expected, outcome: outcome(ordinal * 0x100).outcome() });
  }
  log.settle(rows[2], outcome(1));
  assert.deepEqual(
    log.read(8, 1)[0].outcome,
    outcome(0x800).outcome(),
    'its slot is another row’s',
  );
});

test('a filter holds rows back by reason and by what it is asked; all exits are counted', () => {
  const log = new ExitLog({ capacity: 4 });
  log.setFilter({ reasons: new Set([10]), keeps: ({ ordinal }) => ordinal % 4 === 0 });
  for (let ordinal = 0; ordinal < 20; ordinal++) {
    log.add(exitWith(ordinal, 0, ordinal % 2 === 0 ? 10 : 12));
  }
  assert.deepEqual(ordinals(log), [4, 8, 12, 16], 'of 0, 4, 8, 12 and 16 the last four');
  assert.deepEqual([log.first, log.end, log.total], [1, 5, 20]);
  assert.deepEqual(log.countsByName(), { CPUID: 10, HLT: 10 });
  log.setFilter(null);
  log.add(exitWith(20, 0, 12));
  assert.deepEqual(ordinals(log, 5), [20]);
});

test('without room there are no rows, and counts', () => {
  const log = new ExitLog({ capacity: 0 });
  log.settle(log.add(exitWith(0, 0, 10)), outcome(1));
  assert.deepEqual([log.read(0, 10), log.total, log.countsByName()], [[], 1, { CPUID: 1 }]);
});

test('going back takes the counts back, and keeps the rows of exits that have happened', () => {
  const log = new ExitLog({ capacity: 8 });
  const add = (ordinal: number): number => log.add(exitWith(ordinal, 0x10, 10 + (ordinal % 3)));
  for (let ordinal = 0; ordinal < 10; ordinal++) add(ordinal);
  const saved = JSON.parse(JSON.stringify(log.state())) as ReturnType<ExitLog['state']>;
  const before = log.statistics(null);
  for (let ordinal = 10; ordinal < 13; ordinal++) add(ordinal);
  log.restore(saved);
  assert.deepEqual(log.statistics(null), before);
  assert.deepEqual(ordinals(log), [5, 6, 7, 8, 9], 'those after 4 were still in the ring');
  const row = add(10);
  assert.deepEqual([row, ordinals(log, 9)], [10, [9, 10]]);

  const elsewhere = new ExitLog({ capacity: 8 });
  elsewhere.restore(saved);
  assert.deepEqual(elsewhere.statistics(null), before);
  assert.deepEqual([elsewhere.first, elsewhere.end, elsewhere.add(exitWith(10, 0))], [10, 10, 10]);
});
