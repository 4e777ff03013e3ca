/**
 * For tests only: a processor over a flat byte array, without translation, so that the system level
 * (segmentation, interrupts, tasks, the instructions in TypeScript) can be tried alone. Linear
 * addresses are physical; pages can be taken away or made supervisor's or read-only.
 */
import { cpuModel } from '../cpu-model.ts';
import type { CpuModel } from '../cpu-model.ts';
import { DR6_FIXED } from '../control-registers.ts';
import { decode } from '../decode/decoder.ts';
import type { Instruction, MemoryOperand, Operand } from '../decode/instruction.ts';
import { deliverException } from '../exceptions.ts';
import type { GuestEvent } from '../exit-hook.ts';
import { controlFarInstructions } from '../instructions/control-far.ts';
import { decimalInstructions } from '../instructions/decimal.ts';
import { ioInstructions } from '../instructions/io.ts';
import { miscellaneousInstructions } from '../instructions/miscellaneous.ts';
import { segmentRegisterInstructions } from '../instructions/segment-registers.ts';
import { systemInstructions } from '../instructions/system.ts';
import * as L from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import { resetMsrs } from '../msrs.ts';
import type { Platform } from '../platform.ts';
import { GuestFault, VECTOR, VmExitSignal } from '../processor.ts';
import type {
  FaultRecord,
  LinearMemory,
  Processor,
  TypescriptInstruction,
  VectoredEvent,
} from '../processor.ts';
import { CpuState, RIGHTS } from '../state.ts';

const INSTRUCTIONS: Readonly<Record<string, TypescriptInstruction>> = {
  ...controlFarInstructions,
  ...decimalInstructions,
  ...ioInstructions,
  ...miscellaneousInstructions,
  ...segmentRegisterInstructions,
  ...systemInstructions,
};

const MEMORY_SIZE = 1 << 20;
const PAGE_SHIFT = 12;

type Size = 1 | 2 | 4;

/** Flat memory; a missing or forbidden page raises #PF with the error code of SDM vol. 3, 4.7. */
class FakeMemory implements LinearMemory {
  readonly bytes = new Uint8Array(MEMORY_SIZE);
  /** Numbers of pages that are not present, supervisor's, and read-only. */
  readonly missing = new Set<number>();
  readonly supervisor = new Set<number>();
  readonly readOnly = new Set<number>();
  private readonly cpu: FakeProcessor;

  constructor(cpu: FakeProcessor) {
    this.cpu = cpu;
  }

  private check(linear: number, length: number, write: boolean, user: boolean): void {
    const codeBits = (write ? 2 : 0) | (user ? 4 : 0);
    for (const at of [linear, linear + length - 1]) {
      const page = at >>> PAGE_SHIFT;
      if (this.missing.has(page) || at >= MEMORY_SIZE) this.cpu.fault(VECTOR.PF, codeBits, at);
      const forbidden = (user && this.supervisor.has(page)) || (write && this.readOnly.has(page));
      if (forbidden) this.cpu.fault(VECTOR.PF, codeBits | 1, at);
    }
  }
  private read(linear: number, size: Size, user: boolean): number {
    this.check(linear, size, false, user);
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.bytes[linear + i];
    return value;
  }
  private write(linear: number, size: Size, value: number, user: boolean): void {
    this.check(linear, size, true, user);
    for (let i = 0; i < size; i++) this.bytes[linear + i] = value >>> (8 * i);
  }
  private get user(): boolean {
    return this.cpu.state.cpl === 3;
  }

  read8 = (linear: number): number => this.read(linear, 1, this.user);
  read16 = (linear: number): number => this.read(linear, 2, this.user);
  read32 = (linear: number): number => this.read(linear, 4, this.user);
  write8 = (linear: number, value: number): void => this.write(linear, 1, value, this.user);
  write16 = (linear: number, value: number): void => this.write(linear, 2, value, this.user);
  write32 = (linear: number, value: number): void => this.write(linear, 4, value, this.user);
  readSystem8 = (linear: number): number => this.read(linear, 1, false);
  readSystem16 = (linear: number): number => this.read(linear, 2, false);
  readSystem32 = (linear: number): number => this.read(linear, 4, false);
  writeSystem8 = (linear: number, value: number): void => this.write(linear, 1, value, false);
  writeSystem16 = (linear: number, value: number): void => this.write(linear, 2, value, false);
  writeSystem32 = (linear: number, value: number): void => this.write(linear, 4, value, false);

  probeRead(linear: number, length: number): void {
    this.readBytes(linear, length);
  }
  readVector(linear: number, size: number): void {
    this.cpu.state.u8.set(this.readBytes(linear, size), L.VECTOR_OPERAND);
  }
  writeVector(linear: number, size: number): void {
    const at = L.VECTOR_OPERAND;
    this.writeBytes(linear, this.cpu.state.u8.slice(at, at + size));
  }
  readBytes(linear: number, length: number): Uint8Array {
    this.check(linear, length, false, this.user);
    return this.bytes.slice(linear, linear + length);
  }
  writeBytes(linear: number, bytes: Uint8Array): void {
    this.check(linear, bytes.length, true, this.user);
    this.bytes.set(bytes, linear);
  }
  /** CR0.AM is never set here. */
  requireAligned(): void {
    return;
  }
  probeWrite(linear: number, length: number): void {
    this.check(linear, length, true, this.user);
  }
}

/** A fault as tests compare it. */
export interface RaisedFault {
  readonly vector: number;
  readonly errorCode: number | null;
}

export class FakeProcessor implements Processor {
  readonly state = new CpuState(new ArrayBuffer(L.VCPU_BLOCK), 0);
  readonly memory = new FakeMemory(this);
  readonly platform: Platform;
  model: CpuModel;
  nextEip = 0;
  vectoring: VectoredEvent | null = null;
  vectoringLinks = 0;
  readonly faultChain: FaultRecord[] = [];

  /** What happened, in order: port accesses, halts, flushes. */
  readonly log: string[] = [];
  /** Every event offered. */
  readonly offered: { readonly event: GuestEvent; readonly length: number }[] = [];
  /** The hypervisor's decision; true: the event leaves the guest. */
  intercepts: (event: GuestEvent) => boolean = () => false;
  /** Value of every port. */
  portValue = 0;
  tsc = { low: 0, high: 0 };
  private readonly pendingFault = new GuestFault();
  /** leaves() has said so to the instruction that runs. */
  private left = false;

  constructor(model = 'pentium3') {
    const found = cpuModel(model);
    if (found === null) throw new Error(`no processor model ${model}`);
    this.model = found;
    const { log } = this;
    const hex = (value: number): string => value.toString(16);
    this.platform = {
      readPort: (port, size) => {
        log.push(`in${size} ${hex(port)}`);
        return this.portValue;
      },
      writePort: (port, size, value) => void log.push(`out${size} ${hex(port)} ${hex(value)}`),
      readDevice: () => 0xffffffff,
      writeDevice: () => undefined,
      interruptPending: () => false,
      pendingVector: () => 0xff,
      acknowledgeInterrupt: () => 0xff,
      now: () => 0,
    };
    resetMsrs(this.state);
    this.state.setCr(0, 0x10);
    this.state.setDr(6, DR6_FIXED);
    this.state.setDr(7, 0x400);
    this.state.eflags = 2;
    for (const index of Object.values(L.SEGMENT)) {
      const type = index === L.SEGMENT.LDTR ? 0x82 : index === L.SEGMENT.TR ? 0x8b : 0x93;
      this.state.setSegment(index, { selector: 0, rights: type, base: 0, limit: 0xffff });
    }
    this.state.set(L.IDTR + 8, 0x3ff);
  }

  fault(vector: number, errorCode: number | null = null, qualification = 0): never {
    Object.assign(this.pendingFault, { vector, errorCode, qualification });
    throw this.pendingFault;
  }
  offer(event: GuestEvent, length: number): void {
    this.offered.push({ event, length });
    if (this.intercepts(event)) throw new VmExitSignal();
  }
  leaves(event: GuestEvent, length: number): boolean {
    this.offered.push({ event, length });
    this.left = this.intercepts(event);
    return this.left;
  }
  watch(): void {
    // nobody looks
  }
  enables(): boolean {
    return true;
  }
  seenControl(register: 0 | 4): number {
    return this.state.cr(register);
  }
  writtenControl(_register: 0 | 4, value: number): number {
    return value;
  }
  unimplemented(): never {
    return this.fault(VECTOR.UD);
  }
  modeChanged(): void {
    const { cpl, protectedMode, v86 } = this.state;
    if (!protectedMode && cpl !== 0) throw new Error('CPL is not 0 in real-address mode');
    if (v86 && cpl !== 3) throw new Error('CPL is not 3 in virtual-8086 mode');
  }
  flushTlb(global: boolean): void {
    this.log.push(global ? 'flush all' : 'flush');
  }
  invalidatePage(linear: number): void {
    this.log.push(`invlpg ${linear.toString(16)}`);
  }
  inhibitInterrupts(): void {
    this.log.push('inhibit');
  }
  endTrace(): void {
    this.log.push('end trace');
  }
  unblockNmi(): void {
    this.state.set(L.NMI, this.state.get(L.NMI) & ~L.NMI_STATE.BLOCKED);
  }
  portAccessed(port: number): void {
    this.log.push(`port ${port.toString(16)}`);
  }
  halt(): void {
    this.log.push('halt');
  }
  shutdown(): void {
    this.log.push('shutdown');
  }
  timestamp(): { low: number; high: number } {
    const offset = this.state.view.getBigUint64(L.TSC_OFFSET, true);
    const raw = (BigInt(this.tsc.high) << 32n) + BigInt(this.tsc.low);
    const value = BigInt.asUintN(64, raw + offset);
    return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
  }
  readPhysical32(address: number): number {
    return new DataView(this.memory.bytes.buffer).getUint32(address, true);
  }

  checkSegment(segment: SegmentIndex, offset: number, length: number, write: boolean): number {
    const at = (L.SEGMENTS + segment * L.SEGMENT_SIZE) >> 2;
    const word = (field: number): number => this.state.u32[at + (field >> 2)];
    const allowed = (word(L.SEG_ABILITY) & (write ? 2 : 1)) !== 0;
    const inside = offset >= word(L.SEG_LOW) && offset + length - 1 <= word(L.SEG_HIGH);
    if (!allowed || !inside) this.fault(segment === L.SEGMENT.SS ? VECTOR.SS : VECTOR.GP, 0);
    return (word(L.SEG_BASE) + offset) >>> 0;
  }
  readSegment(segment: SegmentIndex, offset: number, size: Size): number {
    const linear = this.checkSegment(segment, offset, size, false);
    if (size === 1) return this.memory.read8(linear);
    return size === 2 ? this.memory.read16(linear) : this.memory.read32(linear);
  }
  writeSegment(segment: SegmentIndex, offset: number, size: Size, value: number): void {
    const linear = this.checkSegment(segment, offset, size, true);
    if (size === 1) this.memory.write8(linear, value);
    else if (size === 2) this.memory.write16(linear, value);
    else this.memory.write32(linear, value);
  }

  effectiveAddress({ base, index, scale, displacement, addressSize }: MemoryOperand): number {
    const register = (number: number): number => (number < 0 ? 0 : this.state.gpr(number, 4));
    const sum = register(base) + register(index) * 2 ** scale + displacement;
    return addressSize === 2 ? sum & 0xffff : sum >>> 0;
  }
  readOperand(operand: Operand): number {
    if (operand.kind === 'register') return this.state.gpr(operand.number, operand.size);
    if (operand.kind === 'immediate') return operand.value >>> 0;
    if (operand.kind !== 'memory') return this.unimplemented();
    return this.readSegment(operand.segment, this.effectiveAddress(operand), operand.size as Size);
  }
  writeOperand(operand: Operand, value: number): void {
    if (operand.kind === 'register') {
      this.state.setGpr(operand.number, operand.size, value);
    } else if (operand.kind === 'memory') {
      const offset = this.effectiveAddress(operand);
      this.writeSegment(operand.segment, offset, operand.size as Size, value);
    } else {
      this.unimplemented();
    }
  }

  private get stackMask(): number {
    return (this.state.segment(L.SEGMENT.SS).rights & RIGHTS.DB) !== 0 ? 0xffffffff : 0xffff;
  }
  private moveStack(bytes: number): number {
    const old = this.state.gpr(4, 4);
    const mask = this.stackMask;
    return ((old & ~mask) | ((old + bytes) & mask)) >>> 0;
  }
  push(size: 2 | 4, value: number): void {
    const pointer = this.moveStack(-size);
    this.writeSegment(L.SEGMENT.SS, (pointer & this.stackMask) >>> 0, size, value);
    this.state.setGpr(4, 4, pointer);
  }
  pop(size: 2 | 4): number {
    const offset = (this.state.gpr(4, 4) & this.stackMask) >>> 0;
    const value = this.readSegment(L.SEGMENT.SS, offset, size);
    this.state.setGpr(4, 4, this.moveStack(size));
    return value;
  }

  /** Decodes bytes that stand at EIP, by CS.D. Nothing is written to memory. */
  decode(bytes: readonly number[]): Instruction {
    const window = new Uint8Array(16);
    window.set(bytes);
    const wide = (this.state.segment(L.SEGMENT.CS).rights & RIGHTS.DB) !== 0;
    const decoded = decode(window, this.state.eip, { defaultSize: wide ? 4 : 2 });
    if (typeof decoded === 'string') throw new Error(`not an instruction: ${decoded}`);
    return decoded;
  }
  /**
   * Executes an instruction at EIP; returns the fault instead of delivering it, or null. Throws a
   * VmExitSignal when an event of it leaves the guest.
   */
  execute(bytes: readonly number[]): RaisedFault | null {
    const instruction = this.decode(bytes);
    const name = instruction.row.meaning ?? '';
    if (!Object.hasOwn(INSTRUCTIONS, name)) throw new Error(`${name} is not in TypeScript`);
    const meaning = INSTRUCTIONS[name];
    this.nextEip = (instruction.eip + instruction.length) >>> 0;
    this.left = false;
    const fault = this.faultOf(() => meaning(this, instruction));
    if (this.left) throw new VmExitSignal();
    if (fault === null) this.state.eip = this.nextEip;
    return fault;
  }
  /** Runs `action` and returns the fault that it raises, or null. */
  faultOf(action: () => void): RaisedFault | null {
    try {
      action();
      return null;
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      return { vector: error.vector, errorCode: error.errorCode };
    }
  }
  /** Delivers an exception at EIP. */
  raise(vector: number, errorCode: number | null = null, qualification = 0): void {
    const fault = new GuestFault();
    deliverException(this, Object.assign(fault, { vector, errorCode, qualification }));
  }
}
