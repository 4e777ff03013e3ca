import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AWAITED } from '../cpu/exit-hook.ts';
import type { GuestEvent } from '../cpu/exit-hook.ts';
import * as L from '../cpu/layout.ts';
import { FLAG } from '../cpu/state.ts';
import type { GuestInterface, Wide } from './guest-interface.ts';
import { NO_COUNTS } from './exit-statistics.ts';
import { Hypervisor } from './hypervisor.ts';
import { controlsFor } from './profiles.ts';
import { TestVcpu } from './test-vcpu.ts';

/** An interface that owns leaf 0x40000000 and MSR 0x4b564d01. */
class TestInterface implements GuestInterface {
  readonly name = 'test';
  readonly log: string[] = [];
  kicked = false;
  cpuid(leaf: number) {
    return leaf === 0x40000000 ? { eax: 1, ebx: 2, ecx: 3, edx: 4 } : null;
  }
  readMsr(index: number): Wide | 'fault' | null {
    if (index === 0x4b564d02) return 'fault';
    return index === 0x4b564d01 ? { low: 0x11, high: 0x22 } : null;
  }
  writeMsr(index: number, { low, high }: Wide): 'done' | 'fault' | null {
    this.log.push(`msr ${index.toString(16)} ${high}:${low}`);
    if (index === 0x4b564d02) return 'fault';
    return index === 0x4b564d01 ? 'done' : null;
  }
  hypercall(): void {
    this.log.push('hypercall');
  }
  describeMsr(index: number, value: Wide | null) {
    if (index !== 0x4b564d01) return null;
    return { name: 'TEST_MSR', meaning: '', text: value === null ? null : `says ${value.low}` };
  }
  leafName(leaf: number): string | null {
    return leaf === 0x40000000 ? 'TEST_LEAF' : null;
  }
  timestampChanged(): void {
    this.log.push('timestamp');
  }
  describeResult(eax: number): string {
    return String(eax);
  }
  describeHypercall({ eax }: { readonly eax: number }) {
    return { number: eax, name: 'CALL', meaning: '', text: `CALL ${eax}` };
  }
  mayHalt(): boolean {
    return !this.kicked;
  }
  pageNotPresent(): 'told' {
    return 'told';
  }
}

function machine(guestInterface: GuestInterface | null = null, exits = {}, profile = 'kvm-ept') {
  const result = controlsFor({ interface: 'bare', profile, exits });
  if (!('controls' in result)) return assert.fail(result.problem.message);
  const vcpu = new TestVcpu();
  const hypervisor = new Hypervisor(result.controls, guestInterface);
  hypervisor.attach(vcpu);
  /** Offers an event, resolves the exit, and tells what the vCPU had to do. */
  const through = (event: GuestEvent, length = 2): readonly string[] => {
    assert.equal(hypervisor.offer(event, length), true, event.kind);
    hypervisor.resolve();
    return vcpu.calls.splice(0);
  };
  return { vcpu, hypervisor, through };
}

const wantsWindow = ({ awaits }: Hypervisor): boolean => (awaits & AWAITED.INTERRUPT_WINDOW) !== 0;
const INTERRUPT = { kind: 'external-interrupt' } as const;
const WINDOW = { kind: 'interrupt-window' } as const;

test('an exit keeps what the guest was about to do', () => {
  const { vcpu, hypervisor } = machine();
  vcpu.setRegisters(0x40000000, 1, 2, 3, 4);
  vcpu.state.setSegment(L.SEGMENT.CS, {
    selector: 8,
    rights: 0xc09b,
    base: 0xf0000,
    limit: 0xffffffff,
  });
  vcpu.retired = 77;
  assert.equal(hypervisor.offer({ kind: 'cpuid' }, 2), true);
  assert.deepEqual(hypervisor.pending, {
    vcpu: 0, reason: 10, qualification: 0, instructionLength: 2, instructionInformation: 0, guestLinear: 0, guestPhysical: 0,
    interruptionInformation: 0, interruptionErrorCode: 0, idtVectoringInformation: 0, idtVectoringErrorCode: 0,
    operand: 0, accessSize: 0, interruptibility: 0, activity: 0, pendingDebug: 0, eflags: 0x202,
    exitCode: 0x72, exitInfo1: 0, exitInfo1High: 0, exitInfo2: 0, nextRip: 0x1002, event: { kind: 'cpuid' }, rip: 0x1000, csBase: 0xf0000, cpl: 0, eax: 0x40000000, ebx: 3, ecx: 1, edx: 2, esi: 4,
    position: 77, ordinal: 0,
  }); // prettier-ignore
  assert.deepEqual(hypervisor.describe(hypervisor.pending), {
    ordinal: 0, position: 77, reason: 10, name: 'CPUID', qualification: 0, detail: 'leaf 0x40000000',
    fields: { leaf: 0x40000000, subleaf: 1 }, rip: 0x1000, linearRip: 0xf1000, instructionLength: 2, cpl: 0,
  }); // prettier-ignore
  assert.throws(() => hypervisor.offer({ kind: 'hlt' }, 1), /Second VM exit \(hlt\) at EIP 0x1000/);
  hypervisor.resolve();
  assert.equal(hypervisor.pending, null);
  assert.throws(() => hypervisor.resolve(), /without a VM exit/);
});

test('on a bare machine nothing leaves', () => {
  const { hypervisor } = machine(null, {}, 'bare');
  assert.equal(hypervisor.offer({ kind: 'cpuid' }, 2), false);
  assert.equal(hypervisor.offer({ kind: 'triple-fault' }, 0), false);
  assert.equal(hypervisor.offer(INTERRUPT, 0), false);
  assert.equal(hypervisor.log.total, 0);
});

test('CPUID shows the model, the hypervisor bit and the interface', () => {
  const test = new TestInterface();
  const { vcpu, through } = machine(test);
  const cpuid = (leaf: number, subleaf = 0): readonly number[] => {
    vcpu.setRegisters(leaf, subleaf, 0, 0);
    assert.deepEqual(through({ kind: 'cpuid' }), ['skip 2']);
    return [0, 3, 1, 2].map((number) => vcpu.state.gpr(number, 4));
  };
  assert.deepEqual(cpuid(4, 9), [4, 9, 5, 6]);
  assert.deepEqual(cpuid(1), [1, 0, 0x80000005, 6]);
  assert.deepEqual(cpuid(0x40000000), [1, 2, 3, 4]);
  // beyond the interface's leaves: the highest basic leaf
  assert.deepEqual(cpuid(0x40000100, 7), [0xd, 7, 5, 6]);
  const bare = machine(null);
  bare.vcpu.setRegisters(1);
  bare.through({ kind: 'cpuid' });
  assert.equal(bare.vcpu.state.gpr(1, 4), 5);
});

test('CPUID uses the registers of the moment it is resolved, which a debugger may have changed', () => {
  const { vcpu, hypervisor } = machine();
  vcpu.setRegisters(1);
  hypervisor.offer({ kind: 'cpuid' }, 2);
  vcpu.setRegisters(4);
  hypervisor.resolve();
  assert.equal(vcpu.state.gpr(0, 4), 4);
});

test('instructions are emulated, skipped or refused', () => {
  const { through } = machine(null, {
    rdtsc: true,
    invlpg: true,
    pause: true,
    descriptorTables: true,
  });
  const cr3 = {
    kind: 'cr-access',
    register: 0,
    access: 'mov-to-cr',
    gpr: 0,
    value: 0xff,
    linear: -1,
  } as const;
  const out = { kind: 'io', port: 0x80, size: 1, direction: 'out', string: false, repeat: false, immediate: true, value: 0, linear: 0 } as const; // prettier-ignore
  assert.deepEqual(through({ kind: 'rdtsc' }), ['emulate']);
  assert.deepEqual(through({ kind: 'invlpg', linear: 0x1000 }, 3), ['emulate']);
  assert.deepEqual(through(cr3, 3), ['emulate']);
  assert.deepEqual(through(out), ['emulate']);
  assert.deepEqual(through({ kind: 'dr-access', register: 7, access: 'mov-to-dr', gpr: 0 }, 3), [
    'emulate',
  ]);
  assert.deepEqual(through({ kind: 'descriptor-table', mnemonic: 'lgdt' }, 3), ['emulate']);
  assert.deepEqual(through({ kind: 'rdmsr', index: 0x1b }), ['emulate']);
  assert.deepEqual(through({ kind: 'wbinvd' }), ['skip 2']);
  assert.deepEqual(through({ kind: 'pause' }), ['skip 2']);
  assert.deepEqual(through({ kind: 'mwait' }, 3), ['skip 3']);
  assert.deepEqual(through({ kind: 'vmx-instruction', mnemonic: 'vmxon' }, 4), [
    'exception 6 - fault 0 0',
  ]);
});

test('hypercalls go to the interface; without one they are #UD', () => {
  const test = new TestInterface();
  assert.deepEqual(machine(test).through({ kind: 'vmcall' }, 3), ['skip 3']);
  assert.deepEqual(machine(test).through({ kind: 'vmmcall' }, 3), ['skip 3']);
  assert.deepEqual(test.log, ['hypercall', 'hypercall']);
  assert.deepEqual(machine(null).through({ kind: 'vmcall' }, 3), ['exception 6 - fault 0 0']);
});

test("MSRs are the interface's, or its #GP, or the processor's", () => {
  const test = new TestInterface();
  const { vcpu, through } = machine(test);
  vcpu.setRegisters(0, 0x4b564d01);
  assert.deepEqual(through({ kind: 'rdmsr', index: 0x4b564d01 }), ['skip 2']);
  assert.deepEqual([vcpu.state.gpr(0, 4), vcpu.state.gpr(2, 4)], [0x11, 0x22]);
  vcpu.setRegisters(7, 0x4b564d01, 8);
  assert.deepEqual(through({ kind: 'wrmsr', index: 0x4b564d01, low: 7, high: 8 }), ['skip 2']);
  vcpu.setRegisters(7, 0x4b564d02, 8);
  assert.deepEqual(through({ kind: 'rdmsr', index: 0x4b564d02 }), ['exception 13 0 fault 0 0']);
  assert.deepEqual(through({ kind: 'wrmsr', index: 0x4b564d02, low: 7, high: 8 }), [
    'exception 13 0 fault 0 0',
  ]);
  vcpu.setRegisters(5, 0x10, 0);
  assert.deepEqual(through({ kind: 'wrmsr', index: 0x10, low: 5, high: 0 }), ['emulate']);
  assert.deepEqual(test.log, ['msr 4b564d01 8:7', 'msr 4b564d02 8:7', 'msr 10 0:5', 'timestamp']);
});

test('exceptions that leave come back as they were', () => {
  const { through } = machine(null, { exceptions: true });
  const fault = {
    kind: 'exception',
    vector: 14,
    errorCode: 6,
    type: 'fault',
    qualification: 0xc0000000,
  } as const;
  assert.deepEqual(through(fault, 3), ['exception 14 6 fault 3221225472 0']);
  const int3 = {
    kind: 'exception',
    vector: 3,
    errorCode: null,
    type: 'software',
    qualification: 0,
  } as const;
  assert.deepEqual(through(int3, 1), ['exception 3 - software 0 1']);
});

test('a triple fault stops the machine and nothing is injected after it', () => {
  const { vcpu, through } = machine();
  vcpu.interrupts.push(0x20);
  assert.deepEqual(through({ kind: 'triple-fault' }), ['shutdown']);
});

test('a triple fault while an exit is resolved is the next exit', () => {
  const { vcpu, hypervisor } = machine(null, { exceptions: true });
  vcpu.injectException = () => void hypervisor.offer({ kind: 'triple-fault' }, 0);
  vcpu.interrupts.push(0x20);
  hypervisor.offer(
    { kind: 'exception', vector: 13, errorCode: 0, type: 'fault', qualification: 0 },
    0,
  );
  hypervisor.resolve();
  assert.equal(hypervisor.pending?.reason, 2);
  assert.deepEqual(vcpu.calls, []);
  hypervisor.resolve();
  assert.deepEqual(vcpu.calls, ['shutdown']);
});

test('an access behind the second stage is emulated, or the delivery that made it repeated', () => {
  const { vcpu, through } = machine();
  const access = { kind: 'second-stage', guestPhysical: 0xfee000b0, linear: 0xffffb0b0, final: true, access: 'write', size: 4 } as const; // prettier-ignore
  assert.deepEqual(through(access, 0), ['emulate']);
  vcpu.processor.vectoring = { vector: 0x20, type: 'external', errorCode: null, length: 0 };
  assert.deepEqual(through(access, 0), ['redeliver']);
  assert.equal(vcpu.processor.vectoring, null);
});

test('an interrupt leaves once and goes in at the entry', () => {
  const { vcpu, hypervisor, through } = machine();
  vcpu.interrupts.push(0x31);
  assert.deepEqual(through(INTERRUPT, 0), ['interrupt 49']);
  assert.equal(wantsWindow(hypervisor), false);
});

test('an interrupt that the guest cannot take waits for the window', () => {
  const { vcpu, hypervisor, through } = machine();
  vcpu.state.systemFlags = 0;
  vcpu.interrupts.push(0x31);
  assert.deepEqual(through(INTERRUPT, 0), []);
  assert.equal(wantsWindow(hypervisor), true);
  // no second exit for the same assertion
  assert.equal(hypervisor.offer(INTERRUPT, 0), false);
  vcpu.state.systemFlags = FLAG.IF;
  assert.deepEqual(through(WINDOW, 0), ['interrupt 49']);
  assert.equal(wantsWindow(hypervisor), false);
  assert.equal(hypervisor.offer(WINDOW, 0), false);
});

test('the window closes when the interrupt has gone away', () => {
  const { vcpu, hypervisor, through } = machine();
  vcpu.shadow = true;
  vcpu.interrupts.push(0x31);
  through(INTERRUPT, 0);
  vcpu.interrupts.length = 0;
  vcpu.shadow = false;
  assert.deepEqual(through(WINDOW, 0), []);
  assert.equal(wantsWindow(hypervisor), false);
});

test('a second interrupt behind the first asks for the window', () => {
  const { vcpu, hypervisor, through } = machine();
  vcpu.interrupts.push(0x31, 0x30);
  assert.deepEqual(through(INTERRUPT, 0), ['interrupt 49']);
  assert.equal(wantsWindow(hypervisor), true);
});

test('an interrupt raised during another exit goes in at its entry', () => {
  const { vcpu, through } = machine();
  vcpu.interrupts.push(0x20);
  assert.deepEqual(through({ kind: 'wbinvd' }), ['skip 2', 'interrupt 32']);
});

test('HLT blocks in the hypervisor, where an interrupt needs no exit', () => {
  const { vcpu, hypervisor, through } = machine();
  assert.deepEqual(through({ kind: 'hlt' }, 1), ['skip 1', 'halt']);
  vcpu.interrupts.push(0x20);
  // the processor delivers it: that is the entry
  assert.equal(hypervisor.offer(INTERRUPT, 0), false);
});

test('HLT with an interrupt already there does not stay blocked, even behind STI', () => {
  const { vcpu, through } = machine();
  vcpu.shadow = true;
  vcpu.interrupts.push(0x20);
  assert.deepEqual(through({ kind: 'hlt' }, 1), ['skip 1', 'halt', 'interrupt 32']);
  assert.equal(vcpu.state.get(L.ACTIVITY), 0);
});

test('a kicked vCPU does not block, and a native HLT is left by an exit', () => {
  const test = new TestInterface();
  test.kicked = true;
  assert.deepEqual(machine(test).through({ kind: 'hlt' }, 1), ['skip 1']);
  const native = machine(null, { hlt: false });
  native.vcpu.state.set(L.ACTIVITY, 1);
  native.vcpu.interrupts.push(0x20);
  assert.deepEqual(native.through(INTERRUPT, 0), ['interrupt 32']);
});

test('an exit is dropped when the debugger has moved the instruction pointer', () => {
  const { vcpu, hypervisor } = machine();
  hypervisor.offer({ kind: 'cpuid' }, 2);
  vcpu.state.eip = 0x2000;
  hypervisor.resolve();
  assert.deepEqual(vcpu.calls, []);
  assert.equal(vcpu.state.eip, 0x2000);
});

test('state can be taken and put back', () => {
  const one = machine();
  one.vcpu.state.systemFlags = 0;
  one.vcpu.interrupts.push(0x31);
  one.through(INTERRUPT, 0);
  one.through({ kind: 'wbinvd' });
  const saved = JSON.parse(JSON.stringify(one.hypervisor.state())) as ReturnType<
    Hypervisor['state']
  >;
  const two = machine();
  two.hypervisor.restore(saved);
  assert.equal(wantsWindow(two.hypervisor), true);
  assert.deepEqual(two.hypervisor.log.countsByName(), { EXTERNAL_INTERRUPT: 1, WBINVD: 1 });
  assert.deepEqual(two.hypervisor.log.read(0, 10), []);
  two.through({ kind: 'wbinvd' });
  assert.deepEqual(
    two.hypervisor.log.read(0, 10).map((exit) => exit.ordinal),
    [2],
  );
  two.hypervisor.reset();
  assert.deepEqual(two.hypervisor.state(), {
    version: 1,
    log: { exits: 0, counts: NO_COUNTS },
    injection: { vector: -1, nmi: false, interruptWindow: false, nmiWindow: false },
  });
});
