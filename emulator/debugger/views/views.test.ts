/** The views of the machine, against the processor's own translation and entries spelled out in the manual. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listing, protectedGuest, type TestGuest } from '../testing/test-guest.ts';
import type { Detail } from './detail.ts';
import { viewNames } from './views.ts';

const HALTED = listing(`
  start:
  100040  f4                        hlt
`);
const DIRECTORY = 0x200000;
const TABLES = 0x210000;

const find = (rows: readonly Detail[], name: string): Detail => {
  const row = rows.find((each) => each.name === name);
  assert.ok(row, `no ${name} in ${rows.map((each) => each.name).join(', ')}`);
  return row;
};
const names = (rows: readonly Detail[]): readonly string[] => rows.map(({ name }) => name);

function write(guest: TestGuest, address: number, words: readonly number[]): void {
  const bytes = new Uint8Array(Uint32Array.from(words).buffer);
  assert.equal(guest.port.writeMemory('physical', address, bytes), bytes.length);
}

/** Numbers that look random and are always the same. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

/** Fills tables with entries of all kinds, of which the first maps the low 4 MiB to themselves. */
function fill(guest: TestGuest, seed: number, wide: boolean): void {
  const next = numbers(seed);
  const number = (): number => next.next().value as number;
  const entry = (target: number): number[] => {
    const bits = number() >>> 20;
    const low = (target | (bits & 0xe7f)) >>> 0;
    return wide ? [low & ~0x80, (number() >>> 31) << 31] : [low & ~0x80];
  };
  const large = (): number[] => (wide ? [0xe00000 | 0xe7, 0] : [0x1800000 | 0xe7]);
  const perTable = wide ? 512 : 1024;
  for (let table = 0; table < 4; table++) {
    const words: number[] = [];
    for (let index = 0; index < perTable; index++) words.push(...entry((number() % 1024) << 12));
    write(guest, TABLES + table * 4096, words);
  }
  const directory: number[] = [];
  for (let index = 0; index < perTable; index++) {
    const kind = number() >>> 28;
    directory.push(...(kind < 3 ? large() : entry(TABLES + (number() % 4) * 4096)));
  }
  // what the guest itself executes and the tables lie in
  const identity = wide ? [0xe7, 0, 0x2000e7, 0] : [0xe7];
  directory.splice(0, identity.length, ...identity);
  write(guest, DIRECTORY, directory);
}

/** Where a walk says that an address lies. */
function physicalOf(rows: readonly Detail[]): number | null {
  const { value } = find(rows, 'physical');
  return value.startsWith('not mapped') ? null : Number(value.split(' ')[0]);
}

describe('page walk', () => {
  test('without paging says that there is none', () => {
    const guest = protectedGuest(HALTED);
    const rows = guest.port.inspect('walk', 0x100040);
    assert.equal(find(rows, 'paging').value, 'off: linear is physical');
    assert.equal(find(rows, 'physical').value, '0x00100040  RAM');
  });

  for (const kind of ['32-bit', 'PAE'] as const) {
    test(`ends where the processor's own walk does: ${kind}`, () => {
      const wide = kind === 'PAE';
      const guest = protectedGuest(HALTED, { memoryBytes: 32 << 20 });
      fill(guest, wide ? 7 : 5, wide);
      write(guest, 0x220000, [DIRECTORY | 1, 0, 0, 0, DIRECTORY | 1, 0, 1, 0]);
      guest.port.writeRegister('cr4', wide ? 0x20 : 0x10);
      guest.port.writeRegister('cr3', wide ? 0x220000 : DIRECTORY);
      guest.port.writeRegister('cr0', 0x80000011);
      const next = numbers(99);
      let mapped = 0;
      for (let each = 0; each < 4000; each++) {
        const address = next.next().value as number;
        const rows = guest.port.inspect('walk', address);
        const physical = guest.port.translate(address);
        assert.equal(physicalOf(rows), physical, `0x${address.toString(16)}`);
        if (physical !== null) mapped++;
      }
      assert.ok(mapped > 400 && mapped < 3600, `${String(mapped)} mapped: both kinds are met`);
    });
  }

  test('names every bit of every level, and what they allow together', () => {
    const guest = protectedGuest(HALTED);
    // SDM vol. 3, tables 4-5 and 4-6: PDE present, writable, user, accessed; PTE read-only, dirty, global
    write(guest, DIRECTORY, [0xe7, TABLES | 0x27]);
    write(guest, TABLES, [0x00123165]);
    guest.port.writeRegister('cr4', 0x10);
    guest.port.writeRegister('cr3', DIRECTORY);
    guest.port.writeRegister('cr0', 0x80010011);
    const rows = guest.port.inspect('walk', 0x00400abc);
    assert.deepEqual(names(rows), ['linear', 'PDE 0x1', 'PTE 0x0', 'rights', 'physical']);
    assert.equal(find(rows, 'PDE 0x1').value, '0x00210027  P RW US A');
    assert.deepEqual(find(rows, 'PDE 0x1').place, { space: 'physical', address: DIRECTORY + 4 });
    assert.equal(find(rows, 'PTE 0x0').value, '0x00123165  P US A D G');
    const bits = find(rows, 'PTE 0x0').children ?? [];
    assert.equal(find(bits, 'RW').value, '0  read-only');
    assert.equal(find(bits, 'D').value, '1  dirty');
    assert.equal(find(rows, 'rights').value, 'user: read, execute; supervisor: read, execute');
    assert.equal(find(rows, 'physical').value, '0x00123abc  RAM');
    const nothing = guest.port.inspect('walk', 0xc0000000);
    assert.equal(find(nothing, 'physical').value, 'not mapped: an access is #PF, not present');
  });

  test('shows the second stage of a hypervisor that has one', () => {
    const guest = protectedGuest(HALTED, { interface: 'kvm' });
    assert.match(find(guest.port.inspect('walk', 0x1000), 'second stage').value, /identity/);
    const device = guest.port.inspect('walk', 0xfee00000);
    assert.match(find(device, 'second stage').value, /EPT violation/);
  });

  test('shows the rights and flags of the second stage (SDM vol. 3, table 29-6)', () => {
    const exits = { eptRights: ['0x9000 r-x keep', '0xa000 ---'], eptAccessedDirty: true };
    const guest = protectedGuest(HALTED, { interface: 'kvm', exits });
    const stage = (address: number): string =>
      find(guest.port.inspect('walk', address), 'second stage').value;
    assert.equal(stage(0x9000), '0x00009000  identity, read, execute (kept), not accessed, not dirty'); // prettier-ignore
    assert.equal(stage(0xa123), '0x0000a123  identity, no rights, not accessed, not dirty');
    guest.port.run(10);
    assert.equal(stage(0x100040), '0x00100040  identity, read, write, execute, accessed, not dirty'); // prettier-ignore
  });
});

describe('shadow paging', () => {
  // reads 0x1000, writes 0x2000 and halts, paging off
  const ACCESSES = listing(`
    101000  a1 00 10 00 00     mov eax, [0x1000]
    101005  a3 00 20 00 00     mov [0x2000], eax
    10100a  f4                 hlt
  `);

  test("shows the shadow's entries beside the guest's, and counts its faults", () => {
    const guest = protectedGuest(ACCESSES, { profile: 'kvm-2.6.20-vmx' });
    assert.equal(guest.step(), 0x101005);
    assert.equal(guest.step(), 0x10100a);
    const read = guest.port.inspect('walk', 0x1000);
    assert.match(find(read, 'shadow PDE 0x0').value, /  P RW US A$/);
    assert.equal(find(read, 'shadow PTE 0x1').value, '0x0000000000001067  P RW US A D');
    const nothing = guest.port.inspect('walk', 0x3000);
    assert.match(find(nothing, 'shadow PTE 0x3').value, /empty: an access leaves the guest/);
    const counts = guest.port.inspect('shadow', 0);
    // the code's page, the one read and the one written
    assert.equal(find(counts, 'page faults').value, '3');
    assert.match(find(counts, 'filled').value, /^3  entry filled/);
    const none = protectedGuest(ACCESSES).port.inspect('shadow', 0);
    assert.match(find(none, 'shadow').value, /^none/);
  });

  test('runs one processor, as that release did', () => {
    assert.throws(
      () => protectedGuest(ACCESSES, { profile: 'kvm-2.6.20-svm', vcpus: 2 }),
      /runs 1 virtual processor, as that release did, not 2: set "machine.vcpus" to 1/,
    );
  });
});

describe('descriptor tables', () => {
  const GDT = 0x300000;
  const IDT = 0x301000;
  const TSS = 0x302000;

  function guestWithTables(): TestGuest {
    const guest = protectedGuest(HALTED);
    // SDM vol. 3, figure 3-8: flat code and data, an LDT of three bytes' limit, a busy TSS, a 16-bit code
    write(guest, GDT, [
      0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cff200, 0x40000003, 0x00008230,
      0x20000067, 0x00008b30, 0x1234ffff, 0x00009a00, 0x00080010, 0x0000ec10,
    ]); // prettier-ignore
    // figure 6-2: an interrupt gate for the page fault, a task gate for the double fault
    const idt = new Array<number>(64).fill(0);
    idt.splice(28, 2, 0x00081234, 0xc0108e00);
    idt.splice(16, 2, 0x00200000, 0x00008500);
    write(guest, IDT, idt);
    for (const [name, value] of [['gdtr.base', GDT], ['gdtr.limit', 55], ['idtr.base', IDT], ['idtr.limit', 0xff]] as const) {
      guest.port.writeRegister(name, value);
    } // prettier-ignore
    return guest;
  }

  test('show each descriptor as the manual reads it', () => {
    const rows = guestWithTables().port.inspect('gdt', 0);
    assert.deepEqual(
      rows.map(({ name, value }) => `${name} ${value}`),
      [
        '0x0008 code, 32-bit, base 0x00000000, limit 0xffffffff, DPL 0, accessed readable',
        '0x0010 data, 32-bit, base 0x00000000, limit 0xffffffff, DPL 3, writable',
        '0x0018 LDT, base 0x00304000, limit 0x00000003, DPL 0',
        '0x0020 TSS, 32-bit busy, base 0x00302000, limit 0x00000067, DPL 0',
        '0x0028 code, 16-bit, base 0x00001234, limit 0x0000ffff, DPL 0, readable',
        '0x0030 call gate, 32-bit to 0x0008:0x00000010, DPL 3',
      ],
    );
    assert.deepEqual(rows[0]?.place, { space: 'linear', address: GDT + 8 });
  });

  test('show gates by vector, and the vectors of real mode', () => {
    const guest = guestWithTables();
    const rows = guest.port.inspect('idt', 0);
    assert.deepEqual(names(rows), ['0x08', '0x0e']);
    assert.match(find(rows, '0x08').value, /^task gate to 0x0020, DPL 0 {2}#DF/);
    assert.match(
      find(rows, '0x0e').value,
      /^interrupt gate, 32-bit to 0x0008:0xc0101234, DPL 0 {2}#PF/,
    );
    assert.equal(find(rows, '0x0e').symbolAt, 0xc0101234);
    guest.port.writeRegister('cr0', 0x10);
    guest.port.writeRegister('idtr.base', 0);
    guest.port.writeRegister('idtr.limit', 0x3ff);
    write(guest, 0x20, [0xf000fea5]);
    const vectors = guest.port.inspect('idt', 0);
    assert.equal(find(vectors, '0x08').value, '0xf000:0xfea5');
    assert.equal(find(vectors, '0x08').symbolAt, 0xffea5);
  });

  test('say where a table is not mapped, absent or empty', () => {
    const guest = guestWithTables();
    assert.match(guest.port.inspect('ldt', 0)[0]?.value ?? '', /no local descriptor table/);
    assert.match(guest.port.inspect('tss', 0)[0]?.value ?? '', /no task/);
    guest.port.writeRegister('gdtr.base', 0xf0000000);
    assert.match(guest.port.inspect('gdt', 0)[0]?.value ?? '', /not mapped/);
    write(guest, TSS, [0]);
  });
});

test('the controls of the hypervisor have the names of the manual', () => {
  const rows = protectedGuest(HALTED, { interface: 'kvm' }).port.inspect('vmcs', 0);
  assert.match(find(rows, 'Secondary processor-based controls').value, /ENABLE_EPT/);
  const primary = find(rows, 'Primary processor-based controls').children ?? [];
  assert.equal(find(primary, 'HLT_EXITING').value, '1');
  const bare = protectedGuest(HALTED).port.inspect('vmcs', 0);
  assert.equal(find(bare, 'Unconditional exits').value, 'none');
  assert.equal(find(bare, 'Exception bitmap').value, '0x00000000  none');
});

test('the exit that the guest is stopped at is shown with its fields', () => {
  const guest = protectedGuest(HALTED, { interface: 'kvm' });
  assert.deepEqual(guest.port.inspect('exit', 0), []);
  guest.port.setExitBreakpoints([{ id: 1, reason: 'HLT' }]);
  assert.equal(guest.go('continue').kind, 'exit');
  assert.equal(find(guest.port.inspect('exit', 0), 'Reason').value, '12 HLT');
});

test('the exit at hand has three faces, and says what the other hardware would do', () => {
  const guest = protectedGuest(HALTED, { exits: { svm: ['CR0_READ', 'HLT'] } });
  guest.port.setExitBreakpoints([{ id: 1, reason: 'HLT' }]);
  assert.equal(guest.go('continue').kind, 'exit');
  const rows = guest.port.inspect('exit', 0);
  const svm = find(rows, 'SVM');
  assert.equal(svm.value, 'VMEXIT_HLT (78h)');
  assert.match(find(svm.children ?? [], '070h EXITCODE').value, /^0x00000078/);
  const vmx = find(rows, 'VMX');
  assert.equal(vmx.value, 'HLT (12)  (not intercepted there)');
  assert.match(find(vmx.children ?? [], '440Ch VM-exit instruction length').value, /^0x1/);
  assert.match(find(rows, 'KVM user space').value, /^handled in the kernel/);
  const kvm = protectedGuest(HALTED, { interface: 'kvm' });
  kvm.port.setExitBreakpoints([{ id: 1, reason: 'HLT' }]);
  assert.equal(kvm.go('continue').kind, 'exit');
  const there = find(kvm.port.inspect('exit', 0), 'SVM').value;
  assert.equal(there, 'VMEXIT_HLT (78h)  (would leave there too)', 'by the profile kvm-npt');
  assert.match(find(kvm.port.inspect('vmcb', 0), '090h NP_ENABLE').value, /^1/);
  const vmcb = guest.port.inspect('vmcb', 0);
  assert.equal(find(vmcb, 'Decides').value, 'yes');
  assert.equal(find(vmcb, '000h CR read intercepts').value, '0x0001  CR0_READ');
  const intercepts = find(vmcb, '00Ch Instruction intercepts').children ?? [];
  assert.deepEqual([find(intercepts, 'HLT').value, find(intercepts, 'INVD').value], ['1', '0']);
});

test("what the guest has registered with KVM is shown with the headers' names", () => {
  // wrmsr to MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_STEAL_TIME, MSR_KVM_WALL_CLOCK_NEW; then HLT
  const guest = protectedGuest(
    listing(`
      start:
      100040  31 d2  xor    edx, edx
      100042  b9 01 4d 56 4b  mov    ecx, 0x4b564d01
      100047  b8 01 00 40 00  mov    eax, 0x400001
      10004c  0f 30  wrmsr
      10004e  b9 03 4d 56 4b  mov    ecx, 0x4b564d03
      100053  b8 41 00 40 00  mov    eax, 0x400041
      100058  0f 30  wrmsr
      10005a  b9 00 4d 56 4b  mov    ecx, 0x4b564d00
      10005f  b8 80 00 40 00  mov    eax, 0x400080
      100064  0f 30  wrmsr
      100066  f4                        hlt
    `),
    { interface: 'kvm', memoryBytes: 8 << 20 },
  );
  assert.equal(find(guest.port.inspect('kvm', 0), 'kvm_steal_time').value, 'not registered');
  guest.port.setExitBreakpoints([{ id: 1, reason: 'HLT' }]);
  assert.equal(guest.go('continue').kind, 'exit');
  const rows = guest.port.inspect('kvm', 0);
  assert.match(find(rows, 'features').value, /\bPV_EOI\b/);
  const clock = find(rows, 'pvclock_vcpu_time_info');
  assert.deepEqual(clock.place, { space: 'physical', address: 0x400000 });
  assert.equal(find(clock.children ?? [], 'version').value, '2');
  // KVM's scale for 1 GHz: a half, shifted once
  assert.equal(find(clock.children ?? [], 'tsc_to_system_mul').value, '0x80000000');
  assert.equal(find(clock.children ?? [], 'tsc_shift').value, '1');
  assert.equal(find(clock.children ?? [], 'flags').value, '0x01  TSC_STABLE');
  const steal = find(rows, 'kvm_steal_time').children ?? [];
  assert.equal(find(steal, 'steal').value, '0 ns');
  assert.equal(find(steal, 'preempted').value, '0x00');
  const date = find(rows, 'pvclock_wall_clock').children ?? [];
  assert.match(find(date, 'sec').value, /^1170614694 {2}2007-02-04T18:44:54/);
  assert.equal(find(rows, 'EOI word').value, 'not registered');
  assert.deepEqual(protectedGuest(HALTED).port.inspect('kvm', 0), []);
});

test('no view of any address changes or breaks anything', () => {
  const guest = protectedGuest(HALTED);
  const before = guest.port.registers();
  const next = numbers(3);
  for (const view of viewNames()) {
    for (let each = 0; each < 50; each++) guest.port.inspect(view, next.next().value as number);
  }
  assert.deepEqual(guest.port.registers(), before);
});
