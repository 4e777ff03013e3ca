/**
 * The processor's registers as a debugger knows them: one row each, with its name, its named bits, and
 * how it is read and written. Writes go the architectural way where one exists (control registers,
 * segment loads), so that no state arises that a guest could not have.
 */
import { setDebugRegister, writeControlRegister } from '../cpu/control-registers.ts';
import type { Cpu } from '../cpu/cpu.ts';
import * as fpu from '../cpu/fpu/register-stack.ts';
import * as L from '../cpu/layout.ts';
import type { SegmentIndex } from '../cpu/layout.ts';
import { dplOf, loadSegment } from '../cpu/segmentation.ts';
import { ACTIVITY, type CpuState, FLAG, RIGHTS, type Segment } from '../cpu/state.ts';
import { float80Of, float80Text } from './float80-text.ts';
import { SIMD } from './simd-rows.ts';

export interface Row {
  readonly name: string;
  readonly bits: number;
  readonly read: (cpu: Cpu) => number;
  readonly write?: (cpu: Cpu, value: number) => void;
  /** Instead of `write`, for registers of 64 bits and more: an unsigned integer of at most so many. */
  readonly writeWide?: (cpu: Cpu, value: bigint) => void;
  /** A floating-point number, which `text` shows and `write` takes. */
  readonly real?: true;
  /** CPUID feature without which there is no such register. */
  readonly feature?: string;
  /** What to do instead, for one that cannot be written. */
  readonly remedy?: string;
  readonly text?: (cpu: Cpu) => string;
  readonly addressOf?: 'linear' | 'physical';
  readonly fields?: readonly Field[];
  /** Members that are rows of their own. */
  readonly parts?: readonly Row[];
}
/** Bits `low` to `low + width - 1` of a register. */
interface Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
}

const flag = (name: string, low: number, width = 1): Field => ({ name, low, width });

// prettier-ignore
export const EFLAGS_FIELDS = [
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
    // where a person sends it, it goes
    if (state.get(L.ACTIVITY) === ACTIVITY.HALTED) state.set(L.ACTIVITY, ACTIVITY.RUNNING);
  },
};
export const EFLAGS: Row = {
  name: 'eflags',
  bits: 32,
  read: ({ state }) => state.eflags,
  write: (cpu, value) => {
    if (((cpu.state.eflags ^ value) & FLAG.VM) !== 0) {
      throw new RangeError(
        'eflags.vm changes only with IRET or an interrupt: the segment registers change with it.',
      );
    }
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
  ...(name === 'cs'
    ? { remedy: 'it changes with far jumps and returns; write eip instead' }
    : {
        write: (cpu: Cpu, value: number) => {
          loadSegment(cpu, index as SegmentIndex, value);
          cpu.modeChanged();
        },
      }),
}));
// prettier-ignore
const SYSTEM_SEGMENTS: Row[] = [
  { name: 'ldtr', bits: 16, read: ({ state }) => state.selector(L.SEGMENT.LDTR), remedy: 'let the guest execute LLDT' },
  { name: 'tr',   bits: 16, read: ({ state }) => state.selector(L.SEGMENT.TR),   remedy: 'let the guest execute LTR' },
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
  { name: 'efer', bits: 32, read: ({ state }) => state.get(L.EFER), remedy: 'let the guest execute WRMSR' },
  { name: 'cpl', bits: 2, read: ({ state }) => state.cpl, remedy: 'it follows from cs' },
]; // prettier-ignore

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

function word(
  name: string,
  read: (state: CpuState) => number,
  write: (state: CpuState, value: number) => void,
): Row {
  return {
    name,
    bits: 16,
    read: ({ state }) => read(state),
    write: ({ state }, value) => {
      write(state, value);
    },
  };
}
const FPU: Row[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((number): Row => ({
    name: `st${String(number)}`,
    bits: 80,
    real: true,
    read: () => 0,
    text: ({ state }) =>
      fpu.isEmpty(state, number) ? 'empty' : float80Text(fpu.readRegister(state, number)),
    write: ({ state }, value) => {
      fpu.writeRegister(state, number, float80Of(value));
    },
  })),
  word('fcw', fpu.controlWord, fpu.setControlWord),
  word('fsw', fpu.statusWord, fpu.setStatusWord),
  word('ftw', fpu.tagWord, (state, value) => {
    // as FLDENV takes it: a register is empty or not, the rest follows from what it holds
    let full = 0;
    for (let n = 0; n < 8; n++) if (((value >> (n * 2)) & 3) !== fpu.TAG.EMPTY) full |= 1 << n;
    fpu.setTags(state, full);
  }),
];

export const GROUPS: readonly { readonly name: string; readonly rows: readonly Row[] }[] = [
  { name: 'General', rows: [...general(GPR_NAMES, 4), EIP] },
  { name: 'Flags', rows: [EFLAGS] },
  { name: 'Segments', rows: [...SEGMENTS, ...SYSTEM_SEGMENTS] },
  { name: 'Control', rows: CONTROL },
  { name: 'Descriptor tables', rows: TABLES },
  { name: 'Debug', rows: DEBUG },
  { name: 'FPU', rows: FPU },
  { name: 'SIMD', rows: SIMD },
];

/** Names of the low words and bytes of general registers, for expressions. */
export const NARROW: readonly Row[] = [...general(WORD_NAMES, 2), ...general(BYTE_NAMES, 1)];

// ---- parts

/** Named bits of a register, members of a segment register: "eflags.cf", "cs.base". */
export function partsOf(row: Row): Row[] {
  const fields = (row.fields ?? []).map((field) => fieldRow(row, field));
  const parts = [...fields, ...segmentParts(row), ...(row.parts ?? [])];
  const { feature } = row;
  return feature === undefined ? parts : parts.map((part) => ({ ...part, feature }));
}

export function fieldRow(row: Row, { name, low, width }: Field): Row {
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

/** A limit that a descriptor can have: in bytes up to 1 MiB, else in pages (SDM vol. 3, 3.4.5). */
function withLimit(segment: Segment, limit: number): Segment {
  const inPages = limit > 0xfffff;
  if (inPages && (limit & 0xfff) !== 0xfff) {
    throw new RangeError('A limit above 0xfffff ends with a page: its last three digits are fff.');
  }
  const rights = inPages ? segment.rights | RIGHTS.G : segment.rights & ~RIGHTS.G;
  return { ...segment, rights, limit };
}

function segmentParts({ name }: Row): Row[] {
  const place = [...SEGMENTS, ...SYSTEM_SEGMENTS].findIndex((row) => row.name === name);
  if (place < 0) return [];
  const index = place as SegmentIndex;
  const remedy = `it comes with the selector, ${name}`;
  const part = (field: string, bits: number, read: (segment: Segment) => number): Row => ({
    name: `${name}.${field}`,
    bits,
    read: ({ state }) => read(state.segment(index)),
    remedy,
  });
  // as if the descriptor had had them; not of cs, under whose feet the code would move
  const hidden = (change: (segment: Segment, value: number) => Segment) => ({
    write: (cpu: Cpu, value: number): void => {
      cpu.state.setSegment(index, change(cpu.state.segment(index), value));
      cpu.modeChanged();
    },
  });
  const isCode = name === 'cs';
  const setBase = isCode ? {} : hidden((segment, base) => ({ ...segment, base }));
  const setLimit = isCode ? {} : hidden(withLimit);
  return [
    { ...part('base', 32, ({ base }) => base), ...setBase, addressOf: 'linear' },
    { ...part('limit', 32, ({ limit }) => limit), ...setLimit },
    part('rights', 32, ({ rights }) => rights),
    part('dpl', 2, ({ rights }) => dplOf(rights)),
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
