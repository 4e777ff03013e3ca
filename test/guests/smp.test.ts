/**
 * Machines with several processors. The guest of smp/smp.s starts the others, lets them work with and
 * against each other, and says what came out; every number expected here follows from the number of
 * processors and from what the manual says of the instruction or the message (SDM vol. 3, 8.1 for
 * locked operations, 9.1.3 for cross-modifying code, 9.4 for the start, 11.6 for interrupts between
 * processors).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { SMP_BUILT } from './build.ts';
import { type Fingerprint, GuestRun } from './whole-machine.ts';

const image = readFileSync(path.join(SMP_BUILT, 'smp.bin'));

interface Run {
  readonly vcpus: number;
  readonly interface?: 'kvm' | 'bare';
  readonly budget?: number;
}

function runToEnd({ vcpus, interface: type = 'bare', budget = 1_000_000 }: Run): Fingerprint {
  const run = new GuestRun({ image, interface: type, vcpus });
  const stop = run.go({ budget });
  assert.deepEqual(stop, { kind: 'power-off', code: 0, via: 'debug-exit port 0xf4' });
  return run.fingerprint;
}

/** Iterations of each processor's part in each task of the guest. */
const TURNS = 3000;

/** What the guest has to say with so many processors. */
function expected(vcpus: number): readonly string[] {
  const others = vcpus - 1;
  const third = vcpus > 2 ? 1 : 0;
  const lines: readonly (readonly [string, number])[] = [
    ['others', others],
    ['agree', others],
    ['locked', TURNS * vcpus],
    // LOCK ADD, LOCK XADD and LOCK CMPXCHG each add one
    ['atomic', 3 * TURNS * vcpus],
    // 2^31 each time, in the upper half
    ['atomic64', (TURNS * vcpus) / 2],
    ['warps', 0],
    ['patched', 40],
    // self, all with self
    ['ipis0', 2],
    // physical, logical, all with self, all but self
    ['ipis1', 4],
    ['ipis2', 3 * third],
    ['lowest0', 0],
    ['lowest', 1],
    ['nmis0', 0],
    ['nmis1', 1],
    // one more for the members of the cluster that were addressed
    ['cluster0', 2],
    ['cluster1', 5],
    ['cluster2', 4 * third],
    ['ticks0', 0],
    ['timers', vcpus],
    ['restarted', vcpus],
    ['locked', TURNS * vcpus],
  ];
  return lines.map(([word, value]) => `${word} ${value.toString(16).padStart(8, '0')}`);
}

describe('processors start, work together and interrupt each other', () => {
  for (const vcpus of [2, 4, 8]) {
    test(`${vcpus} of them`, () => {
      assert.deepEqual(runToEnd({ vcpus }).text.trimEnd().split('\n'), expected(vcpus));
    });
  }
  test('under KVM with its exits', () => {
    const { text, exits } = runToEnd({ vcpus: 3, interface: 'kvm' });
    assert.deepEqual(text.trimEnd().split('\n'), expected(3));
    assert.ok((exits['HLT'] ?? 0) >= 3, 'each has slept');
  });
});

test('who runs when does not depend on how the run is cut', () => {
  const whole = runToEnd({ vcpus: 2 });
  assert.deepEqual(runToEnd({ vcpus: 2, budget: 7919 }), whole);
});

test('a processor without a local APIC cannot have fellows', () => {
  const build = (): GuestRun => new GuestRun({ image, interface: 'bare', vcpus: 2, cpu: '486' });
  assert.throws(build, /no local APIC/);
});
