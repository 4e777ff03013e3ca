/**
 * The vCPU as the hypervisor handles it between exit and entry (hypervisor/vcpu.ts), over the CPU. While
 * a handler acts, the exit hook is out of the way; a triple fault is the one event that still leaves.
 */
import type { Cpu } from './cpu/cpu.ts';
import type { ExitHook } from './cpu/exit-hook.ts';
import { VmExitSignal } from './cpu/processor.ts';
import type { HostPaging } from './hypervisor/host-paging.ts';
import { ExitWitness } from './hypervisor/exit-witness.ts';
import type { GuestVcpu, InjectedException } from './hypervisor/vcpu.ts';
import type { Outsider } from './memory/outsider.ts';
import type { PagedMemory } from './paged-memory.ts';
import { initialize, startUp } from './processor-start.ts';

/** Injected types that are delivered like interrupts, returning after their instruction. */
const DELIVERED_AS = {
  software: 'software-exception',
  privileged: 'privileged-software',
  nmi: 'nmi',
} as const;

/** What the machine around it knows. */
export interface VcpuSurroundings {
  /** Instructions of all processors since power-on. */
  retired(): number;
  pagedMemory(): PagedMemory | null;
  /** As OutsideAccesses. */
  accessed(by: Outsider, physical: number, size: number, write: boolean): void;
}

export class CpuVcpu implements GuestVcpu {
  readonly processor: Cpu;
  readonly index: number;
  readonly #surroundings: VcpuSurroundings;
  readonly #hook: Pick<ExitHook, 'held'>;
  readonly witness = new ExitWitness();

  constructor(
    cpu: Cpu,
    index: number,
    surroundings: VcpuSurroundings,
    hook: Pick<ExitHook, 'held'>,
  ) {
    this.processor = cpu;
    this.index = index;
    this.#surroundings = surroundings;
    this.#hook = hook;
  }

  get retired(): number {
    return this.#surroundings.retired();
  }
  emulateInstruction(): void {
    const { processor, witness } = this;
    const { faultChain, retired } = processor;
    witness.emulated();
    if (faultChain.length > 0) faultChain.length = 0;
    processor.emulateInstruction();
    // a trap comes after an instruction that was carried out
    const faulted = faultChain.length > 0 && processor.retired === retired;
    if (faulted) witness.injected(faultChain[0].vector, faultChain[0].errorCode);
  }
  skipInstruction(length: number): void {
    this.witness.emulated();
    this.#natively(() => {
      this.processor.skipInstruction(length);
    });
  }
  injectException({ vector, errorCode, type, qualification, length }: InjectedException): void {
    const { processor } = this;
    this.witness.injected(vector, errorCode);
    this.#natively(() => {
      if (type === 'fault' || type === 'trap') {
        processor.deliverFault(vector, errorCode, qualification);
      } else {
        const next = (processor.state.eip + length) >>> 0;
        processor.deliver(vector, DELIVERED_AS[type], next);
      }
    });
  }
  instructionBytes(length: number): Uint8Array {
    return this.processor.memory.readBytesPeek(this.processor.linearEip, length);
  }
  redeliver(): void {
    this.witness.redelivered();
    this.#natively(() => {
      this.processor.redeliver();
    });
  }
  injectInterrupt(vector: number): void {
    const { processor } = this;
    this.witness.interrupted(vector);
    this.#natively(() => {
      processor.deliver(vector, 'external', processor.state.eip);
    });
  }
  get held(): boolean {
    return this.#hook.held === true;
  }
  watchesInterrupt(): boolean {
    return this.processor.watchesInterrupt();
  }
  interruptibility(): number {
    return this.processor.interruptibility;
  }
  pendingDebug(): number {
    return this.processor.pendingDebug;
  }
  nmiUnblocked(): boolean {
    return this.processor.nmiUnblocked;
  }
  interruptible(): boolean {
    return this.processor.interruptible();
  }
  get hostPaging(): HostPaging | null {
    return this.#surroundings.pagedMemory()?.paging ?? null;
  }
  awaitPage(address: number): void {
    this.#surroundings.pagedMemory()?.awaitPage(address);
  }
  inShadow(): boolean {
    return this.processor.inShadow();
  }
  initialize(): void {
    initialize(this.processor);
  }
  startUp(vector: number): void {
    startUp(this.processor, vector);
  }
  readPhysical(address: number, length: number): Uint8Array | null {
    this.witness.touched();
    return this.processor.memory.readRam(address, length);
  }
  writePhysical(address: number, bytes: Uint8Array, by: Outsider): boolean {
    this.witness.touched();
    const written = this.processor.memory.writeRam(address, bytes);
    if (written) this.#surroundings.accessed(by, address, bytes.length, true);
    return written;
  }

  #natively(action: () => void): void {
    this.processor.suppressed(() => {
      try {
        action();
      } catch (error) {
        // a triple fault has left; the hook holds it
        if (!(error instanceof VmExitSignal)) throw error;
      }
    });
  }
}
