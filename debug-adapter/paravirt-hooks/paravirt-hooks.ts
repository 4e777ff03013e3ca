/**
 * The hooks of the guest's kernel as they are now: which function performs each operation, and what stands
 * at every place that performs one. What the symbol files say is worked out once for each place that the
 * kernel can be at; pointers and instructions are read from live memory whenever somebody looks.
 */
import { failure } from '../errors.ts';
import type { MachineClient } from '../machine/machine-client.ts';
import type { CType } from '../symbols/c-types.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import { type CallSite, callSites, performs, type Records, recordsOf } from './call-sites.ts';
import { type Hook, type HookField, readHookTable } from './hook-table.ts';
import type { KernelImage } from './kernel-image.ts';
import { readPieces, readPointers } from './live-memory.ts';
import { symbolsOfSequence } from './native-sequences.ts';
import { readRecords, recordLayout } from './patch-records.ts';
import { behindThunk, type SiteState, siteState, THUNK_BYTES } from './site-state.ts';

/** What a kernel does where it patches a place that performs an operation, by the function in the table. */
export type PatchKind =
  /** A direct call of the function. */
  | 'call'
  /** The hardware's own instructions, where the kernel finds no reason for a call. */
  | 'native'
  /** Nothing: the function does nothing, or gives back what it gets. */
  | 'nop'
  | 'identity'
  /** A function that gives 0. */
  | 'zero'
  /** No function: a call of paravirt_BUG. */
  | 'bug'
  | 'unreadable';

export interface HookNow {
  readonly hook: Hook;
  /** In the table; null where that cannot be read. */
  readonly target: number | null;
  /** Behind the thunk that saves registers, if the target is one. */
  readonly function: number | null;
  readonly patch: PatchKind;
}

export interface SiteNow {
  readonly site: CallSite;
  readonly state: SiteState;
}

/** What the symbol files say of the kernel. */
export interface KernelFacts {
  readonly hooks: readonly Hook[];
  readonly fields: readonly HookField[];
  readonly isTyped: boolean;
  /** By address. */
  readonly sites: readonly CallSite[];
  /** Why there are no recorded places; null when there are. */
  readonly gap: string | null;
}

/** Files of symbols, as far as hooks need them. */
export interface KernelFiles {
  readonly symbols: SymbolTable;
  /** ELF files, in the order of launch.json. */
  readonly kernels: readonly KernelImage[];
  /** A complete type by its name, "struct pv_info". */
  readonly type: (name: string) => CType | null;
}

const TABLES = ['pv_ops', 'paravirt_ops', 'pv_cpu_ops', 'pv_irq_ops', 'pv_mmu_ops'];
const SECTION_SYMBOLS = [
  ['__parainstructions', '__parainstructions_end'],
  ['__start_parainstructions', '__stop_parainstructions'],
] as const;
/** Bytes of records in memory at most. */
const MOST_BYTES = 1 << 20;
/** Functions by which a kernel says that nothing is to be done. */
const NOP_FUNCTIONS = ['_paravirt_nop', 'paravirt_nop', 'native_nop'];
const ZERO_FUNCTIONS = ['paravirt_ret0'];
const IDENTITIES = /^_?paravirt_ident_(32|64)$/;
const NATIVE_NAME = /(^|_)native_/;

export class ParavirtHooks {
  private readonly machine: MachineClient;
  readonly files: KernelFiles;
  private facts: { readonly key: string; readonly value: Promise<KernelFacts> } | null = null;

  constructor(machine: MachineClient, files: KernelFiles) {
    this.machine = machine;
    this.files = files;
  }

  /** The symbol files have a table of hooks. */
  get exist(): boolean {
    return TABLES.some((name) => this.files.symbols.find(name) !== null);
  }

  /** Throws the numbered error for a kernel without hooks. */
  async kernel(): Promise<KernelFacts> {
    const slides = this.files.kernels.map(({ image }) => image.slide).join();
    // memory has the records from some moment of the boot to another
    const { retired } = this.readsMemory ? await this.machine.call('position') : { retired: 0 };
    const key = `${slides} ${retired}`;
    if (this.facts?.key !== key) this.facts = { key, value: this.read() };
    return this.facts.value;
  }

  /** No file has the records, and symbols say where they are in memory. */
  private get readsMemory(): boolean {
    const { kernels, symbols } = this.files;
    return (
      SECTION_SYMBOLS.some(([first]) => symbols.find(first) !== null) &&
      kernels.every((each) => each.section('.parainstructions') === null)
    );
  }

  /** The hooks with what is in the tables now. */
  async now(hooks: readonly Hook[]): Promise<readonly HookNow[]> {
    const { sites } = await this.kernel();
    const replaced = sites.filter(({ replacements }) => replacements.length > 0);
    const isReplaced = (hook: Hook): boolean => replaced.some((site) => performs(site, hook));
    const targets = await readPointers(this.machine, hooks.map(({ slot }) => slot)); // prettier-ignore
    const heads = await readPieces(
      this.machine,
      targets.map((address) => ({ address: address ?? 0, length: THUNK_BYTES })),
    );
    return hooks.map((hook, index) => {
      const target = targets[index] ?? null;
      const head = heads[index] ?? null;
      const behind = target === null || head === null ? null : behindThunk(head, target);
      return { hook, target, function: behind ?? target, patch: this.patchOf(hook, target, behind, isReplaced(hook)) };
    }); // prettier-ignore
  }

  /** What stands at places that perform operations. */
  async states(sites: readonly CallSite[]): Promise<readonly SiteNow[]> {
    const bytes = await readPieces(this.machine, sites);
    return sites.map((site, index) => ({
      site,
      state: siteState(bytes[index] ?? null, {
        address: site.address,
        members: site.hooks.map(({ member }) => member),
        slots: site.hooks.map(({ slot }) => slot),
        replacements: site.replacements,
      }),
    }));
  }

  /**
   * The hook of a name: "pv_ops.mmu.write_cr3", or "hook:write_cr3" for whatever generation of tables the
   * kernel has; null for a text that is no name of a hook. Throws the numbered error for a hook that is not there.
   */
  async find(text: string): Promise<Hook | null> {
    const name = text.trim();
    const alias = ALIAS.exec(name)?.[1];
    if (alias !== undefined) return this.named(alias);
    return TABLE_NAME.test(name) ? this.named(name) : null;
  }

  /** As find, for a text that can be nothing else: "write_cr3" is enough where one table has it. */
  async named(text: string): Promise<Hook> {
    const name = ALIAS.exec(text)?.[1] ?? text;
    const { hooks } = await this.kernel();
    const whole = hooks.find((hook) => hook.name === name);
    if (whole !== undefined) return whole;
    const found = hooks.filter((hook) => hook.name.endsWith(`.${name}`));
    const [hook] = found;
    if (hook === undefined) throw failure('noHook', { name, hint: hintFor(name, hooks) });
    if (found.length > 1)
      throw failure('noHook', { name, hint: `: it could be ${namesOf(found)}` });
    return hook;
  }

  /** Where a hook's operation is performed. Throws the numbered error when no place is known. */
  async addressesOf(hook: Hook): Promise<readonly number[]> {
    const { sites, gap } = await this.kernel();
    const addresses = sites.filter((site) => performs(site, hook)).map(({ address }) => address); // prettier-ignore
    if (addresses.length > 0) return addresses;
    const [now] = await this.now([hook]);
    const name = this.files.symbols.describe(now?.function ?? 0);
    const remedy = name === null ? '' : ` Set a breakpoint on its function ${name} instead.`;
    throw failure('noHooks', { problem: `No place is known that performs ${hook.name}.${gap === null ? '' : ` ${gap}`}${remedy}` }); // prettier-ignore
  }

  /** The place at exactly this address, if it performs an operation. */
  async siteAt(address: number): Promise<SiteNow | null> {
    const { sites } = await this.kernel();
    const site = sites.find((each) => each.address === address);
    const [now] = site === undefined ? [] : await this.states([site]);
    return now ?? null;
  }

  private async read(): Promise<KernelFacts> {
    const { symbols, kernels, type } = this.files;
    const table = readTable({ symbol: (name) => symbols.find(name), type });
    const [first] = table.hooks;
    const kernel =
      kernels.find((each) => each.section('.parainstructions') !== null) ??
      kernels.find(
        (each) =>
          first !== undefined && each.read((first.slot - each.image.slide) >>> 0, 1) !== null,
      ) ??
      null;
    const found = kernel === null ? null : recordsOf(kernel, type);
    const records = found ?? (await this.recordsInMemory());
    const sites = callSites(table, records ?? { records: [], slide: 0 }, kernel, type);
    const gap =
      records === null || (records.records.length === 0 && found === null)
        ? 'No file of "symbols" has a section .parainstructions, and memory has none: only calls through the table are known. List the kernel’s vmlinux.'
        : null;
    return { ...table, sites, gap };
  }

  /** For a kernel of which there is a System.map alone; what the kernel has freed since is not believed. */
  private async recordsInMemory(): Promise<Records | null> {
    const { symbols, type } = this.files;
    for (const [first, last] of SECTION_SYMBOLS) {
      const start = symbols.find(first)?.address;
      const end = symbols.find(last)?.address;
      if (start === undefined || end === undefined || end <= start || end - start > MOST_BYTES)
        continue;
      const { bytes } = await this.machine.call('readMemory', 'linear', start, end - start);
      const all = readRecords(bytes, recordLayout(type));
      const records = all.filter(({ address }) => symbols.near(address) !== null);
      return records.length === all.length && all.length > 0 ? { records, slide: 0 } : null;
    }
    return null;
  }

  private patchOf(
    hook: Hook,
    target: number | null,
    behind: number | null,
    isReplaced: boolean,
  ): PatchKind {
    if (target === null) return 'unreadable';
    const near = this.files.symbols.near(behind ?? target);
    const name = near?.offset === 0 ? near.symbol.name : '';
    if (target === 0 || name === 'paravirt_BUG') return 'bug';
    if (NOP_FUNCTIONS.includes(name)) return 'nop';
    if (ZERO_FUNCTIONS.includes(name)) return 'zero';
    if (IDENTITIES.test(name)) return 'identity';
    const { symbols } = this.files;
    const hasInstructions = () =>
      isReplaced ||
      symbolsOfSequence(hook.group, hook.member).some((symbol) => symbols.find(symbol) !== null);
    return NATIVE_NAME.test(name) && hasInstructions() ? 'native' : 'call';
  }
}

/** "hook:write_cr3", "hook:mmu.write_cr3". */
const ALIAS = /^hook:\s*(\S+)$/;
/** A member of one of the tables. */
const TABLE_NAME = /^(pv_ops|paravirt_ops|pv_\w+_ops)(\.|\[)/;

function readTable(names: Parameters<typeof readHookTable>[0]): NonNullable<ReturnType<typeof readHookTable>> {
  let table;
  try {
    table = readHookTable(names);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw failure('noHooks', { problem: cause.message });
  }
  if (table !== null) return table;
  const problem =
    'No file of "symbols" has a table of paravirt hooks (pv_ops, paravirt_ops): list the vmlinux of a kernel that was built with CONFIG_PARAVIRT.';
  throw failure('noHooks', { problem });
} // prettier-ignore

/** ": did you mean …", for a member of that name elsewhere, or nearly. */
function hintFor(name: string, hooks: readonly Hook[]): string {
  const member = name.slice(name.lastIndexOf('.') + 1);
  const like = hooks.filter((hook) => hook.member.includes(member));
  return like.length === 0
    ? '; "hooks" lists those that this kernel has'
    : `: did you mean ${namesOf(like.slice(0, 3))}`;
}

const namesOf = (hooks: readonly Hook[]): string => hooks.map(({ name }) => name).join(' or ');
