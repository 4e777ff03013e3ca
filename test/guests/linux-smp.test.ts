/**
 * Debian's kernels on machines with several processors: they are started, found, share the work and are
 * interrupted by each other, and two boots in different slices are still one and the same run.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertQuietLog, boot, describeFigures, logs, once, POWER_OFF, skip, TIMEOUT_MS } from './linux/boots.ts'; // prettier-ignore
import type { BootResult } from './linux/main.ts';

const COMMANDS = ['grep -c ^processor /proc/cpuinfo', 'cat /proc/interrupts', 'exit'];

function assertProcessors(result: BootResult, vcpus: number): void {
  const [count, interrupts = ''] = result.answers;
  assert.equal(count, String(vcpus));
  logs(result, new RegExp(`^smp: Brought up 1 node, ${vcpus} CPUs$`));
  const row = (name: string): readonly number[] => {
    const line = interrupts.split('\n').find((each) => each.startsWith(`${name}:`)) ?? '';
    return [...line.matchAll(/ (\d+)(?= )/g)].map(([, number]) => Number(number));
  };
  for (const name of ['LOC', 'CAL']) {
    assert.equal(row(name).length, vcpus, `${name} of each`);
    assert.ok(row(name).every((number) => number > 0), `${name}: ${row(name).join(' ')}`);
  } // prettier-ignore
  assertQuietLog(result);
  assert.deepEqual(result.stop, POWER_OFF);
}

describe('Debian on several processors', { skip, timeout: 2 * TIMEOUT_MS + 120_000 }, () => {
  const two = once(() =>
    Promise.all([
      boot({ interface: 'kvm', vcpus: 2, commands: COMMANDS, budget: 5_000_000 }),
      boot({ interface: 'kvm', vcpus: 2, commands: COMMANDS, budget: 777_777 }),
    ]),
  );

  test('two under KVM', async () => {
    const [first] = await two();
    assertProcessors(first, 2);
    // halted ones are woken by hypercalls of the others
    assert.ok((first.fingerprint.exits['VMCALL'] ?? 0) > 0);
    console.log(`  2 vCPUs, to the marker: ${describeFigures(first.marker)}`);
  });
  test('another process in other slices makes the very same run', async () => {
    const [first, second] = await two();
    assert.deepEqual(second.fingerprint, first.fingerprint);
    assert.deepEqual(second.answers, first.answers);
  });
  test('four on bare hardware, with PAE', async () => {
    const four = await boot({
      interface: 'bare',
      flavour: '686-pae',
      vcpus: 4,
      commands: COMMANDS,
      budget: 5_000_000,
    });
    assertProcessors(four, 4);
    console.log(`  4 vCPUs, to the marker: ${describeFigures(four.marker)}`);
  });
});
