/**
 * Follows which modules the guest's kernel has loaded: at each stop the list is compared with the one
 * before. A file of symbols of a module's name (ext4.ko, ext4.ko.debug) is placed where the sections are;
 * the others are modules of the protocol by themselves.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { AdapterError } from '../errors.ts';
import { formatAddress } from '../display/memory-reference.ts';
import { symbolModule } from '../source-level/symbol-modules.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import type { SymbolModule } from '../symbols/symbol-module.ts';
import { listNodes } from './lists.ts';
import type { Linux } from './linux.ts';
import { type KernelModule, modules } from './modules.ts';

/** A body of the protocol's `module` event. */
export type ModuleChange = DebugProtocol.ModuleEvent['body'];

export class ModuleWatch {
  private readonly linux: Linux;
  private readonly files: () => GuestSymbols;
  private of: GuestSymbols | null = null;
  /** Addresses of the list's entries when it was last read. */
  private entries = '';
  private loaded: readonly KernelModule[] = [];

  constructor(linux: Linux, files: () => GuestSymbols) {
    this.linux = linux;
    this.files = files;
  }

  /** Those that no file of symbols is of, for the list of modules. */
  get unnamed(): readonly DebugProtocol.Module[] {
    return this.loaded.filter((each) => this.fileOf(each) === null).map(withoutFile);
  }

  /** What has changed since the last look. Places files of symbols. */
  async look(): Promise<readonly ModuleChange[]> {
    if (!this.linux.exists) return [];
    if (this.files() !== this.of) this.restart();
    try {
      const entries = await this.linux.see(async (look) => {
        const { rows } = await listNodes(look.memory, look.addressOf('modules'));
        return rows.join();
      });
      // one that was seen while it was being loaded has its place later
      const isSettled = this.loaded.every((each) => this.fileOf(each)?.image.isPlaced ?? true);
      if (entries === this.entries && isSettled) return [];
      const { rows } = await this.linux.see(modules);
      this.entries = entries;
      return this.compare(rows);
    } catch (cause) {
      // there is no kernel to be seen yet, or it has no modules
      if (cause instanceof AdapterError) return [];
      throw cause;
    }
  }

  /** Another guest, or the same from power-on: its files were opened anew. */
  private restart(): void {
    this.of = this.files();
    this.entries = '';
    this.loaded = [];
  }

  private compare(now: readonly KernelModule[]): readonly ModuleChange[] {
    const before = this.loaded;
    this.loaded = now;
    const isIn = (list: readonly KernelModule[], { name, base }: KernelModule): boolean =>
      list.some((each) => each.name === name && each.base === base);
    const gone = before.filter((each) => !isIn(now, each));
    const isToBePlaced = (each: KernelModule): boolean =>
      each.sections.length > 0 && this.fileOf(each)?.image.isPlaced === false;
    const come = now.filter((each) => !isIn(before, each) || isToBePlaced(each));
    return [
      ...gone.map((module) => this.change(module, 'removed')),
      ...come.map((module) => this.change(module, 'new')),
    ];
  }

  private change(module: KernelModule, reason: 'new' | 'removed'): ModuleChange {
    const file = this.fileOf(module);
    if (file === null) return { reason, module: withoutFile(module) };
    const sections = reason === 'new' ? module.sections : [];
    file.image.place(new Map(sections.map(({ name, address }) => [name, address])));
    return { reason: 'changed', module: symbolModule(this.files(), file) };
  }

  private fileOf({ name }: KernelModule): SymbolModule | null {
    const { modules: files } = this.files();
    return files.find((file) => file.image.isObject && moduleName(file.name) === name) ?? null;
  }
}

/** As the kernel names the module of a file. */
const moduleName = (file: string): string =>
  file.replace(/\.ko(\.debug)?$/, '').replaceAll('-', '_');

function withoutFile({ name, base, size }: KernelModule): DebugProtocol.Module {
  return {
    id: `linux:${name}`,
    name,
    addressRange: `${formatAddress(base)}-${formatAddress(base + size)}`,
    symbolStatus: 'No symbols: list its .ko file under "symbols"',
  };
}
