import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestEvent } from '../cpu/exit-hook.ts';
import { leaves, noControls, PIN, PRIMARY, SECONDARY, setMsrExiting, SIGNAL, UNCONDITIONAL } from './execution-controls.ts'; // prettier-ignore
import type { ExecutionControls } from './execution-controls.ts';

const GUEST = { cr0: 0x80050033, cr4: 0x10 };
const controls = (changes: Partial<ExecutionControls>): ExecutionControls => ({
  ...noControls(),
  ...changes,
});
const goes = (changes: Partial<ExecutionControls>, event: GuestEvent): boolean =>
  leaves(controls(changes), event, GUEST);

const io = (port: number, size: 1 | 2 | 4): GuestEvent => ({ kind: 'io', port, size, direction: 'in', string: false, repeat: false, immediate: false, value: 0, linear: 0 }); // prettier-ignore
const exception = (vector: number, errorCode: number | null, type: 'fault' | 'nmi' = 'fault'): GuestEvent => ({ kind: 'exception', vector, errorCode, type, qualification: 0 }); // prettier-ignore

type CrAccess = Extract<GuestEvent, { kind: 'cr-access' }>;
const cr = (register: CrAccess['register'], access: CrAccess['access'], value: number): GuestEvent => ({ kind: 'cr-access', register, access, gpr: 0, value, linear: -1 }); // prettier-ignore

const ACTIVE = { primary: PRIMARY.ACTIVATE_SECONDARY_CONTROLS } as const;

/** One of each kind. */
const EVENTS: readonly GuestEvent[] = [
  { kind: 'cpuid' }, { kind: 'hlt' }, { kind: 'invd' }, { kind: 'wbinvd' }, { kind: 'rdtsc' }, { kind: 'rdtscp' }, { kind: 'rdpmc' },
  { kind: 'pause' }, { kind: 'monitor' }, { kind: 'mwait' }, { kind: 'rsm' }, { kind: 'vmcall' }, { kind: 'vmmcall' },
  { kind: 'vmx-instruction', mnemonic: 'vmxon' }, { kind: 'invlpg', linear: 0 }, io(0x80, 1), cr(0, 'mov-to-cr', 0),
  cr(3, 'mov-to-cr', 0), cr(3, 'mov-from-cr', 0), cr(4, 'mov-to-cr', 0), cr(0, 'clts', 0), cr(0, 'lmsw', 0),
  { kind: 'dr-access', register: 7, access: 'mov-to-dr', gpr: 0 }, { kind: 'rdmsr', index: 0x10 },
  { kind: 'rdmsr', index: 0x4b564d01 }, { kind: 'wrmsr', index: 0x174, low: 0, high: 0 },
  { kind: 'descriptor-table', mnemonic: 'lgdt' }, { kind: 'task-switch', selector: 0x28, source: 'jmp' },
  exception(14, 2), exception(6, null), exception(2, null, 'nmi'), { kind: 'triple-fault' },
  { kind: 'external-interrupt' }, { kind: 'interrupt-window' }, { kind: 'nmi-window' }, { kind: 'monitor-trap' },
  { kind: 'preemption-timer' }, { kind: 'init-signal' }, { kind: 'sipi', vector: 8 }, { kind: 'rdrand', register: 0, size: 4 },
  { kind: 'rdseed', register: 0, size: 4 },
  { kind: 'second-stage', guestPhysical: 0xfee00000, linear: 0, final: true, access: 'read', size: 4 },
]; // prettier-ignore

test('without controls nothing leaves', () => {
  for (const event of EVENTS) assert.equal(goes({}, event), false, event.kind);
});

test('each control lets its own events leave and no others', () => {
  const all = UNCONDITIONAL;
  const cases: readonly (readonly [Partial<ExecutionControls>, readonly GuestEvent['kind'][]])[] = [
    [{ pinBased: PIN.EXTERNAL_INTERRUPT_EXITING }, ['external-interrupt']],
    [{ primary: PRIMARY.INTERRUPT_WINDOW_EXITING }, ['interrupt-window']],
    [{ primary: PRIMARY.HLT_EXITING }, ['hlt']],
    [{ primary: PRIMARY.INVLPG_EXITING }, ['invlpg']],
    [{ primary: PRIMARY.MWAIT_EXITING }, ['mwait']],
    [{ primary: PRIMARY.RDPMC_EXITING }, ['rdpmc']],
    [{ primary: PRIMARY.RDTSC_EXITING }, ['rdtsc', 'rdtscp']],
    [{ primary: PRIMARY.MOV_DR_EXITING }, ['dr-access']],
    [{ primary: PRIMARY.UNCONDITIONAL_IO_EXITING }, ['io']],
    [{ primary: PRIMARY.MONITOR_EXITING }, ['monitor']],
    [{ primary: PRIMARY.PAUSE_EXITING }, ['pause']],
    [{ ...ACTIVE, secondary: SECONDARY.ENABLE_EPT }, ['second-stage']],
    [{ ...ACTIVE, secondary: SECONDARY.DESCRIPTOR_TABLE_EXITING }, ['descriptor-table']],
    [{ ...ACTIVE, secondary: SECONDARY.WBINVD_EXITING }, ['wbinvd']],
    [{ ...ACTIVE, secondary: SECONDARY.RDRAND_EXITING }, ['rdrand']],
    [{ ...ACTIVE, secondary: SECONDARY.RDSEED_EXITING }, ['rdseed']],
    [{ primary: PRIMARY.NMI_WINDOW_EXITING }, ['nmi-window']],
    [{ primary: PRIMARY.MONITOR_TRAP_FLAG }, ['monitor-trap']],
    [{ pinBased: PIN.VMX_PREEMPTION_TIMER }, ['preemption-timer']],
    [{ signals: SIGNAL.INIT }, ['init-signal']],
    [{ signals: SIGNAL.SIPI }, ['sipi']],
    // without activation they are all zero (25.6.2)
    [{ secondary: -1 }, []],
    [{ unconditional: all.CPUID }, ['cpuid']],
    [{ unconditional: all.INVD }, ['invd']],
    [{ unconditional: all.VMCALL }, ['vmcall', 'vmmcall']],
    [{ unconditional: all.VMX_INSTRUCTIONS }, ['vmx-instruction']],
    [{ unconditional: all.TASK_SWITCH }, ['task-switch']],
    [{ unconditional: all.TRIPLE_FAULT }, ['triple-fault']],
    [{ unconditional: all.MSR }, ['rdmsr', 'rdmsr', 'wrmsr']],
  ];
  for (const [changes, expected] of cases) {
    const left = EVENTS.filter((event) => goes(changes, event)).map((event) => event.kind);
    assert.deepEqual(left, expected);
  }
});

test('exceptions leave by the exception bitmap, NMI by its own control (26.2)', () => {
  assert.equal(goes({ exceptionBitmap: 1 << 6 }, exception(6, null)), true);
  assert.equal(goes({ exceptionBitmap: 1 << 6 }, exception(13, 0)), false);
  assert.equal(goes({ exceptionBitmap: 1 << 2 }, exception(2, null, 'nmi')), false);
  assert.equal(goes({ pinBased: PIN.NMI_EXITING }, exception(2, null, 'nmi')), true);
});

test('page faults leave by bitmap, mask and match (26.2)', () => {
  const user = { pageFaultErrorMask: 4, pageFaultErrorMatch: 4 };
  // equal: the bit decides; not equal: its opposite
  assert.equal(goes({ ...user, exceptionBitmap: 1 << 14 }, exception(14, 6)), true);
  assert.equal(goes({ ...user, exceptionBitmap: 1 << 14 }, exception(14, 2)), false);
  assert.equal(goes({ ...user, exceptionBitmap: 0 }, exception(14, 6)), false);
  assert.equal(goes({ ...user, exceptionBitmap: 0 }, exception(14, 2)), true);
});

test('moves to CR0 and CR4 leave when a bit of the mask would differ from the shadow (26.1.3)', () => {
  // TS is the guest's: mask without bit 3
  const mask = { cr0Mask: 0xfffffff7 };
  assert.equal(goes(mask, cr(0, 'mov-to-cr', GUEST.cr0 | 8)), false);
  assert.equal(goes(mask, cr(0, 'mov-to-cr', GUEST.cr0 & ~1)), true);
  assert.equal(goes(mask, cr(0, 'mov-to-cr', GUEST.cr0 & 0x7fffffff)), true);
  assert.equal(goes({ ...mask, cr0Shadow: 0 }, cr(0, 'mov-to-cr', GUEST.cr0)), true);
  assert.equal(goes({ cr4Mask: 0x20 }, cr(4, 'mov-to-cr', 0x30)), true);
  assert.equal(goes({ cr4Mask: 0x20 }, cr(4, 'mov-to-cr', 0)), false);
  assert.equal(goes({ cr0Mask: 0xffffffff }, cr(0, 'mov-from-cr', 0)), false);
});

test('CLTS leaves if mask and shadow both have TS (26.1.3)', () => {
  assert.equal(goes({ cr0Mask: 8, cr0Shadow: 8 }, cr(0, 'clts', 0)), true);
  assert.equal(goes({ cr0Mask: 8, cr0Shadow: 0 }, cr(0, 'clts', 0)), false);
  assert.equal(goes({ cr0Mask: 0, cr0Shadow: 8 }, cr(0, 'clts', 0)), false);
});

test('LMSW leaves if it would set PE or change MP, EM or TS against the shadow (26.1.3)', () => {
  assert.equal(goes({ cr0Mask: 1, cr0Shadow: 0 }, cr(0, 'lmsw', 1)), true);
  assert.equal(goes({ cr0Mask: 1, cr0Shadow: 1 }, cr(0, 'lmsw', 1)), false);
  // it cannot clear PE
  assert.equal(goes({ cr0Mask: 1, cr0Shadow: 1 }, cr(0, 'lmsw', 0)), false);
  assert.equal(goes({ cr0Mask: 8, cr0Shadow: 8 }, cr(0, 'lmsw', 0)), true);
  // bits above 3 are not LMSW's
  assert.equal(goes({ cr0Mask: 0xfff0, cr0Shadow: 0 }, cr(0, 'lmsw', 0xfff0)), false);
});

test('moves to CR3 leave unless the value is a CR3 target', () => {
  const load = { primary: PRIMARY.CR3_LOAD_EXITING, cr3Targets: [0x1000] };
  assert.equal(goes(load, cr(3, 'mov-to-cr', 0x2000)), true);
  assert.equal(goes(load, cr(3, 'mov-to-cr', 0x1000)), false);
  assert.equal(goes(load, cr(3, 'mov-from-cr', 0)), false);
  assert.equal(goes({ primary: PRIMARY.CR3_STORE_EXITING }, cr(3, 'mov-from-cr', 0)), true);
});

test('the I/O bitmap decides by every port of the access and overrules unconditional exiting', () => {
  const bitmap = controls({ primary: PRIMARY.USE_IO_BITMAPS | PRIMARY.UNCONDITIONAL_IO_EXITING });
  bitmap.ioBitmap[0x3fb >> 3] |= 1 << (0x3fb & 7);
  bitmap.ioBitmap[0x8000 >> 3] |= 1;
  assert.equal(leaves(bitmap, io(0x3f8, 1), GUEST), false);
  assert.equal(leaves(bitmap, io(0x3f8, 4), GUEST), true);
  assert.equal(leaves(bitmap, io(0x3fb, 1), GUEST), true);
  assert.equal(leaves(bitmap, io(0x3fc, 2), GUEST), false);
  assert.equal(leaves(bitmap, io(0x7fff, 2), GUEST), true);
  // around the end of the port space
  assert.equal(leaves(bitmap, io(0xffff, 2), GUEST), true);
  assert.equal(leaves(bitmap, io(0xffff, 1), GUEST), false);
});

test('the MSR bitmap has four parts, and what is outside its ranges always leaves', () => {
  const bitmap = controls({ primary: PRIMARY.USE_MSR_BITMAPS, unconditional: UNCONDITIONAL.MSR });
  setMsrExiting(bitmap, 0x1fff, false, true);
  setMsrExiting(bitmap, 0xc0000080, true, true);
  const read = (index: number): boolean => leaves(bitmap, { kind: 'rdmsr', index }, GUEST);
  const write = (index: number): boolean =>
    leaves(bitmap, { kind: 'wrmsr', index, low: 0, high: 0 }, GUEST);
  assert.deepEqual([read(0x1fff), write(0x1fff), read(0x1ffe)], [true, false, false]);
  assert.deepEqual([read(0xc0000080), write(0xc0000080)], [false, true]);
  assert.deepEqual([read(0x2000), read(0xbfffffff), write(0xc0002000)], [true, true, true]);
  // 25.6.9: write bitmap for high MSRs at 3072; bit 0x80 is byte 16
  assert.equal(bitmap.msrBitmap[3072 + 16], 1);
  assert.equal(bitmap.msrBitmap[0x1fff >> 3], 0x80);
  assert.throws(() => setMsrExiting(bitmap, 0x4b564d00, false, true), RangeError);
});
