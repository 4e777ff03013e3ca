/**
 * Two machines with the same guest, one that only interprets and one that compiles too, slice by slice.
 * After each slice they must be in the same state: registers and counts always, memory and devices every
 * so often and at the end. The first difference ends it.
 *
 *   npx tsx test/guests/lockstep.ts KERNEL INITRD 'COMMAND LINE' [SLICES]     a Linux boot, in slices of a million instructions
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Hotness } from '../../emulator/cpu/translate/compiled-tier.ts';
import type { MachineStop } from '../../emulator/machine-stop.ts';
import { type Fingerprint, GuestRun, type GuestSetup } from './whole-machine.ts';

/** What is found three times within a short while is compiled. */
export const EAGER: Hotness = { interval: 500, times: 3 };

export interface LockstepOptions {
  /** Instructions between two comparisons of registers. */
  readonly budget: number;
  /** Slices between two comparisons of everything. */
  readonly every: number;
  /** Slices after which it is enough. */
  readonly slices: number;
}

export interface Agreement {
  readonly stop: MachineStop;
  readonly retired: number;
  /** Regions that were in use at the end. */
  readonly compiled: number;
}

/**
 * Throws an Error that says where the two first differ.
 * @param other what the compiling machine runs, for a test of this test
 */
export function lockstep(
  setup: GuestSetup,
  hotness: Hotness,
  options: LockstepOptions,
  other = setup,
): Agreement {
  const interpreted = new GuestRun({ ...setup, hotness: null });
  const compiled = new GuestRun({ ...other, hotness });
  for (let slice = 1; ; slice++) {
    const [wanted, stop] = [interpreted, compiled].map((run) => run.slice(options.budget));
    if (stop === undefined) throw new Error('there are two machines');
    const { retired } = interpreted.machine;
    const goesOn = stop.kind === 'budget' || (stop.kind === 'idle' && stop.wakeAt !== Infinity);
    const over = !goesOn || slice >= options.slices;
    const all = over || slice % options.every === 0;
    const difference =
      wanted?.kind === stop.kind
        ? differenceOf(interpreted, compiled, all)
        : `one stops with ${String(wanted?.kind)}, the other with ${stop.kind}`;
    if (difference !== null)
      throw new Error(`After ${String(retired)} instructions ${difference}.`);
    if (over) {
      const regions = compiled.machine.vcpus.map(({ cpu }) => cpu.compiledRegions);
      return { stop, retired, compiled: Math.max(...regions) };
    }
  }
}

function differenceOf(one: GuestRun, other: GuestRun, all: boolean): string | null {
  const [a, b] = [one, other].map((run): Partial<Fingerprint> => (all ? run.fingerprint : run.place)); // prettier-ignore
  const names = Object.keys(a ?? {}) as (keyof Fingerprint)[];
  const name = names.find((key) => JSON.stringify(a?.[key]) !== JSON.stringify(b?.[key]));
  if (name === undefined) return null;
  return `${name} differs: ${JSON.stringify(a?.[name])} and ${JSON.stringify(b?.[name])}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , kernel = '', initrd = '', commandLine = '', slices = '10000'] = process.argv;
  const setup = {
    image: readFileSync(kernel), initrd: readFileSync(initrd), commandLine,
    interface: 'kvm', format: 'bzimage', memoryMiB: 128,
  } as const; // prettier-ignore
  const hotness = { interval: 5_000, times: 3 };
  const agreed = lockstep(setup, hotness, {
    budget: 1_000_000,
    every: 500,
    slices: Number(slices),
  });
  console.info(`${agreed.stop.kind} after ${String(agreed.retired)} instructions, all alike; ${String(agreed.compiled)} regions`); // prettier-ignore
}
