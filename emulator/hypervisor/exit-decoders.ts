/**
 * What an exit's fields mean (SDM vol. 3, 28.2.1 "Basic VM-exit information", tables 28-1 to 28-7): the
 * named values that breakpoint conditions use and the text that the log shows. Everything is derived
 * from the recorded exit alone, so that it can be done long after the exit, when a row becomes visible.
 */
import { VECTOR } from '../cpu/processor.ts';
import type { RecordedExit } from './vm-exit.ts';

export interface ExitFields {
  readonly [name: string]: number;
}

/** A field's name and meaning, for completion and documentation. */
export interface ExitField {
  readonly name: string;
  readonly meaning: string;
}

export interface ExitDecoder {
  readonly names: readonly ExitField[];
  fields(exit: RecordedExit): ExitFields;
  /** One line, or "" when the reason says it all. */
  detail(exit: RecordedExit): string;
}

export const hex = (value: number): string => `0x${value.toString(16)}`;
const bytes = (count: number): string => (count === 1 ? '1 byte' : `${count} bytes`);
const GPR_NAMES = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const bit = (value: number, number: number): number => (value >>> number) & 1;

/** "#PF", or "vector 0x20" for one that is no exception. */
export function vectorName(vector: number): string {
  if (vector === VECTOR.NMI) return 'NMI';
  const known = Object.entries(VECTOR).find(([, number]) => number === vector);
  return known === undefined ? `vector ${hex(vector)}` : `#${known[0]}`;
}

/** The halves of a 64-bit value as one number, exact below 2^53 and held there above. */
export function wideNumber(low: number, high: number): number {
  return Math.min(high * 0x1_0000_0000 + low, Number.MAX_SAFE_INTEGER);
}

export const NOTHING: ExitDecoder = {
  names: [],
  fields: () => ({}),
  detail: () => '',
};

/** SDM vol. 3, 4.7 "Page-fault exceptions": the error code in words. */
export function pageFaultText(code: number): string {
  const access = bit(code, 4) === 1 ? 'fetch' : bit(code, 1) === 1 ? 'write' : 'read';
  const cause =
    bit(code, 3) === 1 ? 'reserved bit' : bit(code, 0) === 1 ? 'protection' : 'not present';
  return `${access} from ${bit(code, 2) === 1 ? 'user' : 'supervisor'} mode, ${cause}`;
}

const exceptionVector = (exit: RecordedExit): number => exit.interruptionInformation & 0xff;

export const EXCEPTION: ExitDecoder = {
  names: [
    { name: 'vector', meaning: 'vector, 14 for #PF' },
    { name: 'errorCode', meaning: 'error code, 0 where the exception has none' },
    { name: 'type', meaning: '2 NMI, 3 hardware exception, 5 INT1, 6 INT3 or INTO' },
    { name: 'gla', meaning: 'linear address that faulted, for #PF' },
    { name: 'dr6', meaning: 'conditions as in DR6, for #DB' },
  ],
  fields: (exit) => ({
    vector: exceptionVector(exit),
    errorCode: exit.interruptionErrorCode,
    type: (exit.interruptionInformation >>> 8) & 7,
    gla: exceptionVector(exit) === VECTOR.PF ? exit.qualification : 0,
    dr6: exceptionVector(exit) === VECTOR.DB ? exit.qualification : 0,
  }),
  detail: (exit) => {
    const vector = exceptionVector(exit);
    const name = vectorName(vector);
    const code = exit.interruptionErrorCode;
    if (vector === VECTOR.PF)
      return `${name} at ${hex(exit.qualification)}, ${pageFaultText(code)}`;
    if (vector === VECTOR.DB) return `${name}, DR6 bits ${hex(exit.qualification)}`;
    return bit(exit.interruptionInformation, 11) === 1 ? `${name}, error code ${hex(code)}` : name;
  },
};

/** Table 28-2, bits 31:30. */
const TASK_SWITCH_SOURCES = ['CALL', 'IRET', 'JMP', 'task gate in the IDT'];

export const TASK_SWITCH: ExitDecoder = {
  names: [
    { name: 'selector', meaning: 'selector of the new TSS' },
    { name: 'source', meaning: '0 CALL, 1 IRET, 2 JMP, 3 task gate in the IDT' },
  ],
  fields: (exit) => ({ selector: exit.qualification & 0xffff, source: exit.qualification >>> 30 }),
  detail: (exit) =>
    `to TSS ${hex(exit.qualification & 0xffff)} by ${TASK_SWITCH_SOURCES[exit.qualification >>> 30]}`,
};

/** Leaves that look at ECX (SDM vol. 2, "CPUID", table 3-17). */
const LEAVES_WITH_SUBLEAF = new Set([
  4, 7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1d, 0x1f,
]);

export const CPUID: ExitDecoder = {
  names: [
    { name: 'leaf', meaning: 'EAX' },
    { name: 'subleaf', meaning: 'ECX' },
  ],
  fields: (exit) => ({ leaf: exit.eax, subleaf: exit.ecx }),
  detail: (exit) =>
    `leaf ${hex(exit.eax)}${LEAVES_WITH_SUBLEAF.has(exit.eax) ? `, subleaf ${hex(exit.ecx)}` : ''}`,
};

export const INVLPG: ExitDecoder = {
  names: [{ name: 'gla', meaning: 'linear address' }],
  fields: (exit) => ({ gla: exit.qualification }),
  detail: (exit) => hex(exit.qualification),
};

/** INT n, which leaves under SVM alone. */
export const SWINT: ExitDecoder = {
  names: [{ name: 'vector', meaning: 'the immediate operand' }],
  fields: (exit) => ({ vector: exit.exitInfo1 }),
  detail: (exit) => `int ${hex(exit.exitInfo1)}`,
};

export const RDPMC: ExitDecoder = {
  names: [{ name: 'counter', meaning: 'ECX' }],
  fields: (exit) => ({ counter: exit.ecx }),
  detail: (exit) => `counter ${hex(exit.ecx)}`,
};

/** Numbers and arguments where KVM and most others pass them; the interface in use adds the name. */
export const VMCALL: ExitDecoder = {
  names: [
    { name: 'nr', meaning: 'hypercall number, EAX' },
    { name: 'a0', meaning: 'EBX' },
    { name: 'a1', meaning: 'ECX' },
    { name: 'a2', meaning: 'EDX' },
    { name: 'a3', meaning: 'ESI' },
  ],
  fields: (exit) => ({ nr: exit.eax, a0: exit.ebx, a1: exit.ecx, a2: exit.edx, a3: exit.esi }),
  detail: (exit) => `number ${hex(exit.eax)}`,
};

/** Table 28-3: the register and the value are bits 3:0 and the event's. */
export const CR_ACCESS: ExitDecoder = {
  names: [
    { name: 'cr', meaning: 'number of the control register' },
    { name: 'access', meaning: '0 MOV to CR, 1 MOV from CR, 2 CLTS, 3 LMSW' },
    { name: 'gpr', meaning: 'general register of MOV, in encoding order' },
    { name: 'value', meaning: 'value to be written, or the source of LMSW' },
  ],
  fields: (exit) => ({
    cr: exit.qualification & 15,
    access: (exit.qualification >>> 4) & 3,
    gpr: (exit.qualification >>> 8) & 15,
    value: exit.operand,
  }),
  detail: (exit) => {
    const { cr, access, gpr, value } = CR_ACCESS.fields(exit);
    if (access === 0) return `mov cr${cr}, ${GPR_NAMES[gpr & 7]} (${hex(value)})`;
    if (access === 1) return `mov ${GPR_NAMES[gpr & 7]}, cr${cr}`;
    return access === 2 ? 'clts' : `lmsw ${hex(value)}`;
  },
};

/** Table 28-4. */
export const DR_ACCESS: ExitDecoder = {
  names: [
    { name: 'dr', meaning: 'number of the debug register' },
    { name: 'access', meaning: '0 MOV to DR, 1 MOV from DR' },
    { name: 'gpr', meaning: 'general register, in encoding order' },
  ],
  fields: (exit) => ({
    dr: exit.qualification & 7,
    access: bit(exit.qualification, 4),
    gpr: (exit.qualification >>> 8) & 15,
  }),
  detail: (exit) => {
    const { dr, access, gpr } = DR_ACCESS.fields(exit);
    const register = GPR_NAMES[gpr & 7];
    return access === 0 ? `mov dr${dr}, ${register}` : `mov ${register}, dr${dr}`;
  },
};

/** Table 28-5. */
export const IO: ExitDecoder = {
  names: [
    { name: 'port', meaning: 'first port' },
    { name: 'size', meaning: '1, 2 or 4 bytes' },
    { name: 'direction', meaning: '0 OUT, 1 IN' },
    { name: 'string', meaning: '1 for INS and OUTS' },
    { name: 'rep', meaning: '1 with a REP prefix' },
    { name: 'value', meaning: 'what OUT writes, else 0' },
    { name: 'gla', meaning: 'linear address of the operand of INS and OUTS, else 0' },
  ],
  fields: (exit) => ({
    port: exit.qualification >>> 16,
    size: (exit.qualification & 7) + 1,
    direction: bit(exit.qualification, 3),
    string: bit(exit.qualification, 4),
    rep: bit(exit.qualification, 5),
    value: exit.operand,
    gla: exit.guestLinear,
  }),
  detail: (exit) => {
    const { port, size, direction, string, rep, value, gla } = IO.fields(exit);
    const name = `${rep === 1 ? 'rep ' : ''}${direction === 1 ? 'in' : 'out'}${string === 1 ? 's' : ''}`;
    const operand = string === 1 ? `, at ${hex(gla)}` : direction === 1 ? '' : `, ${hex(value)}`;
    return `${name} ${hex(port)}, ${bytes(size)}${operand}`;
  },
};

export const RDMSR: ExitDecoder = {
  names: [{ name: 'msr', meaning: 'ECX' }],
  fields: (exit) => ({ msr: exit.ecx }),
  detail: (exit) => hex(exit.ecx),
};

export const WRMSR: ExitDecoder = {
  names: [
    { name: 'msr', meaning: 'ECX' },
    { name: 'value', meaning: 'EDX:EAX, held at 2^53-1 above that' },
    { name: 'low', meaning: 'EAX' },
    { name: 'high', meaning: 'EDX' },
  ],
  fields: (exit) => ({
    msr: exit.ecx,
    value: wideNumber(exit.eax, exit.edx),
    low: exit.eax,
    high: exit.edx,
  }),
  detail: (exit) => {
    const low = exit.eax.toString(16);
    const value = exit.edx === 0 ? low : exit.edx.toString(16) + low.padStart(8, '0');
    return `${hex(exit.ecx)}, 0x${value}`;
  },
};

/** Table 28-7. */
export const EPT_VIOLATION: ExitDecoder = {
  names: [
    { name: 'gpa', meaning: 'guest-physical address' },
    { name: 'gla', meaning: 'linear address' },
    { name: 'access', meaning: '0 read, 1 write, 2 instruction fetch' },
    { name: 'size', meaning: 'bytes' },
    { name: 'value', meaning: 'what a write of at most four bytes stores, else 0' },
    { name: 'walk', meaning: '1 when a paging structure was being read' },
    { name: 'rights', meaning: 'what the second stage allows there: 1 read, 2 write, 4 execute' },
  ],
  fields: (exit) => ({
    gpa: exit.guestPhysical,
    gla: exit.guestLinear,
    access: bit(exit.qualification, 2) === 1 ? 2 : bit(exit.qualification, 1),
    size: exit.accessSize,
    value: exit.operand,
    walk: 1 - bit(exit.qualification, 8),
    rights: (exit.qualification >>> 3) & 7,
  }),
  detail: (exit) => {
    const { gpa, gla, access, size, walk, rights } = EPT_VIOLATION.fields(exit);
    const what = walk === 1 ? 'page walk' : ['read', 'write', 'fetch'][access];
    const allowed = ['read', 'write', 'execute'].filter((_, right) => bit(rights, right) === 1);
    const text = allowed.length === 0 ? '' : `, allowed: ${allowed.join(', ')}`;
    return `${what}, ${bytes(size)} at physical ${hex(gpa)} (linear ${hex(gla)})${text}`;
  },
};

/** 28.2.1: the hardware records the guest-physical address alone; the access is what SVM's error code has of it. */
export const EPT_MISCONFIGURATION: ExitDecoder = {
  names: EPT_VIOLATION.names.filter(({ name }) => name !== 'gla' && name !== 'walk'),
  fields: (exit) => ({
    gpa: exit.guestPhysical,
    access: bit(exit.exitInfo1, 4) === 1 ? 2 : bit(exit.exitInfo1, 1),
    size: exit.accessSize,
    value: exit.operand,
  }),
  detail: (exit) => {
    const { gpa, access, size } = EPT_MISCONFIGURATION.fields(exit);
    return `${['read', 'write', 'fetch'][access]}, ${bytes(size)} at physical ${hex(gpa)}`;
  },
};

/** Instruction identity of table 28-10 and 28-11, bits 29:28. */
const TABLE_INSTRUCTIONS = [
  ['sgdt', 'sidt', 'lgdt', 'lidt'],
  ['sldt', 'str', 'lldt', 'ltr'],
];
export const descriptorTableIdentity = (mnemonic: string, system: 0 | 1): number =>
  Math.max(0, TABLE_INSTRUCTIONS[system].indexOf(mnemonic));

function tableAccess(system: 0 | 1): ExitDecoder {
  const names = TABLE_INSTRUCTIONS[system];
  const meaning = names.map((name, number) => `${number} ${name.toUpperCase()}`).join(', ');
  return {
    names: [{ name: 'instruction', meaning }],
    fields: (exit) => ({ instruction: (exit.instructionInformation >>> 28) & 3 }),
    detail: (exit) => names[(exit.instructionInformation >>> 28) & 3],
  };
}
export const GDTR_IDTR_ACCESS = tableAccess(0);
export const LDTR_TR_ACCESS = tableAccess(1);
