/**
 * Debian's kernels on machines with several processors: they are started, found, share the work and are
 * interrupted by each other, and two boots in different slices are still one and the same run.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertQuietLog, boot, describeFigures, logs, once, POWER_OFF, skip, TIMEOUT_MS } from './linux/boots.ts'; // prettier-ignore
import type { BootResult } from './linux/main.ts';

const COMMANDS = ['grep -c ^processor /proc/cpuinfo', 'cat /proc/interrupts', 'exit'];
/** Three busy processors, and a switch in the kernel's code that interrupts all of them. */
const LOAD = [
  'spin() { while :; do :; done; }; S=/proc/sys/kernel/sched_schedstats',
  'spin & spin & spin & sleep 0.3; for i in $(seq 20); do echo 1 > $S; echo 0 > $S; done; kill %1 %2 %3',
  'grep ^cpu /proc/stat',
];
const KVM_COMMANDS = [...COMMANDS.slice(0, -1), ...LOAD, 'exit'];
/** The kernel and its file system need twice that. */
const SHORT_HOST = {
  features: {},
  asyncPageFaults: { every: 0, delay: 100_000, resident: 12 << 20 },
};

/** The numbers of the line that begins so. */
function numbersAfter(name: string, text: string): readonly number[] {
  const line = text.split('\n').find((each) => each.startsWith(name)) ?? '';
  return [...line.matchAll(/ (\d+)(?= |$)/g)].map(([, number]) => Number(number));
}

function assertProcessors(result: BootResult, vcpus: number): void {
  const [count, interrupts = ''] = result.answers;
  assert.equal(count, String(vcpus));
  logs(result, new RegExp(`^smp: Brought up 1 node, ${vcpus} CPUs$`));
  for (const name of ['LOC', 'CAL']) {
    const row = numbersAfter(`${name}:`, interrupts);
    assert.equal(row.length, vcpus, `${name} of each`);
    assert.ok(
      row.every((number) => number > 0),
      `${name}: ${row.join(' ')}`,
    );
  }
  assertQuietLog(result);
  assert.deepEqual(result.stop, POWER_OFF);
}

describe('Debian on several processors', { skip, timeout: 2 * TIMEOUT_MS + 120_000 }, () => {
  const three = once(() => {
    const job = { interface: 'kvm', vcpus: 3, kvm: SHORT_HOST, commands: KVM_COMMANDS } as const;
    return Promise.all([boot({ ...job, budget: 5_000_000 }), boot({ ...job, budget: 777_777 })]);
  });

  test('three under KVM', async () => {
    const [first] = await three();
    assertProcessors(first, 3);
    console.log(`  3 vCPUs, to the marker: ${describeFigures(first.marker)}`);
  });
  test('they interrupt each other and give each other turns by hypercalls', async () => {
    const [first] = await three();
    logs(first, /^kvm-guest: setup PV IPIs$/);
    logs(first, /^kvm-guest: setup PV sched yield$/);
    logs(first, /^kvm-guest: KVM setup pv remote TLB flush$/);
    logs(first, /^kvm-guest: PV spinlocks enabled$/);
    const { KVM_HC_SEND_IPI: ipis = 0, KVM_HC_SCHED_YIELD: yields = 0 } = first.hypercalls;
    assert.ok(ipis > 100 && yields > 10, JSON.stringify(first.hypercalls));
  });
  test('they are told what the others have taken from them', async () => {
    const [first] = await three();
    const stat = first.answers[4] ?? '';
    const [user = 0, , , , , , , steal = 0] = numbersAfter('cpu ', stat);
    // each of three that are always busy loses twice what it gets
    assert.ok(user > 10 && steal > 1.5 * user, stat);
  });
  test('a short host has told programs of pages that were out', async () => {
    const [first] = await three();
    // beyond the one of each processor's registration
    const callbacks = numbersAfter('HYP:', first.answers[1] ?? '');
    const sum = callbacks.reduce((total, each) => total + each, 0);
    assert.ok(callbacks.length === 3 && sum > 3, callbacks.join(' '));
  });
  test('another process in other slices makes the very same run', async () => {
    const [first, second] = await three();
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
