/**
 * The guest's Linux kernel, if it has one whose symbols are here. Every question looks anew, since the
 * guest may have run; what one question reads is read once (kernel-memory.ts).
 */
import { failure } from '../errors.ts';
import type { AdapterError } from '../errors.ts';
import type { MachineClient } from '../machine-client.ts';
import type { SystemNames } from '../typed/program-names.ts';
import { currentTree } from './current.ts';
import { KernelError } from './kernel-memory.ts';
import { KernelLook } from './kernel-look.ts';
import { KernelNames, type LinuxFiles } from './kernel-names.ts';
import { linuxNames } from './linux-names.ts';
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

  /** The task that the processor executes which the machine looks at. */
  current(): Promise<Task> {
    return this.see(async (look) => {
      const syntax = currentTree(look.names);
      const value = await this.machine.call('evaluate', { text: 'current', syntax });
      if (value.kind !== 'integer') throw new KernelError('The current task is not known.');
      return task(look, Number(BigInt.asUintN(32, value.value)));
    });
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
