import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { leaves } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import { svmExit } from './svm-intercepts.ts';
import { EXIT_SWITCHES } from './exit-switches.ts';
import type { ExitSetting } from './setting-kinds.ts';
import { controlsFor, defaultProfile, findProfile, PROFILES } from './profiles.ts';

type Exits = { readonly [name: string]: ExitSetting };

function controls(profile: string, exits: Exits = {}): ExecutionControls {
  const result = controlsFor({ interface: 'bare', profile, exits });
  return 'controls' in result ? result.controls : assert.fail(result.problem.message);
}
function problem(guestInterface: string, profile: string, exits: Exits = {}): string {
  const result = controlsFor({ interface: guestInterface, profile, exits });
  if ('controls' in result) return assert.fail('no problem');
  return `${result.problem.attribute}: ${result.problem.message}`;
}
const GUEST = { cr0: 0x80050033, cr4: 0x690 };
const goes = (set: ExecutionControls, event: GuestEvent): boolean => leaves(set, event, GUEST);

const toCr = (register: 0 | 3 | 4, value: number): GuestEvent => ({ kind: 'cr-access', register, access: 'mov-to-cr', gpr: 0, value, linear: -1 }); // prettier-ignore
const fault = (vector: number): GuestEvent => ({ kind: 'exception', vector, errorCode: 0, type: 'fault', qualification: 0 }); // prettier-ignore

test("kvm-ept leaves for what KVM's controls say", () => {
  const kvm = controls('kvm-ept');
  const left: readonly GuestEvent[] = [
    { kind: 'cpuid' }, { kind: 'hlt' }, { kind: 'vmcall' }, { kind: 'external-interrupt' }, { kind: 'triple-fault' },
    { kind: 'dr-access', register: 7, access: 'mov-to-dr', gpr: 0 }, { kind: 'wbinvd' }, { kind: 'mwait' },
    { kind: 'rdmsr', index: 0x4b564d01 }, { kind: 'rdmsr', index: 0x1b }, { kind: 'wrmsr', index: 0x10, low: 0, high: 0 },
    { kind: 'rdmsr', index: 0xc0000080 }, fault(6), fault(1), fault(17), toCr(0, GUEST.cr0 & ~1), toCr(4, GUEST.cr4 | 0x20),
    { kind: 'second-stage', guestPhysical: 0xfec00000, linear: 0, final: true, access: 'write', size: 4 },
  ]; // prettier-ignore
  const stays: readonly GuestEvent[] = [
    { kind: 'rdtsc' }, { kind: 'invlpg', linear: 0 }, { kind: 'pause' }, { kind: 'interrupt-window' }, toCr(3, 0x1000),
    { kind: 'cr-access', register: 3, access: 'mov-from-cr', gpr: 0, value: 0, linear: -1 }, fault(14), fault(13), fault(3),
    { kind: 'rdmsr', index: 0x10 }, { kind: 'rdmsr', index: 0x174 }, { kind: 'wrmsr', index: 0x176, low: 0, high: 0 },
    // TS and WP of CR0, PGE and OSFXSR of CR4 belong to the guest
    toCr(0, GUEST.cr0 ^ 8), toCr(0, GUEST.cr0 ^ 0x10000), toCr(4, GUEST.cr4 ^ 0x80), toCr(4, GUEST.cr4 ^ 0x200),
    { kind: 'cr-access', register: 0, access: 'clts', gpr: 0, value: 0, linear: -1 }, { kind: 'descriptor-table', mnemonic: 'lgdt' },
  ]; // prettier-ignore
  for (const event of left) assert.equal(goes(kvm, event), true, JSON.stringify(event));
  for (const event of stays) assert.equal(goes(kvm, event), false, JSON.stringify(event));
});

const of = (kind: 'to' | 'from', register: 0 | 3 | 4): GuestEvent =>
  ({ kind: 'cr-access', register, access: `mov-${kind}-cr`, gpr: 0, value: GUEST.cr0 & ~1, linear: -1 }); // prettier-ignore
const io: GuestEvent = { kind: 'io', port: 0x80, size: 1, direction: 'out', string: false, repeat: false, immediate: true, value: 0, linear: 0 }; // prettier-ignore

test('kvm-2.6.20-vmx leaves for the ten exits of its table, and for little else', () => {
  const kvm = controls('kvm-2.6.20');
  const left: readonly GuestEvent[] = [
    fault(14), { kind: 'external-interrupt' }, io, toCr(0, GUEST.cr0 & ~1), toCr(3, 0x1000), of('from', 3),
    toCr(4, GUEST.cr4 ^ 0x20), toCr(4, GUEST.cr4 ^ 0x80), toCr(0, GUEST.cr0 ^ 0x10000),
    { kind: 'dr-access', register: 7, access: 'mov-to-dr', gpr: 0 }, { kind: 'cpuid' }, { kind: 'hlt' },
    { kind: 'rdmsr', index: 0x174 }, { kind: 'wrmsr', index: 0x4b564d01, low: 0, high: 0 },
  ]; // prettier-ignore
  const stays: readonly GuestEvent[] = [
    { kind: 'invlpg', linear: 0 }, { kind: 'rdtsc' }, { kind: 'pause' }, { kind: 'wbinvd' }, { kind: 'mwait' },
    fault(6), fault(13), { kind: 'cr-access', register: 0, access: 'clts', gpr: 0, value: 0, linear: -1 },
    { kind: 'second-stage', guestPhysical: 0xfec00000, linear: 0, final: true, access: 'write', size: 4 },
  ]; // prettier-ignore
  for (const event of left) assert.equal(goes(kvm, event), true, JSON.stringify(event));
  for (const event of stays) assert.equal(goes(kvm, event), false, JSON.stringify(event));
  const later = controls('kvm-2.6.20', { invlpg: true });
  assert.equal(goes(later, { kind: 'invlpg', linear: 0 }), true);
});

test("SVM's profiles intercept what KVM's VMCBs say", () => {
  const old = controls('kvm-2.6.20-svm').svm;
  const now = controls('svm-npt').svm;
  const rows: readonly (readonly [event: GuestEvent, old: boolean, now: boolean])[] = [
    [fault(14), true, false], [fault(6), false, true], [of('to', 3), true, false], [of('from', 0), true, false],
    [of('to', 0), true, true], [of('to', 4), true, true], [of('from', 4), true, true], [io, true, true],
    [{ kind: 'cpuid' }, true, true], [{ kind: 'invlpg', linear: 0 }, false, false], [{ kind: 'wbinvd' }, false, true],
    [{ kind: 'vmmcall' }, true, true], [{ kind: 'rdmsr', index: 0x175 }, false, true], [{ kind: 'rdmsr', index: 0x174 }, false, false],
    [{ kind: 'dr-access', register: 6, access: 'mov-from-dr', gpr: 0 }, false, true],
    [{ kind: 'dr-access', register: 7, access: 'mov-to-dr', gpr: 0 }, true, true],
    [{ kind: 'second-stage', guestPhysical: 0xfec00000, linear: 0, final: true, access: 'read', size: 4 }, false, true],
  ]; // prettier-ignore
  for (const [event, inOld, inNow] of rows) {
    assert.equal(svmExit(old, event, GUEST) !== null, inOld, JSON.stringify(event));
    assert.equal(svmExit(now, event, GUEST) !== null, inNow, JSON.stringify(event));
  }
  const changed = controls('kvm-npt', { invlpg: true, hlt: false, wrmsr: false }).svm;
  assert.notEqual(svmExit(changed, { kind: 'invlpg', linear: 0 }, GUEST), null);
  assert.equal(svmExit(changed, { kind: 'hlt' }, GUEST), null);
  assert.equal(svmExit(changed, { kind: 'wrmsr', index: 0x1b, low: 0, high: 0 }, GUEST), null);
  assert.notEqual(svmExit(changed, { kind: 'rdmsr', index: 0x1b }, GUEST), null);
});

test('two machines do not share controls', () => {
  controls('kvm-ept').msrBitmap.fill(0);
  assert.equal(goes(controls('kvm-ept'), { kind: 'rdmsr', index: 0x1b }), true);
});

test('every switch works in both directions, on bare and on KVM', () => {
  const subjects: { readonly [attribute: string]: GuestEvent } = {
    exceptions: fault(13), pageFaults: fault(14), externalInterrupt: { kind: 'external-interrupt' },
    tripleFault: { kind: 'triple-fault' }, taskSwitch: { kind: 'task-switch', selector: 8, source: 'jmp' },
    cpuid: { kind: 'cpuid' }, hlt: { kind: 'hlt' }, invd: { kind: 'invd' }, invlpg: { kind: 'invlpg', linear: 0 },
    rdpmc: { kind: 'rdpmc' }, rdtsc: { kind: 'rdtsc' }, vmcall: { kind: 'vmcall' },
    vmx: { kind: 'vmx-instruction', mnemonic: 'vmxon' }, crAccess: toCr(0, 0), cr3: toCr(3, 0),
    drAccess: { kind: 'dr-access', register: 0, access: 'mov-from-dr', gpr: 0 },
    io: { kind: 'io', port: 0x80, size: 1, direction: 'out', string: false, repeat: false, immediate: true, value: 0, linear: 0 },
    rdmsr: { kind: 'rdmsr', index: 0x174 }, wrmsr: { kind: 'wrmsr', index: 0x174, low: 0, high: 0 },
    mwait: { kind: 'mwait' }, monitor: { kind: 'monitor' }, pause: { kind: 'pause' }, wbinvd: { kind: 'wbinvd' },
    descriptorTables: { kind: 'descriptor-table', mnemonic: 'sidt' },
    eptViolation: { kind: 'second-stage', guestPhysical: 0, linear: 0, final: true, access: 'read', size: 1 },
    nmi: { kind: 'exception', vector: 2, errorCode: null, type: 'nmi', qualification: 0 },
    interruptWindow: { kind: 'interrupt-window' }, monitorTrap: { kind: 'monitor-trap' }, init: { kind: 'init-signal' },
    sipi: { kind: 'sipi', vector: 8 }, cr3Load: toCr(3, 0), cr3Store: { kind: 'cr-access', register: 3, access: 'mov-from-cr', gpr: 0, value: 0, linear: -1 },
    rdrand: { kind: 'rdrand', register: 0, size: 4 }, rdseed: { kind: 'rdseed', register: 0, size: 4 },
  }; // prettier-ignore
  for (const [attribute, event] of Object.entries(subjects)) {
    for (const profile of ['bare', 'kvm-ept']) {
      assert.equal(goes(controls(profile, { [attribute]: true }), event), true, attribute);
      assert.equal(goes(controls(profile, { [attribute]: false }), event), false, attribute);
    }
  }
  // of the rest, a switch alone makes no exit, or has a test in exit-switches.test.ts
  const others = EXIT_SWITCHES.map((each) => each.attribute).filter((name) => !(name in subjects));
  assert.deepEqual(others, [
    'nmiWindow', 'acknowledgeInterrupt', 'preemptionTimer', 'savePreemptionTimer', 'tscOffset', 'enableRdtscp',
    'cr3Targets', 'cr0Mask', 'cr0Shadow', 'cr4Mask', 'cr4Shadow', 'pauseLoop', 'eptMisconfiguration', 'eptRights', 'eptAccessedDirty', 'unrestrictedGuest', 'svm',
  ]); // prettier-ignore
});

test('switching MSR reads off keeps the registers by which the interface is reached', () => {
  const kvm = controls('kvm-ept', { rdmsr: false });
  assert.equal(goes(kvm, { kind: 'rdmsr', index: 0x1b }), false);
  assert.equal(goes(kvm, { kind: 'rdmsr', index: 0x4b564d01 }), true);
});

test('mistakes are one sentence that names the attribute and the remedy', () => {
  assert.equal(
    problem('kvm', 'kvm-ept', { cpiud: true }),
    "hypervisor.exits.cpiud: There is no exit switch 'cpiud'. Did you mean 'cpuid'?",
  );
  assert.equal(
    problem('kvm', 'kvm-ept', { hlt: true, IO_INSTRUCTION: true }),
    "hypervisor.exits.IO_INSTRUCTION: There is no exit switch 'IO_INSTRUCTION': write 'io' for IO_INSTRUCTION.",
  );
  assert.match(
    problem('kvm', 'kvm-ept', { smi: true }),
    /'SMI' cannot be switched: there is no system-/,
  );
  assert.match(problem('kvm', 'kvm-ept', { constructor: true }), /There is no exit switch/);
  assert.match(
    problem('kvm', 'kvm-ept', { hlt: 'yes' as unknown as boolean }),
    /^hypervisor.exits.hlt: .* must be true or false\.$/,
  );
  for (const eptRights of [['0x9000 -w-'], ['0x9000'], ['0x9fff-0x9000 r--'], ['9000h r--'], '0x9000 r--']) {
    const text = problem('kvm', 'kvm-ept', { eptRights });
    assert.match(text, /^hypervisor.exits.eptRights: .* a list of ranges with rights such as /);
  } // prettier-ignore
  const rights = { eptRights: ['0x9000-0x9fff r-x keep', '0xa00000 ---'] };
  assert.deepEqual(controls('kvm-ept', rights).eptRights, [
    { first: 0x9000, last: 0x9fff, rights: 5, kept: true }, { first: 0xa00000, last: 0xa00000, rights: 0, kept: false },
  ]); // prettier-ignore
  assert.equal(controls('kvm-npt', rights).eptRights.length, 2);
  assert.match(problem('bare', 'bare', rights), /^hypervisor.exits.eptRights: .*"eptViolation"/);
  assert.match(problem('kvm', 'kvm-etp'), /^hypervisor.profile: .* Did you mean 'kvm-ept'\?$/);
  assert.match(
    problem('kvm', 'kvm-2.6.20', { pageFaults: false }),
    /^hypervisor.exits.pageFaults: Profile 'kvm-2.6.20-vmx' shadows .* must stay on/,
  );
  assert.match(problem('kvm', 'kvm-2.6.20-svm', { cr3: false }), /^hypervisor.exits.cr3: /);
  assert.match(
    problem('kvm', 'kvm-2.6.20-vmx', { crAccess: false, cr3: true }),
    /^hypervisor.exits.crAccess: /,
  );
  assert.match(problem('kvm', 'bare'), /cannot reach the interface 'kvm'\. Use profile 'kvm-ept'/);
});

test('the default profile goes with its interface', () => {
  for (const name of ['bare', 'kvm']) {
    const row = PROFILES.find((profile) => profile.name === defaultProfile(name));
    assert.ok(row !== undefined && row.interfaces.includes(name));
  }
});

test('profiles are found by their names and by their other names, which are not taken twice', () => {
  const names = PROFILES.flatMap(({ name, synonyms }) => [name, ...synonyms]);
  assert.equal(new Set(names).size, names.length);
  for (const profile of PROFILES) {
    for (const name of [profile.name, ...profile.synonyms]) {
      assert.equal(findProfile(name), profile);
    }
  }
  assert.equal(findProfile('kvm-2.6.20')?.name, 'kvm-2.6.20-vmx');
  assert.equal(findProfile('svm-npt')?.name, 'kvm-npt');
  assert.equal(findProfile('toString'), null);
});
