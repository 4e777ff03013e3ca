/**
 * KVM's interface as a guest lives with it: the guests of test/guests/kvm, one for each part, tell what
 * came out. Expected values follow from KVM's documentation (Documentation/virt/kvm/x86/hypercalls.rst,
 * msr.rst), from the kernel's source where that is silent (arch/x86/kvm/x86.c, mmu.c of 2.6.26 for
 * KVM_HC_MMU_OP), and from what the guest counts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { KvmConfiguration } from '../../emulator/debug-port.ts';
import { guestsIn, KVM, KVM_BUILT } from './build.ts';
import { GuestRun } from './whole-machine.ts';

interface Told {
  readonly run: GuestRun;
  /** In order. */
  readonly lines: readonly (readonly [word: string, value: number])[];
  /** The last value of a word. */
  readonly value: (word: string) => number;
}

function tell(guest: string, setup: { readonly vcpus?: number; readonly profile?: string; readonly kvm?: KvmConfiguration; readonly budget?: number } = {}): Told {
  const { budget = 1_000_000, ...rest } = setup;
  const image = readFileSync(path.join(KVM_BUILT, `${guest}.bin`));
  const run = new GuestRun({ image, interface: 'kvm', ...rest });
  assert.deepEqual(run.go({ budget }), { kind: 'power-off', code: 0, via: 'debug-exit port 0xf4' }, run.text);
  const lines = run.text.trimEnd().split('\n').map((line) => {
    const [word = '', value = ''] = line.split(' ');
    return [word, Number.parseInt(value, 16) | 0] as const;
  });
  const values = new Map(lines);
  return { run, lines, value: (word) => values.get(word) ?? assert.fail(`no ${word} in\n${run.text}`) };
} // prettier-ignore

/** Names of headers. */
const [EPERM, EFAULT, EINVAL, EOPNOTSUPP, ENOSYS] = [-1, -14, -22, -95, -1000];

test('every guest of the folder is run here', () => {
  assert.deepEqual(guestsIn(KVM), [
    'async-page-faults',
    'eoi',
    'hypercalls',
    'mmu-op',
    'stack-paged-out',
    'two',
  ]);
});

describe('hypercalls', () => {
  const expected = (missing: readonly string[] = []): readonly (readonly [string, number])[] => {
    const rows: readonly (readonly [string, number])[] = [
      ['poll', 0], ['amd', 0], ['none', ENOSYS], ['unknown', ENOSYS], ['high', ENOSYS], ['kept', 1],
      ['user', EPERM], ['useramd', EPERM],
      // the board's clock starts at the release of Linux 2.6.20
      ['pairing', 0], ['date', 1_170_614_694], ['pairtype', EOPNOTSUPP], ['pairgpa', EFAULT],
      ['ipi', 1], ['ipis', 1], ['nobody', 0], ['logical', EINVAL],
      ['kick', 0], ['passed', 1], ['kicknone', 0], ['yield', 0], ['yieldnone', 0],
      ['mmuop', ENOSYS], ['gparange', ENOSYS], ['powerpc', ENOSYS],
    ]; // prettier-ignore
    return rows.map(([word, value]) => [word, missing.includes(word) ? ENOSYS : value]);
  };

  test('return what KVM returns', () => {
    assert.deepEqual(tell('hypercalls').lines, expected());
  });
  test('are not there without their features', () => {
    const features = { PV_UNHALT: false, PV_SEND_IPI: false, PV_SCHED_YIELD: false };
    const missing = ['ipi', 'nobody', 'logical', 'kick', 'kicknone', 'yield', 'yieldnone'];
    const nothingHappens: readonly (readonly [string, number])[] = expected(missing).map(
      ([word, value]) => {
        // no interrupt comes, and the HLT is not tried
        if (word === 'ipis') return [word, 0];
        return word === 'passed' ? [word, ENOSYS] : [word, value];
      },
    );
    assert.deepEqual(tell('hypercalls', { kvm: { features } }).lines, nothingHappens);
  });
  test('are in the log with names, arguments and what they say', () => {
    const { run } = tell('hypercalls');
    const calls = run.exits.filter(({ name }) => name === 'VMCALL').map(({ detail }) => detail);
    assert.ok(calls.includes('KVM_HC_SEND_IPI(bitmap_low 0x1, bitmap_high 0x0, min 0x0, icr 0x40): fixed, vector 0x40, to APIC IDs 0')); // prettier-ignore
    assert.ok(calls.includes('KVM_HC_CLOCK_PAIRING(gpa 0x9000, clock_type 0x0)'));
    assert.ok(calls.includes('unknown 99(0x0, 0x0, 0x0, 0x0)'));
  });
});

// under the profiles of 2.6.20 the hypervisor's shadow of the tables has to follow
for (const profile of ['kvm-ept', 'kvm-2.6.20-vmx', 'kvm-2.6.20-svm'])
  test(`page tables are changed by KVM_HC_MMU_OP under ${profile}`, () => {
    assert.deepEqual(tell('mmu-op', { profile, kvm: { features: { MMU_OP: true } } }).lines, [
      ['before', 1], ['done', 24 + 8 + 16], ['after', 2], ['cutoff', 0], ['unknown', 0], ['second', 8], ['nowhere', 24],
      ['noram', 0], ['above', 0], ['long', 512], ['longest', 512],
    ]); // prettier-ignore
  });

test('an interrupt that comes alone needs no write to EOI', () => {
  const { lines, run } = tell('eoi');
  assert.deepEqual(lines, [
    ['alone', 3], ['written', 0], ['high', 1], ['low', 4], ['written', 1], ['without', 2],
  ]); // prettier-ignore
  const ends = run.exits.filter(({ fields }) => fields['gpa'] === 0xfee000b0);
  assert.equal(ends.length, 2, 'exits for EOI are as many as the guest has written');
});

describe('a host short of memory', () => {
  const asyncPageFaults = { every: 4, delay: 50_000, resident: Infinity };
  /** Touches of the 256 pages of a part that find them paged out. */
  const QUARTER = 64;

  test('tells the guest of pages in the ways that it has chosen', () => {
    const { lines } = tell('async-page-faults', { kvm: { features: {}, asyncPageFaults } });
    assert.deepEqual(lines, [
      ['before', 0], ['ready', 0], ['all', 1], ['ring0', QUARTER], ['ready', QUARTER],
      ['masked', 0], ['ready', 0], ['halts', 0], ['ready', 0], ['ring3', QUARTER], ['ready', QUARTER],
      // to register anew wakes all once more
      ['off', 0], ['ready', 0], ['strange', 0], ['lost', 0], ['all', 2],
    ]); // prettier-ignore
  });
  test('takes the time that it takes, whatever the guest has chosen', () => {
    const { run } = tell('async-page-faults', { kvm: { features: {}, asyncPageFaults } });
    const slow = { ...asyncPageFaults, delay: 1_000_000 };
    const longer = tell('async-page-faults', { kvm: { features: {}, asyncPageFaults: slow } });
    // 6 parts of 256 pages, and the few that the guest itself lies in
    const pages = Math.round((longer.run.machine.now - run.machine.now) / 950_000);
    assert.ok(pages >= 6 * QUARTER && pages <= 6 * QUARTER + 4, String(pages));
  });
  test('is never short by itself', () => {
    const { value } = tell('async-page-faults');
    assert.deepEqual([value('ring0'), value('ring3'), value('lost'), value('all')], [0, 0, 0, 2]);
  });
  test('makes the same run in slices of any size', () => {
    const kvm = { features: {}, asyncPageFaults };
    const { run } = tell('async-page-faults', { kvm });
    const cut = tell('async-page-faults', { kvm, budget: 613 });
    assert.deepEqual(cut.run.fingerprint, run.fingerprint);
  });
  test('delays the interrupt that ends a HLT, whose stack is paged out', () => {
    const each = { ...asyncPageFaults, every: 1 };
    const { lines } = tell('stack-paged-out', { kvm: { features: {}, asyncPageFaults: each } });
    assert.deepEqual(lines, [
      ['woken', 1],
      ['flags', 0x202],
    ]);
  });
  test('pages out what came in first, and nothing is lost', () => {
    const resident = 1 << 20;
    const kvm = { features: {}, asyncPageFaults: { every: 0, delay: 50_000, resident } };
    const { run, value } = tell('async-page-faults', { kvm });
    assert.equal(value('lost'), 0);
    const violations = run.machine.exitLog.countsByName()['EPT_VIOLATION'] ?? 0;
    assert.ok(violations > 6 * 256, String(violations));
  });
});

describe('two processors in turns', () => {
  test('lose time to each other, and are told', () => {
    const { value } = tell('two', { vcpus: 2 });
    const [time, steal0, steal1] = [value('time'), value('steal0'), value('steal1')];
    // neither halts nor pauses: one's turn is the other's loss, up to a turn at the edges
    assert.ok(time > 1_900_000, String(time));
    for (const steal of [steal0, steal1]) assert.ok(Math.abs(steal - time / 2) < 110_000, `${steal} of ${time}`); // prettier-ignore
    assert.deepEqual([value('version'), value('mine'), value('other')], [0, 0, 1]);
  });
  test('flush, give away turns, interrupt and wake by KVM', () => {
    const { value } = tell('two', { vcpus: 2 });
    assert.deepEqual([value('seen'), value('stale'), value('fresh')], [1, 1, 2]);
    assert.deepEqual([value('yielded'), value('sent'), value('ipis')], [1, 2, 2]);
    assert.deepEqual([value('asleep'), value('kicked')], [3, 4]);
  });
  test('make the same run in slices of any size', () => {
    const { run } = tell('two', { vcpus: 2 });
    assert.deepEqual(tell('two', { vcpus: 2, budget: 7919 }).run.fingerprint, run.fingerprint);
  });
});
