/**
 * The machine, as a parts list: memory, processor, board, hypervisor, paravirtual interface, and the
 * guest that a loader put in. run() is the whole story of a machine's time: let devices catch up with
 * the clock, let the processor run to the next deadline, resolve what left the guest.
 *
 * The clock counts retired instructions as nanoseconds, plus the time slept through in HLT and a fixed
 * time for each exit and each port access. Nothing else enters, so that the same configuration gives the same run to the instruction.
 */
import { Cpu } from './cpu/cpu.ts';
import { cpuModel, CPU_MODEL_NAMES } from './cpu/cpu-model.ts';
import type { Platform } from './cpu/platform.ts';
import type { MachineConfiguration } from './debug-port.ts';
import { PcBoard } from './devices/pc-board.ts';
import { MEMORY_TYPE, pcMemoryMap } from './formats/e820.ts';
import { CpuVcpu } from './guest-vcpu.ts';
import { Hypervisor } from './hypervisor/hypervisor.ts';
import { controlsFor } from './hypervisor/profiles.ts';
import type { VmExit } from './hypervisor/vm-exit.ts';
import { GuestImageError, type LoadedGuest } from './loaders/loader.ts';
import { loadGuest } from './loaders/loaders.ts';
import { setMemoryTypes } from './firmware-state.ts';
import { setInitialState } from './machine-state.ts';
import { memoryMap, PAGE_FLAG, type MemoryMap } from './memory/memory-map.ts';
import { type GuestPlace, isAt, placeOf } from './guest-place.ts';
import { guestRam } from './guest-ram.ts';
import { didYouMean } from './nearest-name.ts';
import { KvmInterface } from './paravirt/kvm.ts';
import type { StopReason } from './stop-reason.ts';
import { SteppingHook } from './stepping-hook.ts';
import { describeTripleFault } from './triple-fault.ts';
import { wasm, type WasmMemory } from './wasm/host.ts';

/** TSC ticks a second: one a nanosecond, one an instruction. */
const TIMESTAMP_HZ = 1_000_000_000;
/** VGA memory: nothing answers there yet. */
const VGA_HOLE = { start: 0xa0000, end: 0xc0000 };
const SMALLEST_MEMORY = 1 << 20;
const LARGEST_MEMORY = 3 * 2 ** 30;
/** Serial bytes that wait for the host before run() returns to let it take them. */
const SERIAL_BACKLOG = 1 << 16;
const NOTICE_LIMIT = 256;
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

const BUDGET = { kind: 'budget' } as const;

/** A launch configuration that cannot be carried out. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly attribute: string;

  constructor(attribute: string, message: string) {
    super(message);
    this.attribute = attribute;
  }
}

/** Stops that the machine itself knows; a debugger adds its own (debugger.ts). */
export type MachineStop =
  | Exclude<
      StopReason,
      | { kind: 'entry' }
      | { kind: 'pause' }
      | { kind: 'step' }
      | { kind: 'breakpoint' }
      | { kind: 'exit' }
    >
  | { readonly kind: 'breakpoint' }
  | { readonly kind: 'exit'; readonly exit: VmExit };

export type StepOutcome =
  | Exclude<MachineStop, { kind: 'breakpoint' }>
  | { readonly kind: 'stepped' }
  /** Where the interrupt came in; the instruction there has not been executed since. */
  | { readonly kind: 'interrupted'; readonly place: GuestPlace };

/** An instruction at which an 'unimplemented' stop was made. */
interface RefusedInstruction {
  readonly linearEip: number;
  readonly bytes: Uint8Array;
}

/** Asked once for each exit that is born: whether to stop before it is resolved. */
export type ExitObserver = (exit: VmExit) => boolean;

export class Machine {
  readonly cpu: Cpu;
  readonly board: PcBoard;
  readonly hypervisor: Hypervisor;
  readonly guest: LoadedGuest;
  readonly map: MemoryMap;
  readonly memory: WasmMemory;
  readonly #vcpu: CpuVcpu;

  /** Virtual time in which no guest instruction retired, ns: HLT, exits, port accesses. */
  #waited = 0;
  readonly #hook: SteppingHook;
  #ended: Extract<MachineStop, { kind: 'power-off' | 'reset' }> | null = null;
  /** Towards WORK_LIMIT, in this call of run(). */
  #work = 0;
  #observed: VmExit | null = null;
  /** Retired instructions at the wait that was reported last, or -1. */
  #idleReportedAt = -1;
  #refused: RefusedInstruction | null = null;
  #serialOutput: number[] = [];
  #notices: string[] = [];

  /** Throws ConfigurationError. */
  constructor(configuration: MachineConfiguration) {
    const { memoryBytes, hypervisor: chosen } = configuration;
    const model = cpuModel(configuration.cpuModel);
    if (model === null) {
      throw new ConfigurationError(
        'machine.cpu',
        `There is no processor model '${configuration.cpuModel}'.${didYouMean(configuration.cpuModel, CPU_MODEL_NAMES)}`,
      );
    }
    const controls = controlsFor(chosen);
    if ('problem' in controls) {
      throw new ConfigurationError(controls.problem.attribute, controls.problem.message);
    }
    this.map = memoryMap(checkedMemory(memoryBytes));
    this.memory = allocate(this.map, configuration.shared);
    this.board = this.#buildBoard(configuration);
    const kvm = chosen.interface === 'kvm' ? this.#buildKvm() : null;
    this.hypervisor = new Hypervisor(controls.controls, kvm);
    this.#hook = new SteppingHook(this.hypervisor, () => {
      this.cpu.requestLeave();
    });
    this.cpu = new Cpu({
      memory: this.memory,
      map: this.map,
      shared: configuration.shared,
      platform: this.#platform(),
      model,
      hook: this.#hook,
    });
    this.#vcpu = new CpuVcpu(this.cpu);
    this.hypervisor.attach(this.#vcpu);
    if (kvm !== null) this.board.localApic.autoEoi = kvm.autoEoi;
    new Uint8Array(this.memory.buffer).fill(
      PAGE_FLAG.DEVICE,
      this.map.pageFlags + (VGA_HOLE.start >> 12),
      this.map.pageFlags + (VGA_HOLE.end >> 12),
    );
    this.guest = this.#load(configuration);
    setInitialState(this.cpu, this.guest.cpu);
    setMemoryTypes(this.cpu, memoryBytes);
  }

  // ---- parts

  #buildBoard({ memoryBytes, testDevice }: MachineConfiguration): PcBoard {
    return new PcBoard({
      clock: { now: () => this.now },
      memoryBytes,
      testDevice: testDevice === true,
      serialOutput: (byte) => this.#serialOutput.push(byte),
      powerOff: (code, via) => {
        this.#end({ kind: 'power-off', code, via });
      },
      reset: (via) => {
        this.#end({ kind: 'reset', via });
      },
      notice: (text) => {
        this.notice(text);
      },
      a20Changed: (enabled) => {
        this.cpu.setA20(enabled);
      },
      nmi: () => {
        this.cpu.nmi();
      },
    });
  }
  #buildKvm(): KvmInterface {
    return new KvmInterface({
      memory: {
        readPhysical: (address, length) => this.#vcpu.readPhysical(address, length),
        writePhysical: (address, bytes) => this.#vcpu.writePhysical(address, bytes),
      },
      now: () => this.now,
      timestamp: () => this.cpu.timestamp(),
      timestampHz: TIMESTAMP_HZ,
      startDate: this.board.startTime,
      localApic: {
        sendIpi: (apicId, vector, mode) =>
          this.board.apicBus.send({
            destination: apicId, logical: false, deliveryMode: mode, vector, level: false,
          }), // prettier-ignore
        tryAutoEoi: () => {
          this.board.localApic.tryAutoEoi();
        },
      },
    });
  }
  /** Whatever touches a device may move a deadline, so the processor's run ends there. */
  #touchDevice(): void {
    this.#work++;
    this.cpu.requestLeave();
  }
  /** The processor's pins. */
  #platform(): Platform {
    const { board } = this;
    return {
      readPort: (port, size) => {
        this.#waited += PORT_TIME;
        this.#touchDevice();
        return board.readPort(port, size);
      },
      writePort: (port, size, value) => {
        this.#waited += PORT_TIME;
        this.#touchDevice();
        board.writePort(port, size, value);
      },
      readDevice: (address, size) => {
        this.#touchDevice();
        return board.readMmio(address, size);
      },
      writeDevice: (address, size, value) => {
        this.#touchDevice();
        board.writeMmio(address, size, value);
      },
      interruptPending: () => board.interruptPending(),
      acknowledgeInterrupt: () => {
        this.#hook.interrupt(() => placeOf(this.cpu));
        return board.acknowledgeInterrupt();
      },
      apicBaseWritten: (low) => void board.localApic.writeBaseMsr(low, 0),
      tscDeadline: () => board.localApic.tscDeadline,
      setTscDeadline: (time) => {
        this.#touchDevice();
        board.localApic.tscDeadline = time;
      },
      now: () => this.now,
    };
  }
  #load({ guest, memoryBytes }: MachineConfiguration): LoadedGuest {
    const ram = guestRam(this.memory.buffer, this.map);
    const { acpiTables } = this.board;
    const reserved = {
      address: acpiTables.address, size: acpiTables.bytes.length, type: MEMORY_TYPE.ACPI,
    }; // prettier-ignore
    try {
      ram.write(acpiTables.address, acpiTables.bytes);
      return loadGuest(
        {
          image: guest.kernel,
          imageName: guest.kernelName,
          ...(guest.initrd && { initrd: guest.initrd }),
          ...(guest.modules && { modules: guest.modules }),
          commandLine: guest.commandLine,
          loadAddress: guest.loadAddress,
          ram,
          memoryMap: pcMemoryMap(memoryBytes, [reserved]),
          acpiRsdp: acpiTables.rsdpAddress,
        },
        guest.format,
      );
    } catch (error) {
      if (error instanceof GuestImageError) {
        throw new ConfigurationError(error.attribute, error.message);
      }
      throw error;
    }
  }

  // ---- time

  /** Virtual time, ns since power-on. */
  get now(): number {
    return this.cpu.retired + this.#waited;
  }

  #end(stop: Extract<MachineStop, { kind: 'power-off' | 'reset' }>): void {
    this.#ended ??= stop;
    this.cpu.requestLeave();
  }
  notice(text: string): void {
    if (this.#notices.length < NOTICE_LIMIT) this.#notices.push(text);
  }

  /**
   * Runs at most `budget` instructions, fewer when much else is to be done for them.
   * @param observe sees every exit before it is resolved; true stops there. The next run resolves it.
   */
  run(budget: number, observe: ExitObserver): MachineStop {
    const end = this.cpu.retired + budget;
    this.#work = 0;
    while (++this.#work <= WORK_LIMIT) {
      const stop = this.#round(end, observe);
      if (stop !== null) return stop;
    }
    return BUDGET;
  }

  /**
   * One instruction, whatever breakpoint is on it, or one event: 'interrupted' when an interrupt was
   * delivered, 'stepped' when the instruction retired or an exception was delivered instead. Both can
   * come together: the interrupt right after the instruction. Any other stop may come after it too, such
   * as 'idle' after HLT. 'budget' when nothing has happened yet.
   */
  step(observe: ExitObserver): StepOutcome {
    const { cpu } = this;
    const hook = this.#hook;
    const { retired } = cpu;
    const before = placeOf(cpu);
    this.#work = 0;
    hook.watch(true);
    try {
      while (++this.#work <= WORK_LIMIT) {
        cpu.skipBreakpoint();
        const stop = this.#round(retired + 1, observe);
        if (stop?.kind === 'breakpoint') throw new Error('a single step met a breakpoint');
        if (stop !== null && stop.kind !== 'budget') return stop;
        if (hook.interrupted !== null) return { kind: 'interrupted', place: hook.interrupted };
        if (this.hypervisor.pending === null) {
          const moved = cpu.retired > retired || !isAt(cpu, before);
          // a HLT that the hypervisor has carried out
          const sleep = moved && cpu.isHalted ? this.#sleep() : null;
          if (sleep !== null) return sleep;
          if (moved || hook.sawException) return { kind: 'stepped' };
        }
        if (stop !== null) return stop;
      }
      return BUDGET;
    } finally {
      hook.watch(false);
    }
  }

  /** Resolves what has left the guest, or lets the processor run up to `end`. Null: there is more to do. */
  #round(end: number, observe: ExitObserver): MachineStop | null {
    const { cpu, board } = this;
    const exit = this.hypervisor.pending;
    if (exit !== null) {
      if (exit !== this.#observed) {
        this.#observed = exit;
        if (observe(exit)) return { kind: 'exit', exit };
      }
      this.#waited += EXIT_TIME;
      this.hypervisor.resolve();
      return null;
    }
    if (this.#ended !== null) return this.#ended;
    if (this.#refused !== null) {
      if (this.#refuses(this.#refused)) this.raiseUndefined();
      this.#refused = null;
      return null;
    }
    if (board.nextDeadline() <= this.now) board.advance(this.now);
    const rest = end - cpu.retired;
    if (rest <= 0 || this.#serialOutput.length > SERIAL_BACKLOG) return BUDGET;
    const { entries, retired } = cpu;
    const outcome = cpu.run(Math.min(rest, board.nextDeadline() - this.now, LONGEST_RUN));
    this.#work += cpu.entries - entries;
    switch (outcome) {
      case 'limit':
        return cpu.retired === retired && board.nextDeadline() > this.now ? BUDGET : null;
      case 'leave':
      case 'exit':
        return null;
      case 'breakpoint':
        return { kind: 'breakpoint' };
      case 'halted':
        return this.#sleep();
      case 'shutdown':
        return { kind: 'triple-fault', description: describeTripleFault(cpu) };
      case 'unimplemented':
        return this.#refuse();
    }
  }

  /** HLT: a wait is reported first, so that the host may pace; then time jumps to the next event. */
  #sleep(): Extract<MachineStop, { kind: 'idle' | 'halted-forever' }> | null {
    const { cpu } = this;
    const deadline = this.board.nextDeadline();
    if (!cpu.canWake) return { kind: 'halted-forever' };
    if (deadline === Infinity || this.#idleReportedAt !== cpu.retired) {
      this.#idleReportedAt = cpu.retired;
      return { kind: 'idle', wakeAt: deadline };
    }
    this.#idleReportedAt = -1;
    this.#waited += Math.max(0, deadline - this.now);
    return null;
  }

  /** Stops at an instruction that is not implemented; if it is still there then, the next run raises #UD. */
  #refuse(): MachineStop {
    const { linearEip, memory, unimplementedInstruction } = this.cpu;
    const { text, bytes } = unimplementedInstruction ?? { text: '', bytes: '' };
    const length = bytes.split(' ').length;
    this.#refused = { linearEip, bytes: memory.readBytesPeek(linearEip, length) };
    return { kind: 'unimplemented', instruction: text, bytes };
  }
  #refuses({ linearEip, bytes }: RefusedInstruction): boolean {
    if (this.cpu.linearEip !== linearEip) return false;
    const now = this.cpu.memory.readBytesPeek(linearEip, bytes.length);
    return now.length === bytes.length && now.every((byte, at) => byte === bytes[at]);
  }
  /** After an 'unimplemented' stop: the guest gets its #UD now. */
  raiseUndefined(): void {
    this.#refused = null;
    this.cpu.raiseUndefined();
  }

  // ---- the world outside

  takeSerialOutput(): Uint8Array {
    const bytes = Uint8Array.from(this.#serialOutput);
    this.#serialOutput = [];
    return bytes;
  }
  takeNotices(): readonly string[] {
    const notices = this.#notices;
    this.#notices = [];
    return notices;
  }
  sendSerialInput(bytes: Uint8Array): void {
    // what woke the host is no wait that has passed
    this.#idleReportedAt = -1;
    this.board.sendSerialInput(bytes);
  }
}

function checkedMemory(bytes: number): number {
  if (bytes < SMALLEST_MEMORY || bytes > LARGEST_MEMORY || bytes % 4096 !== 0) {
    throw new ConfigurationError(
      'machine.memory',
      `A machine of ${String(bytes)} bytes cannot be built: choose between 1M and 3G in whole pages.`,
    );
  }
  return bytes;
}

function allocate(map: MemoryMap, shared: boolean): WasmMemory {
  const { Memory } = wasm();
  try {
    return new Memory({ initial: map.wasmPages, maximum: map.wasmPages, shared });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConfigurationError(
      'machine.memory',
      `The host cannot give ${String(map.ramSize >> 20)} MiB to the guest: choose less memory.`,
    );
  }
}
