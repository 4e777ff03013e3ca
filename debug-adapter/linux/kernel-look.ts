/**
 * One look at a Linux kernel in the guest: what its files of symbols say, and its memory as it is now.
 * There are no tables of versions: which symbols there are and which members a type has decides how a
 * structure is read.
 */
import { KernelError, KernelMemory, type ReadMemory } from './kernel-memory.ts';
import type { KernelNames } from './kernel-names.ts';
import { KernelObject, Layout } from './kernel-object.ts';

/** Characters of the kernel's banner at most. */
const LONGEST_BANNER = 512;
const BANNER = 'Linux version ';

export class KernelLook {
  readonly names: KernelNames;
  readonly memory: KernelMemory;

  constructor(names: KernelNames, read: ReadMemory) {
    this.names = names;
    this.memory = new KernelMemory(read);
  }

  /** "Linux version 6.1.0-50-686 …", as `linux_banner` has it; null while it is not in memory. */
  async banner(): Promise<string | null> {
    const symbol = this.names.symbol('linux_banner');
    if (symbol === null) return null;
    const text = await this.memory.text(symbol.address, LONGEST_BANNER);
    return text.startsWith(BANNER) ? text.trim() : null;
  }

  /** Linear address of a symbol; throws KernelError. */
  addressOf(name: string): number {
    const symbol = this.names.symbol(name);
    if (symbol === null) throw new KernelError(`The kernel has no symbol "${name}".`);
    return symbol.address;
  }

  has(name: string): boolean {
    return this.names.symbol(name) !== null;
  }

  /** Throws KernelError where types are missing. */
  layout(words: string): Layout {
    const layout = this.names.layout(words);
    if (layout === null) throw noType(`type "${words}"`);
    return layout;
  }

  object(words: string, address: number): KernelObject {
    return new KernelObject(this.memory, this.layout(words), address);
  }

  /** A variable with static storage and with its type; throws KernelError. */
  variable(name: string): KernelObject {
    const address = this.addressOf(name);
    const type = this.names.typeOfVariable(name);
    if (type === null) throw noType(`type of "${name}"`);
    return new KernelObject(this.memory, new Layout(type), address);
  }

  /** A variable of four bytes, whatever its type. */
  async word(name: string): Promise<number> {
    return this.memory.pointer(this.addressOf(name));
  }
}

const noType = (what: string): KernelError =>
  new KernelError(
    `The ${what} is not known: list a vmlinux with debugging information under "symbols" of launch.json.`,
  );
