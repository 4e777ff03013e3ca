/**
 * What files of symbols say of a Linux kernel, without a look at the guest's memory. Addresses are where
 * the kernel runs. Finding a type among all that a vmlinux has takes a while, so each is found once.
 */
import type { CType } from '../symbols/c-types.ts';
import type { DebugInformation } from '../symbols/debug-information.ts';
import type { Symbol, SymbolTable } from '../symbols/symbol-table.ts';
import { Layout } from './kernel-object.ts';

/** A guest's files of symbols. */
export interface LinuxFiles {
  readonly symbols: SymbolTable;
  readonly information: readonly DebugInformation[];
}

export class KernelNames {
  private readonly files: LinuxFiles;
  /** Of the file that has the kernel's types; null where only symbols are known. */
  private readonly kernel: DebugInformation | null;
  private readonly layouts = new Map<string, Layout | null>();

  constructor(files: LinuxFiles) {
    this.files = files;
    this.kernel = files.information.find((each) => each.variable('init_task') !== null) ?? null;
  }

  isOf({ symbols, information }: LinuxFiles): boolean {
    const own = this.files;
    const isSame = own.symbols === symbols && own.information.length === information.length;
    return isSame && own.information.every((each, index) => each === information[index]);
  }

  symbol(name: string): Symbol | null {
    return this.files.symbols.find(name);
  }

  /** "start_kernel+0x13" */
  describe(address: number): string | null {
    return this.files.symbols.describe(address);
  }

  /** A type by its words, "struct task_struct"; null where there is no such type, or no types at all. */
  layout(words: string): Layout | null {
    const known = this.layouts.get(words);
    if (known !== undefined) return known;
    const type = this.kernel?.type(words) ?? null;
    const layout = type === null ? null : new Layout(type);
    this.layouts.set(words, layout);
    return layout;
  }

  /** Of a variable with static storage. */
  typeOfVariable(name: string): CType | null {
    return this.kernel?.variable(name)?.type ?? null;
  }
}
