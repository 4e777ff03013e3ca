/**
 * Continuing and stepping. A step is one instruction of the code that the person is looking at: when an
 * interrupt comes in before it, the handler runs until it returns to the same place, and only then the
 * instruction is executed. So stepping changes nothing in the guest's history, and no step lands in a
 * timer interrupt. An exception that the instruction itself raises ends the step at its handler.
 *
 * What is to be done is a stack of phases; the topmost is under way, and when it is over the one below
 * goes on. When none is left, the step is done. So stepping over a call is "until the place after it",
 * and upon it "one instruction", the call; an interrupt puts "until it returns" on top of either.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { Instruction } from '../cpu/decode/instruction.ts';
import type { ResumeMode } from '../debug-port.ts';
import { type GuestPlace, isAt, placeOf } from '../guest-place.ts';
import type { VmExit } from '../hypervisor/vm-exit.ts';
import type { ExitObserver, Machine, MachineStop } from '../machine.ts';
import { CodeView } from './code-view.ts';
import { isCall, isRepeated, isReturn } from './instruction-kinds.ts';
import { findWayOut } from './way-out.ts';

type Phase =
  | { readonly kind: 'free' }
  | OneInstruction
  | Waiting
  /** A halted processor; what comes next is the interrupt that wakes it. */
  | { readonly kind: 'asleep' }
  | WayOutByHand;

interface OneInstruction {
  readonly kind: 'one';
  /** With all runs of a repeated string instruction. */
  readonly whole: boolean;
  /** An exception of the instruction ends it, or is run over like an interrupt. */
  readonly faults: 'end' | 'over';
}
interface Waiting {
  readonly kind: 'until';
  /** Any of these. */
  readonly places: readonly GuestPlace[];
  /** Bytes of stack that may be gone in addition. */
  readonly released: number;
  /** The user's breakpoints at the place have had their say. */
  readonly asked: boolean;
}
/** Out of a function whose way out is not known: single steps, calls at once, up to a return. */
interface WayOutByHand {
  readonly kind: 'out';
  /** Stack pointer at the start. */
  readonly from: GuestPlace;
  /** Executed just before, or null at the start. */
  last: Instruction | null;
  asked: boolean;
}

export type ControlStop =
  | Exclude<MachineStop, { kind: 'breakpoint' }>
  | { readonly kind: 'step' }
  /** `here` said yes. */
  | { readonly kind: 'breakpoint' };

/** What a run asks the debugger. */
export interface Questions {
  /** Whether to stop at an exit that was just born. */
  readonly exit: ExitObserver;
  /** Whether a breakpoint of the user's stops at CS:EIP, which has just been come to; counts its hits. */
  readonly here: () => boolean;
  /** Whether to stop for accesses to watched memory since the last call; counts their hits. */
  readonly accessed: () => boolean;
  /** To be called before running: stop at the user's breakpoints and at these addresses. */
  readonly watch: (landmarks: readonly number[]) => void;
}

/** A callee may take its arguments off the stack, but not more than this. */
const MOST_ARGUMENTS = 4096;
/** Phases begun or stepped in one run; each costs the host some microseconds. */
const TURNS = 1000;
/** Phases kept; a handler that never returns leaves one behind. */
const DEEPEST = 64;
const STEPPED = { kind: 'step' } as const;
const BREAKPOINT = { kind: 'breakpoint' } as const;
const WATCHPOINT = { kind: 'watchpoint' } as const;

export class RunControl {
  readonly #machine: Machine;
  readonly #cpu: Cpu;
  #phases: Phase[] = [{ kind: 'free' }];
  /** Where a stop was told at which breakpoints have had their say, and when. */
  #told: { readonly linearEip: number; readonly retired: number } | null = null;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#cpu = machine.cpu;
  }

  /** Ends what was under way. */
  resume(mode: ResumeMode): void {
    const leave: Phase = { kind: 'one', whole: true, faults: 'over' };
    switch (mode.kind) {
      case 'continue':
        // a breakpoint here that was not told yet is met at once
        this.#phases = this.#isTold() ? [{ kind: 'free' }, leave] : [{ kind: 'free' }];
        break;
      case 'stepIn':
        this.#phases = [{ kind: 'one', whole: false, faults: 'end' }];
        break;
      case 'stepOver': {
        const instruction = this.#instructionHere();
        const step: Phase = { kind: 'one', whole: true, faults: 'end' };
        const over = instruction !== null && isCall(instruction);
        this.#phases = over ? [this.#untilAfter(instruction), step] : [step];
        break;
      }
      case 'stepOut':
        this.#phases = this.#outOfFunction(leave);
        break;
    }
  }
  #outOfFunction(leave: Phase): Phase[] {
    const way = findWayOut(this.#cpu);
    switch (way.kind) {
      case 'return': {
        const { place, through } = way;
        if (through.some((iret) => isAt(this.#cpu, iret))) return [leave];
        if (through.length > 0) return [leave, until(through), leave];
        return [until([place], MOST_ARGUMENTS), leave];
      }
      case 'never':
        return [{ kind: 'free' }, leave];
      case 'unknown':
        return [{ kind: 'out', from: placeOf(this.#cpu), last: null, asked: true }];
    }
  }

  /** At most `budget` instructions of what resume() said. */
  run(budget: number, questions: Questions): ControlStop {
    const end = this.#cpu.retired + budget;
    for (let turn = 0; turn < TURNS; turn++) {
      const rest = end - this.#cpu.retired;
      if (rest <= 0) break;
      const stop = this.#turn(rest, questions);
      const goesOn = stop === null || stop.kind === 'watchpoint';
      if ((goesOn || stop.kind === 'step') && questions.accessed()) return WATCHPOINT;
      if (goesOn) continue;
      if (stop.kind === 'step' || stop.kind === 'breakpoint' || stop.kind === 'unimplemented') {
        this.#tell();
      } else if (stop.kind === 'exit' && !isBetweenInstructions(stop.exit)) {
        this.#tell();
      }
      return stop;
    }
    return { kind: 'budget' };
  }
  #tell(): void {
    const { linearEip, retired } = this.#cpu;
    this.#told = { linearEip, retired };
  }
  #isTold(): boolean {
    const { linearEip, retired } = this.#cpu;
    return this.#told?.linearEip === linearEip && this.#told.retired === retired;
  }

  /** Something of the topmost phase; null: go on. */
  #turn(budget: number, questions: Questions): ControlStop | null {
    const phase = this.#phases.at(-1);
    switch (phase?.kind) {
      case undefined:
        return STEPPED;
      case 'free':
      case 'until':
        if (phase.kind === 'until' && this.#isAt(phase)) return this.#arrive(phase, questions);
        questions.watch(
          phase.kind === 'until' ? phase.places.map(({ linearEip }) => linearEip) : [],
        );
        return this.#flow(this.#machine.run(budget, questions.exit), questions);
      case 'one':
        return this.#executeOne(phase, questions);
      case 'asleep':
        return this.#sleep(questions);
      case 'out':
        return this.#searchReturn(phase, questions);
    }
  }

  // ---- running freely, until a place

  #isAt({ places, released }: Waiting): boolean {
    return places.some((place) => isAt(this.#cpu, place, released));
  }
  #flow(stop: MachineStop, questions: Questions): ControlStop | null {
    if (stop.kind !== 'breakpoint') return stop;
    const phase = this.#phases.at(-1);
    if (phase?.kind === 'until' && this.#isAt(phase)) return this.#arrive(phase, questions);
    if (questions.here()) return BREAKPOINT;
    this.#begin({ kind: 'one', whole: true, faults: 'over' });
    return null;
  }
  #arrive(phase: Waiting, questions: Questions): ControlStop | null {
    this.#phases.pop();
    if (!phase.asked && questions.here()) return BREAKPOINT;
    const next = this.#phases.at(-1);
    if (next === undefined) return STEPPED;
    if (next.kind === 'out') next.asked = true;
    // what runs freely must not ask again
    else if (next.kind !== 'one') this.#begin({ kind: 'one', whole: true, faults: 'over' });
    return null;
  }
  #begin(phase: Phase): void {
    if (this.#phases.length >= DEEPEST) this.#phases.splice(1, 1);
    this.#phases.push(phase);
  }
  #untilAfter(instruction: Instruction): Waiting {
    const here = placeOf(this.#cpu);
    const linearEip = (here.linearEip + instruction.length) >>> 0;
    return until([{ ...here, linearEip }], MOST_ARGUMENTS);
  }

  // ---- one instruction

  #executeOne(phase: OneInstruction, questions: Questions): ControlStop | null {
    const before = placeOf(this.#cpu);
    const { retired } = this.#cpu;
    const outcome = this.#machine.step(questions.exit);
    const executed = this.#cpu.retired > retired;
    const resumesAt = outcome.kind === 'interrupted' ? outcome.place : placeOf(this.#cpu);
    const done = executed && !(phase.whole && this.#repeatsAt(before, resumesAt));
    switch (outcome.kind) {
      case 'stepped':
        if (!executed && phase.faults === 'over') {
          this.#begin({ ...until([before]), asked: true });
          return null;
        }
        return done || !executed ? this.#complete(questions) : null;
      case 'interrupted':
        if (done) this.#phases.pop();
        this.#begin({ ...until([resumesAt]), asked: !done });
        return null;
      case 'idle':
        if (executed) this.#phases.splice(-1, 1, { kind: 'asleep' });
        return outcome;
      default:
        return outcome;
    }
  }
  /** The instruction between the two places was a run of a repeated one that is not at its end. */
  #repeatsAt(before: GuestPlace, after: GuestPlace): boolean {
    if (after.linearEip !== before.linearEip || after.stackPointer !== before.stackPointer) {
      return false;
    }
    const instruction = new CodeView(this.#cpu).instructionAt(before.linearEip);
    return instruction !== null && isRepeated(instruction);
  }
  /** The topmost phase is over, at a place that was just come to. */
  #complete(questions: Questions): ControlStop | null {
    this.#phases.pop();
    if (this.#phases.length > 0) return null;
    return questions.here() ? BREAKPOINT : STEPPED;
  }

  /** Until the interrupt that wakes the processor has been handled. */
  #sleep(questions: Questions): ControlStop | null {
    if (!this.#cpu.isHalted) return this.#complete(questions);
    const outcome = this.#machine.step(questions.exit);
    if (outcome.kind === 'stepped') return this.#complete(questions);
    if (outcome.kind !== 'interrupted') return outcome;
    this.#phases.pop();
    this.#begin(until([outcome.place]));
    return null;
  }

  // ---- out of a function by hand

  #searchReturn(phase: WayOutByHand, questions: Questions): ControlStop | null {
    const { last, from } = phase;
    if (last !== null && isReturn(last) && this.#hasReturned(last, from)) {
      return this.#complete(questions);
    }
    if (!phase.asked && questions.here()) return BREAKPOINT;
    const instruction = this.#instructionHere();
    phase.last = instruction;
    phase.asked = false;
    if (instruction !== null && isCall(instruction)) this.#begin(this.#untilAfter(instruction));
    this.#begin({ kind: 'one', whole: true, faults: 'over' });
    return null;
  }
  /** RET is also used to jump; then the stack is no smaller than at the start. IRET may change it. */
  #hasReturned({ row }: Instruction, from: GuestPlace): boolean {
    if (row.meaning === 'iret') return true;
    const released = (placeOf(this.#cpu).stackPointer - from.stackPointer) & from.stackMask;
    return released !== 0 && released >>> 0 <= from.stackMask >>> 1;
  }

  #instructionHere(): Instruction | null {
    return new CodeView(this.#cpu).instructionAt(this.#cpu.linearEip);
  }
}

function until(places: readonly GuestPlace[], released = 0): Waiting {
  return { kind: 'until', places, released, asked: false };
}

/** The exit came up before the instruction at CS:EIP was begun. */
function isBetweenInstructions({ event }: VmExit): boolean {
  return event.kind === 'external-interrupt' || event.kind === 'interrupt-window';
}
