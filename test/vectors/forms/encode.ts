/**
 * Random encodings of one opcode form: prefixes, ModRM, SIB, displacement and immediate bytes, in 16- or
 * 32-bit code. Where the displacement lies is remembered, so that an address can be planned afterwards.
 */
import { decode } from '../../../emulator/cpu/decode/decoder.ts';
import type { Instruction } from '../../../emulator/cpu/decode/instruction.ts';
import type { OpcodeForm } from '../../../emulator/cpu/decode/opcode-map.ts';
import { CODE } from './record.ts';
import type { Random } from './random.ts';

export interface Encoding {
  readonly bytes: Uint8Array;
  /** Index and number of bytes of the displacement; 0 bytes: there is none. */
  readonly displacementAt: number;
  readonly displacementSize: 0 | 1 | 2 | 4;
  /** null: LOCK made it invalid. */
  readonly instruction: Instruction | null;
}

const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] as const;
const STRINGS: ReadonlySet<string> = new Set(['movs', 'cmps', 'stos', 'lods', 'scas', 'ins', 'outs']); // prettier-ignore
/** With F3 these are TZCNT and LZCNT on the host. */
const PREFIX_MATTERS: ReadonlySet<string> = new Set(['bsf', 'bsr']);
/** Bytes for any immediate: Iw,Ib of ENTER and ptr16:32 of far jumps. */
const IMMEDIATE_ROOM = 6;

/** An encoding, or null if the dice made none of this form. */
export function encode(form: OpcodeForm, random: Random, code16: boolean): Encoding | null {
  const { row } = form;
  const isString = STRINGS.has(row.meaning ?? '');
  const usesMemory = form.form !== 'register' && /[EMQWXYOm]/.test(row.operands);
  const bytes: number[] = [];
  if ((usesMemory || row.meaning === 'xlat') && random.once(6)) bytes.push(random.pick(SEGMENT_PREFIXES)); // prettier-ignore
  let address16 = code16;
  const other = form.addressSize !== 0 ? (form.addressSize === 2) !== code16 : random.once(4);
  if (other) {
    bytes.push(0x67);
    address16 = !code16;
  }
  if (wantsOperandPrefix(form, random, code16)) bytes.push(0x66);
  if (isString && !random.once(3)) bytes.push(random.pick([0xf2, 0xf3]));
  else if (form.prefix === 'any' && !PREFIX_MATTERS.has(row.mnemonic) && random.once(30)) bytes.push(random.pick([0xf2, 0xf3]));
  const register = form.form === 'register' || (form.form === 'both' && random.once(2));
  const lock = row.lockable === true && !register ? random.once(4) : random.once(60);
  if (lock) bytes.push(0xf0);
  if (typeof form.prefix === 'number' && form.prefix !== 0x66) bytes.push(form.prefix);
  for (let shift = 16; shift >= 0; shift -= 8) {
    if (shift === 0 || form.opcode >> shift !== 0) bytes.push((form.opcode >> shift) & 0xff);
  }
  let displacementSize: 0 | 1 | 2 | 4 = 0;
  if (form.hasModrm) {
    const modrm = modrmOf(form, random, register);
    bytes.push(modrm);
    displacementSize = address16 ? displacement16(modrm) : displacement32(modrm, bytes, random);
  }
  const displacementAt = bytes.length;
  for (let i = 0; i < displacementSize; i++) bytes.push(random.next() & 0xff);
  const room = Uint8Array.from([...bytes, ...immediate(random)]);
  const instruction = decode(room, CODE, { defaultSize: code16 ? 2 : 4 });
  if (typeof instruction === 'string') {
    if (!lock || bytes.length > 13) return null;
    return { bytes: room.slice(0, bytes.length + 2), displacementAt, displacementSize, instruction: null }; // prettier-ignore
  }
  if (instruction.row !== row) return null;
  // a prefix more would make it too long for CODE
  const { length } = instruction;
  return { bytes: room.slice(0, length), displacementAt, displacementSize, instruction };
}

function wantsOperandPrefix(form: OpcodeForm, random: Random, code16: boolean): boolean {
  if (form.prefix === 0x66) return true;
  if (form.prefix === 'np') return false;
  if (form.operandSize !== 0) return (form.operandSize === 2) !== code16;
  return form.prefix === 'any' && random.once(3);
}

function modrmOf(form: OpcodeForm, random: Random, register: boolean): number {
  if (form.modrm >= 0) return form.modrm;
  const reg = form.digit >= 0 ? form.digit : random.below(8);
  const mod = register ? 3 : random.below(3);
  return (mod << 6) | (reg << 3) | random.below(8);
}

function displacement16(modrm: number): 0 | 1 | 2 {
  const mod = modrm >> 6;
  if (mod === 0) return (modrm & 7) === 6 ? 2 : 0;
  return mod === 3 ? 0 : mod === 1 ? 1 : 2;
}

/** Adds the SIB byte if there is one. */
function displacement32(modrm: number, bytes: number[], random: Random): 0 | 1 | 4 {
  const mod = modrm >> 6;
  if (mod === 3) return 0;
  let base = modrm & 7;
  if (base === 4) {
    const sib = random.next() & 0xff;
    bytes.push(sib);
    base = sib & 7;
  }
  if (mod === 0) return base === 5 ? 4 : 0;
  return mod === 1 ? 1 : 4;
}

function immediate(random: Random): number[] {
  const value = random.value();
  const bytes = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  while (bytes.length < IMMEDIATE_ROOM + 9) bytes.push(random.next() & 0xff);
  return bytes;
}
