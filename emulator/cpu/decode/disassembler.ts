/**
 * Decoded instructions as text, in Intel's syntax as GNU and NASM users read it, in lower case:
 * `mov eax, dword ptr [ebx+esi*4-0x10]`. Numbers are hexadecimal and branch targets absolute, so that
 * the caller can look them up among its symbols (Instruction.operands has them as numbers).
 *
 * What the operands do not show is shown otherwise: a size that differs from the code's own as a
 * suffix (`retw`, `pushd 0x5`) or as `data16`, `addr32`; a segment override that no memory operand
 * carries as a prefix (`fs xlatb`). String instructions are short (`rep movsd`) unless their segment
 * or address size is overridden.
 */
import { SEGMENT } from '../layout.ts';
import type { Instruction, MemoryOperand, Operand, RegisterOperand } from './instruction.ts';

// prettier-ignore
const REGISTER_NAMES = {
  1: ['al', 'cl', 'dl', 'bl', 'ah', 'ch', 'dh', 'bh'],
  2: ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'],
  4: ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'],
} as const;

const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs', 'ldtr', 'tr'] as const;

const FILE_NAMES = { control: 'cr', debug: 'dr', test: 'tr', mmx: 'mm', xmm: 'xmm' } as const;

/** Names of memory sizes; the sizes of whole FPU states have none. */
const POINTER_NAMES: Readonly<Record<number, string>> = {
  1: 'byte',
  2: 'word',
  4: 'dword',
  6: 'fword',
  8: 'qword',
  10: 'tbyte',
  16: 'xmmword',
};

const STRING_MEANINGS: ReadonlySet<string> = new Set(['movs', 'cmps', 'stos', 'lods', 'scas', 'ins', 'outs']); // prettier-ignore

/** Get a suffix w or d when their operand size is not the code's and no operand shows it. */
const SUFFIX_MEANINGS: ReadonlySet<string> = new Set([
  'call', 'jmp', 'ret', 'call-far', 'jmp-far', 'ret-far',
  'push', 'push-sreg', 'pop-sreg', 'enter', 'leave', 'fldenv', 'fnstenv', 'frstor', 'fnsave',
]); // prettier-ignore

/** Get `data16` or `data32` instead. */
const DATA_PREFIX_MEANINGS: ReadonlySet<string> = new Set([
  'jcc', 'jcxz', 'loop', 'loope', 'loopne', 'lgdt', 'lidt', 'sgdt', 'sidt',
]); // prettier-ignore

/** Depend on the address size without a memory operand. */
const ADDRESS_PREFIX_MEANINGS: ReadonlySet<string> = new Set(['loop', 'loope', 'loopne', 'xlat']);

/** Negative displacements below this magnitude are offsets, others addresses. */
const LARGEST_OFFSET = 0x100000;

/** The text of one instruction. */
export function disassemble(instruction: Instruction): string {
  const operands = operandTexts(instruction);
  const text = prefixText(instruction) + mnemonicText(instruction);
  return operands.length === 0 ? text : `${text} ${operands.join(', ')}`;
}

function prefixText(instruction: Instruction): string {
  const { row, lock, repeat, segmentOverride, operandSize, addressSize, defaultSize } = instruction;
  const meaning = row.meaning ?? '';
  let text = lock ? 'lock ' : '';
  if (segmentOverride !== -1 && !showsSegment(instruction)) {
    text += `${SEGMENT_NAMES[segmentOverride]} `;
  }
  if (operandSize !== defaultSize && DATA_PREFIX_MEANINGS.has(meaning)) {
    text += operandSize === 2 ? 'data16 ' : 'data32 ';
  }
  if (addressSize !== defaultSize && ADDRESS_PREFIX_MEANINGS.has(meaning)) {
    text += addressSize === 2 ? 'addr16 ' : 'addr32 ';
  }
  if (repeat === 0xf2) text += 'repne ';
  if (repeat === 0xf3) text += meaning === 'cmps' || meaning === 'scas' ? 'repe ' : 'rep ';
  return text;
}

function mnemonicText(instruction: Instruction): string {
  const { row, operandSize, defaultSize, operands } = instruction;
  if (isString(instruction)) return isShort(instruction) ? row.mnemonic : row.mnemonic.slice(0, -1);
  const hidden =
    operandSize !== defaultSize &&
    SUFFIX_MEANINGS.has(row.meaning ?? '') &&
    !operands.some(showsSize);
  return hidden ? row.mnemonic + (operandSize === 2 ? 'w' : 'd') : row.mnemonic;
}

function operandTexts(instruction: Instruction): string[] {
  const { row, operands } = instruction;
  if (isString(instruction) && isShort(instruction)) return [];
  // The segment register of LDS, LES, LFS, LGS and LSS is part of the mnemonic.
  const shown = row.meaning === 'load-far-pointer' ? operands.slice(0, 2) : operands;
  const codes = row.operands.split(',');
  return shown.map((operand, i) => operandText(instruction, operand, codes[i]));
}

function operandText(instruction: Instruction, operand: Operand, code: string): string {
  switch (operand.kind) {
    case 'register':
      return code === 'ST0' ? 'st' : registerText(operand);
    case 'memory':
      return pointerText(instruction, operand) + segmentText(instruction, operand, code) + addressText(operand); // prettier-ignore
    case 'immediate':
      return code === '1' ? code : hex(truncate(operand.value, operand.size));
    case 'relative':
      return hex(operand.target);
    case 'far':
      return `${hex(operand.selector)}:${hex(operand.offset)}`;
  }
}

function registerText({ file, number, size }: RegisterOperand): string {
  switch (file) {
    case 'gpr':
      return REGISTER_NAMES[size === 1 || size === 2 ? size : 4][number];
    case 'segment':
      return SEGMENT_NAMES[number];
    case 'x87':
      return `st(${number})`;
    case 'control':
    case 'debug':
    case 'test':
    case 'mmx':
    case 'xmm':
      return `${FILE_NAMES[file]}${number}`;
  }
}

function pointerText({ row }: Instruction, operand: MemoryOperand): string {
  const far = row.meaning === 'call-far' || row.meaning === 'jmp-far' ? 'far ' : '';
  const name = POINTER_NAMES[operand.size];
  return name === undefined ? far : `${far}${name} ptr `;
}

function segmentText(instruction: Instruction, operand: MemoryOperand, code: string): string {
  if (isEsDi(code)) return `${SEGMENT_NAMES[SEGMENT.ES]}:`;
  return instruction.segmentOverride === -1 ? '' : `${SEGMENT_NAMES[operand.segment]}:`;
}

function addressText(operand: MemoryOperand): string {
  const { base, index, scale, displacement, addressSize } = operand;
  const names = REGISTER_NAMES[addressSize];
  const terms: string[] = [];
  if (base >= 0) terms.push(names[base]);
  if (index >= 0) terms.push(names[index] + (scale === 0 ? '' : `*${1 << scale}`));
  if (terms.length === 0) return `[${hex(truncate(displacement, addressSize))}]`;
  return `[${terms.join('+')}${displacementText(displacement, addressSize)}]`;
}

function displacementText(displacement: number, addressSize: 2 | 4): string {
  if (displacement === 0) return '';
  if (displacement < 0 && displacement > -LARGEST_OFFSET) return `-${hex(-displacement)}`;
  return `+${hex(truncate(displacement, addressSize))}`;
}

/** Whether a memory operand in the text carries the segment override. */
function showsSegment(instruction: Instruction): boolean {
  const codes = instruction.row.operands.split(',');
  return instruction.operands.some(({ kind }, i) => kind === 'memory' && !isEsDi(codes[i]));
}

/** Memory at ES:(E)DI, which no override changes (operand letter Y). */
function isEsDi(code: string): boolean {
  return code.startsWith('Y');
}

function isString({ row }: Instruction): boolean {
  return row.meaning !== null && STRING_MEANINGS.has(row.meaning);
}

/** A string instruction of which only the mnemonic need be shown. */
function isShort(instruction: Instruction): boolean {
  if (instruction.addressSize !== instruction.defaultSize) return false;
  return instruction.segmentOverride === -1 || !showsSegment(instruction);
}

/** Whether the text of an operand tells its size. */
function showsSize(operand: Operand): boolean {
  if (operand.kind === 'memory') return POINTER_NAMES[operand.size] !== undefined;
  return operand.kind === 'register' && operand.file === 'gpr';
}

function truncate(value: number, size: number): number {
  if (size === 1) return value & 0xff;
  return size === 2 ? value & 0xffff : value >>> 0;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
