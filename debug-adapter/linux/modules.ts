/**
 * Modules that the guest has loaded (Linux struct module), as /proc/modules lists them, with their
 * sections. Where a module's code lies has been told by three forms: mem[] since 6.4, core_layout since
 * 4.5, module_core before; its users by module_use lists of two forms. Sections are those that the kernel
 * shows below /sys/module (struct module_sect_attrs); a kernel without sysfs or kallsyms has none.
 */
import type { KernelLook } from './kernel-look.ts';
import type { KernelObject } from './kernel-object.ts';
import { perCpuOffset, possibleCpus } from './per-cpu.ts';
import { stripped } from '../typed/types.ts';
import { describeKernelError, type Found, listNodes } from './lists.ts';

export interface ModuleSection {
  /** ".text" */
  readonly name: string;
  /** Linear, in the guest. */
  readonly address: number;
}

export interface KernelModule {
  /** Linear address of its struct module. */
  readonly address: number;
  readonly name: string;
  /** Where its core lies; 0 for none. */
  readonly base: number;
  /** Bytes of all that is loaded of it. */
  readonly size: number;
  readonly state: 'Live' | 'Loading' | 'Unloading' | 'Unformed';
  /** Modules and others that use it; null where the kernel does not count. */
  readonly users: number | null;
  /** Names of the modules that use it. */
  readonly usedBy: readonly string[];
  /** It has no way to be unloaded. */
  readonly isPermanent: boolean;
  readonly sections: readonly ModuleSection[];
  /** Why some of this cannot be told, or null. */
  readonly problem: string | null;
}

/** enum module_state. */
const STATES = ['Live', 'Loading', 'Unloading', 'Unformed'] as const;
const MOST_SECTIONS = 1024;
const MOST_CPUS = 256;
const MODULE = 'struct module';

/** In the kernel's order, the youngest first. */
export async function modules(look: KernelLook): Promise<Found<KernelModule>> {
  const { rows, problem } = await listNodes(look.memory, look.addressOf('modules'));
  const first = look.object(MODULE, 0);
  const offset = first.member('list').address;
  const found: KernelModule[] = [];
  for (const node of rows) {
    found.push(await moduleAt(look, first.at(node - offset)));
  }
  return { rows: found, problem };
}

async function moduleAt(look: KernelLook, object: KernelObject): Promise<KernelModule> {
  let found: KernelModule = {
    address: object.address, name: '', base: 0, size: 0, state: 'Unformed', users: null,
    usedBy: [], isPermanent: false, sections: [], problem: null,
  }; // prettier-ignore
  try {
    found = { ...found, name: await object.text('name') };
    found = { ...found, state: STATES[await object.number('state')] ?? 'Unformed' };
    found = { ...found, ...(await placeOf(object)), ...(await usersOf(look, object)) };
    return { ...found, sections: await sectionsOf(object) };
  } catch (cause) {
    return { ...found, problem: describeKernelError(cause) };
  }
}

async function placeOf(object: KernelObject): Promise<Pick<KernelModule, 'base' | 'size'>> {
  if (object.has('mem')) {
    const memories = object.member('mem');
    const array = stripped(memories.type);
    let size = 0;
    for (let kind = 0; array.kind === 'array' && kind < (array.count ?? 0); kind++)
      size += await memories.element(kind).number('size');
    return { base: await memories.element(0).number('base'), size };
  }
  const isNew = object.has('core_layout');
  const [base, size, initSize] = isNew
    ? ['core_layout.base', 'core_layout.size', 'init_layout.size']
    : ['module_core', 'core_size', 'init_size'];
  const whole = (await object.number(size)) + (await object.number(initSize));
  return { base: await object.number(base), size: whole };
}

async function usersOf(
  look: KernelLook,
  object: KernelObject,
): Promise<Pick<KernelModule, 'users' | 'usedBy' | 'isPermanent'>> {
  const list = object.firstOf('source_list', 'modules_which_use_me');
  // without MODULE_UNLOAD nothing is counted
  if (list === null) return { users: null, usedBy: [], isPermanent: false };
  const usedBy: string[] = [];
  const { rows } = await listNodes(look.memory, object.member(list).address);
  for (const node of rows) {
    // its list is its first member in both forms
    const use = look.object('struct module_use', node);
    const user = await use.target(use.firstOf('source', 'module_which_uses') ?? 'source');
    if (user !== null) usedBy.push(await user.text('name'));
  }
  const hasInit = (await object.number('init')) !== 0;
  const isPermanent = hasInit && (await object.number('exit')) === 0;
  return { users: await countOf(look, object), usedBy, isPermanent };
}

/** MODULE_REF_BASE: what a module that nobody uses counts, since 3.19. */
const REF_BASE = 1;

/** One counter, or one of each CPU before 3.19: in the module up to 2.6.29, per-CPU since. */
async function countOf(look: KernelLook, object: KernelObject): Promise<number | null> {
  if (object.has('refcnt')) return (await object.number('refcnt')) - REF_BASE;
  let sum = 0;
  if (object.has('refptr')) {
    const counters = await object.target('refptr');
    for (const cpu of await possibleCpus(look)) {
      if (counters === null) return null;
      const own = counters.address + (await perCpuOffset(look, cpu));
      const counter = counters.at(own);
      sum += (await counter.number('incs')) - (await counter.number('decs'));
    }
    return sum;
  }
  if (!object.has('ref')) return null;
  const counters = object.member('ref');
  const array = stripped(counters.type);
  const count = array.kind === 'array' ? Math.min(array.count ?? 0, MOST_CPUS) : 0;
  for (let cpu = 0; cpu < count; cpu++) sum += await counters.element(cpu).number('count');
  return sum;
}

async function sectionsOf(object: KernelObject): Promise<readonly ModuleSection[]> {
  const table = object.has('sect_attrs') ? await object.target('sect_attrs') : null;
  if (table === null) return [];
  const count = Math.min(await table.number('nsections'), MOST_SECTIONS);
  const sections: ModuleSection[] = [];
  for (let index = 0; index < count; index++) {
    const section = table.member('attrs').element(index);
    const name = section.firstOf('battr.attr.name', 'name', 'mattr.attr.name') ?? 'name';
    const address = section.firstOf('address', 'battr.private') ?? 'address';
    sections.push({ name: await section.text(name), address: await section.number(address) });
  }
  return sections;
}

/** As a line of /proc/modules, without the letters of what taints the kernel. */
export function moduleText(module: KernelModule): string {
  const { name, size, users, usedBy, isPermanent, state, base } = module;
  const by = [...usedBy, ...(isPermanent ? ['[permanent]'] : [])].map((user) => `${user},`).join('');
  return `${name} ${size} ${users ?? '-'} ${by === '' ? '-' : by} ${state} 0x${base.toString(16).padStart(8, '0')}`;
} // prettier-ignore
