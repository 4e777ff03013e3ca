/** Tables of hooks from types and symbols, in the forms of three generations of Linux. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CType, Member, StructType } from '../symbols/c-types.ts';
import { type CallSite, callSites } from './call-sites.ts';
import { type HookTable, type KernelNames, readHookTable } from './hook-table.ts';
import { readRecords, recordLayout } from './patch-records.ts';

const VOID: CType = { kind: 'void' };
const FUNCTION: CType = { kind: 'pointer', size: 4, target: { kind: 'function', result: VOID, parameters: [], isVariadic: false } }; // prettier-ignore
const INT: CType = { kind: 'base', name: 'int', size: 4, encoding: 'signed', signed: true };
const BYTE: CType = { kind: 'base', name: 'u8', size: 1, encoding: 'unsigned', signed: false };
const CHAR: CType = { kind: 'base', name: 'char', size: 1, encoding: 'character', signed: true };
const TEXT: CType = { kind: 'pointer', size: 4, target: { kind: 'qualified', qualifier: 'const', target: CHAR } }; // prettier-ignore

function struct(name: string, ...members: readonly (readonly [string | null, CType])[]): StructType {
  let size = 0;
  const placed = members.map(([member, type]): Member => {
    const offset = size;
    size += 'size' in type ? type.size : 4;
    return { name: member, type, offset, bits: null };
  });
  return { kind: 'struct', name, size, isDeclaration: false, members: placed };
} // prettier-ignore

const CALLEE_SAVE = struct('paravirt_callee_save', ['func', { kind: 'pointer', size: 4, target: VOID }]); // prettier-ignore

function names(
  symbols: { readonly [name: string]: readonly [number, number] },
  types: readonly StructType[],
): KernelNames {
  return {
    symbol(name) {
      const found = symbols[name];
      return found === undefined ? null : { name, address: found[0], size: found[1] };
    },
    type: (name) => types.find((type) => `struct ${type.name ?? ''}` === name) ?? null,
  };
}

const told = (table: HookTable | null): readonly string[] =>
  (table?.hooks ?? []).map(({ name, group, member, slot, number }) => `${name} ${group} ${member} ${slot.toString(16)} ${String(number)}`); // prettier-ignore

test('one table of groups', () => {
  const lazy = struct('pv_lazy_ops', ['enter', FUNCTION]);
  const template = struct(
    'paravirt_patch_template',
    ['irq', struct('pv_irq_ops', ['save_fl', CALLEE_SAVE], ['halt', FUNCTION])],
    ['mmu', struct('pv_mmu_ops', ['write_cr3', { kind: 'typedef', name: 'hook_t', target: FUNCTION }], ['lazy_mode', lazy])], // prettier-ignore
  );
  const info = struct('pv_info', ['extra', INT], ['name', TEXT]);
  const table = readHookTable(names({ pv_ops: [0x1000, 16], pv_info: [0x2000, 8] }, [template, info])); // prettier-ignore
  assert.deepEqual(told(table), [
    'pv_ops.irq.save_fl irq save_fl 1000 0',
    'pv_ops.irq.halt irq halt 1004 1',
    'pv_ops.mmu.write_cr3 mmu write_cr3 1008 2',
    'pv_ops.mmu.lazy_mode.enter mmu lazy_mode.enter 100c 3',
  ]);
  assert.deepEqual(table?.fields, [
    { name: 'pv_info.extra', address: 0x2000, size: 4, isText: false },
    { name: 'pv_info.name', address: 0x2004, size: 4, isText: true },
  ]);
});

test('tables of 2.6.24 to 4.19, whose numbers are offsets in a template that is nowhere in memory', () => {
  const cpu = struct('pv_cpu_ops', ['clts', FUNCTION], ['iret', FUNCTION]);
  const mmu = struct('pv_mmu_ops', ['read_cr2', FUNCTION], ['write_cr3', FUNCTION]);
  const template = struct('paravirt_patch_template', ['pv_cpu_ops', cpu], ['pv_mmu_ops', mmu]);
  const symbols = { pv_mmu_ops: [0x3000, 8], pv_cpu_ops: [0x9000, 8] } as const;
  const table = readHookTable(names(symbols, [cpu, mmu, template]));
  assert.deepEqual(told(table), [
    'pv_cpu_ops.clts pv_cpu_ops clts 9000 0',
    'pv_cpu_ops.iret pv_cpu_ops iret 9004 1',
    'pv_mmu_ops.read_cr2 pv_mmu_ops read_cr2 3000 2',
    'pv_mmu_ops.write_cr3 pv_mmu_ops write_cr3 3004 3',
  ]);
});

test('without types: numbers where the size is known, else a sentence with the remedy', () => {
  assert.deepEqual(told(readHookTable(names({ pv_ops: [0x1000, 8] }, []))), [
    'pv_ops[0] pv_ops [0] 1000 0',
    'pv_ops[1] pv_ops [1] 1004 1',
  ]);
  for (const size of [0, 3, 0x10000])
    assert.throws(() => readHookTable(names({ paravirt_ops: [0x1000, size] }, [])), /paravirt_ops, but no file .* vmlinux with debugging information/); // prettier-ignore
  assert.equal(readHookTable(names({}, [])), null);
});

test('types that go in circles or are damaged come to an end', () => {
  const members: Member[] = [];
  const circle: StructType = { kind: 'struct', name: 'pv', size: 4, isDeclaration: false, members };
  for (let index = 0; index < 500; index++) members.push({ name: `m${index}`, type: circle, offset: 0, bits: null }); // prettier-ignore
  const template = { ...circle, name: 'paravirt_patch_template' };
  assert.deepEqual(told(readHookTable(names({ pv_ops: [0, 4] }, [template]))), []);
});

/** A record without its original instructions. */
const record = (address: number, number: number): readonly number[] => [address & 0xff, address >> 8, 0, 0, number, 6, 0, 0]; // prettier-ignore
const performed = (sites: readonly CallSite[]): readonly string[] =>
  sites.map(({ address, hooks }) => `${address.toString(16)}: ${hooks.map(({ member }) => member).join(' ')}`); // prettier-ignore

test('numbers of records say what is performed where the file has no code', () => {
  const layout = recordLayout(() => null);
  const found = readRecords(Uint8Array.from([...record(0x200, 1), ...record(0x100, 0), 9, 9]), layout); // prettier-ignore
  const today = readHookTable(names({ pv_ops: [0x1000, 8] }, [])) ?? assert.fail();
  const sites = callSites(today, { records: found, slide: 0x10 }, null, () => null);
  assert.deepEqual(performed(sites), ['110: [0]', '210: [1]']);
});

test('2.6.20 counts its few operations from 0', () => {
  const type = struct('paravirt_ops', ['kernel_rpl', INT], ['save_fl', FUNCTION], ['irq_disable', FUNCTION]); // prettier-ignore
  const table = readHookTable(names({ paravirt_ops: [0x1000, 12] }, [type])) ?? assert.fail();
  const bytes = Uint8Array.from([0, 1, 3, 4, 200].flatMap((number) => record(0x100 + number, number))); // prettier-ignore
  const records = readRecords(
    bytes,
    recordLayout(() => null),
  );
  assert.deepEqual(performed(callSites(table, { records, slide: 0 }, null, () => null)), [
    '100: irq_disable',
    '101: ',
    '103: save_fl',
    '104: save_fl irq_disable',
    '1c8: ',
  ]);
});

test('records have the layout of the kernel’s own type, if it can be one', () => {
  const pointer: CType = { kind: 'pointer', size: 4, target: BYTE };
  const own = struct('paravirt_patch_site', ['instr', pointer], ['len', BYTE], ['type', BYTE], ['more', INT]); // prettier-ignore
  const of = (type: CType): unknown => recordLayout((name) => (name === 'struct paravirt_patch_site' ? type : null)); // prettier-ignore
  assert.deepEqual(of(own), { size: 10, address: 0, number: 5, length: 4 });
  const usual = { size: 8, address: 0, number: 4, length: 5 };
  assert.deepEqual(of({ ...own, size: 1 << 20 }), usual);
  assert.deepEqual(of(struct('paravirt_patch_site', ['instr', pointer], ['other', INT])), usual);
  assert.deepEqual(of({ ...own, size: 8, members: own.members.map((member) => ({ ...member, offset: 1000 })) }), usual); // prettier-ignore
});
