/**
 * Continuing and stepping. A step is one instruction of the code that the person is looking at: when an
 * interrupt comes in before it, the handler runs until it returns to the same place, and only then the
 * instruction is executed. So stepping changes nothing in the guest's history, and no step lands in a
 * timer interrupt. An exception that the instruction itself raises ends the step at its handler.
 */
import type { Instruction } from '../cpu/decode/instruction.ts';
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import type { ResumeMode } from '../debug-port.ts';
import type { ExitObserver, Machine, MachineStop } from '../machine.ts';
import { instructionAt } from './disassembly.ts';
import { walkStack } from './stack.ts';

/** A place on the way, reached when the stack pointer is where it should be. */
interface Landmark {
  readonly address: number;
  readonly stack: (pointer: number) => boolean;
  /** Go on stepping there instead of stopping. */
  readonly then: 'stop' | 'step';
}

export type ControlStop = MachineStop | { readonly kind: 'step' } | { readonly kind: 'landmark' };

const OVER = new Set(['call', 'call-far', 'int', 'int3', 'into', 'int1']);
const STRINGS = new Set(['movs', 'stos', 'lods', 'cmps', 'scas', 'ins', 'outs']);
const RETURNS = new Set(['ret', 'ret-far', 'iret', 'sysexit']);
/** A callee may take its arguments off the stack, but not more than this. */
const MOST_ARGUMENTS = 4096;
/** Instructions that a step out may execute one by one within one slice. */
const STEPS_A_SLICE = 20_000;

export class RunControl {
  readonly #machine: Machine;
  readonly #cpu: Cpu;
  #mode: ResumeMode = { kind: 'continue' };
  #landmark: Landmark | null = null;
  /** Where the step began. */
  #from = { address: 0, stack: 0 };

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#cpu = machine.cpu;
  }

  /** Address that run() must be stopped at besides the user's breakpoints, or null. */
  get landmark(): number | null {
    return this.#landmark?.address ?? null;
  }

  resume(mode: ResumeMode): void {
    this.#mode = mode;
    this.#from = { address: this.#cpu.linearEip, stack: this.#stackPointer() };
    this.#landmark = this.#firstLandmark(mode);
  }

  /** The temporary place was reached with a stack pointer that fits. */
  atLandmark(): boolean {
    const mark = this.#landmark;
    if (mark === null || this.#cpu.linearEip !== mark.address) return false;
    return mark.stack(this.#stackPointer());
  }

  /** One slice in the current mode. 'breakpoint' is any stop at a watched address. */
  run(budget: number, observe: ExitObserver): ControlStop {
    if (this.#landmark !== null) {
      if (!this.atLandmark() || this.#cpu.linearEip === this.#from.address) {
        const stop = this.#machine.run(budget, observe);
        if (stop.kind !== 'breakpoint' || !this.atLandmark()) return stop;
      }
      const { then } = this.#landmark;
      this.#landmark = null;
      if (then === 'stop') return { kind: 'step' };
      return { kind: 'landmark' };
    }
    if (this.#mode.kind === 'continue') return this.#machine.run(budget, observe);
    return this.#stepUntilDone(observe);
  }

  #firstLandmark(mode: ResumeMode): Landmark | null {
    if (mode.kind === 'stepOver') {
      const instruction = instructionAt(this.#cpu, this.#cpu.linearEip);
      if (instruction !== null && isOver(instruction)) return this.#after(instruction);
    }
    if (mode.kind === 'stepOut') return this.#returnAddress();
    return null;
  }
  #after(instruction: Instruction): Landmark {
    const { stack } = this.#from;
    const { state } = this.#cpu;
    const next = (state.segmentBase(L.SEGMENT.CS) + instruction.eip + instruction.length) >>> 0;
    return {
      address: next,
      stack: (pointer) => pointer >= stack && pointer - stack <= MOST_ARGUMENTS,
      then: 'stop',
    };
  }
  /** The caller's place, when a frame pointer or the top of the stack shows a real return address. */
  #returnAddress(): Landmark | null {
    const { stack } = this.#from;
    const caller = walkStack(this.#cpu, 2)[1];
    if (caller === undefined || !this.#followsCall(caller.linearEip)) return null;
    return {
      address: caller.linearEip,
      stack: (pointer) => pointer > stack && pointer - stack <= 16 * MOST_ARGUMENTS,
      then: 'stop',
    };
  }
  /** Whether some call instruction ends exactly before an address. */
  #followsCall(address: number): boolean {
    for (let length = 2; length <= 7; length++) {
      const before = instructionAt(this.#cpu, (address - length) >>> 0);
      if (before?.length === length && before.row.meaning?.startsWith('call') === true) return true;
    }
    return false;
  }

  /** Executes single instructions until the mode's goal is met. */
  #stepUntilDone(observe: ExitObserver): ControlStop {
    for (let steps = 0; steps < STEPS_A_SLICE; steps++) {
      const instruction = instructionAt(this.#cpu, this.#cpu.linearEip);
      const before = { address: this.#cpu.linearEip, stack: this.#stackPointer() };
      const outcome = this.#machine.step(observe);
      if (outcome.kind === 'interrupted') {
        // run the handler until it is back where it came in
        this.#landmark = { address: before.address, stack: (at) => at === before.stack, then: 'step' }; // prettier-ignore
        return { kind: 'landmark' };
      }
      if (outcome.kind === 'stepped') {
        if (this.#isDone(instruction, before)) return { kind: 'step' };
        continue;
      }
      return outcome;
    }
    return { kind: 'budget' };
  }
  #isDone(instruction: Instruction | null, before: { address: number; stack: number }): boolean {
    if (this.#mode.kind === 'stepOut') {
      const returned = instruction !== null && RETURNS.has(instruction.row.meaning ?? '');
      return returned && this.#stackPointer() > this.#from.stack;
    }
    // a long string instruction is several boundaries at one address
    const repeats = instruction !== null && isRepeatedString(instruction);
    return !(repeats && this.#mode.kind === 'stepOver' && this.#cpu.linearEip === before.address);
  }

  #stackPointer(): number {
    return this.#cpu.state.gpr(4, 4);
  }
}

function isOver({ row }: Instruction): boolean {
  return OVER.has(row.meaning ?? '');
}
function isRepeatedString({ row, repeat }: Instruction): boolean {
  return repeat !== 0 && STRINGS.has(row.meaning ?? '');
}
