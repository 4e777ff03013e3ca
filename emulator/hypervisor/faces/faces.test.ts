/**
 * One event in its three faces. Expected values: SDM vol. 3, chapter 28 and appendix B; AMD APM vol. 2,
 * 15.6, 15.7, 15.10 and appendix B; linux/kvm.h of 2.6.20 and of today.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitReason } from '../exit-reasons.ts';
import type { GuestEvent } from '../../cpu/exit-hook.ts';
import type { VectoredEvent } from '../../cpu/processor.ts';
import { reasonOf } from '../exit-information.ts';
import { recordExit } from '../record-exit.ts';
import { exitCodeOf } from '../svm-information.ts';
import { TestVcpu } from '../test-vcpu.ts';
import type { VmExit } from '../vm-exit.ts';
import type { Face } from './face.ts';
import { kvmFace } from './kvm-face.ts';
import type { KvmContext } from './kvm-face.ts';
import { exitIntInfo, svmFace } from './svm-face.ts';
import { vmxFace } from './vmx-face.ts';

interface Setting {
  readonly length?: number;
  readonly vectoring?: VectoredEvent;
  readonly prepare?: (vcpu: TestVcpu) => void;
}

/** The exit for an event at EIP 1000h with IF set. */
function exitOf(event: GuestEvent, { length = 2, vectoring, prepare }: Setting = {}): VmExit {
  const vcpu = new TestVcpu();
  if (vectoring !== undefined) Object.assign(vcpu.processor, { vectoring });
  prepare?.(vcpu);
  return recordExit(vcpu, event, reasonOf(event) ?? -1, exitCodeOf(event), length, 0);
}

/** Values of a face by name. */
const valuesOf = ({ fields }: Face): Record<string, string> =>
  Object.fromEntries(fields.map(({ name, value }) => [name, value]));
function has(face: Face, wanted: { readonly [name: string]: string }): void {
  const values = valuesOf(face);
  const found = Object.fromEntries(Object.keys(wanted).map((name) => [name, values[name]]));
  assert.deepEqual(found, wanted);
}

const KVM: KvmContext = { release: 'today', hardware: 'vmx', isRam: (address) => address < 0x100000 }; // prettier-ignore
const OLD: KvmContext = { ...KVM, release: '2.6.20' };

type IoEvent = Extract<GuestEvent, { kind: 'io' }>;
const io = (port: number, size: 1 | 2 | 4, direction: 'in' | 'out', value = 0): IoEvent => ({ kind: 'io', port, size, direction, string: false, repeat: false, immediate: true, value, linear: 0, addressSize: 4 }); // prettier-ignore

test('OUT to the serial port: every face has the port and the value where it keeps them', () => {
  const exit = exitOf(io(0x3f8, 1, 'out', 0x41));
  const vmx = vmxFace(exit);
  assert.equal(vmx.title, 'IO_INSTRUCTION (30)');
  // table 28-5: size - 1, immediate (6), port (31:16)
  has(vmx, { 'Exit qualification': '0x03f80040', 'VM-exit instruction length': '0x2' });
  const places = vmx.fields.map(({ place }) => place);
  assert.deepEqual(places.slice(0, 2), ['4402h', '6400h']);
  assert.equal(new Set(places).size, places.length);
  const svm = svmFace(exit);
  assert.equal(svm.title, 'VMEXIT_IOIO (7Bh)');
  has(svm, { EXITINFO1: '0x0000000003f80110', EXITINFO2: '0x0000000000001002', nRIP: '0x00001002' }); // prettier-ignore
  const kvm = kvmFace(exit, KVM);
  assert.equal(kvm.title, 'KVM_EXIT_IO (2)');
  has(kvm, { 'io.direction': '1', 'io.size': '1', 'io.port': '0x03f8', 'io.count': '1', 'io.data_offset': '0x1000', data: '0x41', if_flag: '1' }); // prettier-ignore
});

test('KVM has its interrupt controllers and its timer in the kernel today, and had nothing there', () => {
  for (const port of [0x20, 0xa1, 0x40, 0x61, 0x4d0]) {
    assert.match(
      kvmFace(exitOf(io(port, 1, 'in')), KVM).title,
      /^handled in the kernel: the PI[CT]/,
    );
    assert.equal(kvmFace(exitOf(io(port, 1, 'in')), OLD).title, 'KVM_EXIT_IO (2)');
  }
  const cpuid = exitOf({ kind: 'cpuid' });
  assert.match(kvmFace(cpuid, KVM).title, /kvm_emulate_cpuid/);
  assert.equal(kvmFace(cpuid, OLD).title, 'KVM_EXIT_CPUID (3)');
  const hlt = exitOf({ kind: 'hlt' });
  assert.match(kvmFace(hlt, KVM).title, /^handled in the kernel/);
  assert.equal(kvmFace(hlt, OLD).title, 'KVM_EXIT_HLT (5)');
});

test('REP INS moves to the end of the page, at most 1024 bytes', () => {
  const rep = (linear: number, ecx: number): string => {
    const event = {
      ...io(0x1f0, 2, 'in'),
      string: true,
      repeat: true,
      linear,
      segment: 0,
    } as const;
    const exit = exitOf(event, { prepare: (vcpu) => { vcpu.setRegisters(0, ecx); } }); // prettier-ignore
    return valuesOf(kvmFace(exit, KVM))['io.count'];
  };
  assert.deepEqual([rep(0x8000, 256), rep(0x8000, 1000), rep(0x8ff0, 256), rep(0x8fff, 3)], ['256', '512', '8', '1']); // prettier-ignore
});

type MemoryEvent = Extract<GuestEvent, { kind: 'second-stage' }>;
const store = (guestPhysical: number): MemoryEvent => ({ kind: 'second-stage', guestPhysical, linear: 0xc0000010, final: true, access: 'write', size: 4, value: 0x12345678 }); // prettier-ignore

test('a store to a device: EPT violation, nested page fault, MMIO', () => {
  const exit = exitOf(store(0xe0000010), { length: 0 });
  has(vmxFace(exit), { 'Exit qualification': '0x00000182', 'Guest-physical address': '0x0e0000010', 'Guest-linear address': '0xc0000010' }); // prettier-ignore
  const bytes = new Uint8Array([0xc7, 0x05]);
  // W (1) and U (2); bit 32: the final address (15.25.6)
  has(svmFace(exit, bytes), { EXITINFO1: '0x0000000100000006', EXITINFO2: '0x00000000e0000010', nRIP: '0x00000000', 'Guest instruction bytes': '2 fetched' }); // prettier-ignore
  has(kvmFace(exit, KVM), { 'mmio.phys_addr': '0xe0000010', 'mmio.data': '78 56 34 12', 'mmio.len': '4', 'mmio.is_write': '1' }); // prettier-ignore
  assert.equal(
    kvmFace(exitOf(store(0xfee00300)), KVM).title,
    'handled in the kernel: the local APIC',
  );
  assert.match(kvmFace(exitOf(store(0x5000)), KVM).title, /kvm_mmu_page_fault/);
});

test('a store to a device page that is marked: EPT misconfiguration, whose access the hardware does not record', () => {
  const exit = exitOf({ ...store(0xe0000010), misconfigured: true }, { length: 0 });
  // 28.2.1: neither qualification nor linear address; 28.3.3: RF is saved as 1
  has(vmxFace(exit), { 'Exit qualification': '0x00000000', 'Guest-physical address': '0x0e0000010', 'Guest-linear address': '0x00000000', 'Guest RFLAGS': '0x00010202' }); // prettier-ignore
  has(kvmFace(exit, KVM), { 'mmio.data': '78 56 34 12', 'mmio.is_write': '1' });
  assert.equal(exitReason(exit.reason)?.decode.detail(exit), 'write, 4 bytes at physical 0xe0000010'); // prettier-ignore
});

test('in the middle of a delivery: IDT-vectoring information, EXITINTINFO, internal error', () => {
  const vectoring: VectoredEvent = { vector: 3, type: 'software-exception', errorCode: null, length: 1 }; // prettier-ignore
  const exit = exitOf(store(0xe0000ffc), { length: 0, vectoring });
  has(vmxFace(exit), { 'IDT-vectoring information': '0x80000603', 'VM-exit instruction length': '0x1' }); // prettier-ignore
  // 15.7.2: INT3 is an exception there
  assert.equal(exitIntInfo(exit), 0x80000303);
  const kvm = kvmFace(exit, KVM);
  assert.equal(kvm.title, 'KVM_EXIT_INTERNAL_ERROR (17)');
  has(kvm, {
    'internal.suberror': '3',
    'internal.data[0]': '0x80000603',
    'internal.data[1]': '48',
  });
  const fault: VectoredEvent = { vector: 13, type: 'exception', errorCode: 0x28, length: 0 };
  has(svmFace(exitOf(store(0xe0000ffc), { vectoring: fault })), {
    EXITINTINFO: '0x0000002880000b0d',
  });
});

test('what one of the two does not know', () => {
  const vmcall = exitOf({ kind: 'vmcall' }, { length: 3 });
  assert.deepEqual(svmFace(vmcall), { title: 'no EXITCODE: undefined under SVM', fields: [] });
  const pushf = exitOf({ kind: 'pushf' }, { length: 1 });
  assert.deepEqual(vmxFace(pushf), { title: 'no exit reason of VMX', fields: [] });
  has(svmFace(pushf), { EXITCODE: '0x00000070', nRIP: '0x00001001' });
});

test('INT3, INTO and BOUND save where they end, faults do not', () => {
  const exception = (vector: number, type: 'fault' | 'software', length: number): VmExit =>
    exitOf({ kind: 'exception', vector, errorCode: null, type, qualification: 0 }, { length });
  has(svmFace(exception(3, 'software', 1)), { EXITCODE: '0x00000043', nRIP: '0x00001001' });
  has(svmFace(exception(5, 'fault', 2)), { EXITCODE: '0x00000045', nRIP: '0x00001002' });
  has(svmFace(exception(6, 'fault', 0)), { EXITCODE: '0x00000046', nRIP: '0x00000000' });
  const fault = exitOf({ kind: 'exception', vector: 14, errorCode: 6, type: 'fault', qualification: 0x8000 }, { length: 0 }); // prettier-ignore
  has(svmFace(fault), { EXITINFO1: '0x0000000000000006', EXITINFO2: '0x0000000000008000' });
  assert.equal(kvmFace(exception(6, 'fault', 0), OLD).title, 'KVM_EXIT_EXCEPTION (1)');
});

test('a task switch with an error code: selector, kind and RF', () => {
  const event = { kind: 'task-switch', selector: 0x28, source: 'gate', errorCode: 0x13, flags: 0x10002 } as const; // prettier-ignore
  const exit = exitOf(event);
  // 15.14.1: 31:0 error code, 44 it is there, 48 RF
  has(svmFace(exit), { EXITINFO1: '0x0000000000000028', EXITINFO2: '0x0001100000000013' });
  has(vmxFace(exit), { 'Exit qualification': '0xc0000028' });
});

test("a triple fault is a shutdown, which 2.6.20 knew on AMD's processors alone", () => {
  const exit = exitOf({ kind: 'triple-fault' }, { length: 0 });
  assert.equal(svmFace(exit).title, 'VMEXIT_SHUTDOWN (7Fh)');
  assert.equal(kvmFace(exit, KVM).title, 'KVM_EXIT_SHUTDOWN (8)');
  assert.equal(kvmFace(exit, { ...OLD, hardware: 'svm' }).title, 'KVM_EXIT_SHUTDOWN (8)');
  has(kvmFace(exit, OLD), { exit_reason: '0', 'hw.hardware_exit_reason': '2' });
});

test('a VM entry that failed has bit 31 in its reason, and goes to user space', () => {
  const exit = { ...exitOf({ kind: 'hlt' }), reason: 33 };
  has(vmxFace(exit), { 'Exit reason': '0x80000021' });
  has(kvmFace(exit, KVM), { 'fail_entry.hardware_entry_failure_reason': '0x80000021' });
});
