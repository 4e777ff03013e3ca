/**
 * The hostile guest bad/kvm-storm.s from many seeds, on a host that is short of memory too: whatever it
 * registers and calls, each run ends in a stop with a reason, within bounds, and is the same run in slices
 * of another size. (A run() that does not return ends the whole process, see watchdog.ts.)
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { BAD_BUILT } from './build.ts';
import { type Fingerprint, GuestRun } from './whole-machine.ts';

const image = readFileSync(path.join(BAD_BUILT, 'kvm-storm.bin'));
/** Ways to run it; `every` as in hypervisor.kvm.asyncPageFaults. */
const HOSTS = [{ every: 0 }, { every: 3 }] as const;
const SEEDS = Array.from({ length: 12 }, (_, seed) => seed + 1);

function storm(seed: number, every: number, budget: number): readonly [string, Fingerprint] {
  const run = new GuestRun({
    image, interface: 'kvm', memoryMiB: 4,
    kvm: { features: { MMU_OP: seed % 2 === 0 }, asyncPageFaults: { every, delay: 30_000, resident: 2 << 20 } },
  }); // prettier-ignore
  const seedAt = 0x7c00 + image.length - 4;
  run.machine.cpu.memory.writeRam(seedAt, Uint8Array.of(seed, seed >> 8, 0, 0));
  const stop = run.go({ budget, most: 20_000_000 });
  assert.ok(run.notices.length < 1000, 'a guest cannot flood the console with notices');
  return [stop.kind, run.fingerprint];
}

for (const { every } of HOSTS) {
  describe(`a storm of KVM's interface, ${every === 0 ? 'enough memory' : 'a short host'}`, () => {
    for (const seed of SEEDS) {
      test(`seed ${seed}`, () => {
        const [end, whole] = storm(seed, every, 1_000_000);
        assert.match(end, /^(power-off|triple-fault|halted-forever)$/);
        assert.ok((whole.exits['WRMSR'] ?? 0) > 500 && (whole.exits['VMCALL'] ?? 0) > 500, end);
        if (seed % 4 === 0) assert.deepEqual(storm(seed, every, 7919), [end, whole]);
      });
    }
  });
}
