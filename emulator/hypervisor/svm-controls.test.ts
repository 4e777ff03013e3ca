/** SVM's maps at their edges (AMD APM vol. 2, 15.10.1, 15.11), its switches, and the PAUSE filter (15.14.4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noControls } from './execution-controls.ts';
import { applyExitSwitches } from './exit-switches.ts';
import { PauseFilter } from './pause-filter.ts';
import { intercepts, ioIntercepted, msrIntercepted, noSvmControls, setIntercepts, setMsrIntercept } from './svm-controls.ts'; // prettier-ignore
import { SVM_EXIT } from './svm-exit-codes.ts';
import { svmExit } from './svm-intercepts.ts';

const GUEST = { cr0: 0x80050033, cr4: 0x10 };

test('an intercept is the bit of its exit code', () => {
  const controls = noSvmControls();
  setIntercepts(controls, true, SVM_EXIT.CPUID, SVM_EXIT['CR#_WRITE'] + 3);
  assert.deepEqual([...controls.intercepts], [1 << 19, 0, 0, 1 << 18, 0, 0]);
  setIntercepts(controls, false, SVM_EXIT.CPUID);
  assert.equal(intercepts(controls, SVM_EXIT.CPUID), false);
  assert.throws(() => setIntercepts(controls, true, SVM_EXIT.NPF), /0x400 has no intercept bit/);
});

test('the MSR permissions map has three ranges, reads below writes', () => {
  const controls = noSvmControls();
  setIntercepts(controls, true, SVM_EXIT.MSR);
  for (const [index, write, byte, bit] of [[0, false, 0, 0], [0x1fff, true, 0x7ff, 7], [0xc0000080, true, 0x820, 1], [0xc0011fff, false, 0x17ff, 6]] as const) {
    setMsrIntercept(controls, index, write, true);
    assert.equal((controls.msrpm[byte] >> bit) & 1, 1, index.toString(16));
    assert.equal(msrIntercepted(controls, index, write), true);
    assert.equal(msrIntercepted(controls, index, !write), false);
  } // prettier-ignore
  for (const index of [0x2000, 0x4b564d00, 0xc0002000, 0xc0012000]) {
    assert.equal(msrIntercepted(controls, index, false), true, 'outside: always');
    assert.throws(() => setMsrIntercept(controls, index, false, true), /outside the MSR perm/);
  }
});

test('an access that passes port FFFFh asks the three bits behind it', () => {
  const controls = noSvmControls();
  setIntercepts(controls, true, SVM_EXIT.IOIO);
  assert.equal(ioIntercepted(controls, 0xffff, 4), false);
  controls.iopm[0x2000] = 4;
  assert.deepEqual([ioIntercepted(controls, 0xffff, 2), ioIntercepted(controls, 0xffff, 4)], [false, true]); // prettier-ignore
});

test('writes to CR0: CR0_WRITE goes before the selective one, which lets TS and MP pass', () => {
  const controls = noSvmControls();
  const write = (value: number): number | null =>
    svmExit(controls, { kind: 'cr-access', register: 0, access: 'mov-to-cr', gpr: 0, value, linear: -1 }, GUEST); // prettier-ignore
  setIntercepts(controls, true, SVM_EXIT.CR0_SEL_WRITE);
  assert.equal(write(GUEST.cr0 ^ 0xa), null);
  assert.equal(write(GUEST.cr0 ^ 0x10000), SVM_EXIT.CR0_SEL_WRITE);
  setIntercepts(controls, true, SVM_EXIT['CR#_WRITE']);
  assert.equal(write(GUEST.cr0 ^ 0xa), SVM_EXIT['CR#_WRITE']);
});

test('MWAIT leaves by its own intercept, else by that of an armed monitor', () => {
  const controls = noSvmControls();
  const wait = (armed: boolean): number | null =>
    svmExit(controls, { kind: 'mwait', armed }, GUEST);
  setIntercepts(controls, true, SVM_EXIT.MWAIT_CONDITIONAL);
  assert.deepEqual([wait(false), wait(true)], [null, SVM_EXIT.MWAIT_CONDITIONAL]);
  setIntercepts(controls, true, SVM_EXIT.MWAIT);
  assert.deepEqual([wait(false), wait(true)], [SVM_EXIT.MWAIT, SVM_EXIT.MWAIT]);
});

test('the PAUSE filter counts down, and anew behind a gap', () => {
  const controls = { ...noSvmControls(), pauseFilterCount: 2, pauseFilterThreshold: 100 };
  const filter = new PauseFilter();
  const at = (...times: readonly number[]): readonly boolean[] =>
    times.map((now) => filter.leaves(controls, now));
  assert.deepEqual(at(0, 10, 20), [false, false, true]);
  assert.deepEqual(at(30, 40, 500, 510, 520), [false, false, false, false, true]);
});

test('settings of launch.json act on both kinds of controls', () => {
  const controls = noControls();
  const settings = { svm: ['cr0_sel_write'], cpuid: true, exceptions: ['#PF', '#UD'], io: ['0x60-0x64'], rdmsr: ['0x174'], externalInterrupt: true }; // prettier-ignore
  assert.equal(applyExitSwitches(controls, settings), null);
  const { svm } = controls;
  assert.equal(controls.hardware, 'svm');
  const on = [SVM_EXIT.CR0_SEL_WRITE, SVM_EXIT.CPUID, 0x46, 0x4e, SVM_EXIT.IOIO, SVM_EXIT.MSR, SVM_EXIT.INTR]; // prettier-ignore
  for (let code = 0; code < 0xc0; code++) assert.equal(intercepts(svm, code), on.includes(code), code.toString(16)); // prettier-ignore
  assert.deepEqual([ioIntercepted(svm, 0x5f, 1), ioIntercepted(svm, 0x5f, 2)], [false, true]);
  assert.deepEqual([msrIntercepted(svm, 0x174, false), msrIntercepted(svm, 0x174, true)], [true, false]); // prettier-ignore
  const wrong = applyExitSwitches(noControls(), { svm: ['CPU_ID'] });
  assert.match(wrong?.message ?? '', /'svm' must be a list of intercepts such as "CPUID"/);
});
