/**
 * A sample of guests on an interpreting and a compiling machine in lockstep: exceptions, interrupts, task
 * switches, paging and several processors. Longer ones by hand: lockstep.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EAGER, lockstep } from './lockstep.ts';
import type { GuestSetup } from './whole-machine.ts';

const file = (name: string): Uint8Array => readFileSync(new URL(name, import.meta.url));

interface Sample {
  readonly name: string;
  readonly setup: GuestSetup;
}
const SAMPLES: readonly Sample[] = [
  { name: 'the sample', setup: { image: file('../../extension/sample/story/story.bin'), interface: 'kvm', format: 'auto' } },
  { name: 'the sample under shadow paging', setup: { image: file('../../extension/sample/story/story.bin'), interface: 'kvm', profile: 'kvm-2.6.20-vmx', format: 'auto' } },
]; // prettier-ignore

for (const { name, setup } of SAMPLES) {
  test(`${name}: interpreted and compiled are one run`, () => {
    const agreed = lockstep(setup, EAGER, { budget: 7_919, every: 30, slices: 30 });
    assert.ok(agreed.compiled > 0, 'nothing was compiled');
  });
}

test('a machine that differs is found out', () => {
  const [sample] = SAMPLES;
  assert.ok(sample);
  const options = { budget: 1000, every: 1, slices: 20 };
  const other = { ...sample.setup, interface: 'bare' } as const;
  assert.throws(() => lockstep(sample.setup, EAGER, options, other), /differs|stops with/);
});
