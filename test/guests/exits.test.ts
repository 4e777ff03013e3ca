/**
 * Every VM exit that this machine can make, by a guest of test/guests/exits each: with its control on the
 * exit happens as often as it must, with it off never, and the guest ends the same way either time. What
 * the exits record is in the rows too, by the names of RecordedExit.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { REASON } from '../../emulator/hypervisor/exit-reasons.ts';
import type { RecordedExit } from '../../emulator/hypervisor/vm-exit.ts';
import type { MachineStop } from '../../emulator/machine-stop.ts';
import { EXITS, EXITS_BUILT, guestsIn } from './build.ts';
import { EXIT_CASES, type ExitCase, GENERAL } from './exits/cases.ts';
import { CONTROL_CASES } from './exits/control-cases.ts';
import { FIELD_CASES } from './exits/field-cases.ts';
import { SVM_CASES } from './exits/svm-cases.ts';
import { GuestRun } from './whole-machine.ts';

type Settings = ExitCase['on'];

interface Ended {
  readonly stop: MachineStop;
  readonly registers: readonly number[];
  /** In the order of GENERAL. */
  readonly general: readonly number[];
  readonly exits: readonly RecordedExit[];
}

/** Instructions that no guest of the folder needs. */
const MOST = 1_000_000;

function play(row: ExitCase, exits: Settings): Ended {
  const run = new GuestRun({
    image: readFileSync(path.join(EXITS_BUILT, `${row.guest}.bin`)),
    interface: 'bare',
    exits,
    memoryMiB: 1,
    cpu: row.cpu ?? 'pentium3',
    vcpus: row.vcpus ?? 1,
  });
  // exits without progress would go on for ever
  let slices = 0;
  const stop = run.go({ budget: 10_000, most: MOST, done: () => ++slices > 100 });
  run.machine.look(run.machine.vcpus.at(0) ?? null);
  const { state } = run.machine.cpu;
  const general = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => state.gpr(number, 4));
  const control = [0, 2, 3, 4].map((number) => state.cr(number));
  const registers = [state.eip, state.eflags, state.cpl, ...control, ...general];
  return { stop, registers, general, exits: run.machine.exitLog.read(0, MOST) };
}

/** Runs that differ only in what is not in the name are made once. */
const bare = new Map<string, Ended>();
function withoutControls(row: ExitCase): Ended {
  const key = `${row.guest} ${row.cpu ?? ''} ${JSON.stringify(row.off ?? {})}`;
  const ended = bare.get(key) ?? play(row, row.off ?? {});
  bare.set(key, ended);
  return ended;
}

/** The fields of `wanted` as the exit has them. */
function sameFields(
  exit: RecordedExit | undefined,
  wanted: Partial<RecordedExit>,
): Partial<RecordedExit> {
  const names = Object.keys(wanted) as (keyof RecordedExit)[];
  return Object.fromEntries(names.map((name) => [name, exit?.[name]]));
}

const CASES = [...EXIT_CASES, ...CONTROL_CASES, ...FIELD_CASES, ...SVM_CASES];

for (const row of CASES) {
  const { name, on, exits: wanted } = row;
  describe(`${name} (${row.manual})`, () => {
    test('leaves under its control, with its fields', () => {
      const { exits, stop, registers, general } = play(row, on);
      const shown = exits.map(({ reason }) => reason);
      assert.deepEqual(shown, wanted.map(({ reason }) => reason)); // prettier-ignore
      wanted.forEach((fields, at) => {
        assert.deepEqual(sameFields(exits[at], fields), fields, `exit ${at}`);
      });
      if (row.endsOtherwise !== undefined) {
        assert.deepEqual(stop.kind, row.endsOtherwise);
        return;
      }
      if (row.sees !== undefined) {
        const seen = Object.keys(row.sees).map((name) => [name, general[GENERAL[name as keyof typeof GENERAL]]]); // prettier-ignore
        assert.deepEqual(Object.fromEntries(seen), row.sees);
        return;
      }
      const without = withoutControls(row);
      assert.deepEqual(stop, without.stop);
      assert.deepEqual(registers, without.registers, 'the guest ends the same way');
    });
    test('does not leave without it', () => {
      const { exits } = withoutControls(row);
      assert.deepEqual(exits.map(({ reason }) => reason), row.offExits ?? []); // prettier-ignore
    });
  });
}

test('a state that is made invalid from outside stops by name, and goes on when it is put right', () => {
  const image = readFileSync(path.join(EXITS_BUILT, 'pause.bin'));
  const run = new GuestRun({ image, interface: 'bare', profile: 'kvm-ept', memoryMiB: 1 });
  run.goTo(100);
  const { cpu, hypervisor, exitLog } = run.machine;
  const cr0 = cpu.state.cr(0);
  cpu.state.setCr(0, 0x80000010);
  hypervisor.stateChanged();
  const before = exitLog.count(REASON.VMENTRY_FAILURE_GUEST_STATE);
  const stop = run.slice(1000);
  assert.match(
    stop.kind === 'guest-error' ? stop.description : stop.kind,
    /CR0 must have PE set where PG is/,
  );
  assert.equal(exitLog.count(REASON.VMENTRY_FAILURE_GUEST_STATE), before + 1);
  assert.equal(run.machine.retired, 100);
  cpu.state.setCr(0, cr0);
  assert.deepEqual(run.go({ most: MOST }), { kind: 'halted-forever' });
});

test('every guest of the folder has a case', () => {
  const played = new Set(CASES.map(({ guest }) => guest));
  assert.deepEqual([...played].sort(), guestsIn(EXITS));
});
