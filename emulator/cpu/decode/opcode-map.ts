/**
 * From the opcode tables to what the decoder looks up: every line becomes one or more forms (the
 * enumerable list behind the coverage table), and the forms are laid out in one flat table. An opcode
 * takes as many slots as it has distinctions to make: mandatory prefix, ModRM, operand size, address
 * size. Built once when the module is loaded; constant from then on.
 */
import { CONDITION_NAMES } from './condition-codes.ts';
import type { OpcodeRow } from './instruction.ts';
import type { OpcodeLine } from './opcode-line.ts';
import { groupOpcodes } from './opcodes-groups.ts';
import { laterOpcodes } from './opcodes-later.ts';
import { oneByteOpcodes } from './opcodes-one-byte.ts';
import { simdFloatOpcodes } from './opcodes-simd-float.ts';
import { simdOpcodes } from './opcodes-simd.ts';
import { twoByteOpcodes } from './opcodes-two-byte.ts';
import { x87Opcodes } from './opcodes-x87.ts';
import { formOf, operandReader, usesModrm } from './operand-letters.ts';
import type { OperandReader } from './operand-letters.ts';
import { MANDATORY_PREFIXES } from './prefixes.ts';

/** One opcode with everything that selects it. */
export interface OpcodeForm {
  /** In the notation of opcode-line.ts, one opcode each ("0f 44", "66 0f 6f", "d8 c1"). */
  readonly encoding: string;
  readonly row: OpcodeRow;
  /** Opcode bytes as in Instruction.opcode. */
  readonly opcode: number;
  /** Required prefix: 'any' none, 'np' neither of 66, F3, F2. */
  readonly prefix: 'any' | (typeof MANDATORY_PREFIXES)[number];
  /** reg field that selects the form, or -1. */
  readonly digit: number;
  /** Whole ModRM byte that selects the form, or -1. */
  readonly modrm: number;
  readonly form: 'memory' | 'register' | 'both';
  /** Operand and address size that select the form, 0 for both. */
  readonly operandSize: 0 | 2 | 4;
  readonly addressSize: 0 | 2 | 4;
  readonly hasModrm: boolean;
  readonly readers: readonly OperandReader[];
}

/** What distinguishes the forms of one opcode. */
const BY = { MODRM: 1, PREFIX: 2, OPERAND_SIZE: 4, ADDRESS_SIZE: 8, HAS_MODRM: 16 } as const;
/** Slots that a distinction takes: eight digits with memory and 64 ModRM bytes with mod = 3. */
const MODRM_SLOTS = 72;
const PREFIX_SLOTS = MANDATORY_PREFIXES.length;

/** First index of each map in the lookup; one-byte opcodes are at 0. */
export const MAP_0F = 0x100;
export const MAP_0F38 = 0x200;
export const MAP_0F3A = 0x300;
const OPCODES = 0x400;

const ENCODING =
  /^(?:(np|66|f2|f3) )?((?:0f )?(?:(?<=0f )3[8a] )?[0-9a-f]{2})(?:\+(r|cc))?(?: ([0-9a-f]{2})(\+i)?)?(?: \/([0-7]))?(?: o(16|32))?(?: a(16|32))?$/;

/** All forms of all tables, in the tables' order. */
export const opcodeForms: readonly OpcodeForm[] = [
  ...oneByteOpcodes,
  ...twoByteOpcodes,
  ...groupOpcodes,
  ...x87Opcodes,
  ...simdOpcodes,
  ...simdFloatOpcodes,
  ...laterOpcodes,
].flatMap(expand);

const layout = build(opcodeForms);

/**
 * The form of an opcode, or undefined if there is none.
 * @param index opcode byte plus the base of its map
 * @param modrm ModRM byte; not looked at where the opcode has none
 * @param prefix index in MANDATORY_PREFIXES
 */
export function lookup(
  index: number,
  modrm: number,
  prefix: number,
  operandSize: 2 | 4,
  addressSize: 2 | 4,
): OpcodeForm | undefined {
  const by = layout.by[index];
  let slot = 0;
  if ((by & BY.PREFIX) !== 0) slot = prefix;
  if ((by & BY.MODRM) !== 0) slot = slot * MODRM_SLOTS + modrmSlot(modrm);
  if ((by & BY.OPERAND_SIZE) !== 0) slot = slot * 2 + (operandSize >> 2);
  if ((by & BY.ADDRESS_SIZE) !== 0) slot = slot * 2 + (addressSize >> 2);
  return layout.forms[layout.slots[layout.base[index] + slot]];
}

/** Whether a ModRM byte follows the opcode. */
export function hasModrm(index: number): boolean {
  return (layout.by[index] & BY.HAS_MODRM) !== 0;
}

/** Memory forms by digit, register forms by the whole byte. */
function modrmSlot(modrm: number): number {
  return modrm < 0xc0 ? (modrm >> 3) & 7 : modrm - 0xc0 + 8;
}

/** One line, and one form for each of +r, +cc and +i. */
function expand(line: OpcodeLine): OpcodeForm[] {
  const [encoding, mnemonic, operands, meaning, columns] = line;
  const match = ENCODING.exec(encoding);
  if (match === null) throw new Error(`opcode table: cannot read "${encoding}"`);
  const [, prefix, bytes = '', plus, modrm, plusI, digit, operandSize, addressSize] = match;
  const codes = operands === '' ? [] : operands.split(',');
  const readers = codes.map(operandReader);
  const forms = codes.map(formOf);
  const selector = {
    prefix: parsePrefix(prefix),
    digit: digit === undefined ? -1 : Number(digit),
    form: forms.find((form) => form !== 'both') ?? 'both',
    operandSize: parseSize(operandSize),
    addressSize: parseSize(addressSize),
    hasModrm: modrm !== undefined || digit !== undefined || codes.some(usesModrm),
    readers,
  } as const;
  const count = plus === 'cc' ? 16 : plus === 'r' || plusI !== undefined ? 8 : 1;
  const firstOpcode = parseInt(bytes.replaceAll(' ', ''), 16);
  return Array.from({ length: count }, (_, i) => {
    const row: OpcodeRow =
      plus === 'cc'
        ? { mnemonic: mnemonic + CONDITION_NAMES[i], operands, meaning, condition: i, ...columns }
        : { mnemonic, operands, meaning, ...columns };
    const form = {
      ...selector,
      row: Object.freeze(row),
      opcode: firstOpcode + (plus === undefined ? 0 : i),
      modrm: modrm === undefined ? -1 : parseInt(modrm, 16) + (plusI === undefined ? 0 : i),
    };
    return { ...form, encoding: spell(form) };
  });
}

function parsePrefix(text: string | undefined): OpcodeForm['prefix'] {
  if (text === undefined) return 'any';
  return MANDATORY_PREFIXES.find((prefix) => text === spellPrefix(prefix)) ?? 'np';
}

function spellPrefix(prefix: OpcodeForm['prefix']): string {
  return typeof prefix === 'string' ? prefix : prefix.toString(16);
}

function parseSize(bits: string | undefined): 0 | 2 | 4 {
  return bits === undefined ? 0 : bits === '16' ? 2 : 4;
}

/** The encoding column of one form. */
function spell(form: Omit<OpcodeForm, 'encoding'>): string {
  const width = form.opcode > 0xffff ? 6 : form.opcode > 0xff ? 4 : 2;
  const bytes = form.opcode.toString(16).padStart(width, '0').match(/../g) ?? [];
  return [
    ...(form.prefix === 'any' ? [] : [spellPrefix(form.prefix)]),
    ...bytes,
    ...(form.modrm < 0 ? [] : [form.modrm.toString(16)]),
    ...(form.digit < 0 ? [] : [`/${form.digit}`]),
    ...(form.operandSize === 0 ? [] : [`o${form.operandSize * 8}`]),
    ...(form.addressSize === 0 ? [] : [`a${form.addressSize * 8}`]),
  ].join(' ');
}

/** Index of an opcode in the tables below. */
function indexOf(opcode: number): number {
  if (opcode >> 8 === 0x0f38) return MAP_0F38 + (opcode & 0xff);
  if (opcode >> 8 === 0x0f3a) return MAP_0F3A + (opcode & 0xff);
  return opcode > 0xff ? MAP_0F + (opcode & 0xff) : opcode;
}

interface Layout {
  /** Bits of BY for each opcode. */
  readonly by: Uint8Array;
  /** First slot of each opcode. */
  readonly base: Uint16Array;
  /** Index into `forms` for each slot; 0 is undefined. */
  readonly slots: Uint16Array;
  readonly forms: readonly (OpcodeForm | undefined)[];
}

function build(forms: readonly OpcodeForm[]): Layout {
  const by = new Uint8Array(OPCODES);
  for (const form of forms) by[indexOf(form.opcode)] |= distinctions(form);
  const base = new Uint16Array(OPCODES);
  let end = 0;
  for (let index = 0; index < OPCODES; index++) {
    base[index] = end;
    end += slotCount(by[index]);
  }
  const slots = new Uint16Array(end);
  const numbered = [undefined, ...forms];
  const exactness = new Uint8Array(end);
  forms.forEach((form, i) => {
    const index = indexOf(form.opcode);
    const exact = 1 + (form.prefix === 'any' ? 0 : 2) + (form.digit < 0 && form.modrm < 0 ? 0 : 1);
    for (const slot of slotsOf(form, by[index])) {
      const at = base[index] + slot;
      if (exactness[at] === exact) throw new Error(`opcode table: "${form.encoding}" stands twice`);
      if (exactness[at] > exact) continue;
      exactness[at] = exact;
      slots[at] = i + 1;
    }
  });
  return { by, base, slots, forms: numbered };
}

function distinctions(form: OpcodeForm): number {
  const modrm = form.digit >= 0 || form.modrm >= 0 || form.form !== 'both';
  return (
    (modrm ? BY.MODRM : 0) |
    (form.prefix === 'any' ? 0 : BY.PREFIX) |
    (form.operandSize === 0 ? 0 : BY.OPERAND_SIZE) |
    (form.addressSize === 0 ? 0 : BY.ADDRESS_SIZE) |
    (form.hasModrm ? BY.HAS_MODRM : 0)
  );
}

function slotCount(by: number): number {
  return (
    ((by & BY.PREFIX) === 0 ? 1 : PREFIX_SLOTS) *
    ((by & BY.MODRM) === 0 ? 1 : MODRM_SLOTS) *
    ((by & BY.OPERAND_SIZE) === 0 ? 1 : 2) *
    ((by & BY.ADDRESS_SIZE) === 0 ? 1 : 2)
  );
}

/** The slots, relative to its opcode's first, that a form fills. */
function slotsOf(form: OpcodeForm, by: number): number[] {
  let slots = [0];
  const distinguish = (bit: number, count: number, matches: (value: number) => boolean) => {
    if ((by & bit) === 0) return;
    const values = Array.from({ length: count }, (_, value) => value).filter(matches);
    slots = slots.flatMap((slot) => values.map((value) => slot * count + value));
  };
  distinguish(BY.PREFIX, PREFIX_SLOTS, (i) =>
    form.prefix === 'any' ? true : MANDATORY_PREFIXES[i] === form.prefix,
  );
  distinguish(BY.MODRM, MODRM_SLOTS, (slot) => matchesModrm(form, slot));
  distinguish(BY.OPERAND_SIZE, 2, (i) => form.operandSize === 0 || form.operandSize >> 2 === i);
  distinguish(BY.ADDRESS_SIZE, 2, (i) => form.addressSize === 0 || form.addressSize >> 2 === i);
  return slots;
}

function matchesModrm(form: OpcodeForm, slot: number): boolean {
  const isMemory = slot < 8;
  const modrm = isMemory ? slot << 3 : slot - 8 + 0xc0;
  if (form.modrm >= 0) return !isMemory && form.modrm === modrm;
  if (form.form === (isMemory ? 'register' : 'memory')) return false;
  return form.digit < 0 || form.digit === ((modrm >> 3) & 7);
}
