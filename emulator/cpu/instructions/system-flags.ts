/**
 * CLI, STI, PUSHF and POPF in every mode (SDM vol. 2; vol. 3, 20.2.5 and 20.4): IOPL decides, and
 * where it forbids, virtual-8086 mode extensions (VME, PVI) put VIF in the place of IF. The fast forms
 * that need no such decision may be emitted (flag-control.ts); these are the general ones.
 */
import type { Instruction } from '../decode/instruction.ts';
import { mergeFlags, popVirtualFlags } from '../interrupt-return.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { ESP, StackReader } from '../stack-frame.ts';
import { ARITHMETIC_FLAGS, CR4, FLAG } from '../state.ts';
import { intercepted } from './operand-access.ts';

/** IF may be changed directly: real-address mode, or CPL not above IOPL (3 in virtual-8086 mode). */
const mayChangeIf = ({ state }: Processor): boolean =>
  !state.protectedMode || state.cpl <= state.iopl;

/** CLI and STI act on VIF: VME in virtual-8086 mode, PVI at CPL 3 in protected mode. */
function hasVirtualIf({ state }: Processor): boolean {
  const enabling = state.v86 ? CR4.VME : CR4.PVI;
  return state.cpl === 3 && (state.cr(4) & enabling) !== 0;
}

function clearInterrupt(cpu: Processor): void {
  const { state } = cpu;
  if (mayChangeIf(cpu)) state.systemFlags &= ~FLAG.IF;
  else if (hasVirtualIf(cpu)) state.systemFlags &= ~FLAG.VIF;
  else cpu.fault(VECTOR.GP, 0);
}

function setInterrupt(cpu: Processor): void {
  const { state } = cpu;
  if (mayChangeIf(cpu)) {
    const before = state.systemFlags;
    state.systemFlags = before | FLAG.IF;
    if ((before & FLAG.IF) === 0) cpu.inhibitInterrupts();
  } else if (hasVirtualIf(cpu) && (state.systemFlags & FLAG.VIP) === 0) {
    state.systemFlags |= FLAG.VIF;
  } else {
    cpu.fault(VECTOR.GP, 0);
  }
}

/** In virtual-8086 mode with IOPL below 3, PUSHF and POPF work only under VME and with 16 bits. */
function virtualFlags(cpu: Processor, { operandSize }: Instruction): boolean {
  const { state } = cpu;
  if (!state.v86 || state.iopl === 3) return false;
  if (operandSize === 4 || (state.cr(4) & CR4.VME) === 0) cpu.fault(VECTOR.GP, 0);
  return true;
}

/** The pushed image has VM and RF clear. */
function pushFlags(cpu: Processor, instruction: Instruction): void {
  if (intercepted(cpu, 'PUSHF') && cpu.leaves({ kind: 'pushf' }, instruction.length)) return;
  let flags = cpu.state.eflags & ~(FLAG.VM | FLAG.RF);
  if (virtualFlags(cpu, instruction)) {
    flags |= FLAG.IOPL;
    flags = (flags & FLAG.VIF) !== 0 ? flags | FLAG.IF : flags & ~FLAG.IF;
  }
  const size = instruction.operandSize;
  cpu.push(size, size === 2 ? flags & 0xffff : flags >>> 0);
}

/** Popped at any privilege: the flags of programs, and those that only 32 bits reach. */
const POPPED = ARITHMETIC_FLAGS | FLAG.TF | FLAG.DF | FLAG.NT;
const POPPED_WIDE = FLAG.AC | FLAG.ID;

function popFlags(cpu: Processor, instruction: Instruction): void {
  const { state } = cpu;
  if (intercepted(cpu, 'POPF') && cpu.leaves({ kind: 'popf' }, instruction.length)) return;
  const size = instruction.operandSize;
  const virtual = virtualFlags(cpu, instruction);
  const reader = new StackReader(cpu);
  const flags = reader.pop(size);
  if (virtual) {
    popVirtualFlags(cpu, flags);
  } else {
    let mask = size === 4 ? POPPED | POPPED_WIDE : POPPED;
    if (mayChangeIf(cpu)) mask |= FLAG.IF;
    if (state.cpl === 0) mask |= FLAG.IOPL;
    // POPFD clears RF
    const before = state.systemFlags;
    mergeFlags(cpu, flags & ~FLAG.RF, size === 4 ? mask | FLAG.RF : mask);
    // alignment checks begin or end
    if (((before ^ state.systemFlags) & FLAG.AC) !== 0) cpu.modeChanged();
  }
  state.setGpr(ESP, 4, reader.pointer);
}

export const systemFlagInstructions = {
  cli: clearInterrupt,
  sti: setInterrupt,
  pushf: pushFlags,
  popf: popFlags,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
