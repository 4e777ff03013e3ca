/**
 * The debugger's side of the machine: implements debug-port.ts over machine.ts. Decides, at every place
 * where the machine can stop, whether somebody wants it to; everything shown is read here, nothing of it
 * changes the guest unless a method's name says so.
 */
import { compileExpression, type ConditionScope } from '../condition.ts';
import { CR0, CR4, FLAG } from '../cpu/state.ts';
import type {
  AddressSpace,
  DebugPort,
  DisassembledLine,
  ExitBreakpoint,
  InstructionBreakpoint,
  MachineConfiguration,
  MachinePosition,
  MemoryRange,
  RegisterGroup,
  ResumeMode,
  StackFrame,
} from '../debug-port.ts';
import { exitValue } from '../hypervisor/describe-exit.ts';
import type { VmExit } from '../hypervisor/vm-exit.ts';
import { Machine } from '../machine.ts';
import type { ExitRecord, StopReason } from '../stop-reason.ts';
import { ExitBreakpoints, InstructionBreakpoints } from './breakpoints.ts';
import { codeSize, disassembleLines } from './disassembly.ts';
import { readMemory, readValue, writeMemory } from './memory.ts';
import { readRegister, registerGroups, registerNames, writeRegister } from './registers.ts';
import { type ControlStop, RunControl } from './run-control.ts';
import { walkStack } from './stack.ts';

export class MachineDebugger implements DebugPort {
  readonly #machine: Machine;
  readonly #control: RunControl;
  readonly #places = new InstructionBreakpoints();
  readonly #exits = new ExitBreakpoints();
  #pause = false;
  /** Identifiers of the exit breakpoints that the last observed exit met. */
  #exitHits: number[] = [];
  #watched = new Set<number>();
  #unimplemented = false;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#control = new RunControl(machine);
    machine.notice(machine.guest.summary);
  }

  // ---- running

  resume(mode: ResumeMode): void {
    if (this.#unimplemented) {
      this.#unimplemented = false;
      this.#machine.raiseUndefined();
    }
    this.#control.resume(mode);
    // with an exit pending, the instruction here is executed by the exit's handler
    if (this.#machine.hypervisor.pending === null) this.#machine.cpu.skipBreakpoint();
  }
  requestPause(): void {
    this.#pause = true;
  }
  run(budget: number): StopReason {
    if (this.#pause) {
      this.#pause = false;
      return { kind: 'pause' };
    }
    const { cpu } = this.#machine;
    const end = cpu.retired + budget;
    for (;;) {
      this.#watch();
      const stop = this.#control.run(Math.max(1, end - cpu.retired), (exit) => this.#observe(exit));
      const reason = this.#reasonFor(stop);
      if (reason !== null) return reason;
      if (cpu.retired >= end) return { kind: 'budget' };
    }
  }

  #observe(exit: VmExit): boolean {
    this.#exitHits = this.#exits.hit(exit, this.#scope(exit), (text) => {
      this.#machine.notice(text);
    });
    return this.#exitHits.length > 0;
  }
  /** What a stop means to a debugger; null: nobody wanted it, go on. */
  #reasonFor(stop: ControlStop): StopReason | null {
    const { cpu, hypervisor } = this.#machine;
    switch (stop.kind) {
      case 'exit':
        return { kind: 'exit', ids: this.#exitHits, exit: hypervisor.describe(stop.exit) };
      case 'breakpoint': {
        const ids = this.#places.hit(cpu.linearEip, this.#scope(null), (text) => {
          this.#machine.notice(text);
        });
        if (ids.length > 0) return { kind: 'breakpoint', ids };
        cpu.skipBreakpoint();
        return null;
      }
      case 'landmark':
        return null;
      case 'unimplemented':
        this.#unimplemented = true;
        return stop;
      default:
        return stop;
    }
  }
  /** Tells the processor which addresses to stop at, when they have changed. */
  #watch(): void {
    const wanted = new Set(this.#places.addresses);
    const { landmark } = this.#control;
    if (landmark !== null) wanted.add(landmark);
    const same =
      wanted.size === this.#watched.size && [...wanted].every((at) => this.#watched.has(at));
    if (same) return;
    this.#watched = wanted;
    this.#machine.cpu.setBreakpoints(wanted);
  }

  #scope(exit: VmExit | null): ConditionScope {
    const { cpu } = this.#machine;
    return {
      value: (name) => (exit === null ? null : exitValue(exit, name)) ?? readRegister(cpu, name),
      read: (space, address, size) => readValue(cpu, space, address, size),
    };
  }

  // ---- looking and writing

  position(): MachinePosition {
    const { cpu, hypervisor, now } = this.#machine;
    const { state } = cpu;
    return {
      retired: cpu.retired,
      time: now,
      exits: hypervisor.log.total,
      eip: state.eip,
      linearEip: cpu.linearEip,
      cpl: state.cpl,
      mode: this.#mode(),
      paging: this.#paging(),
      interruptsEnabled: (state.systemFlags & FLAG.IF) !== 0,
    };
  }
  #mode(): MachinePosition['mode'] {
    const { cpu } = this.#machine;
    if (!cpu.state.protectedMode) return 'real';
    if (cpu.state.v86) return 'v86';
    return codeSize(cpu) === 4 ? 'protected32' : 'protected16';
  }
  #paging(): MachinePosition['paging'] {
    const { state } = this.#machine.cpu;
    if ((state.cr(0) & CR0.PG) === 0) return 'off';
    return (state.cr(4) & CR4.PAE) !== 0 ? 'PAE' : '32-bit';
  }
  registers(): readonly RegisterGroup[] {
    return registerGroups(this.#machine.cpu);
  }
  writeRegister(name: string, value: number): void {
    writeRegister(this.#machine.cpu, name, value);
  }
  readMemory(space: AddressSpace, address: number, count: number): MemoryRange {
    return readMemory(this.#machine.cpu, space, address, count);
  }
  writeMemory(space: AddressSpace, address: number, bytes: Uint8Array): number {
    return writeMemory(this.#machine.cpu, space, address, bytes);
  }
  translate(linear: number): number | null {
    return this.#machine.cpu.memory.peek(linear >>> 0);
  }
  disassemble(address: number, offset: number, count: number): readonly DisassembledLine[] {
    return disassembleLines(this.#machine.cpu, address, offset, count);
  }
  stack(limit: number): readonly StackFrame[] {
    return walkStack(this.#machine.cpu, limit);
  }
  evaluate(expression: string): number {
    return compileExpression(expression, registerNames).evaluate(this.#scope(null));
  }

  // ---- breakpoints

  setInstructionBreakpoints(breakpoints: readonly InstructionBreakpoint[]): void {
    this.#places.set(breakpoints);
  }
  setExitBreakpoints(breakpoints: readonly ExitBreakpoint[]): void {
    this.#exits.set(breakpoints);
  }

  // ---- logs and the console

  exitLog(from: number, limit: number): readonly ExitRecord[] {
    const { hypervisor } = this.#machine;
    return hypervisor.log.read(from, limit).map((exit) => hypervisor.describe(exit));
  }
  exitCounts(): { readonly [name: string]: number } {
    return this.#machine.hypervisor.log.countsByName();
  }
  takeSerialOutput(): Uint8Array {
    return this.#machine.takeSerialOutput();
  }
  sendSerialInput(bytes: Uint8Array): void {
    this.#machine.sendSerialInput(bytes);
  }
  takeNotices(): readonly string[] {
    return this.#machine.takeNotices();
  }
}

/** Builds a machine as launch.json asks; throws ConfigurationError (machine.ts). */
export function createMachine(configuration: MachineConfiguration): DebugPort {
  return new MachineDebugger(new Machine(configuration));
}
