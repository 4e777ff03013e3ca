import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as L from '../cpu/layout.ts';
import { TestVcpu } from '../hypervisor/test-vcpu.ts';
import type { ParavirtServices } from './abi.ts';
import { timeScale } from './kvm-clock.ts';
import { KvmInterface } from './kvm.ts';

const START_DATE = 1_700_000_000.5;

function machine(changes: Partial<ParavirtServices> = {}) {
  const vcpu = new TestVcpu();
  const ipis: string[] = [];
  const services: ParavirtServices = {
    memory: vcpu,
    now: () => 5_000_000_000,
    timestamp: () => ({ low: 0x2a05f200, high: 7 }),
    timestampHz: 1_000_000_000,
    startDate: START_DATE,
    localApic: {
      sendIpi: (apicId, vector, mode) => {
        ipis.push(`${apicId} ${vector} ${mode}`);
        return apicId === 0;
      },
      tryAutoEoi: () => void ipis.push('tryAutoEoi'),
    },
    kick: (apicId) => {
      if (apicId === 0) kvm.kick();
    },
    apicId: 0,
    features: {},
    oldProfile: false,
    yieldTo: (apicId) => void ipis.push(`yield to ${apicId}`),
    flushTlb: (global) => void ipis.push(`flush ${global ? 'all' : ''}`.trimEnd()),
    ...changes,
  };
  const kvm: KvmInterface = new KvmInterface(services);
  const view = new DataView(vcpu.ram.buffer);
  const words = (address: number, count: number): readonly number[] =>
    Array.from({ length: count }, (_, index) => view.getUint32(address + index * 4, true));
  /** Makes a hypercall; returns EAX, signed. */
  const call = (nr: number, a0 = 0, a1 = 0, a2 = 0, a3 = 0): number => {
    vcpu.setRegisters(nr, a1, a2, a0, a3);
    kvm.hypercall(vcpu);
    // hypercalls.rst: only EAX changes
    assert.deepEqual(
      [3, 1, 2, 6].map((number) => vcpu.state.gpr(number, 4)),
      [a0, a1, a2, a3],
    );
    return vcpu.state.gpr(0, 4) | 0;
  };
  const set = (index: number, low: number, high = 0) => kvm.writeMsr(index, { low, high });
  return { vcpu, kvm, ipis, view, words, call, set };
}

test('the signature leaf spells KVMKVMKVM (cpuid.rst)', () => {
  const { kvm } = machine();
  const leaf = kvm.cpuid(0x40000000) ?? assert.fail();
  assert.equal(leaf.eax, 0x40000001);
  const text = [leaf.ebx, leaf.ecx, leaf.edx].flatMap((word) =>
    [0, 8, 16, 24].map((shift) => String.fromCharCode((word >>> shift) & 0xff)),
  );
  assert.equal(text.join(''), 'KVMKVMKVM\0\0\0');
  assert.equal(kvm.cpuid(0x40000002), null);
  assert.equal(kvm.cpuid(0x40000100), null);
});

test('offered are the features that work; those of a local APIC only where there is one', () => {
  // cpuid.rst: bits 0 1 3 5 7 9 12 13 24, and 4 6 11 14
  assert.deepEqual(machine().kvm.cpuid(0x40000001), { eax: 0x01007afb, ebx: 0, ecx: 0, edx: 0 });
  const without = new KvmInterface({
    memory: new TestVcpu(),
    now: () => 0,
    timestamp: () => ({ low: 0, high: 0 }),
    timestampHz: 1_000_000_000,
    startDate: 0,
    kick: () => undefined,
    apicId: 0,
    features: {},
    oldProfile: false,
    yieldTo: () => undefined,
    flushTlb: () => undefined,
  });
  assert.equal(without.cpuid(0x40000001)?.eax, 0x010032ab);
  assert.equal(without.writeMsr(0x4b564d04, { low: 0x1001, high: 0 }), 'fault');
});

test("the time scale is KVM's: 32-bit fraction and shift", () => {
  assert.deepEqual(timeScale(1_000_000_000), { shift: 1, mul: 0x80000000 });
  // worked by hand from kvm_get_time_scale(): 2.5 GHz halves once, 2^32 / 1.25
  assert.deepEqual(timeScale(2_500_000_000), { shift: -1, mul: 3435973836 });
  for (const hz of [
    1_000_000, 999_999_999, 1_193_182, 2_000_000_001, 3_999_999_937, 123_456_789_012,
  ]) {
    const { shift, mul } = timeScale(hz);
    const seconds = (hz * 2 ** shift * mul) / 2 ** 32 / 1e9;
    assert.ok(Math.abs(seconds - 1) < 1e-8, `${hz}: ${seconds}`);
    assert.ok(mul >= 0x80000000 / 2 && mul <= 0xffffffff, `${hz}`);
  }
});

test('the clock page is complete and its version even (msr.rst)', () => {
  for (const msr of [0x12, 0x4b564d01]) {
    const { kvm, view, words, set } = machine();
    view.setUint32(0x1000, 6, true);
    assert.equal(set(msr, 0x1001), 'done');
    // version, pad, tsc_timestamp, system_time 5 s, mul, shift 1 and TSC-stable
    assert.deepEqual(words(0x1000, 8), [8, 0, 0x2a05f200, 7, 0x2a05f200, 1, 0x80000000, 0x0101]);
    assert.deepEqual(kvm.readMsr(msr), { low: 0x1001, high: 0 });
    // both numbers are one register
    assert.deepEqual(kvm.readMsr(msr === 0x12 ? 0x4b564d01 : 0x12), { low: 0x1001, high: 0 });
  }
});

test('a clock page left with an odd version becomes even', () => {
  const { view, words, set } = machine();
  view.setUint32(0x1000, 0xffffffff, true);
  set(0x4b564d01, 0x1001);
  assert.deepEqual(words(0x1000, 1), [2]);
});

test('the clock page follows the TSC while it is enabled', () => {
  let low = 100;
  const { kvm, words, set } = machine({ timestamp: () => ({ low, high: 0 }) });
  set(0x4b564d01, 0x2001);
  low = 5;
  kvm.timestampChanged();
  assert.deepEqual(words(0x2000, 4), [4, 0, 5, 0]);
  set(0x4b564d01, 0);
  low = 9;
  kvm.timestampChanged();
  assert.deepEqual(words(0x2000, 4), [4, 0, 5, 0]);
});

test('the wall clock is the date of power-on', () => {
  for (const msr of [0x11, 0x4b564d00]) {
    const { words, set } = machine();
    assert.equal(set(msr, 0x1800), 'done');
    assert.deepEqual(words(0x1800, 4), [2, 1_700_000_000, 500_000_000, 0]);
  }
});

test('a wall clock at address 0 is none', () => {
  const { words, set } = machine();
  assert.equal(set(0x4b564d00, 0), 'done');
  assert.deepEqual(words(0, 3), [0, 0, 0]);
});

test('steal time has nothing stolen, is aligned, and needs its reserved bits clear', () => {
  const { kvm, vcpu, words, set, view } = machine();
  view.setUint32(0x1040, 0x1234, true);
  vcpu.ram[0x1050] = 1;
  assert.equal(set(0x4b564d03, 0x1041), 'done');
  assert.deepEqual(words(0x1040, 5), [0x1234, 0, 2, 0, 0]);
  for (const reserved of [2, 4, 8, 16, 32]) {
    assert.equal(set(0x4b564d03, 0x1041 | reserved), 'fault');
  }
  assert.deepEqual(kvm.readMsr(0x4b564d03), { low: 0x1041, high: 0 });
});

test('guest addresses that are no RAM write nothing and throw nothing', () => {
  const { kvm, vcpu, set } = machine();
  const before = vcpu.ram.slice();
  // the end of RAM, beyond it, the top of 32 bits, and 64-bit ones
  for (const [low, high] of [
    [0x3ff1, 0],
    [0x4001, 0],
    [0xffffffff, 0],
    [0x1001, 1],
    [0xffffffc1, 0xffffffff],
  ] as const) {
    assert.equal(set(0x4b564d01, low, high), 'done');
    assert.equal(set(0x4b564d00, (low & ~1) | 0x3ffc, high), 'done');
    assert.equal(set(0x4b564d03, ((low & ~0x3f) | 1) >>> 0, high | 1), 'done');
    kvm.timestampChanged();
  }
  assert.deepEqual(vcpu.ram, before);
});

test('the EOI word must be aligned RAM', () => {
  const { kvm, set, ipis } = machine();
  assert.equal(set(0x4b564d04, 0x1003), 'fault');
  assert.equal(set(0x4b564d04, 0x4001), 'fault');
  assert.equal(set(0x4b564d04, 0x1001, 1), 'fault');
  assert.deepEqual(kvm.readMsr(0x4b564d04), { low: 0, high: 0 });
  assert.deepEqual(ipis, []);
  assert.equal(set(0x4b564d04, 0x3ffd), 'done');
  // an offer at the old place is settled first
  assert.deepEqual(ipis, ['tryAutoEoi']);
});

test('an interrupt is ended by clearing the word', () => {
  const { kvm, vcpu, set } = machine();
  assert.equal(kvm.autoEoi.offer(), false);
  assert.equal(kvm.autoEoi.withdraw(), false);
  set(0x4b564d04, 0x1001);
  assert.equal(kvm.autoEoi.offer(), true);
  assert.equal(vcpu.ram[0x1000], 1);
  // not used: taken back
  assert.equal(kvm.autoEoi.withdraw(), false);
  assert.equal(vcpu.ram[0x1000], 0);
  kvm.autoEoi.offer();
  vcpu.ram[0x1000] = 0;
  assert.equal(kvm.autoEoi.withdraw(), true);
});

test('poll control takes bit 0 alone and starts as 1', () => {
  const { kvm, set } = machine();
  assert.deepEqual(kvm.readMsr(0x4b564d05), { low: 1, high: 0 });
  assert.equal(set(0x4b564d05, 0), 'done');
  assert.equal(set(0x4b564d05, 2), 'fault');
  assert.equal(set(0x4b564d05, 1, 1), 'fault');
  assert.deepEqual(kvm.readMsr(0x4b564d05), { low: 0, high: 0 });
});

test("KVM's range is #GP where it has nothing to offer, other registers are not KVM's", () => {
  const { kvm, set } = machine();
  for (const index of [0x4b564d08, 0x4b564d09, 0x4b564dff]) {
    assert.equal(kvm.readMsr(index), 'fault');
    assert.equal(set(index, 1), 'fault');
  }
  for (const index of [0x10, 0x4b564cff, 0x4b564e00, 0xc0000080]) {
    assert.equal(kvm.readMsr(index), null);
    assert.equal(set(index, 1), null);
  }
  assert.equal(kvm.describeMsr(0x4b564d03, null)?.name, 'MSR_KVM_STEAL_TIME');
  assert.equal(kvm.describeMsr(0x4b564d03, { low: 0x1041, high: 0 })?.text, 'on, at 0x1040');
  assert.equal(kvm.describeMsr(0x10, null), null);
});

test('hypercalls return what kvm_para.h and hypercalls.rst say', () => {
  const { call, ipis } = machine();
  assert.equal(call(1), 0);
  assert.equal(call(11, 0), 0);
  assert.deepEqual(ipis, ['yield to 0']);
  // -KVM_ENOSYS: unknown, deprecated, of other architectures, not offered
  for (const nr of [0, 2, 3, 4, 6, 7, 8, 12, 13, 0xffffffff]) assert.equal(call(nr), -1000);
});

test('hypercalls from user mode are -KVM_EPERM', () => {
  const { vcpu, call } = machine();
  vcpu.state.set(L.CPL, 3);
  assert.equal(call(1), -1);
  assert.equal(call(99), -1);
});

test('a kick lets the next HLT pass, once', () => {
  const { kvm, call } = machine();
  assert.equal(kvm.mayHalt(), true);
  assert.equal(call(5, 0, 0), 0);
  assert.equal(kvm.mayHalt(), false);
  assert.equal(kvm.mayHalt(), true);
  // there is no other vCPU
  assert.equal(call(5, 0, 1), 0);
  assert.equal(kvm.mayHalt(), true);
});

test('interprocessor interrupts go to every bit of both bitmaps (hypercalls.rst, 7)', () => {
  const { call, ipis } = machine();
  // bits 0 and 31 of the first, bit 0 of the second: APIC IDs 0, 31 and 32; one processor takes it
  assert.equal(call(10, 0x80000001, 1, 0, 0xfd), 1);
  assert.deepEqual(ipis.splice(0), ['0 253 0', '31 253 0', '32 253 0']);
  assert.equal(call(10, 2, 0, 5, 0x4fd), 0);
  assert.deepEqual(ipis.splice(0), ['6 253 4']);
  // logical destination or shorthand: -KVM_EINVAL
  assert.equal(call(10, 1, 0, 0, 0x8fd), -22);
  assert.equal(call(10, 1, 0, 0, 0x400fd), -22);
  // 255 is no ID but a broadcast, and there is nothing above
  assert.equal(call(10, 0xffffffff, 0xffffffff, 254, 0xfd), 0);
  assert.deepEqual(ipis.splice(0), ['254 253 0']);
  assert.equal(call(10, 0xffffffff, 0xffffffff, 0xffffffff, 0xfd), 0);
  assert.deepEqual(ipis, []);
});

test('clock pairing writes date and TSC of one moment', () => {
  const { call, words } = machine();
  assert.equal(call(9, 0x1000, 0), 0);
  // start date 1700000000.5 and 5 s of virtual time
  assert.deepEqual(words(0x1000, 7), [1_700_000_005, 0, 500_000_000, 0, 0x2a05f200, 7, 0]);
  assert.equal(call(9, 0x1000, 1), -95);
  assert.equal(call(9, 0x3fc4, 0), -14);
  assert.equal(call(9, 0xffffffff, 0), -14);
});

test('hypercalls are described by name and arguments', () => {
  const describe = (eax: number): string =>
    machine().kvm.describeHypercall({ eax, ebx: 1, ecx: 2, edx: 3, esi: 4 }).text;
  assert.equal(describe(5), 'KVM_HC_KICK_CPU(flags 0x1, apic_id 0x2)');
  assert.equal(
    describe(10),
    'KVM_HC_SEND_IPI(bitmap_low 0x1, bitmap_high 0x2, min 0x3, icr 0x4): fixed, vector 0x4, to APIC IDs 3 36',
  );
  assert.equal(describe(1), 'KVM_HC_VAPIC_POLL_IRQ()');
  assert.equal(describe(99), 'unknown 99(0x1, 0x2, 0x3, 0x4)');
});

test('state can be taken, put back and reset', () => {
  const one = machine();
  one.set(0x4b564d01, 0x1001);
  one.set(0x4b564d04, 0x1041);
  one.call(5);
  const saved = JSON.parse(JSON.stringify(one.kvm.state())) as ReturnType<KvmInterface['state']>;
  const two = machine();
  two.kvm.restore(saved);
  assert.deepEqual(two.kvm.state(), one.kvm.state());
  assert.deepEqual(two.kvm.readMsr(0x4b564d01), { low: 0x1001, high: 0 });
  assert.equal(two.kvm.mayHalt(), false);
  two.kvm.reset();
  assert.deepEqual(two.kvm.state(), machine().kvm.state());
  assert.throws(() => two.kvm.restore({ version: 3 }), RangeError);
  assert.throws(() => two.kvm.restore({ version: 2, kicked: false, stolen: 0 }), RangeError);
  assert.throws(
    () =>
      two.kvm.restore({ version: 2, kicked: false, stolen: 0, registers: { wallClock: [1, 'x'] } }),
    RangeError,
  );
});
