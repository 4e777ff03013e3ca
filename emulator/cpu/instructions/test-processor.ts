/**
 * For tests only: as much of a processor as an x87 or SSE instruction needs. A state block and flat memory
 * without paging, segments based at 0. A fault is thrown as the GuestFault that a processor would
 * deliver.
 */
import type { CpuModel } from '../cpu-model.ts';
import { decode } from '../decode/decoder.ts';
import type { Instruction, MemoryOperand } from '../decode/instruction.ts';
import * as L from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import type { Platform } from '../platform.ts';
import { GuestFault, VECTOR } from '../processor.ts';
import type { LinearMemory, Processor } from '../processor.ts';
import { CR0, CpuState } from '../state.ts';

type TestMemory = Pick<
  LinearMemory,
  | 'read16'
  | 'read32'
  | 'write16'
  | 'write32'
  | 'readVector'
  | 'writeVector'
  | 'probeRead'
  | 'readBytes'
  | 'writeBytes'
  | 'requireAligned'
  | 'probeWrite'
>;

/** Little-endian memory; beyond its end every access is a page fault. */
class FlatMemory implements TestMemory {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly cpu: TestProcessor;

  constructor(size: number, cpu: TestProcessor) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    this.cpu = cpu;
  }

  private check(linear: number, length: number, errorCode: number): void {
    if (linear + length > this.bytes.length) this.cpu.fault(VECTOR.PF, errorCode, linear);
  }
  read16(linear: number): number {
    this.check(linear, 2, 0);
    return this.view.getUint16(linear, true);
  }
  read32(linear: number): number {
    this.check(linear, 4, 0);
    return this.view.getUint32(linear, true);
  }
  write16(linear: number, value: number): void {
    this.check(linear, 2, 2);
    this.view.setUint16(linear, value, true);
  }
  write32(linear: number, value: number): void {
    this.check(linear, 4, 2);
    this.view.setUint32(linear, value, true);
  }
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
    this.check(linear, length, 0);
    return this.bytes.slice(linear, linear + length);
  }
  writeBytes(linear: number, bytes: Uint8Array): void {
    this.check(linear, bytes.length, 2);
    this.bytes.set(bytes, linear);
  }
  /** CPL 0: alignment is never checked. */
  requireAligned(): void {
    return;
  }
  probeWrite(linear: number, length: number): void {
    this.check(linear, length, 2);
  }
}

/** Decodes an instruction at offset 0. */
export function instructionOf(bytes: readonly number[], defaultSize: 2 | 4 = 4): Instruction {
  const window = new Uint8Array(16);
  window.set(bytes);
  const instruction = decode(window, 0, { defaultSize });
  if (typeof instruction === 'string') {
    throw new Error(`${bytes.map((byte) => byte.toString(16)).join(' ')}: ${instruction}`);
  }
  return instruction;
}

/** Data segments of 4 GiB, present, writable. */
const FLAT = { rights: 0xc093, base: 0, limit: 0xffffffff };

export class TestProcessor implements Pick<
  Processor,
  | 'state'
  | 'platform'
  | 'model'
  | 'nextEip'
  | 'fault'
  | 'halt'
  | 'effectiveAddress'
  | 'checkSegment'
> {
  readonly state = new CpuState(new ArrayBuffer(L.VCPU_BLOCK), 0);
  readonly memory: FlatMemory;
  readonly platform: Platform;
  model: CpuModel = {
    name: 'test',
    features: new Set(['fpu', 'cmov', 'sse', 'sse2', 'sse3', 'fxsr']),
    cpuid: () => ({ eax: 0, ebx: 0, ecx: 0, edx: 0 }),
  };
  nextEip = 0;
  halted = false;

  /** In flat protected mode. @param platform the pins that the test looks at. */
  constructor(memorySize = 0x10000, platform: Partial<Platform> = {}) {
    this.memory = new FlatMemory(memorySize, this);
    this.platform = platform as Platform;
    for (const name of ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const) {
      const segment = L.SEGMENT[name];
      this.state.setSegment(segment, { selector: 8 * (segment + 1), ...FLAT });
    }
    this.state.eflags = 2;
    this.state.setCr(0, CR0.PE | CR0.ET | CR0.NE);
  }

  /** This object to an instruction; whatever is not here is undefined. */
  get processor(): Processor {
    return this as unknown as Processor;
  }

  fault(vector: number, errorCode: number | null = null, qualification = 0): never {
    const fault = new GuestFault();
    fault.vector = vector;
    fault.errorCode = errorCode;
    fault.qualification = qualification;
    throw fault;
  }
  effectiveAddress({ base, index, scale, displacement, addressSize }: MemoryOperand): number {
    const register = (number: number): number => (number < 0 ? 0 : this.state.gpr(number, 4));
    const offset = register(base) + register(index) * 2 ** scale + displacement;
    return addressSize === 2 ? offset & 0xffff : offset >>> 0;
  }
  checkSegment(segment: SegmentIndex, offset: number, length: number): number {
    const { base, limit } = this.state.segment(segment);
    if (offset + length - 1 > limit) {
      this.fault(segment === L.SEGMENT.SS ? VECTOR.SS : VECTOR.GP, 0);
    }
    return (base + offset) >>> 0;
  }
  halt(): void {
    this.halted = true;
  }
}
