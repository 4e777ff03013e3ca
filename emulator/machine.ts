/**
 * The machine, as a parts list: memory, processors, board, hypervisor, paravirtual interface, and the
 * guest that a loader put in. run() is the whole story of a machine's time: let devices catch up with
 * the clock, let the processor whose turn it is run to the next deadline, resolve what left the guest.
 *
 * The clock counts retired instructions as nanoseconds, whichever processor retires them, plus the time
 * slept through in HLT and a fixed time for each exit and each port access. Nothing else enters, so that
 * the same configuration gives the same run to the instruction.
 */
import {
  allocate, checkedControls, checkedKvm, checkedLog, checkedMemory, checkedModel, checkedProfile, checkedVcpus,
} from './checked-configuration.ts'; // prettier-ignore
import { configuredBios, firmwareGuest, hideShadowRam } from './bios-machine.ts';
import type { Cpu, CpuOptions } from './cpu/cpu.ts';
import { withApicId } from './cpu/cpu-topology.ts';
import * as L from './cpu/layout.ts';
import type { Platform } from './cpu/platform.ts';
import type { Watchpoint, WatchHit } from './cpu/watchpoints.ts';
import { USUAL_HOTNESS } from './cpu/translate/compiled-tier.ts';
import { SharedCode } from './cpu/shared-code.ts';
import type { MachineConfiguration } from './debug-port.ts';
import type { EventKind, Sighting } from './event-watch.ts';
import type { BiosOptions } from './devices/bios-board.ts';
import { PcBoard } from './devices/pc-board.ts';
import { VGA_WINDOW, VGA_WINDOW_BYTES } from './devices/vga.ts';
import type { ExecutionControls } from './hypervisor/execution-controls.ts';
import { ExitLog } from './hypervisor/exit-log.ts';
import { Hypervisor } from './hypervisor/hypervisor.ts';
import { SHADOW_PAGES } from './hypervisor/shadow/shadow-pool.ts';
import type { VmExit } from './hypervisor/vm-exit.ts';
import type { LoadedGuest } from './loaders/loader.ts';
import { loadConfigured } from './guest-loading.ts';
import { setMemoryTypes } from './firmware-state.ts';
import { type KvmChoice, kvmInterface } from './machine-kvm.ts';
import { setInitialState } from './machine-state.ts';
import { MachineOutput } from './machine-output.ts';
import type {
  EndingStop,
  ExitObserver,
  MachineStop,
  OutcomeObserver,
  StepOutcome,
} from './machine-stop.ts';
import { MachineVcpu } from './machine-vcpu.ts';
import { memoryMaps, PAGE_FLAG, type MemoryMap } from './memory/memory-map.ts';
import { isAt, placeOf } from './guest-place.ts';
import { guestRam } from './guest-ram.ts';
import { OutsideAccesses } from './outside-accesses.ts';
import { PagedMemory } from './paged-memory.ts';
import type { Screen } from './picture.ts';
import { processorPins } from './processor-pins.ts';
import { resume, setWaitingState } from './processor-start.ts';
import { RefusedInstruction } from './refused-instruction.ts';
import { describeTripleFault } from './triple-fault.ts';
import { shareSecondStage } from './shared-second-stage.ts';
import { Turns } from './turns.ts';
import type { WasmMemory } from './wasm/host.ts';

/**
 * Virtual time, ns, that a VM exit with its entry takes, and an access to an I/O port on an ISA bus:
 * about what hardware needs, so that a guest that polls a device does not poll it a thousand times.
 */
const EXIT_TIME = 1000;
const PORT_TIME = 1000;
/** Longest run between two looks at the board. */
const LONGEST_RUN = 1 << 28;
/**
 * Exits, accesses to devices and the like after which run() returns whatever is left of its budget: they
 * take the host far longer than instructions, and a guest can do nothing else.
 */
const WORK_LIMIT = 8192;

/** Instructions that others may execute in one call of step() before the one that is stepped has its turn. */
const OTHERS_IN_STEP = 1 << 20;

const BUDGET = { kind: 'budget' } as const;
const WATCHPOINT = { kind: 'watchpoint' } as const;
const CONSOLE = { kind: 'console' } as const;

interface SingleStep {
  readonly vcpu: MachineVcpu;
  /** Instructions retired by it when it is over. */
  readonly end: number;
}

export class Machine {
  /** By number; the first is the bootstrap processor. */
  readonly vcpus: readonly MachineVcpu[];
  readonly board: PcBoard;
  readonly exitLog: ExitLog;
  readonly guest: LoadedGuest;
  readonly map: MemoryMap;
  readonly memory: WasmMemory;
  readonly #turns: Turns;
  readonly #pagedMemory: PagedMemory | null;
  #looked: MachineVcpu | null = null;

  /** Virtual time in which no guest instruction retired, ns: HLT, exits, port accesses. */
  #waited = 0;
  #ended: EndingStop | null = null;
  /** In S3: no processor runs. */
  #suspended = false;
  /** Towards WORK_LIMIT, in this call of run(). */
  #work = 0;
  #observed: VmExit | null = null;
  #observeOutcome: OutcomeObserver | null = null;
  /** Retired instructions at the wait that was reported last, or -1. */
  #idleReportedAt = -1;
  #refused: RefusedInstruction | null = null;
  /** What waits for the host. */
  readonly output = new MachineOutput();

  readonly #outside = new OutsideAccesses(() => this.current.cpu);
  readonly #accessed: OutsideAccesses['accessed'] = (...access) => {
    this.#outside.accessed(...access);
  };

  /** Throws ConfigurationError. */
  constructor(configuration: MachineConfiguration) {
    const { memoryBytes, hypervisor: chosen } = configuration;
    const kvm = checkedKvm(chosen);
    this.exitLog = new ExitLog(checkedLog(chosen.log ?? {}));
    const model = checkedModel(configuration.cpuModel);
    const count = checkedVcpus(configuration.vcpus ?? 1, model);
    const profile = checkedProfile(chosen, count);
    const shadowPages = profile.paging === 'shadow' ? SHADOW_PAGES : 0;
    const maps = memoryMaps(checkedMemory(memoryBytes), count, shadowPages);
    [this.map] = maps;
    this.memory = allocate(this.map, configuration.shared);
    const bios = this.#biosOptions(configuration);
    this.board = this.#buildBoard(configuration, bios);
    const sharedCode = new SharedCode();
    const { memory } = this;
    this.vcpus = maps.map((map, index) => {
      // each has its own, since the interrupt window is one of them
      const controls = checkedControls(chosen);
      const cpuModel = withApicId(model, index);
      const { shared, hotness = USUAL_HOTNESS } = configuration;
      const cpu = { memory, map, shared, sharedCode, model: cpuModel, hotness };
      return this.#buildVcpu(index, cpu, controls, kvm);
    });
    this.#turns = new Turns(this.vcpus, () => this.now);
    new Uint8Array(this.memory.buffer).fill(
      PAGE_FLAG.DEVICE,
      this.map.pageFlags + (VGA_WINDOW >> 12),
      this.map.pageFlags + ((VGA_WINDOW + VGA_WINDOW_BYTES) >> 12),
    );
    shareSecondStage(memory.buffer, this.map, this.vcpus);
    this.guest = this.#start(configuration, bios);
    for (const { cpu, index } of this.vcpus) {
      if (index === 0) setInitialState(cpu, this.guest.cpu);
      else setWaitingState(cpu);
      // firmware does it itself
      if (bios === null) setMemoryTypes(cpu, memoryBytes);
    }
    const paging = chosen.kvm?.asyncPageFaults;
    this.#pagedMemory = paging
      ? new PagedMemory(memory.buffer, this.map, paging, {
          vcpus: this.vcpus,
          now: () => this.now,
          wait: (duration) => (this.#waited += duration),
        })
      : null;
  }

  // ---- parts

  #biosOptions({ guest }: MachineConfiguration): BiosOptions | null {
    return configuredBios(guest, {
      buffer: this.memory.buffer,
      map: this.map,
      cpus: () => this.vcpus.map(({ cpu }) => cpu),
      accessed: this.#accessed,
      notice: (text) => {
        this.output.notice(text);
      },
      stop: (description) => {
        this.#end({ kind: 'guest-error', description });
      },
    });
  }
  /** Firmware at the reset vector, or a guest that a loader puts into memory. */
  #start(configuration: MachineConfiguration, bios: BiosOptions | null): LoadedGuest {
    const firmware = configuration.guest.bios;
    if (bios === null || firmware === undefined)
      return loadConfigured(configuration, guestRam(this.memory.buffer, this.map), this.board);
    hideShadowRam(this.memory.buffer, this.map);
    return firmwareGuest(this.cpu, firmware, bios.medium);
  }
  #buildBoard(
    { memoryBytes, vcpus, testDevice }: MachineConfiguration,
    bios: BiosOptions | null,
  ): PcBoard {
    return new PcBoard({
      ...(bios && { bios }),
      clock: { now: () => this.now },
      memoryBytes,
      processors: vcpus ?? 1,
      testDevice: testDevice === true,
      serialOutput: (byte) => {
        this.output.send(byte);
      },
      powerOff: (code, via) => {
        this.#end({ kind: 'power-off', code, via });
      },
      reset: (via) => {
        this.#end({ kind: 'reset', via });
      },
      notice: (text) => {
        this.output.notice(text);
      },
      a20Changed: (enabled) => {
        for (const { cpu } of this.vcpus) cpu.setA20(enabled);
      },
      ...(bios === null && {
        suspend: () => {
          this.#suspended = true;
          this.#touchDevice();
        },
      }),
      nmi: (processor) => {
        this.vcpus[processor].cpu.nmi();
      },
      init: (processor) => {
        this.#initialize(processor);
      },
      startUp: (processor, vector) => {
        this.current.hook.events.note({ kind: 'start-up', target: processor, vector });
        this.vcpus[processor].startUp(vector);
      },
    });
  }
  #buildVcpu(
    index: number,
    cpu: Omit<CpuOptions, 'hook' | 'platform'>,
    controls: ExecutionControls,
    choice: KvmChoice | null,
  ): MachineVcpu {
    const kvm = choice
      ? kvmInterface(index, this.board, choice, () => ({
          vcpus: this.vcpus, turns: this.#turns, now: this.now,
        }))
      : null; // prettier-ignore
    return new MachineVcpu({
      index,
      cpu: { ...cpu, platform: this.#pins(index) },
      hypervisor: new Hypervisor(controls, kvm, this.exitLog),
      kvm,
      retired: () => this.retired,
      pagedMemory: () => this.#pagedMemory,
      accessed: this.#accessed,
      interruptPending: () => this.board.interruptPending(index),
      othersWait: () => this.#turns.othersWait,
      paused: () => {
        this.#turns.yield();
      },
    });
  }
  /** When something comes that is not the guest's doing: from the board, the host, or a hypervisor's timer. */
  get #nextDeadline(): number {
    const { now } = this;
    let next = Math.min(this.board.nextDeadline(), this.#pagedMemory?.nextDeadline() ?? Infinity);
    for (const vcpu of this.vcpus) {
      const { deadline } = vcpu.hypervisor;
      // one that has passed is seen when the turn comes to its processor
      if (deadline < next && (deadline > now || vcpu === this.current)) next = deadline;
    }
    return next;
  }
  /** Whatever touches a device may move a deadline, so the processor's run ends there. */
  #touchDevice(): void {
    this.#work++;
    this.current.cpu.requestLeave();
  }
  /** Video memory moves no deadline; its accesses still count towards what run() may do. */
  #touchMemory(address: number): void {
    if (!this.board.isVideoMemory(address) || this.#work >= WORK_LIMIT) this.#touchDevice();
    else this.#work++;
  }
  #pins(index: number): Platform {
    return processorPins(index, this.board, {
      vcpu: () => this.vcpus[index],
      now: () => this.now,
      touchDevice: () => {
        this.#touchDevice();
      },
      touchPort: () => {
        this.#waited += PORT_TIME;
        this.#touchDevice();
      },
      touchMemory: (address) => {
        this.#touchMemory(address);
      },
      awaitPage: (address) => {
        this.#pagedMemory?.awaitPage(address);
      },
    });
  }
  /** The end of S3. */
  #wake(): void {
    this.#suspended = false;
    this.board.wake();
    const cpus = this.vcpus.map(({ cpu }) => cpu);
    if (!resume(cpus, this.board.acpiTables.wakingVector)) {
      this.#end({ kind: 'reset', via: 'a wake from S3 without a waking vector' });
    }
  }
  /** INIT: at once for those that stand between two turns. */
  #initialize(index: number): void {
    this.current.hook.events.note({ kind: 'init', target: index });
    const vcpu = this.vcpus[index];
    if (vcpu === this.#turns.current) {
      vcpu.cpu.state.set(L.INIT, 1);
      vcpu.cpu.requestLeave();
    } else {
      vcpu.initialize();
    }
  }
  // ---- time

  /** Instructions that all processors have retired since power-on. */
  get retired(): number {
    return this.#turns.retired;
  }
  /** Virtual time, ns since power-on. */
  get now(): number {
    return this.#turns.retired + this.#waited;
  }
  /** The processor whose turn it is: after a stop of run(), the one that stopped. */
  get current(): MachineVcpu {
    return this.#turns.current;
  }
  /** The processor that is looked at, for whoever shows and changes the machine's state. */
  get looked(): MachineVcpu {
    return this.#looked ?? this.#turns.current;
  }
  get cpu(): Cpu {
    return this.looked.cpu;
  }
  get hypervisor(): Hypervisor {
    return this.looked.hypervisor;
  }
  /** Looks at a processor; null: at the one whose turn it is. The run of the machine does not depend on it. */
  look(vcpu: MachineVcpu | null): void {
    this.#looked = vcpu;
  }

  #end(stop: EndingStop): void {
    this.#ended ??= stop;
    this.current.cpu.requestLeave();
  }

  /**
   * Runs at most `budget` instructions, fewer when much else is to be done for them.
   * @param observe sees every exit before it is resolved; true stops there. The next run resolves it.
   */
  run(budget: number, observe: ExitObserver): MachineStop {
    const end = this.retired + budget;
    this.#work = 0;
    while (++this.#work <= WORK_LIMIT) {
      const stop = this.#round(end, observe);
      if (stop !== null) return stop;
    }
    return BUDGET;
  }

  /**
   * One instruction of a processor, whatever breakpoint is on it, or one event: 'interrupted' when an
   * interrupt was delivered, 'stepped' when the instruction retired or an exception was delivered
   * instead. Both can come together: the interrupt right after the instruction. Any other stop may come
   * after it too, such as 'idle' after HLT. 'budget' when nothing has happened yet.
   *
   * The others run along, each in its turn; their stops, breakpoints included, come before the step.
   */
  step(observe: ExitObserver, vcpu: MachineVcpu = this.current): MachineStop | StepOutcome {
    const { cpu, hook, hypervisor } = vcpu;
    const { retired } = cpu;
    const before = placeOf(cpu);
    const othersEnd = this.retired + OTHERS_IN_STEP;
    this.#work = 0;
    hook.look(true);
    try {
      while (++this.#work <= WORK_LIMIT) {
        const stop = this.#round(othersEnd, observe, { vcpu, end: retired + 1 });
        if (this.current !== vcpu) {
          if (stop !== null) return stop;
          // it has executed HLT, and others go on
          if (cpu.retired > retired) return { kind: 'stepped' };
          continue;
        }
        if (stop?.kind === 'breakpoint') throw new Error('a single step met a breakpoint');
        const isOver = stop !== null && stop.kind !== 'budget' && stop.kind !== 'watchpoint';
        if (isOver) return stop;
        if (hook.interrupted !== null) return { kind: 'interrupted', place: hook.interrupted };
        if (hypervisor.pending === null) {
          const moved = cpu.retired > retired || !isAt(cpu, before);
          // a HLT that the hypervisor has carried out
          const sleep = moved && this.#isIdle() ? this.#sleep() : null;
          if (sleep !== null) return sleep;
          if (moved || hook.sawException) return { kind: 'stepped' };
        }
        if (stop !== null) return stop;
      }
      return BUDGET;
    } finally {
      hook.look(false);
    }
  }

  /** Replaces the kinds of events that are shown to `observe`, which says where to stop. */
  watchEvents(
    kinds: ReadonlySet<EventKind>,
    observe: (vcpu: MachineVcpu, sighting: Sighting) => boolean,
  ): void {
    for (const vcpu of this.vcpus) {
      vcpu.hook.events.arm(kinds, (sighting) => observe(vcpu, sighting));
    }
  }

  /** Who is asked after each exit that was handled; null: nobody. */
  observeOutcomes(observe: OutcomeObserver | null): void {
    this.#observeOutcome = observe;
  }

  /** Replaces the accesses after which a run ends in 'watchpoint'. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    for (const { cpu } of this.vcpus) cpu.setWatchpoints(watchpoints);
    this.#outside.set(watchpoints);
  }
  /** The processor whose turn it is, a device or the hypervisor has met watchpoints. */
  get hasWatchHits(): boolean {
    return this.current.cpu.hasWatchHits || this.#outside.hasHits;
  }
  takeWatchHits(): readonly WatchHit[] {
    return [...this.current.cpu.takeWatchHits(), ...this.#outside.take()];
  }

  /** Lets only this processor run, as a debugger may wish; null: all, each in its turn. */
  hold(only: MachineVcpu | null): void {
    this.#turns.hold(only);
  }

  /**
   * Resolves what has left the guest, or lets the processor whose turn it is run until `end` instructions
   * have retired. Null: there is more to do.
   * @param step a processor that passes breakpoints and runs to an end of its own
   */
  #round(end: number, observe: ExitObserver, step: SingleStep | null = null): MachineStop | null {
    const stop = this.#noted() ?? this.#do(end, observe, step);
    if (stop !== null) return stop;
    const { held } = this.current.hook.events;
    return held === null ? this.#noted() : { kind: 'event', sighting: held };
  }
  /** An event that has happened and that a debugger wants to stop after. */
  #noted(): MachineStop | null {
    const sighting = this.current.hook.events.take();
    return sighting === null ? null : { kind: 'event', sighting };
  }
  #do(end: number, observe: ExitObserver, step: SingleStep | null): MachineStop | null {
    const { board } = this;
    const held = this.current.hook.events.release();
    if (held !== null && this.#resumeDelivery(held)) return null;
    const exit = this.current.hypervisor.pending;
    if (exit !== null) {
      if (exit !== this.#observed) {
        this.#observed = exit;
        if (observe(exit)) return { kind: 'exit', exit, outcome: null };
      }
      return this.#resolve(exit);
    }
    if (this.current.hypervisor.entering) {
      this.current.hypervisor.enter();
      return null;
    }
    if (this.output.takeSeen()) return CONSOLE;
    if (this.#ended !== null) return this.#ended;
    if (this.#refused !== null && this.#refused.vcpu === this.current) {
      const refused = this.#refused;
      this.#refused = null;
      refused.raise();
      return null;
    }
    if (this.current.cpu.state.get(L.INIT) !== 0) {
      this.current.initialize();
      return null;
    }
    if (board.nextDeadline() <= this.now) board.advance(this.now);
    this.#pagedMemory?.advance();
    if (this.#outside.hasHits) return WATCHPOINT;
    if (this.output.isFull) return BUDGET;
    if (step === null && end <= this.retired) return BUDGET;
    if (this.#suspended) {
      if (!board.wakes) return this.#sleep();
      this.#wake();
      return null;
    }
    if (!this.#turns.choose()) return this.#sleep();
    if (this.current.hypervisor.pending !== null) return null;
    const { cpu } = this.current;
    const mine = step?.vcpu === this.current;
    if (mine) cpu.skipBreakpoint();
    const rest = mine ? step.end - cpu.retired : end - this.retired;
    return rest <= 0 ? BUDGET : this.#runCurrent(rest);
  }
  /** Begins the delivery anew in which a debugger has stopped; false: there was none. */
  #resumeDelivery({ vectoring, linearEip }: Sighting): boolean {
    const { cpu, hypervisor } = this.current;
    if (vectoring === null || hypervisor.pending !== null) return false;
    if (cpu.linearEip !== linearEip) {
      // jumped away from
      cpu.vectoring = null;
      return false;
    }
    cpu.resumeDelivery();
    return true;
  }
  #resolve(exit: VmExit): MachineStop | null {
    const { hypervisor, guest } = this.current;
    hypervisor.resolve();
    // a debugger that has stopped on the way lets it be done anew
    if (hypervisor.pending === exit) return null;
    this.#waited += EXIT_TIME;
    if (this.#observeOutcome === null) return null;
    const outcome = guest.witness.outcome();
    return this.#observeOutcome(exit, outcome) ? { kind: 'exit', exit, outcome } : null;
  }
  /** At most `rest` instructions of the processor whose turn it is. */
  #runCurrent(rest: number): MachineStop | null {
    const { cpu } = this.current;
    const { entries, retired } = cpu;
    const refused = this.current.hypervisor.failedEntry();
    if (refused !== null) return { kind: 'guest-error', description: refused };
    const untilDeadline = Math.max(0, this.#nextDeadline - this.now);
    const outcome = cpu.run(Math.min(rest, untilDeadline, LONGEST_RUN, this.#turns.left));
    this.#work += cpu.entries - entries;
    if (this.hasWatchHits && (outcome === 'limit' || outcome === 'leave')) return WATCHPOINT;
    switch (outcome) {
      case 'limit':
        return cpu.retired === retired && this.#nextDeadline > this.now ? BUDGET : null;
      case 'leave':
      case 'exit':
        return null;
      case 'breakpoint':
        return { kind: 'breakpoint' };
      case 'halted':
        return this.#isIdle() ? this.#sleep() : null;
      case 'shutdown':
        return { kind: 'triple-fault', description: describeTripleFault(cpu) };
      case 'unimplemented':
        this.#refused = new RefusedInstruction(this.current);
        return this.#refused.stop;
    }
  }

  /** No processor can run. */
  #isIdle(): boolean {
    return this.vcpus.length > 1
      ? !this.#turns.choose()
      : this.current.cpu.isHalted && !this.current.endsMonitorWait();
  }
  /**
   * All are halted or suspended: a wait is reported first, so that the host may pace; then time jumps to
   * the next event.
   */
  #sleep(): Extract<MachineStop, { kind: 'idle' | 'halted-forever' }> | null {
    const deadline = this.#nextDeadline;
    if (!this.#turns.canWake && !this.#suspended) return { kind: 'halted-forever' };
    if (deadline === Infinity || this.#idleReportedAt !== this.retired) {
      this.#idleReportedAt = this.retired;
      return { kind: 'idle', wakeAt: deadline };
    }
    this.#idleReportedAt = -1;
    this.#waited += Math.max(0, deadline - this.now);
    return null;
  }

  // ---- the world outside

  /** What is on the screen; without the picture when nothing has changed since `seen`. */
  screen(seen: number | null): Screen {
    return this.board.screen(seen);
  }
  /** Keys pressed and released: bytes of scan code set 1. */
  sendKeys(codes: Uint8Array): void {
    this.#idleReportedAt = -1;
    this.board.sendKeys(codes);
  }
  sendSerialInput(bytes: Uint8Array): void {
    // what woke the host is no wait that has passed
    this.#idleReportedAt = -1;
    this.board.sendSerialInput(bytes);
  }
}
