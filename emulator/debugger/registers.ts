/**
 * The processor's registers by name, as a debugger reads and writes them: values, named bits, and the
 * groups in which they are shown. Writes go the architectural way where one exists (control registers,
 * segment loads), so that no state arises that a guest could not have.
 */
import { readMsr, msrIndexes, msrName } from '../cpu/msrs.ts';
import { setDebugRegister, writeControlRegister } from '../cpu/control-registers.ts';
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import type { SegmentIndex } from '../cpu/layout.ts';
import { GuestFault } from '../cpu/processor.ts';
import { loadSegment } from '../cpu/segmentation.ts';
import type { RegisterGroup, RegisterValue } from '../debug-port.ts';
import { float80Text } from './float80-text.ts';

interface Row {
  readonly name: string;
  readonly bits: number;
  readonly read: (cpu: Cpu) => number;
  readonly write?: (cpu: Cpu, value: number) => void;
  readonly text?: (cpu: Cpu) => string;
  readonly addressOf?: 'linear' | 'physical';
  readonly fields?: readonly Field[];
}
/** Bits `low` to `low + width - 1` of a register. */
interface Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
}

const flag = (name: string, low: number, width = 1): Field => ({ name, low, width });

// prettier-ignore
const EFLAGS_FIELDS = [
  flag('cf', 0), flag('pf', 2), flag('af', 4), flag('zf', 6), flag('sf', 7), flag('tf', 8), flag('if', 9), flag('df', 10),
  flag('of', 11), flag('iopl', 12, 2), flag('nt', 14), flag('rf', 16), flag('vm', 17), flag('ac', 18), flag('vif', 19),
  flag('vip', 20), flag('id', 21),
];
// prettier-ignore
const CR0_FIELDS = [
  flag('pe', 0), flag('mp', 1), flag('em', 2), flag('ts', 3), flag('et', 4), flag('ne', 5), flag('wp', 16), flag('am', 18),
  flag('nw', 29), flag('cd', 30), flag('pg', 31),
];
// prettier-ignore
const CR4_FIELDS = [
  flag('vme', 0), flag('pvi', 1), flag('tsd', 2), flag('de', 3), flag('pse', 4), flag('pae', 5), flag('mce', 6),
  flag('pge', 7), flag('pce', 8), flag('osfxsr', 9), flag('osxmmexcpt', 10),
];

const GPR_NAMES = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const WORD_NAMES = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
const BYTE_NAMES = ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'];
const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];

function general(names: readonly string[], size: 1 | 2 | 4): Row[] {
  return names.map((name, number) => ({
    name,
    bits: size * 8,
    read: ({ state }) => state.gpr(number, size),
    write: ({ state }, value) => {
      state.setGpr(number, size, value);
    },
    ...(size === 4 ? { addressOf: 'linear' as const } : {}),
  }));
}

const EIP: Row = {
  name: 'eip',
  bits: 32,
  read: ({ state }) => state.eip,
  write: ({ state }, value) => {
    state.eip = value;
  },
};
const EFLAGS: Row = {
  name: 'eflags',
  bits: 32,
  read: ({ state }) => state.eflags,
  write: (cpu, value) => {
    cpu.state.eflags = value;
    cpu.modeChanged();
  },
  text: ({ state }) => setBits(state.eflags, EFLAGS_FIELDS),
  fields: EFLAGS_FIELDS,
};

const SEGMENTS: Row[] = SEGMENT_NAMES.map((name, index) => ({
  name,
  bits: 16,
  read: ({ state }) => state.selector(index as SegmentIndex),
  // CS changes only by a far transfer
  ...(name === 'cs'
    ? {}
    : {
        write: (cpu: Cpu, value: number) => {
          loadSegment(cpu, index as SegmentIndex, value);
          cpu.modeChanged();
        },
      }),
}));
const SYSTEM_SEGMENTS: Row[] = [
  { name: 'ldtr', bits: 16, read: ({ state }) => state.selector(L.SEGMENT.LDTR) },
  { name: 'tr', bits: 16, read: ({ state }) => state.selector(L.SEGMENT.TR) },
];

function control(number: number, fields?: readonly Field[]): Row {
  return {
    name: `cr${String(number)}`,
    bits: 32,
    read: ({ state }) => state.cr(number),
    write: (cpu, value) => {
      if (number === 2) cpu.state.setCr(2, value);
      else writeControlRegister(cpu, number, value);
      cpu.modeChanged();
    },
    ...(fields && { fields, text: ({ state }: Cpu) => setBits(state.cr(number), fields) }),
    ...(number === 2 ? { addressOf: 'linear' as const } : {}),
    ...(number === 3 ? { addressOf: 'physical' as const } : {}),
  };
}
const CONTROL: Row[] = [
  control(0, CR0_FIELDS),
  control(2),
  control(3),
  control(4, CR4_FIELDS),
  { name: 'efer', bits: 32, read: ({ state }) => state.get(L.EFER) },
  { name: 'cpl', bits: 2, read: ({ state }) => state.cpl },
];

const DEBUG: Row[] = [0, 1, 2, 3, 6, 7].map((number) => ({
  name: `dr${String(number)}`,
  bits: 32,
  read: ({ state }) => state.dr(number),
  write: (cpu, value) => {
    setDebugRegister(cpu, number, value);
  },
  ...(number < 4 ? { addressOf: 'linear' as const } : {}),
}));

function table(name: string, at: number): Row[] {
  return [
    {
      name: `${name}.base`,
      bits: 32,
      read: ({ state }) => state.get(at),
      write: ({ state }, value) => {
        state.set(at, value);
      },
      addressOf: 'linear',
    },
    {
      name: `${name}.limit`,
      bits: 16,
      read: ({ state }) => state.get(at + 8),
      write: ({ state }, value) => {
        state.set(at + 8, value & 0xffff);
      },
    },
  ];
}
const TABLES: Row[] = [...table('gdtr', L.GDTR), ...table('idtr', L.IDTR)];

const word = (name: string, at: number): Row => ({
  name,
  bits: 16,
  read: ({ state }) => state.view.getUint16(at, true),
  write: ({ state }, value) => {
    state.view.setUint16(at, value, true);
  },
});
const stackTop = ({ state }: Cpu): number => (state.view.getUint16(L.FPU_STATUS, true) >> 11) & 7;
const FPU: Row[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((number): Row => ({
    name: `st${String(number)}`,
    bits: 80,
    read: () => 0,
    text: (cpu) => {
      const at = L.FPU_REGISTERS + ((stackTop(cpu) + number) & 7) * 16;
      const empty = ((cpu.state.view.getUint16(L.FPU_TAGS, true) >> (((stackTop(cpu) + number) & 7) * 2)) & 3) === 3; // prettier-ignore
      return empty ? 'empty' : float80Text(cpu.state.view, at);
    },
  })),
  word('fcw', L.FPU_CONTROL),
  word('fsw', L.FPU_STATUS),
  word('ftw', L.FPU_TAGS),
];

const GROUPS: readonly { readonly name: string; readonly rows: readonly Row[] }[] = [
  { name: 'General', rows: [...general(GPR_NAMES, 4), EIP] },
  { name: 'Flags', rows: [EFLAGS] },
  { name: 'Segments', rows: [...SEGMENTS, ...SYSTEM_SEGMENTS] },
  { name: 'Control', rows: CONTROL },
  { name: 'Descriptor tables', rows: TABLES },
  { name: 'Debug', rows: DEBUG },
  { name: 'FPU', rows: FPU },
];

/** Every name that an expression may use; parts of registers by "eflags.cf" and flags by "cf". */
function namedRows(): ReadonlyMap<string, Row> {
  const rows = GROUPS.flatMap((group) => group.rows).filter(({ bits }) => bits <= 32);
  const all = [...rows, ...general(WORD_NAMES, 2), ...general(BYTE_NAMES, 1)];
  const fields = all.flatMap((row) => (row.fields ?? []).map((field) => fieldRow(row, field)));
  const flags = EFLAGS_FIELDS.map((field) => ({ ...fieldRow(EFLAGS, field), name: field.name }));
  const parts = [...SEGMENTS, ...SYSTEM_SEGMENTS].flatMap(segmentParts);
  return new Map([...flags, ...all, ...fields, ...parts].map((row) => [row.name, row]));
}

function fieldRow(row: Row, { name, low, width }: Field): Row {
  const mask = 2 ** width - 1;
  const { write } = row;
  return {
    name: `${row.name}.${name}`,
    bits: width,
    read: (cpu) => (row.read(cpu) >>> low) & mask,
    ...(write && {
      write: (cpu: Cpu, value: number) => {
        const kept = row.read(cpu) & ~(mask << low);
        write(cpu, (kept | ((value & mask) << low)) >>> 0);
      },
    }),
  };
}

function segmentParts({ name }: Row): Row[] {
  const index = [...SEGMENT_NAMES, 'ldtr', 'tr'].indexOf(name) as SegmentIndex;
  return [
    { name: `${name}.base`, bits: 32, read: ({ state }) => state.segment(index).base, addressOf: 'linear' }, // prettier-ignore
    { name: `${name}.limit`, bits: 32, read: ({ state }) => state.segment(index).limit },
    { name: `${name}.rights`, bits: 32, read: ({ state }) => state.segment(index).rights },
    { name: `${name}.dpl`, bits: 2, read: ({ state }) => (state.segment(index).rights >> 5) & 3 },
  ];
}

/** "PE WP PG": names of the bits that are one, fields with their value. */
function setBits(value: number, fields: readonly Field[]): string {
  return fields
    .flatMap(({ name, low, width }) => {
      const field = (value >>> low) & (2 ** width - 1);
      if (field === 0) return [];
      return width === 1 ? [name.toUpperCase()] : [`${name.toUpperCase()}=${String(field)}`];
    })
    .join(' ');
}

const ROWS = namedRows();

export const registerNames = {
  has: (name: string): boolean => ROWS.has(name),
  list: (): Iterable<string> => ROWS.keys(),
};

/** Unsigned value, or null for a name that is no register. */
export function readRegister(cpu: Cpu, name: string): number | null {
  const row = ROWS.get(name);
  return row === undefined ? null : row.read(cpu) >>> 0;
}

/** Throws RangeError with a sentence when there is no such register or it refuses the value. */
export function writeRegister(cpu: Cpu, name: string, value: number): void {
  const row = ROWS.get(name.toLowerCase());
  if (row === undefined) throw new RangeError(`There is no register '${name}'.`);
  if (row.write === undefined) throw new RangeError(`Register ${row.name} cannot be written.`);
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** row.bits) {
    throw new RangeError(
      `${row.name} has ${String(row.bits)} bits; ${String(value)} does not fit.`,
    );
  }
  const { write } = row;
  try {
    cpu.suppressed(() => {
      write(cpu, value >>> 0);
    });
  } catch (error) {
    if (!(error instanceof GuestFault)) throw error;
    throw new RangeError(
      `The processor refuses 0x${(value >>> 0).toString(16)} for ${row.name}: it would be exception ${String(error.vector)}.`,
    );
  }
}

export function registerGroups(cpu: Cpu): readonly RegisterGroup[] {
  const groups = GROUPS.map(({ name, rows }) => ({
    name,
    registers: rows.map((row) => shown(cpu, row)),
  }));
  return [...groups, { name: 'MSRs', registers: msrs(cpu) }];
}

function shown(cpu: Cpu, row: Row): RegisterValue {
  const parts = segmentRow(row.name) ? segmentParts(row) : [];
  const fields = (row.fields ?? []).map((field) => fieldRow(row, field));
  const children = [...fields, ...parts].map((part) => shown(cpu, part));
  return {
    name: row.name,
    value: row.read(cpu) >>> 0,
    bits: row.bits,
    writable: row.write !== undefined,
    ...(row.text && { text: row.text(cpu) }),
    ...(row.addressOf && { addressOf: row.addressOf }),
    ...(children.length > 0 && { children }),
  };
}
function segmentRow(name: string): boolean {
  return SEGMENT_NAMES.includes(name) || name === 'ldtr' || name === 'tr';
}

function msrs(cpu: Cpu): RegisterValue[] {
  return msrIndexes(cpu).flatMap((index) => {
    const value = readMsr(cpu, index);
    if (value === null) return [];
    const digits = (part: number): string => (part >>> 0).toString(16).padStart(8, '0');
    return [
      {
        name: msrName(index) ?? `msr_${index.toString(16)}`,
        value: value.low >>> 0,
        bits: 64,
        text: `0x${digits(value.high)}${digits(value.low)}`,
        writable: false,
      },
    ];
  });
}
