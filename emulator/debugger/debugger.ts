/**
 * The debugger's side of the machine: implements debug-port.ts over machine.ts. Decides, at every place
 * where the machine can stop, whether somebody wants it to; everything shown is read here, nothing of it
 * changes the guest unless a method's name says so.
 */
import * as L from '../cpu/layout.ts';
import { CR0, CR4, FLAG } from '../cpu/state.ts';
import type { Value } from '../expressions/evaluator.ts';
import type { ExpressionSource } from '../expressions/expression.ts';
import type {
  AddressSpace,
  DataBreakpoint,
  DebugPort,
  DisassembledLine,
  EventAction,
  EventBreakpoint,
  ExitAction,
  ExitBreakpoint,
  ExitLogFilter,
  ExitLogRange,
  InstructionBreakpoint,
  MachineConfiguration,
  MachinePosition,
  MemoryPlace,
  MemoryRange,
  RegisterGroup,
  ResumeMode,
  StackFrame,
  VcpuSummary,
} from '../debug-port.ts';
import type { ExitStatistics } from '../hypervisor/exit-statistics.ts';
import type { LoadedRange } from '../loaders/loader.ts';
import { Machine } from '../machine.ts';
import { linear } from '../memory/address.ts';
import type { Screen } from '../picture.ts';
import type { ExitRecord, StopReason } from '../stop-reason.ts';
import { InstructionBreakpoints, type Meeting } from './breakpoints.ts';
import { modeOf } from './current-frame.ts';
import { ConsoleWatch } from './console-watch.ts';
import { disassembleLines } from './disassembly.ts';
import { DataBreakpoints, type DataHit, NO_ACCESS } from './data-breakpoints.ts';
import { describeEvent, EventBreakpoints, type StoppedEvent } from './event-breakpoints.ts';
import type { DecodedEvent } from './event-decoders.ts';
import { ExitControl } from './exit-control.ts';
import {
  assignHere,
  evaluateHere,
  type ExitAtHand,
  expressionScope,
  placeHere,
  type StopAtHand,
} from './expression-scope.ts';
import { faultLink } from './fault-chain.ts';
import { type LogLine, LogLines } from './log-message.ts';
import { checkedAddress, readMemory, writeMemory } from './memory.ts';
import { registerGroups, writeRegister } from './registers.ts';
import { type Questions, RunControl } from './run-control.ts';
import { setNextInstruction } from './next-instruction.ts';
import { walkStack } from './stack.ts';
import { type StepTarget, stepTarget } from './step-target.ts';
import type { Detail } from './views/detail.ts';
import {
  devices,
  type DeviceSummary,
  inspectDevice,
  writeDevice,
} from './views/devices/devices.ts';
import { readView, type ViewName } from './views/views.ts';

/** By layout ACTIVITY. */
const ACTIVITIES = ['running', 'halted', 'shut down', 'waiting for start-up'] as const;

export class MachineDebugger implements DebugPort {
  readonly #machine: Machine;
  readonly #control: RunControl;
  readonly #places = new InstructionBreakpoints();
  readonly #exits: ExitControl;
  readonly #data = new DataBreakpoints();
  readonly #events = new EventBreakpoints();
  #dataHit: DataHit = { ids: [], access: NO_ACCESS };
  readonly #logs: LogLines;
  readonly #console = new ConsoleWatch();
  #pause = false;
  /** Identifiers of the breakpoints that met the last place come to. */
  #placeHits: readonly number[] = [];
  /** What met the last event that wanted to stop; null once the machine runs again. */
  #eventHit: StoppedEvent | null = null;
  /** What the processor stops at is no longer what is wanted. */
  #placesChanged = false;
  #landmarks: readonly number[] = [];
  readonly #questions: Questions = {
    exit: (exit) => this.#exits.meet(exit, null),
    here: (vcpu) => {
      const { linearEip } = vcpu.cpu;
      this.#machine.look(vcpu);
      this.#placeHits = this.#places.hit(linearEip, this.#meeting(null));
      this.#machine.look(null);
      return this.#placeHits.length > 0;
    },
    accessed: () => this.#accessed(),
    enough: () => this.#logs.isFull,
    watch: (landmarks) => {
      this.#watch(landmarks);
    },
  };
  readonly #complain = (text: string): void => {
    this.#machine.output.notice(text);
  };

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#exits = new ExitControl(machine, (exit) => this.#meeting(exit), this.#complain);
    this.#control = new RunControl(machine);
    this.#logs = new LogLines(() => machine.output.waiting);
    machine.output.notice(machine.guest.summary);
  }

  // ---- running

  vcpus(): readonly VcpuSummary[] {
    return this.#machine.vcpus.map(({ index, cpu }) => ({
      vcpu: index,
      activity: ACTIVITIES[cpu.state.get(L.ACTIVITY)],
      linearEip: cpu.linearEip,
      retired: cpu.retired,
    }));
  }
  look(vcpu: number): void {
    const found = this.#machine.vcpus.at(vcpu);
    if (found === undefined || vcpu < 0) {
      throw new RangeError(`There is no vCPU ${String(vcpu)}; they begin with 0.`);
    }
    this.#machine.look(found);
  }
  resume(mode: ResumeMode): void {
    this.#control.resume(mode, this.#machine.looked);
  }
  requestPause(): void {
    this.#pause = true;
  }
  run(budget: number): StopReason {
    if (!Number.isSafeInteger(budget) || budget < 0) {
      throw new RangeError(`${String(budget)} is no budget: give a number of instructions.`);
    }
    if (this.#pause) {
      this.#pause = false;
      return { kind: 'pause' };
    }
    const { looked } = this.#machine;
    this.#machine.look(null);
    this.#eventHit = null;
    this.#exits.leave();
    const stop = this.#control.run(budget, this.#questions);
    const goesOn = stop.kind === 'budget' || stop.kind === 'idle';
    this.#machine.look(goesOn ? looked : this.#control.stopped);
    switch (stop.kind) {
      case 'exit':
        return this.#exits.stopAt(stop, this.#control.stopped.hypervisor);
      case 'breakpoint':
        return { kind: 'breakpoint', ids: this.#placeHits };
      case 'watchpoint':
        return { kind: 'data breakpoint', ...this.#dataHit };
      case 'event':
        return this.#eventStop();
      case 'triple-fault':
        return { ...stop, chain: this.#control.stopped.cpu.faultChain.map(faultLink) };
      case 'console':
        return { kind: 'console', index: this.#console.take() ?? 0 };
      default:
        return stop;
    }
  }
  #eventStop(): StopReason {
    const hit = this.#eventHit;
    if (hit === null) throw new Error('an event stopped the machine and met no breakpoint');
    const event = describeEvent(hit, this.#control.stopped.index, this.#machine.retired);
    return { kind: 'event', ids: hit.ids, event };
  }
  /** What the machine stands at, where that has names of its own. */
  get #at(): StopAtHand {
    return { exit: this.#exits.atHand, event: this.#eventHit };
  }
  #accessed(): boolean {
    const machine = this.#machine;
    if (!machine.hasWatchHits) return false;
    const hit = this.#data.hit(machine.takeWatchHits(), machine.cpu, this.#meeting(null));
    if (hit === null) return false;
    this.#dataHit = hit;
    return true;
  }
  /** Tells the processor which addresses to stop at, when they have changed. */
  #watch(landmarks: readonly number[]): void {
    const known = this.#landmarks;
    const same = landmarks.length === known.length && landmarks.every((at, n) => at === known[n]);
    if (same && !this.#placesChanged) return;
    this.#placesChanged = false;
    this.#landmarks = landmarks;
    const places = new Set([...this.#places.addresses, ...landmarks]);
    for (const { cpu } of this.#machine.vcpus) cpu.setBreakpoints(places);
  }

  #meeting(exit: ExitAtHand | null, event: DecodedEvent | null = null): Meeting {
    const scope = expressionScope(this.#machine, exit, event);
    return { scope, logs: this.#logs, complain: this.#complain };
  }

  // ---- looking and writing

  position(): MachinePosition {
    const { looked, cpu, hypervisor, now, retired } = this.#machine;
    const { state } = cpu;
    return {
      vcpu: looked.index,
      retired,
      time: now,
      exits: hypervisor.log.total,
      eip: state.eip,
      linearEip: cpu.linearEip,
      cpl: state.cpl,
      mode: modeOf(this.#machine.cpu),
      paging: this.#paging(),
      interruptsEnabled: (state.systemFlags & FLAG.IF) !== 0,
    };
  }
  #paging(): MachinePosition['paging'] {
    const { state } = this.#machine.cpu;
    if ((state.cr(0) & CR0.PG) === 0) return 'off';
    return (state.cr(4) & CR4.PAE) !== 0 ? 'PAE' : '32-bit';
  }
  registers(): readonly RegisterGroup[] {
    return registerGroups(this.#machine.cpu);
  }
  writeRegister(name: string, value: number | bigint): void {
    this.#change(() => {
      writeRegister(this.#machine.cpu, name, value);
    });
  }
  readMemory(space: AddressSpace, address: number, count: number): MemoryRange {
    return readMemory(this.#machine.cpu, space, address, count);
  }
  writeMemory(space: AddressSpace, address: number, bytes: Uint8Array): number {
    return writeMemory(this.#machine.cpu, space, address, bytes);
  }
  translate(address: number): number | null {
    return this.#machine.cpu.memory.peek(linear(checkedAddress('linear', address)));
  }
  disassemble(address: number, offset: number, count: number): readonly DisassembledLine[] {
    return disassembleLines(this.#machine.cpu, address, offset, count);
  }
  devices(): readonly DeviceSummary[] {
    return devices(this.#machine);
  }
  inspectDevice(name: string): readonly Detail[] {
    return inspectDevice(this.#machine, name);
  }
  writeDevice(name: string, path: readonly string[], value: number): void {
    writeDevice(this.#machine, name, path, value);
  }
  loadedRanges(): readonly LoadedRange[] {
    return this.#machine.guest.ranges;
  }
  stack(limit: number, from?: StackFrame): readonly StackFrame[] {
    return walkStack(this.#machine.cpu, limit, from);
  }
  stepTarget(): StepTarget | null {
    return stepTarget(this.#machine.cpu);
  }
  setNextInstruction(address: number): void {
    this.#change(() => {
      setNextInstruction(this.#machine.cpu, address);
    });
  }
  evaluate(expression: ExpressionSource): Value {
    return evaluateHere(this.#machine, this.#at, expression);
  }
  assign(target: ExpressionSource, value: ExpressionSource): void {
    this.#change(() => {
      assignHere(this.#machine, this.#at, target, value);
    });
  }
  /** Whatever changes the guest's registers from outside goes this way: the next VM entry is checked. */
  #change(write: () => void): void {
    const { hypervisor } = this.#machine;
    try {
      write();
    } finally {
      hypervisor.stateChanged();
    }
  }

  // ---- breakpoints

  setInstructionBreakpoints(breakpoints: readonly InstructionBreakpoint[]): void {
    this.#places.set(breakpoints);
    this.#placesChanged = true;
  }
  setExitBreakpoints(breakpoints: readonly ExitBreakpoint[]): void {
    this.#exits.setBreakpoints(breakpoints);
  }
  setExitFilter(filter: ExitLogFilter | null): void {
    this.#exits.setFilter(filter);
  }
  intervene(action: ExitAction | null): void {
    this.#exits.intervene(action, this.#at);
  }
  inject(event: EventAction): void {
    this.#change(() => {
      this.#exits.inject(event, this.#at);
    });
  }

  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): void {
    this.#events.set(breakpoints);
    this.#machine.watchEvents(this.#events.kinds, (vcpu, sighting) => {
      this.#machine.look(vcpu);
      const hit = this.#events.hit(sighting, vcpu.cpu, (event) => this.#meeting(null, event));
      this.#machine.look(null);
      this.#eventHit = hit ?? this.#eventHit;
      return hit !== null;
    });
  }
  setDataBreakpoints(breakpoints: readonly DataBreakpoint[]): void {
    this.#data.set(breakpoints, this.#machine.cpu);
    this.#machine.setWatchpoints(breakpoints);
  }
  placeOf(expression: ExpressionSource): MemoryPlace | null {
    return placeHere(this.#machine, this.#at, expression);
  }

  // ---- logs and the console

  exitLog(from: number, limit: number): readonly ExitRecord[] {
    const { hypervisor } = this.#machine;
    return hypervisor.log.read(from, limit).map((exit) => hypervisor.describe(exit));
  }
  exitLogRange(): ExitLogRange {
    const { first, end } = this.#machine.exitLog;
    return { first, end };
  }
  exitStatistics(): ExitStatistics {
    const { exitLog, hypervisor } = this.#machine;
    return exitLog.statistics(hypervisor.guestInterface);
  }
  exitCounts(): { readonly [name: string]: number } {
    return this.#machine.hypervisor.log.countsByName();
  }
  takeSerialOutput(): Uint8Array {
    return this.#machine.output.take();
  }
  watchConsole(texts: readonly Uint8Array[]): void {
    this.#console.set(texts);
    this.#machine.output.observer = texts.length === 0 ? null : (byte) => this.#console.see(byte);
  }
  sendSerialInput(bytes: Uint8Array): void {
    this.#machine.sendSerialInput(bytes);
  }
  inspect(view: ViewName, address: number): readonly Detail[] {
    return readView(this.#machine, view, address);
  }
  takeLogs(): { readonly lines: readonly LogLine[]; readonly dropped: number } {
    return this.#logs.take();
  }
  screen(seen: number | null): Screen {
    return this.#machine.screen(seen);
  }
  sendKeys(codes: Uint8Array): void {
    this.#machine.sendKeys(codes);
  }
  takeNotices(): readonly string[] {
    return this.#machine.output.takeNotices();
  }
}

/** Builds a machine as launch.json asks; throws ConfigurationError (checked-configuration.ts). */
export function createMachine(configuration: MachineConfiguration): DebugPort {
  return new MachineDebugger(new Machine(configuration));
}
