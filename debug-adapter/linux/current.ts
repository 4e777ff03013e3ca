/**
 * The task that a processor executes, `current` of the kernel, as a tree of the machine's language, which
 * conditions need. Where it is written has moved: into the processor's struct i386_pda (2.6.20), a per-CPU
 * variable current_task (since 2.6.21), a member of the per-CPU pcpu_hot (6.2 to 6.14). On several
 * processors each finds its own through its GDT, in user mode as well. Kernels before 2.6.20, which had it
 * at the bottom of the kernel stack alone, are not told.
 */
import { U32, U8 } from '../../emulator/expressions/integers.ts';
import type { Syntax } from '../../emulator/expressions/syntax.ts';
import { advanced, binary, cast, constant, memoryAt } from '../typed/trees.ts';
import { KernelError } from './kernel-memory.ts';
import type { KernelNames } from './kernel-names.ts';
import { perCpuOffsets, perCpuSymbol } from './per-cpu.ts';

/** GDT_ENTRY_PERCPU, and GDT_ENTRY_PDA in 2.6.20: bytes from the base of the GDT. */
const OWN_DESCRIPTOR = 27 * 8;

/**
 * The address of the current task's task_struct. Throws KernelError where this kernel has none of the forms.
 * @param cpu whose; null: of the processor that evaluates it
 */
export function currentTree(names: KernelNames, cpu: number | null = null): Syntax {
  const copy = (name: string): Syntax => cpu === null ? ownCopyTree(names, name) : copyTree(names, name, constant(cpu, U32)); // prettier-ignore
  const member = memberOf(names, 'struct pcpu_hot', 'current_task');
  if (member !== null && names.symbol('pcpu_hot') !== null)
    return memoryAt(advanced(copy('pcpu_hot'), member), U32);
  const pda = names.symbol(PDA);
  const inPda = pda === null ? null : memberOf(names, 'struct i386_pda', 'pcurrent');
  if (pda === null || inPda === null) return memoryAt(copy('current_task'), U32);
  const base = cpu === null ? ownBaseTree() : memoryAt(constant(pda.address + 4 * cpu, U32), U32);
  return memoryAt(advanced(base, inPda), U32);
}

/** The table of all PDAs; where there is one, entry 27 of the GDT is the processor's. */
const PDA = '_cpu_pda';

function memberOf(names: KernelNames, type: string, member: string): number | null {
  return names.layout(type)?.field(member)?.offset ?? null;
}

/** Address of the executing processor's own copy of a per-CPU variable. Throws KernelError. */
export function ownCopyTree(names: KernelNames, name: string): Syntax {
  const master = constant(perCpuSymbol(names, name).address, U32);
  const offsets = perCpuOffsets(names);
  if (offsets === null) return master;
  if (names.symbol(PDA) === null) return cast(binary('+', master, ownBaseTree()), U32);
  const number = memberOf(names, 'struct i386_pda', 'cpu_number');
  if (number === null) throw new KernelError('How this kernel numbers its CPUs is not known.');
  const cpu = memoryAt(advanced(ownBaseTree(), number), U32);
  return copyTree(names, name, cpu);
}

/** Address of a CPU's copy of a per-CPU variable. Throws KernelError. */
export function copyTree(names: KernelNames, name: string, cpu: Syntax): Syntax {
  const master = constant(perCpuSymbol(names, name).address, U32);
  const offsets = perCpuOffsets(names);
  if (offsets === null) return master;
  const index = binary('<<', cast(cpu, U32), constant(2));
  const offset = memoryAt(cast(binary('+', constant(offsets, U32), index), U32), U32);
  return cast(binary('+', master, offset), U32);
}

/** The base in entry 27 of the processor's GDT (SDM vol. 3, 3.4.5, segment descriptors). */
function ownBaseTree(): Syntax {
  const gdt: Syntax = { kind: 'name', at: 0, name: 'gdtr.base' };
  const low = binary('&', memoryAt(advanced(gdt, OWN_DESCRIPTOR + 2), U32), constant(0xffffff, U32));
  const high = cast(memoryAt(advanced(gdt, OWN_DESCRIPTOR + 7), U8), U32);
  return cast(binary('|', low, binary('<<', high, constant(24))), U32);
} // prettier-ignore
