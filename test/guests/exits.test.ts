/**
 * Every VM exit that this machine can make, by a guest of test/guests/exits each: with its control on the
 * exit happens as often as it must, with it off never, and the guest ends the same way either time. What
 * the exits record is in the rows too, by the names of RecordedExit; all that VMX and SVM record of them, in
 * vmx-fields.ts and svm-fields.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { FLAG } from '../../emulator/cpu/state.ts';
import { EXIT_REASONS, REASON, SVM_ONLY } from '../../emulator/hypervisor/exit-reasons.ts';
import { exitIntInfo } from '../../emulator/hypervisor/faces/svm-face.ts';
import { savedFlags } from '../../emulator/hypervisor/faces/vmx-face.ts';
import { SVM_EXIT, SVM_EXIT_CODES } from '../../emulator/hypervisor/svm-exit-codes.ts';
import type { RecordedExit } from '../../emulator/hypervisor/vm-exit.ts';
import type { MachineStop } from '../../emulator/machine-stop.ts';
import { EXITS, EXITS_BUILT, guestsIn } from './build.ts';
import { EXIT_CASES, type ExitCase, GENERAL } from './exits/cases.ts';
import { CONTROL_CASES } from './exits/control-cases.ts';
import { FIELD_CASES } from './exits/field-cases.ts';
import { SVM_CASES } from './exits/svm-cases.ts';
import { SVM_GAPS, SVM_PROOFS } from './exits/svm-fields.ts';
import {
  EVENT_REASONS,
  type ProvenCase,
  type ProvenExit,
  VMX_FIELDS,
  VMX_PROOFS,
} from './exits/vmx-fields.ts';
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

const imageOf = ({ guest }: ExitCase): Buffer =>
  readFileSync(path.join(EXITS_BUILT, `${guest}.bin`));

function powerOn(row: ExitCase, exits: Settings): GuestRun {
  return new GuestRun({
    image: imageOf(row),
    interface: 'bare',
    exits,
    memoryMiB: 1,
    cpu: row.cpu ?? 'pentium3',
    vcpus: row.vcpus ?? 1,
  });
}

function play(row: ExitCase, exits: Settings): Ended {
  const run = powerOn(row, exits);
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

/** Runs with controls are made once for each case. */
const controlled = new Map<ExitCase, Ended>();
function withControls(row: ExitCase): Ended {
  const ended = controlled.get(row) ?? play(row, row.on);
  controlled.set(row, ended);
  return ended;
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
  const { name, exits: wanted } = row;
  describe(`${name} (${row.manual})`, () => {
    test('leaves under its control, with its fields', () => {
      const { exits, stop, registers, general } = withControls(row);
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

/** Where the loader puts the image. */
const IMAGE_AT = 0x7c00;
/** The bytes of the image at CS:RIP, as many as `like` has. */
function bytesAt(image: Buffer, { csBase, rip }: RecordedExit, like: string): string {
  const at = csBase + rip - IMAGE_AT;
  return image.subarray(at, at + like.length / 2).toString('hex');
}

function provenCase(proof: Pick<ProvenCase, 'of'>): ExitCase {
  const row = CASES.find(({ name }) => name === proof.of);
  assert.ok(row !== undefined, `no case '${proof.of}'`);
  return row;
}

function wantedFields(reason: number, { bytes, fields }: ProvenExit): Partial<RecordedExit> {
  const none = Object.fromEntries(VMX_FIELDS.map((name) => [name, 0]));
  const instructionLength = EVENT_REASONS.includes(reason) ? 0 : bytes.length / 2;
  return { ...none, instructionLength, ...fields };
}

/** Types of events that count as an instruction when the guest delivers them, but not when they are injected. */
const SOFTWARE = [4, 5, 6];
const isSoftware = (information: number): boolean => SOFTWARE.includes((information >>> 8) & 7);

/** Where the guest is without exits when as many instructions have retired as at each exit. */
function samePlaces(
  row: ExitCase,
  exits: readonly RecordedExit[],
  proven: readonly ProvenExit[],
): void {
  // prettier-ignore
  const run = powerOn(row, row.off ?? {});
  let injected = 0;
  exits.forEach((exit, at) => {
    const { interruptionInformation, idtVectoringInformation } = exit;
    const software = isSoftware(interruptionInformation) || isSoftware(idtVectoringInformation);
    if (software) injected++;
    if (proven[at]?.isBetween === true) return;
    run.goTo(exit.position + injected - (software ? 1 : 0));
    const { state } = run.machine.cpu;
    const here = { rip: state.eip, cpl: state.cpl, eflags: state.eflags, eax: state.gpr(0, 4), ebx: state.gpr(3, 4), ecx: state.gpr(1, 4), edx: state.gpr(2, 4), esi: state.gpr(6, 4) }; // prettier-ignore
    assert.deepEqual(sameFields(exit, here), here, `exit ${exit.ordinal} at ${exit.position}`);
  });
}

describe('fields of exits under VMX', () => {
  for (const proof of VMX_PROOFS) {
    test(`${proof.of} (${proof.manual})`, () => {
      const row = provenCase(proof);
      const { exits } = withControls(row);
      const image = imageOf(row);
      assert.equal(exits.length, proof.exits.length);
      proof.exits.forEach((proven, at) => {
        const exit = exits[at];
        assert.ok(exit !== undefined);
        assert.equal(bytesAt(image, exit, proven.bytes), proven.bytes, `instruction of exit ${at}`);
        const wanted = wantedFields(exit.reason, proven);
        assert.deepEqual(sameFields(exit, wanted), wanted, `exit ${at}`);
      });
      const resuming = exits.flatMap((exit, at) => ((savedFlags(exit) & FLAG.RF) === 0 ? [] : [at])); // prettier-ignore
      assert.deepEqual(resuming, proof.resuming ?? [], 'RFLAGS.RF');
      if (proof.moves === undefined) samePlaces(row, exits, proof.exits);
    });
  }
  test('are proven for every reason that happens', () => {
    const proven = new Set(VMX_PROOFS.flatMap((proof) => provenCase(proof).exits.map(({ reason }) => reason))); // prettier-ignore
    const happen = EXIT_REASONS.filter(({ number, gap }) => number < SVM_ONLY && gap === null);
    assert.deepEqual(happen.filter(({ number }) => !proven.has(number)).map(({ name }) => name), []); // prettier-ignore
  });
});

describe('fields of exits under SVM', () => {
  for (const proof of SVM_PROOFS) {
    test(proof.of, () => {
      const row = provenCase(proof);
      const { exits } = withControls(row);
      const image = imageOf(row);
      assert.equal(exits.length, proof.exits.length);
      proof.exits.forEach(({ bytes, noNextRip, interrupted, interruptedError }, at) => {
        const exit = exits[at];
        assert.ok(exit !== undefined);
        assert.equal(bytesAt(image, exit, bytes), bytes, `instruction of exit ${at}`);
        const next = exit.rip + bytes.length / 2;
        const wanted = {
          exitInfo1: 0,
          exitInfo1High: 0,
          // 15.10.2: of I/O the address of the next instruction
          exitInfo2: exit.exitCode === SVM_EXIT.IOIO ? next : 0,
          idtVectoringErrorCode: interruptedError ?? 0,
          nextRip: noNextRip === true ? 0 : next,
          ...row.exits[at],
        };
        assert.deepEqual(sameFields(exit, wanted), wanted, `exit ${at}`);
        assert.equal(exitIntInfo(exit), interrupted ?? 0, `EXITINTINFO of exit ${at}`);
      });
    });
  }
  test('are proven for every exit code that happens, and for every case', () => {
    const proven = SVM_PROOFS.flatMap((proof) => provenCase(proof).exits.map(({ exitCode = -1 }) => exitCode)); // prettier-ignore
    const missing = SVM_EXIT_CODES.filter(
      ({ code, count }) => !proven.some((each) => each >= code && each < code + count),
    );
    assert.deepEqual(missing.map(({ name }) => name).sort(), Object.keys(SVM_GAPS).sort());
    assert.deepEqual(SVM_PROOFS.map(({ of }) => of).sort(), SVM_CASES.map(({ name }) => name).sort()); // prettier-ignore
  });
});

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
