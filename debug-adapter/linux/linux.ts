/**
 * The guest's Linux kernel, if it has one whose symbols are here. Every question looks anew, since the
 * guest may have run; what one question reads is read once (kernel-memory.ts).
 */
import { AdapterError, failure } from '../errors.ts';
import { type MachineClient, MachineRefusal } from '../machine/machine-client.ts';
import type { SystemNames } from '../typed/program-names.ts';
import { currentTree } from './current.ts';
import { KernelError } from './kernel-memory.ts';
import { KernelLook } from './kernel-look.ts';
import { KernelNames, type LinuxFiles } from './kernel-names.ts';
import { linuxNames } from './linux-names.ts';
import { stackOf, type TaskStack } from './task-stack.ts';
import { type Task, task } from './tasks.ts';

/** Symbols that every Linux has had. */
const MARKS = ['linux_banner', 'init_task'] as const;

export class Linux {
  private readonly machine: MachineClient;
  private readonly files: () => LinuxFiles;
  private known: KernelNames | null = null;

  constructor(machine: MachineClient, files: () => LinuxFiles) {
    this.machine = machine;
    this.files = files;
  }

  /** The files of symbols are of a Linux kernel; whether it is in memory yet, only a look tells. */
  get exists(): boolean {
    const { symbols } = this.files();
    return MARKS.every((name) => symbols.find(name) !== null);
  }

  /** Null for another system. */
  expressionNames(): SystemNames | null {
    return this.exists ? linuxNames(this.names()) : null;
  }

  /** What is seen of the kernel now; a KernelError becomes the numbered error. */
  async see<Result>(what: (look: KernelLook) => Promise<Result>): Promise<Result> {
    if (!this.exists)
      throw unseen('No Linux kernel is known: list its vmlinux under "symbols" of launch.json.');
    const look = new KernelLook(this.names(), async (address, count) => {
      const range = await this.machine.call('readMemory', 'linear', address, count);
      return range.bytes;
    });
    try {
      if ((await look.banner()) === null)
        throw new KernelError(
          'The Linux kernel is not in memory here: let the guest boot further.',
        );
      return await what(look);
    } catch (cause) {
      throw cause instanceof KernelError ? unseen(cause.message) : cause;
    }
  }

  /**
   * The task that a processor executes.
   * @param cpu absent: of the one that the machine looks at
   */
  current(cpu: number | null = null): Promise<Task> {
    return this.see(async (look) => {
      const syntax = currentTree(look.names, cpu);
      const value = await this.machine.call('evaluate', { text: 'current', syntax }).catch(refused);
      if (value.kind !== 'integer') throw new KernelError('The current task is not known.');
      return task(look, Number(BigInt.asUintN(32, value.value)));
    });
  }

  /** The same; null where that cannot be told, as before the kernel is in memory. */
  async taskOn(cpu: number): Promise<Task | null> {
    if (!this.exists) return null;
    try {
      const task = await this.current(cpu);
      return task.problem === null ? task : null;
    } catch (cause) {
      if (cause instanceof AdapterError) return null;
      throw cause;
    }
  }

  /** Tasks that processors execute now, by CPU; without those that cannot be told. */
  async running(): Promise<ReadonlyMap<number, Task>> {
    const found = new Map<number, Task>();
    for (const { vcpu } of await this.machine.call('vcpus')) {
      const task = await this.taskOn(vcpu);
      if (task !== null) found.set(vcpu, task);
    }
    return found;
  }

  /** The kernel stack of a task that is at rest. */
  async stackOf(task: Task): Promise<TaskStack> {
    for (const [cpu, { address }] of await this.running())
      if (address === task.address)
        return { frames: [], problem: `It runs on CPU ${cpu}: its stack is the call stack there.` };
    return this.see((look) => stackOf(look, task));
  }

  /** Types that were found stay, until there are other files of symbols, or more of them are read. */
  private names(): KernelNames {
    const { symbols, information } = this.files();
    if (this.known?.isOf({ symbols, information }) !== true)
      this.known = new KernelNames({ symbols, information });
    return this.known;
  }
}

const unseen = (problem: string): AdapterError => failure('linuxUnseen', { problem });

/** What the machine refuses to read is wrong with the guest. */
function refused(cause: unknown): never {
  throw cause instanceof MachineRefusal ? new KernelError(cause.message) : cause;
}
