/**
 * The tables of hooks of a paravirtualized Linux kernel (CONFIG_PARAVIRT), through which each sensitive
 * operation goes: `struct paravirt_ops paravirt_ops` since 2.6.20, a table for each kind of operation
 * (pv_cpu_ops, pv_mmu_ops, …) since 2.6.24, and `struct paravirt_patch_template pv_ops` since 4.20.
 * Which operations a kernel has depends on its release and configuration, so they are taken from the types
 * of its own debugging information: a member that points to a function is an operation, by its own name.
 * Without types a table whose symbol has a size is shown by the numbers of its pointers.
 */
import type { CType, Member, StructType } from '../symbols/c-types.ts';
import type { Symbol } from '../symbols/symbol-table.ts';

export interface Hook {
  /** "pv_ops.mmu.write_cr3", "pv_mmu_ops.write_cr3", "paravirt_ops.write_cr3"; "pv_ops[3]" without types. */
  readonly name: string;
  /** "mmu", "pv_mmu_ops", "paravirt_ops". */
  readonly group: string;
  /** "write_cr3", "lazy_mode.enter". */
  readonly member: string;
  /** Linear address of the pointer to the function that performs it. */
  readonly slot: number;
  /** Number of the operation in records of call sites: its offset in the template, in pointers; null where unknown. */
  readonly number: number | null;
}

/** A member of the tables that is no operation: `pv_info.name`. */
export interface HookField {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  /** It points to the text that is its value. */
  readonly isText: boolean;
}

export interface HookTable {
  readonly hooks: readonly Hook[];
  readonly fields: readonly HookField[];
  /** False: the names of the operations are not known. */
  readonly isTyped: boolean;
}

/** What the symbol files know. */
export interface KernelNames {
  symbol(name: string): Symbol | null;
  /** A complete type, "struct pv_info". */
  type(name: string): CType | null;
}

const POINTER = 4;
/** Members of a table at most, with those inside them, and levels of structures in it. */
const MOST_MEMBERS = 1024;
const DEEPEST = 4;
/** A structure that holds a function with a calling convention of its own. */
const CALLEE_SAVE = 'paravirt_callee_save';
/** Tables of 2.6.24 to 4.19 that can stand alone; which a kernel has, its template says. */
const SINGLE_TABLES = [
  'pv_init_ops',
  'pv_time_ops',
  'pv_cpu_ops',
  'pv_irq_ops',
  'pv_apic_ops',
  'pv_mmu_ops',
  'pv_lock_ops',
];

/** A kernel's tables; null for one without, as far as the symbols say. Throws RangeError with a sentence. */
export function readHookTable(names: KernelNames): HookTable | null {
  const template = structOf(names.type('struct paravirt_patch_template'));
  const whole = names.symbol('pv_ops');
  if (whole !== null) return withInfo(names, tableOf('pv_ops', whole, template, true));
  const flat = names.symbol('paravirt_ops');
  if (flat !== null)
    return tableOf('paravirt_ops', flat, structOf(names.type('struct paravirt_ops')), false);
  const singles = SINGLE_TABLES.filter((name) => names.symbol(name) !== null);
  if (singles.length === 0) return null;
  return withInfo(names, joined(singles.map((name) => singleTable(name, names, template))));
}

/** One of 2.6.24 to 4.19, which the template has as a member of the same name. */
function singleTable(name: string, names: KernelNames, template: StructType | null): HookTable {
  const symbol = names.symbol(name);
  if (symbol === null) return joined([]);
  const type = structOf(names.type(`struct ${name}`));
  const place = template?.members.find((member) => member.name === name);
  const first = place === undefined ? null : place.offset / POINTER;
  const table = tableOf(name, symbol, type, false);
  const hooks = table.hooks.map((hook) => {
    const number = first === null ? null : first + (hook.slot - symbol.address) / POINTER;
    return { ...hook, number };
  });
  return { ...table, hooks };
}

/** @param grouped its members are the groups */
function tableOf(
  name: string,
  { address, size }: Symbol,
  type: StructType | null,
  grouped: boolean,
): HookTable {
  if (type !== null) return typedTable(name, address, type, grouped);
  if (size < POINTER || size / POINTER > MOST_MEMBERS)
    throw new RangeError(
      `There is a table ${name}, but no file of "symbols" tells its type or size; list the kernel's vmlinux with debugging information.`,
    );
  const hooks = Array.from({ length: Math.floor(size / POINTER) }, (_, number): Hook => ({
    name: `${name}[${number}]`,
    group: name,
    member: `[${number}]`,
    slot: address + number * POINTER,
    number,
  })); // prettier-ignore
  return { hooks, fields: [], isTyped: false };
}

function typedTable(name: string, address: number, type: StructType, grouped: boolean): HookTable {
  const hooks: Hook[] = [];
  const fields: HookField[] = [];
  for (const { path, member, offset } of leaves(type)) {
    const place = (address + offset) >>> 0;
    const kind = kindOf(member.type);
    const whole = `${name}.${path.join('.')}`;
    if (kind !== 'function') {
      fields.push({ name: whole, address: place, size: sizeOf(member.type), isText: kind === 'text' }); // prettier-ignore
      continue;
    }
    const [group = name, ...rest] = grouped && path.length > 1 ? path : [name, ...path];
    hooks.push({
      name: whole,
      group,
      member: rest.join('.'),
      slot: place,
      number: offset / POINTER,
    });
  }
  return { hooks, fields, isTyped: true };
}

interface Leaf {
  readonly path: readonly string[];
  readonly member: Member;
  readonly offset: number;
}

/** Members of a structure and of those in it, down to what is no structure; a callee-save function is none. */
function leaves(type: StructType): readonly Leaf[] {
  const found: Leaf[] = [];
  let left = MOST_MEMBERS;
  const collect = (inside: StructType, path: readonly string[], start: number): void => {
    for (const member of inside.members) {
      if (left-- <= 0) return;
      const here = member.name === null ? path : [...path, member.name];
      const offset = start + member.offset;
      const inner = structOf(member.type);
      if (inner === null || inner.name === CALLEE_SAVE) found.push({ path: here, member, offset });
      else if (here.length < DEEPEST) collect(inner, here, offset);
    }
  };
  collect(type, [], 0);
  return found;
}

function kindOf(type: CType): 'function' | 'text' | 'value' {
  const plain = bare(type);
  if (structOf(plain)?.name === CALLEE_SAVE) return 'function';
  if (plain.kind !== 'pointer') return 'value';
  const target = bare(plain.target);
  if (target.kind === 'function') return 'function';
  return target.kind === 'base' && target.size === 1 ? 'text' : 'value';
}

/** Without typedefs and qualifiers. */
function bare(type: CType): CType {
  let plain = type;
  while (plain.kind === 'typedef' || plain.kind === 'qualified') plain = plain.target;
  return plain;
}

function structOf(type: CType | null): StructType | null {
  const plain = type === null ? null : bare(type);
  return plain?.kind === 'struct' && !plain.isDeclaration ? plain : null;
}

/** Bytes; 0 for what has none that are told. */
function sizeOf(type: CType): number {
  const plain = bare(type);
  return 'size' in plain ? plain.size : 0;
}

/** What the kernel says of itself, `pv_info.name`, stands beside the tables since 2.6.24. */
function withInfo(names: KernelNames, table: HookTable): HookTable {
  const symbol = names.symbol('pv_info');
  const type = structOf(names.type('struct pv_info'));
  if (symbol === null || type === null) return table;
  const { hooks, fields } = typedTable('pv_info', symbol.address, type, false);
  return joined([{ hooks, fields, isTyped: true }, table]);
}

function joined(tables: readonly HookTable[]): HookTable {
  return {
    hooks: tables.flatMap(({ hooks }) => hooks),
    fields: tables.flatMap(({ fields }) => fields),
    isTyped: tables.every(({ isTyped }) => isTyped),
  };
}
