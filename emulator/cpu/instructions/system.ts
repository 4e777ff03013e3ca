/**
 * System instructions (SDM vol. 2; vol. 3, table 2-3): descriptor-table registers, control and debug
 * registers, MSRs, time, CPUID, caches, HLT, and the hypercall and virtualization opcodes. Those about
 * selectors (LAR, VERR, LLDT, …) are in selectors.ts, those about EFLAGS in system-flags.ts.
 *
 * Each follows one order (vol. 3, 26.1): #UD and privilege, then the offer to the hypervisor, then the
 * instruction's own checks, then the commit; under SVM some make their checks first (CHECKS_FIRST). Caches and system-management mode do not exist
 * here: INVD and WBINVD do nothing, RSM is undefined.
 */
import {
  DR6_BD,
  DR7_GD,
  checkControlRegister,
  debugRegister,
  setDebugRegister,
  writeControlRegister,
  writeCr0,
} from '../control-registers.ts';
import { FEATURE_BITS } from '../cpu-model.ts';
import type { Instruction, Operand } from '../decode/instruction.ts';
import type { GuestEvent } from '../exit-hook.ts';
import { systemEnter, systemExit } from '../far-transfers.ts';
import * as L from '../layout.ts';
import { readMsr, writeMsr } from '../msrs.ts';
import { VECTOR } from '../processor.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import { CR0, CR4, FLAG } from '../state.ts';
import {
  intercepted,
  memoryOperand,
  nextOffset,
  readWord,
  requireCpl0,
  requireProtectedMode,
  requireUmip,
  writeWord,
} from './operand-access.ts';
import { monitorInstructions } from './monitor.ts';
import { randomInstructions } from './random.ts';
import { selectorInstructions } from './selectors.ts';
import { systemFlagInstructions } from './system-flags.ts';

const EAX = 0;
const ECX = 1;
const EDX = 2;
const EBX = 3;
/** CPUID.1:EDX. */
const APIC = 1 << FEATURE_BITS.apic;
/** IA32_APIC_BASE. */
const APIC_ENABLED = 1 << 11;

/** Caches: there are none, so the instruction does nothing beyond being offered. */
const cacheControl =
  (kind: 'invd' | 'wbinvd'): TypescriptInstruction =>
  (cpu, { length }) => {
    requireCpl0(cpu);
    cpu.leaves({ kind }, length);
  };

/** LGDT and LIDT: limit, then base of 24 bits with operand size 16. */
const loadTable =
  (register: number, mnemonic: string): TypescriptInstruction =>
  (cpu, instruction) => {
    requireCpl0(cpu);
    const operand = memoryOperand(cpu, instruction.operands[0]);
    cpu.offer({ kind: 'descriptor-table', mnemonic, instruction }, instruction.length);
    const offset = cpu.effectiveAddress(operand);
    const limit = cpu.readSegment(operand.segment, offset, 2);
    const base = cpu.readSegment(operand.segment, nextOffset(operand, offset, 2), 4);
    cpu.state.set(register, instruction.operandSize === 2 ? base & 0xffffff : base);
    cpu.state.set(register + 8, limit);
  };

/**
 * SGDT and SIDT. All 32 bits of the base are stored with either operand size, as processors do since
 * the 386; the manual's zero byte was the 286's.
 */
const storeTable =
  (register: number, mnemonic: string): TypescriptInstruction =>
  (cpu, instruction) => {
    const operand = memoryOperand(cpu, instruction.operands[0]);
    requireUmip(cpu);
    cpu.offer({ kind: 'descriptor-table', mnemonic, instruction }, instruction.length);
    const offset = cpu.effectiveAddress(operand);
    const upper = nextOffset(operand, offset, 2);
    const linear = cpu.checkSegment(operand.segment, upper, 4, true);
    cpu.memory.probeWrite(linear, 4);
    cpu.writeSegment(operand.segment, offset, 2, cpu.state.get(register + 8) & 0xffff);
    cpu.writeSegment(operand.segment, upper, 4, cpu.state.get(register));
  };

const EXISTING_CR: readonly number[] = [0, 2, 3, 4];
const controlRegister = (cpu: Processor, number: number): 0 | 2 | 3 | 4 =>
  EXISTING_CR.includes(number) ? (number as 0 | 2 | 3 | 4) : cpu.fault(VECTOR.UD);

/** Register file and number of a MOV CR or MOV DR operand. */
function registerOperand(cpu: Processor, operand: Operand): { file: string; number: number } {
  return operand.kind === 'register' ? operand : cpu.fault(VECTOR.UD);
}

type CrAccess = Extract<GuestEvent, { kind: 'cr-access' }>;

function crAccess(
  register: CrAccess['register'],
  access: CrAccess['access'],
  gpr: number,
  value: number,
  linear = -1,
): CrAccess {
  return { kind: 'cr-access', register, access, gpr, value, linear };
}

function moveControlRegister(cpu: Processor, { operands, length }: Instruction): void {
  const [destination, source] = operands.map((operand) => registerOperand(cpu, operand));
  const toControl = destination.file === 'control';
  const register = controlRegister(cpu, toControl ? destination.number : source.number);
  const gpr = toControl ? source.number : destination.number;
  requireCpl0(cpu);
  const shared = register === 0 || register === 4;
  if (toControl) {
    const value = cpu.state.gpr(gpr, 4);
    if (intercepted(cpu, 'CHECKS_FIRST')) checkControlRegister(cpu, register, value);
    if (cpu.leaves(crAccess(register, 'mov-to-cr', gpr, value), length)) return;
    writeControlRegister(cpu, register, shared ? cpu.writtenControl(register, value) : value);
  } else {
    if (cpu.leaves(crAccess(register, 'mov-from-cr', gpr, 0), length)) return;
    cpu.state.setGpr(gpr, 4, shared ? cpu.seenControl(register) : cpu.state.cr(register));
  }
}

/** #UD under CR4.DE, privilege, and #DB where DR7.GD detects the access. */
function requireDebugRegister(cpu: Processor, number: number, detected: boolean): void {
  debugRegister(cpu, number);
  requireCpl0(cpu);
  if (detected) cpu.fault(VECTOR.DB, null, DR6_BD);
}

function moveDebugRegister(cpu: Processor, { operands, length }: Instruction): void {
  const [destination, source] = operands.map((operand) => registerOperand(cpu, operand));
  const toDebug = destination.file === 'debug';
  const number = toDebug ? destination.number : source.number;
  const gpr = toDebug ? source.number : destination.number;
  const access = toDebug ? 'mov-to-dr' : 'mov-from-dr';
  const detected = (cpu.state.dr(7) & DR7_GD) !== 0;
  // VMX: this exit comes before #GP for privilege and #UD under CR4.DE (vol. 3, 26.1.3)
  const checksFirst = intercepted(cpu, 'CHECKS_FIRST');
  if (checksFirst) requireDebugRegister(cpu, number, detected);
  if (cpu.leaves({ kind: 'dr-access', register: number, access, gpr }, length)) return;
  if (!checksFirst) requireDebugRegister(cpu, number, detected);
  const register = debugRegister(cpu, number);
  if (toDebug) setDebugRegister(cpu, register, cpu.state.gpr(gpr, 4));
  else cpu.state.setGpr(gpr, 4, cpu.state.dr(register));
}

function clearTaskSwitched(cpu: Processor, { length }: Instruction): void {
  requireCpl0(cpu);
  if (cpu.leaves(crAccess(0, 'clts', 0, 0), length)) return;
  writeCr0(cpu, cpu.writtenControl(0, cpu.state.cr(0) & ~CR0.TS));
}

/** LMSW: PE, MP, EM and TS; PE can be set but not cleared. */
function loadMachineStatus(cpu: Processor, { operands, length }: Instruction): void {
  requireCpl0(cpu);
  const [operand] = operands;
  const value = readWord(cpu, operand);
  const linear =
    operand.kind === 'memory'
      ? (cpu.state.segmentBase(operand.segment) + cpu.effectiveAddress(operand)) >>> 0
      : -1;
  if (cpu.leaves(crAccess(0, 'lmsw', 0, value, linear), length)) return;
  const old = cpu.state.cr(0);
  const low = (value & 0xf) | (old & CR0.PE);
  writeCr0(cpu, cpu.writtenControl(0, (old & ~0xf) | low));
}

function storeMachineStatus(cpu: Processor, instruction: Instruction): void {
  requireUmip(cpu);
  if (intercepted(cpu, 'SMSW') && cpu.leaves({ kind: 'smsw' }, instruction.length)) return;
  writeWord(cpu, instruction, instruction.operands[0], cpu.seenControl(0));
}

function invalidatePage(cpu: Processor, { operands, length }: Instruction): void {
  const operand = memoryOperand(cpu, operands[0]);
  requireCpl0(cpu);
  const base = cpu.state.segmentBase(operand.segment);
  const linear = (base + cpu.effectiveAddress(operand)) >>> 0;
  if (cpu.leaves({ kind: 'invlpg', linear }, length)) return;
  cpu.invalidatePage(linear);
}

function readModelSpecific(cpu: Processor, { length }: Instruction): void {
  requireCpl0(cpu);
  const index = cpu.state.gpr(ECX, 4);
  if (cpu.leaves({ kind: 'rdmsr', index }, length)) return;
  const value = readMsr(cpu, index) ?? cpu.fault(VECTOR.GP, 0);
  cpu.state.setGpr(EAX, 4, value.low);
  cpu.state.setGpr(EDX, 4, value.high);
}

function writeModelSpecific(cpu: Processor, { length }: Instruction): void {
  requireCpl0(cpu);
  const index = cpu.state.gpr(ECX, 4);
  const value = { low: cpu.state.gpr(EAX, 4), high: cpu.state.gpr(EDX, 4) };
  if (cpu.leaves({ kind: 'wrmsr', index, low: value.low, high: value.high }, length)) return;
  if (!writeMsr(cpu, index, value)) cpu.fault(VECTOR.GP, 0);
}

function readTimestamp(cpu: Processor, { length }: Instruction): void {
  const { state } = cpu;
  if ((state.cr(4) & CR4.TSD) !== 0 && state.cpl !== 0) cpu.fault(VECTOR.GP, 0);
  if (cpu.leaves({ kind: 'rdtsc' }, length)) return;
  const { low, high } = cpu.timestamp();
  state.setGpr(EAX, 4, low);
  state.setGpr(EDX, 4, high);
}

function readTimestampAndProcessor(cpu: Processor, instruction: Instruction): void {
  const { state } = cpu;
  if (!cpu.enables('rdtscp')) cpu.fault(VECTOR.UD);
  if ((state.cr(4) & CR4.TSD) !== 0 && state.cpl !== 0) cpu.fault(VECTOR.GP, 0);
  if (cpu.leaves({ kind: 'rdtscp' }, instruction.length)) return;
  const { low, high } = cpu.timestamp();
  state.setGpr(EAX, 4, low);
  state.setGpr(EDX, 4, high);
  state.setGpr(ECX, 4, state.get(L.TSC_AUX));
}

/** CLAC and STAC: EFLAGS.AC for the supervisor. */
const setAccess =
  (allowed: boolean): TypescriptInstruction =>
  (cpu) => {
    if (cpu.state.cpl !== 0 || cpu.state.v86) cpu.fault(VECTOR.UD);
    const flags = cpu.state.systemFlags;
    cpu.state.systemFlags = allowed ? flags | FLAG.AC : flags & ~FLAG.AC;
    cpu.modeChanged();
  };

/** Performance counters of the P6 family, 0 and 1: they exist and never count. */
function readPerformanceCounter(cpu: Processor, { length }: Instruction): void {
  const { state } = cpu;
  if ((state.cr(4) & CR4.PCE) === 0 && state.cpl !== 0) cpu.fault(VECTOR.GP, 0);
  const exists = state.gpr(ECX, 4) <= 1;
  if (!exists && intercepted(cpu, 'CHECKS_FIRST')) cpu.fault(VECTOR.GP, 0);
  if (cpu.leaves({ kind: 'rdpmc' }, length)) return;
  if (!exists) cpu.fault(VECTOR.GP, 0);
  state.setGpr(EAX, 4, 0);
  state.setGpr(EDX, 4, 0);
}

function identify(cpu: Processor, { length }: Instruction): void {
  const { state, model } = cpu;
  if (cpu.leaves({ kind: 'cpuid' }, length)) return;
  const leaf = state.gpr(EAX, 4);
  const { eax, ebx, ecx, edx } = model.cpuid(leaf, state.gpr(ECX, 4));
  state.setGpr(EAX, 4, eax);
  state.setGpr(EBX, 4, ebx);
  state.setGpr(ECX, 4, ecx);
  // without its local APIC the processor does not tell of one (vol. 3, 11.4.3)
  const hidden = leaf === 1 && (state.get(L.APIC_BASE) & APIC_ENABLED) === 0 ? APIC : 0;
  state.setGpr(EDX, 4, (edx & ~hidden) >>> 0);
}

function halt(cpu: Processor, { length }: Instruction): void {
  requireCpl0(cpu);
  if (cpu.leaves({ kind: 'hlt' }, length)) return;
  cpu.halt();
}

/** Offered, then undefined: what no hypervisor takes has no meaning on the bare processor. */
const undefinedUnlessTaken =
  (event: (instruction: Instruction) => GuestEvent): TypescriptInstruction =>
  (cpu, instruction) => {
    if (!cpu.leaves(event(instruction), instruction.length)) cpu.fault(VECTOR.UD);
  };

/**
 * VMXON and its like: no model offers them in CPUID, yet the processor under a hypervisor has them, so
 * that they leave the guest at any CPL, though not from real-address and virtual-8086 mode.
 */
const vmxInstruction: TypescriptInstruction = (cpu, instruction) => {
  const { protectedMode, v86 } = cpu.state;
  const { row, length } = instruction;
  const event = { kind: 'vmx-instruction', mnemonic: row.mnemonic, instruction } as const;
  if (!protectedMode || v86 || !cpu.leaves(event, length)) cpu.fault(VECTOR.UD);
};

/** VMRUN and its like in the same way, after the check of CPL: EFER.SVME is the hypervisor's, always set. */
const svmInstruction: TypescriptInstruction = (cpu, instruction) => {
  requireProtectedMode(cpu);
  if (!intercepted(cpu, 'CHECKS_FIRST')) cpu.fault(VECTOR.UD);
  requireCpl0(cpu);
  vmxInstruction(cpu, instruction);
};

export const systemInstructions = {
  lgdt: loadTable(L.GDTR, 'lgdt'),
  lidt: loadTable(L.IDTR, 'lidt'),
  sgdt: storeTable(L.GDTR, 'sgdt'),
  sidt: storeTable(L.IDTR, 'sidt'),
  'mov-cr': moveControlRegister,
  'mov-dr': moveDebugRegister,
  clts: clearTaskSwitched,
  lmsw: loadMachineStatus,
  smsw: storeMachineStatus,
  invlpg: invalidatePage,
  invd: cacheControl('invd'),
  wbinvd: cacheControl('wbinvd'),
  rdmsr: readModelSpecific,
  wrmsr: writeModelSpecific,
  rdtsc: readTimestamp,
  rdtscp: readTimestampAndProcessor,
  clac: setAccess(false),
  stac: setAccess(true),
  rdpmc: readPerformanceCounter,
  cpuid: identify,
  hlt: halt,
  pause: (cpu, { length }) => void cpu.leaves({ kind: 'pause' }, length),
  rsm: undefinedUnlessTaken(() => ({ kind: 'rsm' })),
  vmcall: undefinedUnlessTaken(() => ({ kind: 'vmcall' })),
  vmmcall: undefinedUnlessTaken(() => ({ kind: 'vmmcall' })),
  vmx: vmxInstruction,
  svm: svmInstruction,
  sysenter: systemEnter,
  sysexit: systemExit,
  ud: (cpu) => cpu.fault(VECTOR.UD),
  ...monitorInstructions,
  ...randomInstructions,
  ...selectorInstructions,
  ...systemFlagInstructions,
} as const satisfies Readonly<Record<string, TypescriptInstruction>>;
