/**
 * Instructions about selectors and their descriptors (SDM vol. 2; vol. 3, 5.10 "Pointer validation"):
 * LLDT, LTR, SLDT, STR, LAR, LSL, VERR, VERW, ARPL. None of them is known in real-address and
 * virtual-8086 mode (#UD).
 */
import type { Instruction } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import {
  SYSTEM_TYPE,
  dplOf,
  fetchDescriptor,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isSystem,
  isWritableData,
  nullSegment,
  segmentOf,
  selectorError,
  typeOf,
} from '../segmentation.ts';
import type { Descriptor } from '../segmentation.ts';
import { FLAG } from '../state.ts';
import {
  readWord,
  requireCpl0,
  requireProtectedMode,
  requireUmip,
  writeWord,
} from './operand-access.ts';

/** A GDT descriptor for LLDT and LTR with one of `types`, present; else #GP or #NP(selector). */
function systemDescriptor(cpu: Processor, selector: number, types: readonly number[]): Descriptor {
  const error = selectorError(selector);
  const descriptor = (selector & 4) === 0 ? fetchDescriptor(cpu, selector) : null;
  if (descriptor === null) cpu.fault(VECTOR.GP, error);
  const { rights } = descriptor;
  if (!isSystem(rights) || !types.includes(typeOf(rights))) cpu.fault(VECTOR.GP, error);
  if (!isPresent(rights)) cpu.fault(VECTOR.NP, error);
  return descriptor;
}

function loadLdt(cpu: Processor, instruction: Instruction): void {
  const { operands, length } = instruction;
  requireProtectedMode(cpu);
  requireCpl0(cpu);
  cpu.offer({ kind: 'descriptor-table', mnemonic: 'lldt', instruction }, length);
  const selector = readWord(cpu, operands[0]);
  const segment = isNull(selector)
    ? nullSegment(selector)
    : segmentOf(selector, systemDescriptor(cpu, selector, [SYSTEM_TYPE.LDT]));
  cpu.state.setSegment(L.SEGMENT.LDTR, segment);
}

/** LTR marks the TSS busy, in the table and in TR. */
function loadTask(cpu: Processor, instruction: Instruction): void {
  const { operands, length } = instruction;
  requireProtectedMode(cpu);
  requireCpl0(cpu);
  cpu.offer({ kind: 'descriptor-table', mnemonic: 'ltr', instruction }, length);
  const selector = readWord(cpu, operands[0]);
  if (isNull(selector)) cpu.fault(VECTOR.GP, 0);
  const types = [SYSTEM_TYPE.TSS16, SYSTEM_TYPE.TSS32];
  const descriptor = systemDescriptor(cpu, selector, types);
  const busy = (descriptor.high | 0x200) >>> 0;
  cpu.memory.writeSystem32((descriptor.address + 4) >>> 0, busy);
  const segment = segmentOf(selector, descriptor);
  cpu.state.setSegment(L.SEGMENT.TR, { ...segment, rights: segment.rights | 2 });
}

const storeSelector =
  (register: SegmentIndex, mnemonic: string): TypescriptInstruction =>
  (cpu, instruction) => {
    requireProtectedMode(cpu);
    requireUmip(cpu);
    cpu.offer({ kind: 'descriptor-table', mnemonic, instruction }, instruction.length);
    writeWord(cpu, instruction, instruction.operands[0], cpu.state.selector(register));
  };

function setZero(cpu: Processor, zero: boolean): void {
  const { state } = cpu;
  const flags = state.eflags;
  state.arithmeticFlags = zero ? flags | FLAG.ZF : flags & ~FLAG.ZF;
}

/** CPL and RPL may not be above DPL, except for conforming code. */
function visible(cpu: Processor, selector: number, rights: number): boolean {
  const dpl = dplOf(rights);
  return isConforming(rights) || (cpu.state.cpl <= dpl && (selector & 3) <= dpl);
}

/** System types that LAR and LSL describe (SDM vol. 2, their tables of valid types). */
const LAR_TYPES: readonly number[] = [1, 2, 3, 4, 5, 9, 11, 12];
const LSL_TYPES: readonly number[] = [1, 2, 3, 9, 11];

/** The descriptor if the program may see it, else null. */
function visibleDescriptor(
  cpu: Processor,
  selector: number,
  systemTypes: readonly number[],
): Descriptor | null {
  if (isNull(selector)) return null;
  const descriptor = fetchDescriptor(cpu, selector);
  if (descriptor === null) return null;
  const { rights } = descriptor;
  if (isSystem(rights) && !systemTypes.includes(typeOf(rights))) return null;
  return visible(cpu, selector, rights) ? descriptor : null;
}

/** LAR and LSL: the destination changes, and ZF is set, only for a visible descriptor. */
const describe =
  (
    systemTypes: readonly number[],
    value: (selector: number, descriptor: Descriptor) => number,
  ): TypescriptInstruction =>
  (cpu, { operands }) => {
    requireProtectedMode(cpu);
    const selector = readWord(cpu, operands[1]);
    const descriptor = visibleDescriptor(cpu, selector, systemTypes);
    if (descriptor !== null) cpu.writeOperand(operands[0], value(selector, descriptor));
    setZero(cpu, descriptor !== null);
  };

/** VERR and VERW. */
const verify =
  (allows: (rights: number) => boolean): TypescriptInstruction =>
  (cpu, { operands }) => {
    requireProtectedMode(cpu);
    const selector = readWord(cpu, operands[0]);
    const descriptor = visibleDescriptor(cpu, selector, []);
    setZero(cpu, descriptor !== null && allows(descriptor.rights));
  };

function adjustRpl(cpu: Processor, { operands }: Instruction): void {
  requireProtectedMode(cpu);
  const destination = readWord(cpu, operands[0]);
  const rpl = readWord(cpu, operands[1]) & 3;
  const adjust = (destination & 3) < rpl;
  if (adjust) cpu.writeOperand(operands[0], (destination & ~3) | rpl);
  setZero(cpu, adjust);
}

/** The second dword of the descriptor as LAR shows it; processors leave limit bits 19..16 in it. */
const LAR_MASK = 0x00ffff00;

export const selectorInstructions = {
  lldt: loadLdt,
  ltr: loadTask,
  sldt: storeSelector(L.SEGMENT.LDTR, 'sldt'),
  str: storeSelector(L.SEGMENT.TR, 'str'),
  lar: describe(LAR_TYPES, (_, { high }) => high & LAR_MASK),
  lsl: describe(LSL_TYPES, (selector, descriptor) => segmentOf(selector, descriptor).limit),
  verr: verify(isReadable),
  verw: verify(isWritableData),
  arpl: adjustRpl,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
