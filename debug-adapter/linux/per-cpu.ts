/**
 * Per-CPU variables (Linux include/linux/percpu-defs.h). Of each there is a master copy in the kernel's
 * image, and one for every processor at the distance __per_cpu_offset[cpu]; a kernel for one processor has
 * just the variable. Up to 2.6.33 their symbols began with "per_cpu__". CPUs are the virtual processors of
 * the same numbers.
 */
import { KernelError } from './kernel-memory.ts';
import type { KernelLook } from './kernel-look.ts';
import type { KernelNames } from './kernel-names.ts';
import type { KernelObject } from './kernel-object.ts';
import type { Symbol } from '../symbols/symbol-table.ts';

const OFFSETS = '__per_cpu_offset';
const OLD_PREFIX = 'per_cpu__';
/** Where a kernel does not say how many there are. */
const MOST_CPUS = 64;
const WORD_BITS = 32;

/** The symbol of a per-CPU variable; throws KernelError. */
export function perCpuSymbol(names: KernelNames, name: string): Symbol {
  const found = names.symbol(name) ?? names.symbol(OLD_PREFIX + name);
  if (found === null) throw new KernelError(`The kernel has no per-CPU variable "${name}".`);
  return found;
}

/** Address of the table of distances; null for a kernel for one processor. */
export const perCpuOffsets = (names: KernelNames): number | null =>
  names.symbol(OFFSETS)?.address ?? null;

/** Distance of a CPU's variables from the master copy. */
export async function perCpuOffset(look: KernelLook, cpu: number): Promise<number> {
  const offsets = perCpuOffsets(look.names);
  return offsets === null ? 0 : look.memory.pointer((offsets + 4 * cpu) >>> 0);
}

/** A CPU's copy of a variable. Throws KernelError for a CPU that there cannot be. */
export async function perCpu(look: KernelLook, name: string, cpu: number): Promise<KernelObject> {
  const { name: symbol } = perCpuSymbol(look.names, name);
  const cpus = await possibleCpus(look);
  if (!cpus.includes(cpu))
    throw new KernelError(`There is no CPU ${cpu}; this kernel has ${cpuList(cpus)}.`);
  const master = look.variable(symbol);
  return master.at(master.address + (await perCpuOffset(look, cpu)));
}

const cpuList = (cpus: readonly number[]): string =>
  cpus.length === 1
    ? `CPU ${String(cpus[0])}`
    : `CPUs ${String(cpus[0])} to ${String(cpus.at(-1))}`;

/** Numbers of the CPUs that may ever be there. */
export async function possibleCpus(look: KernelLook): Promise<readonly number[]> {
  if (perCpuOffsets(look.names) === null) return [0];
  if (look.has('nr_cpu_ids')) {
    const count = Math.min(await look.word('nr_cpu_ids'), MOST_CPUS);
    return Array.from({ length: Math.max(count, 1) }, (_, cpu) => cpu);
  }
  const mask = look.has('cpu_possible_map') ? await look.word('cpu_possible_map') : 1;
  return Array.from({ length: WORD_BITS }, (_, cpu) => cpu).filter((cpu) => ((mask >>> cpu) & 1) === 1);
} // prettier-ignore
