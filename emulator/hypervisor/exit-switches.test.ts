/** Settings that make no exit by themselves, and those that only one vendor's processors have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noControls, PIN, PRIMARY, SECONDARY, VM_EXIT } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import { applyExitSwitches } from './exit-switches.ts';
import { controlsFor } from './profiles.ts';
import type { ExitSetting } from './setting-kinds.ts';

type Exits = { readonly [name: string]: ExitSetting };
function set(exits: Exits): ExecutionControls {
  const controls = noControls();
  assert.equal(applyExitSwitches(controls, exits), null);
  return controls;
}
const refused = (exits: Exits): string | undefined =>
  applyExitSwitches(noControls(), exits)?.attribute;

test('settings are the fields of SDM vol. 3, 25.6 and 25.7', () => {
  const all = set({
    nmi: true, nmiWindow: true, externalInterrupt: true, acknowledgeInterrupt: true, preemptionTimer: 500,
    savePreemptionTimer: true, tscOffset: -7, cr3Targets: ['0x1000', 0x2000], cr0Mask: ['PE', 'TS'], cr0Shadow: 0x11,
    cr4Mask: '0x20', cr4Shadow: 0, pauseLoop: { gap: 3, window: 40 }, enableRdtscp: false, eptViolation: true,
    eptMisconfiguration: true, unrestrictedGuest: false,
  }); // prettier-ignore
  assert.equal(all.pinBased, PIN.NMI_EXITING | PIN.VIRTUAL_NMIS | PIN.EXTERNAL_INTERRUPT_EXITING | PIN.VMX_PREEMPTION_TIMER); // prettier-ignore
  assert.equal(all.primary, PRIMARY.NMI_WINDOW_EXITING | PRIMARY.USE_TSC_OFFSETTING | PRIMARY.ACTIVATE_SECONDARY_CONTROLS); // prettier-ignore
  assert.equal(all.secondary, SECONDARY.ENABLE_EPT | SECONDARY.PAUSE_LOOP_EXITING);
  assert.equal(all.vmExit, VM_EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT | VM_EXIT.SAVE_VMX_PREEMPTION_TIMER_VALUE); // prettier-ignore
  const { preemptionTimer, tscOffset, cr3Targets, cr0Mask, cr0Shadow, cr4Mask, cr4Shadow, pauseLoopGap, pauseLoopWindow } = all; // prettier-ignore
  assert.deepEqual(
    [preemptionTimer, tscOffset, cr3Targets, cr0Mask, cr0Shadow, cr4Mask, cr4Shadow, pauseLoopGap, pauseLoopWindow],
    [500, -7, [0x1000, 0x2000], 9, 0x11, 0x20, 0, 3, 40],
  ); // prettier-ignore
  assert.equal(all.eptMarksDevices, true);
});

test('crAccess leaves the controls of CR8 alone, which IA-32 guests do not have', () => {
  const { primary } = set({ crAccess: true });
  assert.equal(primary, PRIMARY.CR3_LOAD_EXITING | PRIMARY.CR3_STORE_EXITING);
});

test('controls that a processor would refuse name the setting (27.2.1)', () => {
  assert.equal(refused({ nmiWindow: true }), 'hypervisor.exits.nmiWindow');
  assert.equal(refused({ unrestrictedGuest: true }), 'hypervisor.exits.unrestrictedGuest');
  assert.equal(refused({ eptMisconfiguration: true }), 'hypervisor.exits.eptMisconfiguration');
  assert.equal(refused({ savePreemptionTimer: true }), 'hypervisor.exits.savePreemptionTimer');
  assert.equal(refused({ acknowledgeInterrupt: true }), 'hypervisor.exits.acknowledgeInterrupt');
});

test("what only VMX has is refused under AMD-V's profiles, with what does it there", () => {
  const under = (profile: string, exits: Exits): string => {
    const result = controlsFor({ interface: 'bare', profile, exits });
    return 'problem' in result ? `${result.problem.attribute}: ${result.problem.message}` : 'fine';
  };
  assert.equal(
    under('kvm-npt', { pauseLoop: true }),
    `hypervisor.exits.pauseLoop: 'pauseLoop' is a control of VMX, and this hypervisor runs on AMD-V: leave it out, choose profile 'kvm-ept', or set "pause".`,
  );
  assert.match(under('kvm-2.6.20-svm', { preemptionTimer: 9 }), /'kvm-ept'\.$/);
  for (const name of ['monitorTrap', 'nmiWindow', 'rdrand', 'vmx', 'unrestrictedGuest']) {
    assert.match(under('kvm-npt', { [name]: true }), new RegExp(`^hypervisor\\.exits\\.${name}: `));
    assert.equal(under('kvm-npt', { [name]: false }), 'fine', 'off is what AMD-V has');
  }
  assert.equal(under('kvm-npt', { cpuid: true, pause: true }), 'fine');
  assert.equal(under('kvm-ept', { pauseLoop: true, monitorTrap: true }), 'fine');
});
