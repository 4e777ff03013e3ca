/** KVM's features as rows: cpuid.rst has the bits, launch.json the switches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureBits, featureProblem, KVM_FEATURES, offeredFeatures } from './kvm-features.ts';
import { KVM_NAMES } from './kvm-names.ts';

const ALONE = { switches: {}, old: false, hasLocalApic: true };
const eax = (choice: Parameters<typeof offeredFeatures>[0]): number =>
  featureBits(offeredFeatures(choice), 'eax');

test('a switch changes one bit, and what needs it goes with it', () => {
  const usual = eax(ALONE);
  assert.equal(usual ^ eax({ ...ALONE, switches: { PV_EOI: false } }), 1 << 6);
  assert.equal(usual ^ eax({ ...ALONE, switches: { MMU_OP: true } }), 1 << 2);
  // PV_TLB_FLUSH lies in the steal-time page, ASYNC_PF_INT is a part of ASYNC_PF
  assert.equal(usual ^ eax({ ...ALONE, switches: { STEAL_TIME: false } }), (1 << 5) | (1 << 9));
  assert.equal(usual ^ eax({ ...ALONE, switches: { ASYNC_PF: false } }), (1 << 4) | (1 << 14));
});

test('old profiles offer MMU_OP, and hints are there when asked for', () => {
  assert.equal(eax(ALONE) ^ eax({ ...ALONE, old: true }), 1 << 2);
  assert.equal(featureBits(offeredFeatures(ALONE), 'edx'), 0);
  const hinted = offeredFeatures({ ...ALONE, switches: { HINTS_REALTIME: true } });
  assert.equal(featureBits(hinted, 'edx'), 1);
});

test('mistakes are one sentence with the remedy', () => {
  const message = (switches: { readonly [name: string]: boolean }): string =>
    featureProblem(switches)?.message ?? '';
  assert.equal(message({ PV_EOI: true, MMU_OP: false }), '');
  assert.equal(message({ PV_IOE: false }), "KVM has no feature 'PV_IOE'. Did you mean 'PV_EOI'?");
  assert.match(message({ KVM_FEATURE_PV_EOI: false }), /Did you mean 'PV_EOI'\?$/);
  assert.match(message({ xyzzyxyzzy: false }), /Known are CLOCKSOURCE, /);
  assert.match(
    message({ MIGRATION_CONTROL: true }),
    /cannot be offered: it is for guests with enc/,
  );
  assert.match(message({ PV_TLB_FLUSH: true, STEAL_TIME: false }), /needs 'STEAL_TIME': switch/);
});

test('every row says what it means, and every name is one number', () => {
  for (const { meaning } of [...KVM_FEATURES, ...KVM_NAMES]) assert.match(meaning, /^[A-Z].*\.$/);
  const names = KVM_NAMES.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const value = (name: string): number | undefined =>
    KVM_NAMES.find((each) => each.name === name)?.value;
  // kvm_para.h
  assert.deepEqual(
    ['KVM_HC_SEND_IPI', 'MSR_KVM_STEAL_TIME', 'KVM_FEATURE_PV_EOI', 'KVM_HINTS_REALTIME', 'KVM_ENOSYS'].map(value),
    [10, 0x4b564d03, 6, 0, 1000],
  ); // prettier-ignore
});
