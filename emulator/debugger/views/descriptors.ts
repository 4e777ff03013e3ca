/**
 * Descriptor tables decoded (SDM vol. 3, 3.4.5 "Segment descriptors", 3.5 "System descriptor types",
 * 6.11 "IDT descriptors", 20.1 "Real-address mode"), and the task-state segment (7.2.1, 7.6).
 */
import type { Cpu } from '../../cpu/cpu.ts';
import * as L from '../../cpu/layout.ts';
import {
  decodeDescriptor,
  type Descriptor,
  dplOf,
  isNull,
  isPresent,
  isSystem,
  isUsable,
  segmentOf,
  SYSTEM_TYPE,
  typeOf,
} from '../../cpu/segmentation.ts';
import { RIGHTS } from '../../cpu/state.ts';
import { vectorName } from '../../hypervisor/exit-decoders.ts';
import { bitNames, bitRows, type Bits, type Detail, hex, peekWords } from './detail.ts';

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SYSTEM_TYPE).map(([name, type]) => [
    type,
    name.toLowerCase().replaceAll('_', ' ').replace(/(16|32)/, ', $1-bit').replace('tss', 'TSS').replace('ldt', 'LDT'),
  ]),
); // prettier-ignore
const GATES: readonly number[] = [
  SYSTEM_TYPE.CALL_GATE16,
  SYSTEM_TYPE.TASK_GATE,
  SYSTEM_TYPE.INTERRUPT_GATE16,
  SYSTEM_TYPE.TRAP_GATE16,
  SYSTEM_TYPE.CALL_GATE32,
  SYSTEM_TYPE.INTERRUPT_GATE32,
  SYSTEM_TYPE.TRAP_GATE32,
];
/** Entries shown of one table: the IDT's 256, and more of a GDT than systems use. */
const MOST = 1024;

// prettier-ignore
const DATA_BITS: readonly Bits[] = [
  { name: 'accessed', low: 0, meaning: 'loaded into a segment register since it was cleared' },
  { name: 'writable', low: 1, meaning: 'may be written' },
  { name: 'expand-down', low: 2, meaning: 'valid above its limit' },
];
// prettier-ignore
const CODE_BITS: readonly Bits[] = [
  { name: 'accessed', low: 0, meaning: 'loaded into a segment register since it was cleared' },
  { name: 'readable', low: 1, meaning: 'may be read' },
  { name: 'conforming', low: 2, meaning: 'runs with the privilege of its caller' },
];

/** All descriptors of a table but empty ones. */
export function descriptorTable(cpu: Cpu, table: 'gdt' | 'ldt'): readonly Detail[] {
  const { state } = cpu;
  const ldtr = state.segment(L.SEGMENT.LDTR);
  const base = table === 'gdt' ? state.get(L.GDTR) : ldtr.base;
  const limit = table === 'gdt' ? state.get(L.GDTR + 8) : ldtr.limit;
  if (table === 'ldt' && (isNull(ldtr.selector) || !isUsable(ldtr.rights))) {
    return [{ name: 'LDTR', value: 'null: there is no local descriptor table' }];
  }
  const indicator = table === 'ldt' ? 4 : 0;
  return entries(cpu, base >>> 0, limit, 8, (index, address, low, high) => {
    if (low === 0 && high === 0) return null;
    return descriptorRow(index * 8 + indicator, decodeDescriptor(address, low, high));
  });
}

type Decode = (index: number, address: number, low: number, high: number) => Detail | null;

function entries(
  cpu: Cpu,
  base: number,
  limit: number,
  size: 4 | 8,
  decode: Decode,
): readonly Detail[] {
  const rows: Detail[] = [];
  const count = Math.min(Math.floor((limit + 1) / size), MOST);
  for (let index = 0; index < count; index++) {
    const address = (base + index * size) >>> 0;
    const words = peekWords(cpu, address, size / 4);
    if (words === null) {
      const place = { space: 'linear' as const, address };
      return [...rows, { name: hex(index, 1), value: 'not mapped from here on', place }];
    }
    const row = decode(index, address, words[0], words[1] ?? 0);
    if (row !== null) rows.push(row);
  }
  if (rows.length === 0) return [{ name: 'empty', value: `limit ${hex(limit, 4)}` }];
  return rows;
}

function descriptorRow(selector: number, descriptor: Descriptor): Detail {
  const { address, rights, low, high } = descriptor;
  const name = hex(selector, 4);
  const place = { space: 'linear' as const, address };
  const type = typeOf(rights);
  if (isSystem(rights) && GATES.includes(type)) return gateRow(name, address, low, high, rights);
  const { base, limit } = segmentOf(selector, descriptor);
  const code = (rights & 8) !== 0;
  const kind = isSystem(rights)
    ? (TYPE_NAMES.get(type) ?? `reserved type ${String(type)}`)
    : `${code ? 'code' : 'data'}, ${(rights & RIGHTS.DB) !== 0 ? '32-bit' : '16-bit'}`;
  const fields = code ? CODE_BITS : DATA_BITS;
  const set = isSystem(rights) ? '' : bitNames(type, fields);
  return {
    name,
    value: `${kind}, base ${hex(base)}, limit ${hex(limit)}, DPL ${String(dplOf(rights))}${isPresent(rights) ? '' : ', not present'}${set === '' ? '' : `, ${set}`}`,
    place,
    bytes: 8,
    children: [
      { name: 'base', value: hex(base), place: { space: 'linear', address: base >>> 0 }, symbolAt: base >>> 0 },
      { name: 'limit', value: `${hex(limit)}${(rights & RIGHTS.G) !== 0 ? ', in pages' : ''}` },
      { name: 'DPL', value: String(dplOf(rights)) },
      { name: 'present', value: isPresent(rights) ? '1' : '0' },
      ...(isSystem(rights) ? [] : bitRows(type, fields)),
      { name: 'raw', value: `${hex(high)} ${hex(low)}` },
    ],
  }; // prettier-ignore
}

function gateRow(
  name: string,
  address: number,
  low: number,
  high: number,
  rights: number,
  vector?: number,
): Detail {
  const type = typeOf(rights);
  const selector = low >>> 16;
  const wide = (type & 8) !== 0;
  const offset = wide ? ((high & 0xffff0000) | (low & 0xffff)) >>> 0 : low & 0xffff;
  const task = type === SYSTEM_TYPE.TASK_GATE;
  const target = task ? hex(selector, 4) : `${hex(selector, 4)}:${hex(offset, wide ? 8 : 4)}`;
  const exception = vector === undefined || vector > 31 ? '' : `  ${vectorName(vector)}`;
  return {
    name,
    value: `${TYPE_NAMES.get(type) ?? '?'} to ${target}, DPL ${String(dplOf(rights))}${isPresent(rights) ? '' : ', not present'}${exception}`,
    place: { space: 'linear', address },
    bytes: 8,
    ...(!task && { symbolAt: offset }),
    children: [
      { name: 'selector', value: hex(selector, 4) },
      ...(task ? [] : [{ name: 'offset', value: hex(offset), symbolAt: offset }]),
      { name: 'DPL', value: String(dplOf(rights)) },
      { name: 'present', value: isPresent(rights) ? '1' : '0' },
      { name: 'raw', value: `${hex(high)} ${hex(low)}` },
    ],
  }; // prettier-ignore
}

/** The gates of the interrupt descriptor table, or real mode's far pointers; empty ones are left out. */
export function interruptTable(cpu: Cpu): readonly Detail[] {
  const { state } = cpu;
  const base = state.get(L.IDTR) >>> 0;
  const limit = state.get(L.IDTR + 8);
  if (!state.protectedMode) {
    return entries(cpu, base, limit, 4, (vector, address, pointer) => {
      if (pointer === 0) return null;
      const [segment, offset] = [pointer >>> 16, pointer & 0xffff];
      return {
        name: hex(vector, 2),
        value: `${hex(segment, 4)}:${hex(offset, 4)}`,
        place: { space: 'linear', address },
        symbolAt: segment * 16 + offset,
      };
    });
  }
  return entries(cpu, base, limit, 8, (vector, address, low, high) => {
    if (low === 0 && high === 0) return null;
    const { rights } = decodeDescriptor(address, low, high);
    return gateRow(hex(vector, 2), address, low, high, rights, vector);
  });
}

/** Fields of a 32-bit TSS: offset, name, bytes. */
// prettier-ignore
const TSS32: readonly (readonly [offset: number, name: string, bytes: 2 | 4])[] = [
  [0x00, 'link', 2], [0x04, 'esp0', 4], [0x08, 'ss0', 2], [0x0c, 'esp1', 4], [0x10, 'ss1', 2], [0x14, 'esp2', 4],
  [0x18, 'ss2', 2], [0x1c, 'cr3', 4], [0x20, 'eip', 4], [0x24, 'eflags', 4], [0x28, 'eax', 4], [0x2c, 'ecx', 4],
  [0x30, 'edx', 4], [0x34, 'ebx', 4], [0x38, 'esp', 4], [0x3c, 'ebp', 4], [0x40, 'esi', 4], [0x44, 'edi', 4],
  [0x48, 'es', 2], [0x4c, 'cs', 2], [0x50, 'ss', 2], [0x54, 'ds', 2], [0x58, 'fs', 2], [0x5c, 'gs', 2],
  [0x60, 'ldt', 2], [0x64, 'trap', 2], [0x66, 'io map base', 2],
];
// prettier-ignore
const TSS16: readonly (readonly [offset: number, name: string, bytes: 2 | 4])[] = [
  'link', 'sp0', 'ss0', 'sp1', 'ss1', 'sp2', 'ss2', 'ip', 'flags', 'ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di',
  'es', 'cs', 'ss', 'ds', 'ldt',
].map((name, index) => [index * 2, name, 2] as const);

/** The TSS that TR names, as it is in memory: what a task switch would find, and the stacks of inner levels. */
export function taskState(cpu: Cpu): readonly Detail[] {
  const tr = cpu.state.segment(L.SEGMENT.TR);
  if (!cpu.state.protectedMode || tr.selector === 0) {
    return [{ name: 'TR', value: 'null: there is no task' }];
  }
  const fields = (tr.rights & 8) !== 0 ? TSS32 : TSS16;
  return fields.map(([offset, name, bytes]) => {
    const address = (tr.base + offset) >>> 0;
    const place = { space: 'linear' as const, address };
    const [value = null] = peekWords(cpu, address, 1) ?? [];
    if (value === null) return { name, value: 'not mapped', place };
    const isCode = name === 'eip';
    return {
      name,
      value: bytes === 2 ? hex(value & 0xffff, 4) : hex(value),
      place,
      bytes,
      ...(isCode && { symbolAt: value }),
    };
  });
}
