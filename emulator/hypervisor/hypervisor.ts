/**
 * The built-in hypervisor (L0). The one place where a VM exit is born, offer(), and the one where it is
 * resolved, resolve(); between the two the machine may stop and show it, the guest's state still being
 * that before the event. After every exit comes a VM entry, enter(), and there interrupts go in.
 *
 * Interrupts follow KVM's model. While the guest runs, an asserted INTR leaves the guest (external
 * interrupt). At the entry the hypervisor takes the vector from the guest's interrupt controller and
 * injects it, or, if the guest cannot take it, asks for the interrupt window and injects it at that
 * exit (event-injection.ts). What was asserted during another exit goes in at its entry without one of
 * its own.
 *
 * Each vCPU has one of these with controls of its own; the log is the machine's.
 *
 * Not emulated: posted interrupts.
 */
import { AWAITED, eventOf } from '../cpu/exit-hook.ts';
import type { ExitHook, GuestEvent, HostOwnedBits, MaskableInstruction } from '../cpu/exit-hook.ts';
import { ACTIVITY, MONITOR_ARMED, RAM_SIZE, SEGMENT, TSC_OFFSET } from '../cpu/layout.ts';
import { ACTIVITY as ACTIVITIES } from '../cpu/state.ts';
import type { ExitRecord } from '../stop-reason.ts';
import { describeExit, type DescribedExit } from './describe-exit.ts';
import { ExtendedPageTables } from './extended-page-tables.ts';
import { checkEntry, checksEveryEntry } from './entry-checks.ts';
import { EventInjection, type InjectionState } from './event-injection.ts';
import { controlsOf, leaves, ownedBits, PIN, PRIMARY, SECONDARY, secondaryControls } from './execution-controls.ts'; // prettier-ignore
import type { ExecutionControls, GuestControlRegisters } from './execution-controls.ts';
import { reasonOf } from './exit-information.ts';
import { ExitLog, type ExitLogState } from './exit-log.ts';
import { OUTCOME } from './exit-outcome.ts';
import { NO_COUNTS } from './exit-statistics.ts';
import { skip } from './exits/handler.ts';
import { HANDLERS } from './exits/handlers.ts';
import { REASON, SVM_ONLY } from './exit-reasons.ts';
import type { GuestInterface } from './guest-interface.ts';
import { PauseFilter } from './pause-filter.ts';
import { PauseLoop } from './pause-loop.ts';
import { PreemptionTimer } from './preemption-timer.ts';
import type { ShadowMmu, ShadowState } from './shadow/shadow-mmu.ts';
import { recordExit } from './record-exit.ts';
import { intercepts } from './svm-controls.ts';
import { exitCodeOf } from './svm-information.ts';
import { svmExit } from './svm-intercepts.ts';
import { intervene, type Intervention } from './intervention.ts';
import type { GuestVcpu } from './vcpu.ts';
import type { VmExit } from './vm-exit.ts';

const NOTHING_OWNED: HostOwnedBits = { mask: 0, shadow: null };
const VIRTUAL_NMIS = PIN.NMI_EXITING | PIN.VIRTUAL_NMIS;

/** The hypervisor's own part of a snapshot, plain values. An exit that waits is not saved: resolve first. */
export interface HypervisorState {
  readonly version: 1;
  readonly log: ExitLogState;
  readonly injection: InjectionState;
  /** Where the profile shadows the guest's page tables. */
  readonly shadow?: ShadowState;
}

const NOTHING_HELD: InjectionState = { vector: -1, nmi: false, interruptWindow: false, nmiWindow: false }; // prettier-ignore

export class Hypervisor implements ExitHook {
  readonly log: ExitLog;
  readonly controls: ExecutionControls;
  /** The paravirtual interface shown to the guest, or null. */
  readonly guestInterface: GuestInterface | null;
  /** The shadow of the guest's page tables, or null where the profile keeps none. */
  shadow: ShadowMmu | null = null;
  private readonly injection: EventInjection;
  private readonly timer: PreemptionTimer;
  private readonly pauseLoop = new PauseLoop();
  private readonly pauseFilter = new PauseFilter();
  private tables: ExtendedPageTables | null = null;
  private attached: GuestVcpu | null = null;
  private waiting: VmExit | null = null;
  /** The next VM entry is to be checked. */
  private mustCheck: boolean;
  /** The last check failed: the exit that it made instead of the entry. */
  private refused: VmExit | null = null;
  private entry = false;
  /** Row of `waiting` in the log. */
  private row = -1;
  /** What is done with `waiting` instead of handling it. */
  private intervention: Intervention | null = null;

  /** @param log of all vCPUs of the machine; absent: of this one alone */
  constructor(
    controls: ExecutionControls,
    guestInterface: GuestInterface | null,
    log = new ExitLog(),
  ) {
    this.controls = controls;
    this.guestInterface = guestInterface;
    this.log = log;
    this.injection = new EventInjection(controls);
    this.timer = new PreemptionTimer(controls);
    this.mustCheck = checksEveryEntry(controls);
  }

  /** Once, before the first offer; the processor is built with this hook. */
  attach(vcpu: GuestVcpu): void {
    this.attached = vcpu;
    const { tscOffset } = this.controls;
    vcpu.processor.state.set(TSC_OFFSET, tscOffset);
    vcpu.processor.state.set(TSC_OFFSET + 4, Math.floor(tscOffset / 2 ** 32));
  }

  /** The exit that has left the guest and waits for resolve(), or null. */
  get pending(): VmExit | null {
    return this.waiting;
  }

  /** The exit at which the guest stands: the pending one, or that of an entry that failed. */
  get standing(): VmExit | null {
    return this.waiting ?? this.refused;
  }

  /** A debugger has stopped before the interrupt that goes in at a VM entry, which is still to be made. */
  get entering(): boolean {
    return this.entry;
  }

  /** Looked at between instructions. The interrupt window counts whether or not INTR is still asserted. */
  get awaits(): number {
    const { primary, pinBased } = this.controls;
    let awaited = this.injection.wantsWindow ? AWAITED.INTERRUPT_WINDOW : 0;
    if (this.isSvm) return awaited;
    if ((primary & PRIMARY.NMI_WINDOW_EXITING) !== 0) awaited |= AWAITED.NMI_WINDOW;
    if ((primary & PRIMARY.MONITOR_TRAP_FLAG) !== 0) awaited |= AWAITED.MONITOR_TRAP;
    if ((pinBased & VIRTUAL_NMIS) === VIRTUAL_NMIS) awaited |= AWAITED.NMI;
    if (this.timerExpired) awaited |= AWAITED.PREEMPTION_TIMER;
    return awaited;
  }
  /** Platform time at which the guest must be left by itself, ns; Infinity: never. */
  get deadline(): number {
    return this.timer.deadline(this.vcpu.processor.platform.now());
  }
  get timerExpired(): boolean {
    const on = (this.controls.pinBased & PIN.VMX_PREEMPTION_TIMER) !== 0;
    return on && this.vcpu.processor.platform.now() >= this.deadline;
  }

  /** SVM has no masks: what is not intercepted is the guest's own. */
  ownedBits(register: 0 | 4): HostOwnedBits {
    return this.isSvm ? NOTHING_OWNED : ownedBits(this.controls, register);
  }
  /** An instruction whose secondary control is off is undefined, once those controls act at all (25.6.2). */
  enables(): boolean {
    const { primary, secondary } = this.controls;
    if (this.isSvm || (primary & PRIMARY.ACTIVATE_SECONDARY_CONTROLS) === 0) return true;
    return (secondary & SECONDARY.ENABLE_RDTSCP) !== 0;
  }

  /** By the present controls; they change only between two runs of the CPU. */
  mayLeave(kind: MaskableInstruction): boolean {
    const { state } = this.vcpu.processor;
    const event = eventOf(kind);
    if (this.isSvm) return intercepts(this.controls.svm, exitCodeOf(event));
    if (kind === 'pause' && this.pauseLoopExiting) return true;
    return leaves(this.controls, event, { cr0: state.cr(0), cr4: state.cr(4) });
  }
  get shadowsPageTables(): boolean {
    return this.shadow !== null;
  }
  get isSvm(): boolean {
    return this.controls.hardware === 'svm';
  }
  private get pauseLoopExiting(): boolean {
    return (secondaryControls(this.controls) & SECONDARY.PAUSE_LOOP_EXITING) !== 0;
  }
  private pauseLeaves(): boolean {
    const { state, platform } = this.vcpu.processor;
    if (!this.pauseLoopExiting || state.cpl !== 0) return false;
    return this.pauseLoop.leaves(this.controls, platform.now());
  }

  /** The birth of an exit. True: the event has left the guest and is `pending`. */
  offer(offered: GuestEvent, length: number): boolean {
    const event = this.walked(offered);
    const { processor } = this.vcpu;
    const { state } = processor;
    const guest = { cr0: state.cr(0), cr4: state.cr(4) };
    const exitCode = this.exitCodeIfLeaves(event, guest);
    if (exitCode === null) return false;
    const interrupt = event.kind === 'external-interrupt';
    if (interrupt && this.injection.holdsInterrupt(this.vcpu)) return false;
    const reason = reasonOf(event);
    if (reason === null || (reason >= SVM_ONLY && !this.isSvm)) return false;
    if (this.waiting !== null) {
      throw new Error(`Second VM exit (${event.kind}) at EIP 0x${state.eip.toString(16)}`);
    }
    this.timer.leave(processor.platform.now(), event.kind === 'preemption-timer');
    const vector = interrupt ? this.injection.acknowledge(this.vcpu) : null;
    const recorded = vector === null ? event : { kind: 'external-interrupt' as const, vector };
    const { total } = this.log;
    this.waiting = recordExit(this.vcpu, recorded, reason, exitCode, length, total);
    this.row = this.log.add(this.waiting);
    // an exit ends the monitoring of an address range (28.5.6)
    state.set(MONITOR_ARMED, 0);
    return true;
  }

  /** Takes the hypervisor's place at the pending exit (intervention.ts); null: lets it handle the exit. */
  intervene(intervention: Intervention | null): void {
    this.intervention = intervention;
  }

  /**
   * Handles the pending exit and enters the guest again. An exit whose instruction the debugger has
   * since jumped away from is dropped. Afterwards a triple fault may be pending in its place.
   */
  resolve(): void {
    const exit = this.waiting;
    if (exit === null) throw new Error('resolve() without a VM exit');
    this.waiting = null;
    const { vcpu, row, intervention } = this;
    const { witness } = vcpu;
    const { vectoring } = vcpu.processor;
    witness.begin();
    this.handle(exit);
    if (vcpu.held) {
      this.waiting = exit;
      this.intervention = intervention;
      vcpu.processor.vectoring = vectoring;
      return;
    }
    vcpu.processor.vectoring = null;
    // a triple fault on the way into the guest is an exit of its own
    if (this.pending === null) this.enter();
    this.log.settle(row, witness);
  }

  private handle(exit: VmExit): void {
    const { vcpu, guestInterface, injection, controls, shadow, intervention } = this;
    const { witness } = vcpu;
    const { state } = vcpu.processor;
    this.intervention = null;
    if (state.eip !== exit.rip || state.segmentBase(SEGMENT.CS) !== exit.csBase) {
      witness.kind = OUTCOME.dropped;
      return;
    }
    const handler = HANDLERS.get(exit.reason);
    if (handler === undefined) throw new Error(`No handler for VM exit ${exit.reason}`);
    const devicePages = (): ExtendedPageTables => this.extendedPages;
    const host = { vcpu, guestInterface, injection, controls, shadow, devicePages };
    if (intervention === null) handler(host, exit);
    else {
      intervene(host, exit, intervention, handler);
      this.stateChanged();
    }
    if (handler === skip && witness.kind === OUTCOME.emulated) witness.kind = OUTCOME.skipped;
    this.noteResults(exit);
  }

  private noteResults({ reason, qualification }: VmExit): void {
    const { witness, processor } = this.vcpu;
    const { state } = processor;
    const activity = state.get(ACTIVITY);
    if (activity === ACTIVITIES.SHUTDOWN) witness.kind = OUTCOME.shutdown;
    else if (activity === ACTIVITIES.HALTED && reason === REASON.HLT) witness.kind = OUTCOME.halted;
    witness.eax = state.gpr(0, 4);
    witness.ecx = state.gpr(1, 4);
    witness.edx = state.gpr(2, 4);
    witness.ebx = state.gpr(3, 4);
    if (reason === REASON.CR_ACCESS || reason === REASON.DR_ACCESS) {
      witness.gpr = state.gpr((qualification >>> 8) & 7, 4);
    }
  }

  /** Whether the event of a pending exit would leave under the other hardware's controls as well. */
  leavesElsewhere({ event, reason }: VmExit): boolean {
    const { state } = this.vcpu.processor;
    const guest = { cr0: state.cr(0), cr4: state.cr(4) };
    const other = controlsOf(this.controls, this.isSvm ? 'vmx' : 'svm');
    if (this.isSvm) return reason < SVM_ONLY && leaves(other, event, guest);
    return svmExit(other.svm, event, guest) !== null;
  }

  /** Registers were changed from outside: the next entry may fail. A bare machine has no entries. */
  stateChanged(): void {
    const { pinBased, primary, secondary, unconditional } = this.controls;
    this.mustCheck ||= (pinBased | primary | secondary | unconditional) !== 0 && !this.isSvm;
  }
  /** Checks the entry that is about to be made, where that can matter: a sentence if it fails, which is logged. */
  failedEntry(): string | null {
    if (!this.mustCheck) return null;
    const failure = checkEntry(this.vcpu, this.controls);
    this.mustCheck = failure !== null || checksEveryEntry(this.controls);
    this.refused = null;
    if (failure === null) return null;
    const event = { kind: 'entry-failure', qualification: failure.qualification } as const;
    const reason = REASON.VMENTRY_FAILURE_GUEST_STATE;
    this.refused = recordExit(this.vcpu, event, reason, exitCodeOf(event), 0, this.log.total);
    this.log.add(this.refused);
    return failure.message;
  }

  /** The row of the log for an exit. */
  describe(exit: DescribedExit): ExitRecord {
    return describeExit(exit, this.guestInterface);
  }

  state(): HypervisorState {
    return {
      version: 1,
      log: this.log.state(),
      injection: this.injection.state(),
      ...(this.shadow && { shadow: this.shadow.state() }),
    };
  }

  /** After the guest's registers and memory. */
  restore(state: HypervisorState): void {
    this.waiting = null;
    this.entry = false;
    this.intervention = null;
    this.refused = null;
    this.stateChanged();
    this.log.restore(state.log);
    this.injection.restore(state.injection);
    if (state.shadow === undefined) this.shadow?.reset();
    else this.shadow?.restore(state.shadow);
  }

  /** Power-on: no exit waits, none is counted. */
  reset(): void {
    const log = { exits: 0, counts: NO_COUNTS };
    this.restore({ version: 1, log, injection: NOTHING_HELD });
  }

  /**
   * VM entry: what waits goes in. Of itself after resolve(); again when a debugger goes on from before an
   * interrupt.
   */
  enter(): void {
    this.entry = this.injection.enter(this.vcpu) === 'held';
    if (!this.entry) this.timer.enter();
  }

  /** SVM's EXITCODE of an event that leaves the guest, null for one that does not. */
  private exitCodeIfLeaves(event: GuestEvent, guest: GuestControlRegisters): number | null {
    const { controls } = this;
    if (!this.isSvm) {
      const left = leaves(controls, event, guest) || (event.kind === 'pause' && this.pauseLeaves());
      return left ? exitCodeOf(event) : null;
    }
    const { svm } = controls;
    // without V_INTR_MASKING the guest's IF masks physical interrupts (APM vol. 2, 15.21.1)
    const masked = event.kind === 'external-interrupt' && !svm.virtualInterruptMasking;
    if (masked && !this.vcpu.interruptible()) return null;
    const code = svmExit(svm, event, guest);
    const filtered = event.kind === 'pause' && code !== null && svm.pauseFilterCount > 0;
    if (filtered && !this.pauseFilter.leaves(svm, this.vcpu.processor.platform.now())) return null;
    return code;
  }

  /** Those that all vCPUs share, or built when something needs them. */
  get extendedPages(): ExtendedPageTables {
    const ramBytes = this.vcpu.processor.state.get(RAM_SIZE);
    return (this.tables ??= new ExtendedPageTables(ramBytes));
  }
  set extendedPages(tables: ExtendedPageTables) {
    this.tables = tables;
  }
  /** A second-stage event as the walk of the extended page tables has it. */
  private walked(event: GuestEvent): GuestEvent {
    if (event.kind !== 'second-stage' || !this.controls.eptMarksDevices) return event;
    const misconfigured = this.extendedPages.walk(event.guestPhysical) === 'misconfiguration';
    return misconfigured ? { ...event, misconfigured } : event;
  }

  private get vcpu(): GuestVcpu {
    if (this.attached === null)
      throw new Error('The hypervisor has no vCPU yet: call attach() first');
    return this.attached;
  }
}
