/** The log gives back what was recorded, every field of it, from rows that are only numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExitLog, LOG_CAPACITY } from './exit-log.ts';
import type { RecordedExit } from './vm-exit.ts';

/** Every field has its own value, with bit 31 set where fields have 32 bits. */
function exitWith(ordinal: number, first: number): RecordedExit {
  let next = first;
  const word = (): number => next++;
  return {
    vcpu: ordinal & 7,
    reason: 30,
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
    position: 2 ** 45 + ordinal,
    ordinal,
  };
}

test('rows come back as they were recorded, those of physical addresses beyond 4 GiB too', () => {
  const log = new ExitLog();
  const rows = [exitWith(0, 0x80000000), exitWith(1, 0xffffff00), exitWith(2, 0x10)];
  for (const row of rows) log.add(row);
  assert.deepEqual(log.read(0, 10), rows);
  assert.deepEqual(log.read(1, 1), [rows[1]]);
});

test('a row is overwritten by the exit that comes LOG_CAPACITY later, and by nothing else', () => {
  const log = new ExitLog();
  for (let ordinal = 0; ordinal <= LOG_CAPACITY; ordinal++) log.add(exitWith(ordinal, 0x1000));
  assert.deepEqual(log.read(0, 1), [exitWith(1, 0x1000)]);
  assert.deepEqual(log.read(LOG_CAPACITY, 1), [exitWith(LOG_CAPACITY, 0x1000)]);
});
