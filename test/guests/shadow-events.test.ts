/**
 * A debugger that waits for the guest's page faults hears of the guest's alone, whoever handles the
 * processor's: under shadow paging most of them are the hypervisor's own affair.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createMachine } from '../../emulator/debugger/debugger.ts';

const kernel = new Uint8Array(
  readFileSync(new URL('../../extension/sample/story/story.bin', import.meta.url)),
);
/** More than the story needs up to its prompt. */
const BUDGET = 400_000;

/** Where the guest's page faults come up, and how many exceptions have left the guest. */
function pageFaults(profile: string): {
  readonly places: readonly string[];
  readonly exits: number;
} {
  const port = createMachine({
    guest: {
      kernel,
      kernelName: 'story.bin',
      format: 'flat',
      commandLine: '',
      loadAddress: 0x7c00,
    },
    memoryBytes: 16 << 20,
    cpuModel: 'pentium3',
    hypervisor: { interface: 'bare', profile, exits: {} },
    shared: false,
  });
  port.setEventBreakpoints([{ id: 1, event: 'exception.PF' }]);
  port.resume({ kind: 'continue' });
  const places: string[] = [];
  while (port.position().retired < BUDGET) {
    const stop = port.run(BUDGET);
    if (stop.kind === 'event') {
      const { linearRip, fields } = stop.event;
      places.push(`${linearRip.toString(16)} ${JSON.stringify(fields)}`);
      port.resume({ kind: 'continue' });
    } else if (stop.kind !== 'budget' && stop.kind !== 'idle') break;
    else if (stop.kind === 'idle' && stop.wakeAt === Infinity) break;
  }
  return { places, exits: port.exitCounts()['EXCEPTION_NMI'] ?? 0 };
}

test('under shadow paging the same page faults are told as on the bare processor', () => {
  const bare = pageFaults('bare');
  assert.equal(bare.places.length, 1, 'the page on demand of chapter 3');
  for (const profile of ['kvm-2.6.20-vmx', 'kvm-2.6.20-svm']) {
    const shadowed = pageFaults(profile);
    assert.deepEqual(shadowed.places, bare.places, profile);
    assert.ok(shadowed.exits > 10, 'the shadow is filled by faults');
  }
});
