/**
 * Shadow paging proved by guests that do to their page tables whatever can be done (shadow/thrash.s): they
 * must end as on the bare processor, to the last bit of memory, while every entry of the shadow is what
 * the guest's tables say at any stop; and a shadow that is put away and taken up again must go on as if
 * nothing had happened.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { SHADOW_COUNTERS } from '../../emulator/hypervisor/shadow/shadow-counts.ts';
import { shadowProblems } from '../../emulator/hypervisor/shadow/testing/check-shadow.ts';
import { SHADOW_BUILT } from './build.ts';
import { farReadsScript, thrashScript, type ThrashScript, writeProtectScript } from './shadow/script.ts'; // prettier-ignore
import { GuestRun } from './whole-machine.ts';

const image = readFileSync(path.join(SHADOW_BUILT, 'thrash.bin'));
const PROFILE = 'kvm-2.6.20-vmx';
const SEEDS = 8;
const STEPS = 1500;
/** Instructions between two looks at the shadow: odd, so that they come anywhere. */
const LOOK = 1237;

function start(script: ThrashScript, profile: string): GuestRun {
  const run = new GuestRun({ image, interface: 'bare', profile, cpu: script.cpu, memoryMiB: 8 });
  for (const { address, bytes } of script.memory) run.machine.cpu.memory.writeRam(address, bytes);
  return run;
}
/** Runs to the end of the script, or whatever else there is. */
function finish(run: GuestRun, look: (run: GuestRun) => void, budget: number): string {
  for (;;) {
    const stop = run.slice(budget);
    look(run);
    if (stop.kind !== 'budget') return stop.kind;
  }
}
function shadowOf(run: GuestRun): NonNullable<GuestRun['machine']['hypervisor']['shadow']> {
  return run.machine.hypervisor.shadow ?? assert.fail('no shadow');
}
function check(run: GuestRun): void {
  const { memory, map, retired } = run.machine;
  const problems = shadowProblems(shadowOf(run), memory.buffer, map);
  assert.deepEqual(problems, [], `after ${String(retired)} instructions`);
}
/** Registers without how many instructions it took: a string instruction's pieces may count otherwise. */
const end = ({ fingerprint: { registers, ram } }: GuestRun): object => ({
  registers: registers.slice(registers.indexOf(' ')),
  ram,
});
/** The guest's own faults and the causes that are not the guest's, by what has happened at least once. */
const seen = new Set<string>();
function note(run: GuestRun): void {
  for (const [name, count] of Object.entries(shadowOf(run).counts)) if (count > 0) seen.add(name);
}

const scripts: (readonly [name: string, script: ThrashScript])[] = [
  ['clears CR0.WP', writeProtectScript()],
  ['needs more tables than there are', farReadsScript()],
];
for (let seed = 0; seed < SEEDS; seed++) {
  scripts.push([`thrashes its tables, seed ${String(seed)},`, thrashScript(seed, STEPS)]);
}
for (const [name, script] of scripts) {
  test(`a guest that ${name} ends as on the bare processor`, () => {
    const bare = start(script, 'bare');
    const shadowed = start(script, PROFILE);
    const stop = finish(bare, () => undefined, 1_000_000);
    assert.equal(finish(shadowed, check, LOOK), stop);
    assert.equal(stop, 'halted-forever');
    assert.deepEqual(end(shadowed), end(bare));
    note(shadowed);
  });
}

test('the scripts have made everything happen that is counted', () => {
  const never = SHADOW_COUNTERS.map(({ name }) => name).filter((name) => !seen.has(name));
  // what would show that the shadow had lost its way
  assert.deepEqual(never, ['spurious', 'stuck']);
});

test('a shadow goes on from what was saved of it, with the same exits at the same instructions', () => {
  const script = thrashScript(3, STEPS);
  const first = start(script, PROFILE);
  const second = start(script, PROFILE);
  const exitsOf = (run: GuestRun): readonly object[] =>
    run.exits.map(({ position, name, detail }) => ({ position, name, detail }));
  for (let slice = 0; slice < 12; slice++) {
    first.slice(LOOK);
    second.slice(LOOK);
    const shadow = shadowOf(second);
    const saved = JSON.stringify(shadow.state());
    shadow.reset();
    shadow.restore(JSON.parse(saved) as ReturnType<typeof shadow.state>);
    check(second);
    assert.equal(JSON.stringify(shadow.state()), saved);
  }
  finish(first, () => undefined, LOOK);
  finish(second, () => undefined, LOOK);
  assert.deepEqual(exitsOf(second), exitsOf(first));
  assert.deepEqual(second.fingerprint, first.fingerprint);
  assert.deepEqual(shadowOf(second).counts, shadowOf(first).counts);
});
