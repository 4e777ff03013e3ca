/**
 * One virtual processor of the machine with what belongs to it alone: the CPU and its pins, the
 * hypervisor's controls for it, and the paravirtual interface as it has registered with it.
 */
import { Cpu, type CpuOptions } from './cpu/cpu.ts';
import * as L from './cpu/layout.ts';
import { MONITOR_LINE_BYTES, monitoredLineChanged } from './cpu/instructions/monitor.ts';
import { ACTIVITY } from './cpu/state.ts';
import type { GuestEvent } from './cpu/exit-hook.ts';
import { CpuVcpu, type VcpuSurroundings } from './guest-vcpu.ts';
import type { Hypervisor } from './hypervisor/hypervisor.ts';
import { ShadowMmu } from './hypervisor/shadow/shadow-mmu.ts';
import type { KvmInterface } from './paravirt/kvm.ts';
import { initialize, startUp } from './processor-start.ts';
import { SteppingHook } from './stepping-hook.ts';

export interface VcpuParts extends VcpuSurroundings {
  /** Its number, and the ID of its local APIC. */
  readonly index: number;
  readonly cpu: Omit<CpuOptions, 'hook'>;
  readonly hypervisor: Hypervisor;
  readonly kvm: KvmInterface | null;
  /** INTR is asserted. */
  readonly interruptPending: () => boolean;
  /** Whether another vCPU could run now. */
  readonly othersWait: () => boolean;
  /** It has executed PAUSE: it waits for another. */
  readonly paused: () => void;
}

export class MachineVcpu {
  readonly index: number;
  readonly cpu: Cpu;
  readonly guest: CpuVcpu;
  readonly hypervisor: Hypervisor;
  readonly kvm: KvmInterface | null;
  readonly hook: SteppingHook;
  readonly #interruptPending: () => boolean;

  constructor(parts: VcpuParts) {
    const { index, hypervisor, kvm, interruptPending, othersWait, paused } = parts;
    this.index = index;
    this.hypervisor = hypervisor;
    this.kvm = kvm;
    this.#interruptPending = interruptPending;
    this.hook = new SteppingHook(hypervisor, {
      leave: () => {
        this.cpu.requestLeave();
      },
      othersWait,
      paused,
    });
    this.cpu = new Cpu({ ...parts.cpu, hook: this.hook });
    this.hook.events.attach(this.cpu);
    this.guest = new CpuVcpu(this.cpu, index, parts, this.hook);
    hypervisor.attach(this.guest);
    const { memory, map } = parts.cpu;
    if (map.shadowPages > 0) {
      hypervisor.shadow = new ShadowMmu(memory.buffer, map, this.cpu);
      this.cpu.setShadow(hypervisor.shadow);
    }
  }

  get #activity(): number {
    return this.cpu.state.get(L.ACTIVITY);
  }
  /** Between an exit and the entry after it, which nobody else may come between. */
  get isLeft(): boolean {
    return this.hypervisor.pending !== null || this.hypervisor.entering;
  }
  /** It executes, or will as soon as it is looked at: an event that wakes it from HLT is there. */
  get isReady(): boolean {
    const activity = this.#activity;
    if (this.hypervisor.pending !== null) return true;
    if (activity !== ACTIVITY.HALTED) return activity !== ACTIVITY.WAIT_FOR_SIPI;
    const { cpu } = this;
    if (cpu.state.get(L.NMI) === L.NMI_STATE.PENDING || this.endsMonitorWait()) return true;
    return this.hypervisor.timerExpired || (cpu.canWake && this.#interruptPending());
  }
  /** Halted, and an interrupt or the hypervisor's timer would wake it. */
  get canWake(): boolean {
    if (this.#activity !== ACTIVITY.HALTED) return false;
    const monitors = this.cpu.state.get(L.MONITOR_WAIT) === L.MONITOR_WAITS.ALSO_MASKED;
    return monitors || this.cpu.canWake || this.hypervisor.deadline !== Infinity;
  }
  /** MWAIT: the line that it waits for has changed, or an interrupt is there although they are masked. */
  endsMonitorWait(): boolean {
    const { cpu } = this;
    const waits = cpu.state.get(L.MONITOR_WAIT);
    if (waits === 0) return false;
    const line = cpu.memory.readBytesPeek(cpu.state.get(L.MONITOR_LINE), MONITOR_LINE_BYTES);
    const masked = waits === L.MONITOR_WAITS.ALSO_MASKED;
    if (!monitoredLineChanged(cpu, line) && !(masked && this.#interruptPending())) return false;
    cpu.state.set(L.ACTIVITY, ACTIVITY.RUNNING);
    cpu.state.set(L.MONITOR_WAIT, 0);
    return true;
  }
  /** INIT between two instructions: for the hypervisor, if it wants it. One that waits for start-up blocks it. */
  initialize(): void {
    this.cpu.state.set(L.INIT, 0);
    const blocked = this.#activity === ACTIVITY.WAIT_FOR_SIPI;
    if (blocked || !this.#offers({ kind: 'init-signal' })) initialize(this.cpu);
  }
  /** A start-up interrupt, which only a processor that waits for it takes. */
  startUp(vector: number): void {
    if (this.#activity !== ACTIVITY.WAIT_FOR_SIPI) return;
    if (!this.#offers({ kind: 'sipi', vector })) startUp(this.cpu, vector);
  }
  #offers(event: GuestEvent): boolean {
    return this.hypervisor.pending === null && this.hypervisor.offer(event, 0);
  }
  /** KVM_HC_KICK_CPU: out of HLT, or past the next one. */
  kick(): void {
    if (!this.wake()) this.kvm?.kick();
  }
  /** Out of HLT; false: it is not halted. */
  wake(): boolean {
    if (this.#activity !== ACTIVITY.HALTED) return false;
    this.cpu.state.set(L.ACTIVITY, ACTIVITY.RUNNING);
    return true;
  }
}
