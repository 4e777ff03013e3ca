/**
 * What an event of the machine means to a person and to a condition: its fields by name, a title and a
 * line of detail. Field names follow those of the exit with the same cause (hypervisor/exit-decoders.ts)
 * where there is one. A decoder answers null for an event that is not its own, so that one kind of event
 * can serve several rows of machine-events.ts.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { MachineEvent, ModeWord } from '../cpu/exit-hook.ts';
import { msrName, readMsr } from '../cpu/msrs.ts';
import { VECTOR } from '../cpu/processor.ts';
import type { EventKind, Sighting } from '../event-watch.ts';
import { type ExitField, hex, pageFaultText, vectorName } from '../hypervisor/exit-decoders.ts';

export interface EventField extends ExitField {
  /** Words for its values in conditions: "direction == in". */
  readonly words?: { readonly [word: string]: number };
}

export interface DecodedEvent {
  readonly title: string;
  readonly detail: string;
  /** By the names of the decoder's fields, all of them. */
  readonly fields: { readonly [name: string]: number | bigint };
}

export interface EventDecoder {
  readonly kinds: readonly EventKind[];
  readonly fields: readonly EventField[];
  readonly decode: (event: MachineEvent, sighting: Sighting, cpu: Cpu) => DecodedEvent | null;
}

type EventOf<Kind extends EventKind> = Extract<MachineEvent, { kind: Kind }>;

/** A decoder for one kind of event. */
function decoder<Kind extends EventKind>(
  kind: Kind,
  fields: readonly EventField[],
  decode: (event: EventOf<Kind>, sighting: Sighting, cpu: Cpu) => DecodedEvent | null,
): EventDecoder {
  const isOwn = (event: MachineEvent): event is EventOf<Kind> => event.kind === kind;
  return {
    kinds: [kind],
    fields,
    decode: (event, sighting, cpu) => (isOwn(event) ? decode(event, sighting, cpu) : null),
  };
}

/** The first that knows the event; they have the same fields. */
function either(...decoders: readonly [EventDecoder, ...EventDecoder[]]): EventDecoder {
  return {
    kinds: [...new Set(decoders.flatMap(({ kinds }) => kinds))],
    fields: decoders[0].fields,
    decode(event, sighting, cpu) {
      for (const each of decoders) {
        const decoded = each.decode(event, sighting, cpu);
        if (decoded !== null) return decoded;
      }
      return null;
    },
  };
}

/** Only events whose fields satisfy. */
export function only(
  { kinds, fields, decode }: EventDecoder,
  wanted: (fields: DecodedEvent['fields']) => boolean,
): EventDecoder {
  return {
    kinds,
    fields,
    decode(event, sighting, cpu) {
      const decoded = decode(event, sighting, cpu);
      return decoded !== null && wanted(decoded.fields) ? decoded : null;
    },
  };
}

const named = (values: readonly string[]): { readonly [word: string]: number } =>
  Object.fromEntries(values.map((word, value) => [word, value]));
const bytes = (count: number): string => (count === 1 ? '1 byte' : `${String(count)} bytes`);
const flag = (value: boolean): number => (value ? 1 : 0);

// ---- interrupts and exceptions

const SOURCES = ['external', 'nmi', 'software'] as const;
const INTERRUPT_FIELDS: readonly EventField[] = [
  { name: 'vector', meaning: 'vector, 0x30' },
  { name: 'source', meaning: '0 external, 1 nmi, 2 software (INT n)', words: named(SOURCES) },
];

export const INTERRUPT: EventDecoder = either(
  decoder('interrupt', INTERRUPT_FIELDS, ({ vector, source }) => ({
    title: source === 'software' ? `INT ${hex(vector)}` : `interrupt ${hex(vector)}`,
    detail: '',
    fields: { vector, source: SOURCES.indexOf(source) },
  })),
  decoder('exception', INTERRUPT_FIELDS, ({ type }) =>
    type === 'nmi' ? { title: 'NMI', detail: '', fields: { vector: VECTOR.NMI, source: 1 } } : null,
  ),
);

const EXCEPTION_TYPES = ['fault', 'trap', 'software', 'privileged'] as const;

export const EXCEPTION: EventDecoder = decoder(
  'exception',
  [
    { name: 'vector', meaning: 'vector, 14 for #PF' },
    { name: 'errorCode', meaning: 'error code, 0 where it pushes none' },
    { name: 'address', meaning: 'linear address that faulted, for #PF' },
    { name: 'dr6', meaning: 'conditions as in DR6, for #DB' },
    {
      name: 'type',
      meaning: '0 fault, 1 trap, 2 software (INT3, INTO), 3 privileged (INT1)',
      words: named(EXCEPTION_TYPES),
    },
    { name: 'nested', meaning: '1 while another event was being delivered' },
  ],
  ({ vector, errorCode, type, qualification }, { vectoring }) => {
    if (type === 'nmi') return null;
    const isPageFault = vector === VECTOR.PF;
    const isDebug = vector === VECTOR.DB;
    const while_ = vectoring === null ? '' : ` while ${vectorName(vectoring.vector)} was delivered`;
    const code = errorCode === null ? '' : `error code ${hex(errorCode)}`;
    const text = isPageFault
      ? `at ${hex(qualification >>> 0)}, ${pageFaultText(errorCode ?? 0)}`
      : isDebug
        ? `DR6 bits ${hex(qualification)}`
        : code;
    return {
      title: vectorName(vector),
      detail: text + while_,
      fields: {
        vector,
        errorCode: errorCode ?? 0,
        address: isPageFault ? qualification >>> 0 : 0,
        dr6: isDebug ? qualification : 0,
        type: EXCEPTION_TYPES.indexOf(type),
        nested: flag(vectoring !== null),
      },
    };
  },
);

export const TRIPLE_FAULT: EventDecoder = decoder('triple-fault', [], () => ({
  title: 'triple fault',
  detail: 'the processor is about to shut down',
  fields: {},
}));

// ---- mode

const MODES = ['real', 'v86', 'protected'] as const;
const modeOf = ({ protectedMode, v86 }: ModeWord): number => (protectedMode ? (v86 ? 1 : 2) : 0);
const PAGING = ['off', 'on', 'pae'] as const;
const pagingOf = ({ paging, pae }: ModeWord): number => (paging ? (pae ? 2 : 1) : 0);

function changeOf(
  title: string,
  meaning: string,
  value: (mode: ModeWord) => number,
  words: readonly string[] = [],
): EventDecoder {
  const text = (number: number): string => words.at(number) ?? hex(number);
  const fields = ['from', 'to'].map((name) => ({ name, meaning, words: named(words) }));
  return decoder('mode-change', fields, ({ before, after }) => {
    const from = value(before);
    const to = value(after);
    if (from === to) return null;
    return { title, detail: `from ${text(from)} to ${text(to)}`, fields: { from, to } };
  });
}

export const MODE_CHANGE = changeOf('mode switch', '0 real, 1 v86, 2 protected', modeOf, MODES);
export const PAGING_CHANGE = changeOf('paging', '0 off, 1 on (32-bit), 2 pae', pagingOf, PAGING);
export const CPL_CHANGE = changeOf('CPL', 'privilege level', ({ cpl }) => cpl);
export const CR3_CHANGE = changeOf('CR3', 'value of CR3', ({ cr3 }) => cr3);

// ---- registers

const CR_ACCESSES = ['mov-to-cr', 'mov-from-cr', 'clts', 'lmsw'] as const;

export const CR_ACCESS: EventDecoder = decoder(
  'cr-access',
  [
    { name: 'register', meaning: 'number of the control register' },
    { name: 'value', meaning: 'value to be written; what is read, for a read' },
    { name: 'previous', meaning: 'value before' },
    { name: 'access', meaning: '0 MOV to it, 1 MOV from it, 2 CLTS, 3 LMSW' },
  ],
  ({ register, access, value }, _sighting, { state }) => {
    const previous = register === 8 ? 0 : state.cr(register);
    const after =
      access === 'clts' ? previous & ~8
      : access === 'lmsw' ? (previous & ~0xe) | (value & 0xf)
      : access === 'mov-to-cr' ? value
      : previous; // prettier-ignore
    const isRead = access === 'mov-from-cr';
    return {
      title: `CR${String(register)} ${isRead ? 'read' : 'write'}`,
      detail: isRead ? hex(previous) : `from ${hex(previous)} to ${hex(after >>> 0)}`,
      fields: { register, value: after >>> 0, previous, access: CR_ACCESSES.indexOf(access) },
    };
  },
);
const MOV_FROM_CR = CR_ACCESSES.indexOf('mov-from-cr');
export const CR_WRITE = only(CR_ACCESS, ({ access }) => access !== MOV_FROM_CR);
export const CR_READ = only(CR_ACCESS, ({ access }) => access === MOV_FROM_CR);

const READ_WRITE = { read: 0, write: 1 };
export const DR_ACCESS: EventDecoder = decoder(
  'dr-access',
  [
    { name: 'register', meaning: 'number of the debug register' },
    { name: 'value', meaning: 'value to be written, or that is read' },
    { name: 'access', meaning: '0 read, 1 write', words: READ_WRITE },
  ],
  ({ register, access, gpr }, _sighting, { state }) => {
    const isWrite = access === 'mov-to-dr';
    const value = isWrite ? state.gpr(gpr, 4) : state.dr(register);
    return {
      title: `DR${String(register)} ${isWrite ? 'write' : 'read'}`,
      detail: hex(value),
      fields: { register, value, access: flag(isWrite) },
    };
  },
);

const wide = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
const MSR_FIELDS: readonly EventField[] = [
  { name: 'index', meaning: 'number of the register, ECX' },
  {
    name: 'value',
    meaning: 'all 64 bits: to be written, or that are read (0 for a paravirtual one)',
  },
];
function msrEvent(title: string, index: number, value: bigint): DecodedEvent {
  const name = msrName(index) ?? hex(index >>> 0);
  return {
    title,
    detail: `${name}, 0x${value.toString(16)}`,
    fields: { index: index >>> 0, value },
  };
}
export const MSR_READ: EventDecoder = decoder('rdmsr', MSR_FIELDS, ({ index }, _sighting, cpu) => {
  const value = readMsr(cpu, index);
  return msrEvent('RDMSR', index, value === null ? 0n : wide(value.low, value.high));
});
export const MSR_WRITE: EventDecoder = decoder('wrmsr', MSR_FIELDS, ({ index, low, high }) =>
  msrEvent('WRMSR', index, wide(low, high)),
);

// ---- ports and devices

const PORT_FIELDS: readonly EventField[] = [
  { name: 'port', meaning: 'first port of the access' },
  { name: 'size', meaning: 'bytes: 1, 2 or 4' },
  { name: 'value', meaning: 'what was read, or is to be written' },
  { name: 'direction', meaning: '0 out, 1 in', words: { out: 0, in: 1 } },
];

export const PORT_IN: EventDecoder = decoder('port-read', PORT_FIELDS, ({ port, size, value }) => ({
  title: 'IN',
  detail: `${bytes(size)} from port ${hex(port)}: ${hex(value >>> 0)}`,
  fields: { port, size, value: value >>> 0, direction: 1 },
}));
export const PORT_OUT: EventDecoder = decoder('io', PORT_FIELDS, (event, _sighting, cpu) => {
  const { port, size, direction } = event;
  if (direction === 'in') return null;
  const value = event.string ? littleEndian(cpu, event.linear, size) : event.value;
  return {
    title: 'OUT',
    detail: `${bytes(size)} to port ${hex(port)}: ${hex(value)}`,
    fields: { port, size, value, direction: 0 },
  };
});
export const PORT: EventDecoder = either(PORT_OUT, PORT_IN);

/** OUTS: what it will read, 0 where that is not mapped. */
function littleEndian({ memory }: Cpu, linear: number, size: number): number {
  const read = memory.readBytesPeek(linear, size);
  return read.reduce((value, byte, at) => value + byte * 256 ** at, 0);
}

const MMIO_ACCESSES = ['read', 'write', 'fetch'] as const;
export const MMIO: EventDecoder = decoder(
  'second-stage',
  [
    { name: 'gpa', meaning: 'guest-physical address' },
    { name: 'gla', meaning: 'linear address' },
    { name: 'size', meaning: 'bytes' },
    { name: 'access', meaning: '0 read, 1 write, 2 fetch', words: named(MMIO_ACCESSES) },
  ],
  ({ guestPhysical, linear, access, size }) => ({
    title: 'device memory',
    detail: `${access} of ${bytes(size)} at guest-physical ${hex(guestPhysical >>> 0)}`,
    fields: {
      gpa: guestPhysical >>> 0, gla: linear >>> 0, size, access: MMIO_ACCESSES.indexOf(access),
    }, // prettier-ignore
  }),
);

// ---- instructions and signals

/** An instruction that says all by its name. */
export function instruction(title: string, ...kinds: readonly EventKind[]): EventDecoder {
  return { kinds, fields: [], decode: () => ({ title, detail: '', fields: {} }) };
}

const REGISTER_FIELDS = ['eax', 'ebx', 'ecx', 'edx'] as const;
export const CPUID: EventDecoder = decoder(
  'cpuid',
  [
    { name: 'leaf', meaning: 'EAX' },
    { name: 'subleaf', meaning: 'ECX' },
  ],
  (_event, _sighting, { state }) => {
    const [leaf, subleaf] = [state.gpr(0, 4), state.gpr(1, 4)];
    return { title: 'CPUID', detail: `leaf ${hex(leaf)}`, fields: { leaf, subleaf } };
  },
);

const HYPERCALL_REGISTERS = [0, 3, 1, 2] as const;
export const HYPERCALL: EventDecoder = {
  kinds: ['vmcall', 'vmmcall'],
  fields: ['nr', 'a0', 'a1', 'a2'].map((name, at) => ({
    name,
    meaning: REGISTER_FIELDS[at].toUpperCase(),
  })),
  decode: ({ kind }, _sighting, { state }) => {
    const [nr, a0, a1, a2] = HYPERCALL_REGISTERS.map((number) => state.gpr(number, 4));
    return { title: kind.toUpperCase(), detail: `number ${hex(nr)}`, fields: { nr, a0, a1, a2 } };
  },
};

export const INVLPG: EventDecoder = decoder(
  'invlpg',
  [{ name: 'gla', meaning: 'linear address' }],
  ({ linear }) => ({ title: 'INVLPG', detail: hex(linear), fields: { gla: linear } }),
);

const TASK_SOURCES = ['call', 'iret', 'jmp', 'gate'] as const;
export const TASK_SWITCH: EventDecoder = decoder(
  'task-switch',
  [
    { name: 'selector', meaning: 'selector of the new TSS' },
    {
      name: 'source',
      meaning: '0 call, 1 iret, 2 jmp, 3 gate in the IDT',
      words: named(TASK_SOURCES),
    },
  ],
  ({ selector, source }) => ({
    title: 'task switch',
    detail: `to TSS ${hex(selector)} by ${source === 'gate' ? 'a task gate' : source.toUpperCase()}`,
    fields: { selector, source: TASK_SOURCES.indexOf(source) },
  }),
);

export const DESCRIPTOR_TABLE: EventDecoder = decoder('descriptor-table', [], ({ mnemonic }) => ({
  title: mnemonic.toUpperCase(),
  detail: '',
  fields: {},
}));

export const INIT: EventDecoder = decoder(
  'init',
  [{ name: 'target', meaning: 'number of the vCPU' }],
  ({ target }) => ({ title: 'INIT', detail: `to vCPU ${String(target)}`, fields: { target } }),
);
export const START_UP: EventDecoder = decoder(
  'start-up',
  [
    { name: 'target', meaning: 'number of the vCPU' },
    { name: 'vector', meaning: 'page number of its first instruction' },
  ],
  ({ target, vector }) => ({
    title: 'SIPI',
    detail: `to vCPU ${String(target)}, which begins at ${hex(vector << 12)}`,
    fields: { target, vector },
  }),
);
