/**
 * Continuing and stepping. A step is one instruction of the code that the person is looking at: when an
 * interrupt comes in before it, the handler runs until it returns to the same place, and only then the
 * instruction is executed. So stepping changes nothing in the guest's history, and no step lands in a
 * timer interrupt. An exception that the instruction itself raises ends the step at its handler.
 *
 * What is to be done is a stack of phases; the topmost is under way, and when it is over the one below
 * goes on. When none is left, the step is done. So stepping over a call is "until the place after it",
 * and upon it "one instruction", the call; an interrupt puts "until it returns" on top of either.
 *
 * A phase is one of a vCPU. A step is one of the vCPU that the person is looking at, and the others run
 * along unless they are held; phases of theirs come on top only where a breakpoint of theirs is gone
 * over. So the step is done when no phase of its own vCPU is left.
 */
import type { Instruction } from '../cpu/decode/instruction.ts';
import type { ResumeMode } from '../debug-port.ts';
import { hasHappened, type Sighting } from '../event-watch.ts';
import { type GuestPlace, isAt, placeOf } from '../guest-place.ts';
import type { VmExit } from '../hypervisor/vm-exit.ts';
import type { MachineVcpu } from '../machine-vcpu.ts';
import type { Machine } from '../machine.ts';
import type { ExitObserver, MachineStop } from '../machine-stop.ts';
import { CodeView } from './code-view.ts';
import { isCall, isRepeated, isReturn } from './instruction-kinds.ts';
import { findWayOut, placeOfFrame } from './way-out.ts';

type Phase = PhaseKind & { readonly vcpu: MachineVcpu };
type PhaseKind =
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
  /** Whether a breakpoint of the user's stops this vCPU where it has just come to; counts its hits. */
  readonly here: (vcpu: MachineVcpu) => boolean;
  /** Whether to stop for accesses to watched memory since the last call; counts their hits. */
  readonly accessed: () => boolean;
  /** Whether the host should take what was printed before the guest goes on. */
  readonly enough: () => boolean;
  /** To be called before running: stop at the user's breakpoints and at these addresses. */
  readonly watch: (landmarks: readonly number[]) => void;
}

/** A callee may take its arguments off the stack, but not more than this. */
const MOST_ARGUMENTS = 4096;
/** Phases begun or stepped in one run; each costs the host some microseconds. */
const TURNS = 1000;
/** Phases kept; a handler that never returns leaves one behind. */
const DEEPEST = 64;
/** One instruction on the way. */
const LEAVE = { kind: 'one', whole: true, faults: 'over' } as const;
const STEPPED = { kind: 'step' } as const;
const BREAKPOINT = { kind: 'breakpoint' } as const;
const WATCHPOINT = { kind: 'watchpoint' } as const;

export class RunControl {
  readonly #machine: Machine;
  /** Whose step it is. */
  #stepped: MachineVcpu;
  /** What was asked for, begun anew while a step ends within its range. */
  #mode: ResumeMode = { kind: 'continue' };
  #phases: Phase[];
  /** Where a stop was told at which breakpoints have had their say, and when. */
  #told: {
    readonly vcpu: MachineVcpu;
    readonly linearEip: number;
    readonly retired: number;
  } | null = null;
  #stopped: MachineVcpu;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#stepped = machine.current;
    this.#stopped = machine.current;
    this.#phases = [{ kind: 'free', vcpu: machine.current }];
  }

  /** The vCPU of the last stop. */
  get stopped(): MachineVcpu {
    return this.#stopped;
  }

  /** Ends what was under way; a step is one of `vcpu`. */
  resume(mode: ResumeMode, vcpu: MachineVcpu): void {
    const { kind, alone } = mode;
    this.#mode = mode;
    this.#stepped = vcpu;
    this.#machine.hold(alone === true ? vcpu : null);
    this.#start();
    const told = this.#told;
    // who stands at a breakpoint that was told goes on; one that was not is met at once
    if (told === null || !this.#isTold()) return;
    const other = told.vcpu !== vcpu;
    if (other ? alone !== true : kind === 'continue') {
      this.#phases.push({ ...LEAVE, vcpu: told.vcpu });
    }
  }
  #start(): void {
    const vcpu = this.#stepped;
    this.#phases = this.#begun(this.#mode.kind).map((phase) => ({ ...phase, vcpu }));
  }
  #begun(kind: ResumeMode['kind']): readonly PhaseKind[] {
    switch (kind) {
      case 'continue':
        return [{ kind: 'free' }];
      case 'stepIn':
        return [{ kind: 'one', whole: false, faults: 'end' }];
      case 'stepOver': {
        const instruction = this.#instructionHere();
        const step: PhaseKind = { kind: 'one', whole: true, faults: 'end' };
        const over = instruction !== null && isCall(instruction);
        return over ? [this.#untilAfter(instruction), step] : [step];
      }
      case 'stepOut':
        return this.#outOfFunction();
    }
  }
  #outOfFunction(): readonly PhaseKind[] {
    const { cpu } = this.#stepped;
    const way = findWayOut(cpu);
    switch (way.kind) {
      case 'return': {
        const { through } = way;
        const place = placeOfFrame(cpu, way.frame);
        if (through.some((iret) => isAt(cpu, iret))) return [LEAVE];
        if (through.length > 0) return [LEAVE, until(through), LEAVE];
        return [until([place], MOST_ARGUMENTS), LEAVE];
      }
      case 'never':
        return [{ kind: 'free' }, LEAVE];
      case 'unknown':
        return [{ kind: 'out', from: placeOf(cpu), last: null, asked: true }];
    }
  }

  /** At most `budget` instructions of what resume() said. */
  run(budget: number, questions: Questions): ControlStop {
    const machine = this.#machine;
    const end = machine.retired + budget;
    for (let turn = 0; turn < TURNS; turn++) {
      const rest = end - machine.retired;
      if (rest <= 0 || questions.enough()) break;
      const stop = this.#turn(rest, questions);
      this.#stopped = stop?.kind === 'step' ? this.#stepped : machine.current;
      const goesOn = stop === null || stop.kind === 'watchpoint';
      if ((goesOn || stop.kind === 'step') && questions.accessed()) return WATCHPOINT;
      if (goesOn) continue;
      if (stop.kind === 'step' && this.#isWithin()) {
        this.#start();
        continue;
      }
      if (stop.kind === 'step' || stop.kind === 'breakpoint' || stop.kind === 'unimplemented') {
        this.#tell();
      } else if (
        stop.kind === 'exit' &&
        stop.outcome === null &&
        !isBetweenInstructions(stop.exit)
      ) {
        this.#tell();
      } else if (stop.kind === 'event' && isOfInstruction(stop.sighting)) {
        this.#tell();
      }
      return stop;
    }
    return { kind: 'budget' };
  }
  /** The step has not left the range that it is to leave. */
  #isWithin(): boolean {
    const { within } = this.#mode;
    const { linearEip } = this.#stepped.cpu;
    return within !== undefined && linearEip >= within.start && linearEip < within.end;
  }
  #tell(): void {
    const vcpu = this.#stopped;
    const { linearEip, retired } = vcpu.cpu;
    this.#told = { vcpu, linearEip, retired };
  }
  #isTold(): boolean {
    if (this.#told === null) return false;
    const { vcpu, linearEip, retired } = this.#told;
    return vcpu.cpu.linearEip === linearEip && vcpu.cpu.retired === retired;
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
        questions.watch(this.#landmarks());
        return this.#flow(this.#machine.run(budget, questions.exit), questions);
      case 'one':
        return this.#executeOne(phase, questions);
      case 'asleep':
        return this.#sleep(phase.vcpu, questions);
      case 'out':
        return this.#searchReturn(phase, questions);
    }
  }

  // ---- running freely, until a place

  /** What the topmost phase waits for, and the topmost one of each other vCPU. */
  #landmarks(): readonly number[] {
    const seen = new Set<MachineVcpu>();
    const landmarks: number[] = [];
    for (const phase of this.#phases.toReversed()) {
      if (seen.has(phase.vcpu)) continue;
      seen.add(phase.vcpu);
      if (phase.kind === 'until') landmarks.push(...phase.places.map(({ linearEip }) => linearEip));
    }
    return landmarks;
  }
  #isAt({ vcpu, places, released }: Waiting & { readonly vcpu: MachineVcpu }): boolean {
    return places.some((place) => isAt(vcpu.cpu, place, released));
  }
  #flow(stop: MachineStop, questions: Questions): ControlStop | null {
    return stop.kind === 'breakpoint' ? this.#meet(questions) : stop;
  }
  /** A vCPU has come to an address that was watched for. */
  #meet(questions: Questions): ControlStop | null {
    const vcpu = this.#machine.current;
    const phase = this.#phases.findLast((each) => each.vcpu === vcpu);
    if (phase?.kind === 'until' && this.#isAt(phase)) return this.#arrive(phase, questions);
    if (questions.here(vcpu)) return BREAKPOINT;
    this.#begin({ ...LEAVE, vcpu });
    return null;
  }
  #arrive(
    phase: Waiting & { readonly vcpu: MachineVcpu },
    questions: Questions,
  ): ControlStop | null {
    const { vcpu } = phase;
    this.#phases.splice(this.#phases.lastIndexOf(phase), 1);
    if (!phase.asked && questions.here(vcpu)) return BREAKPOINT;
    if (this.#isOver()) return STEPPED;
    const next = this.#phases.findLast((each) => each.vcpu === vcpu);
    if (next?.kind === 'out') next.asked = true;
    // what runs freely must not ask again
    else if (next?.kind !== 'one') this.#begin({ ...LEAVE, vcpu });
    return null;
  }
  #isOver(): boolean {
    return !this.#phases.some(({ vcpu }) => vcpu === this.#stepped);
  }
  #begin(phase: Phase): void {
    if (this.#phases.length >= DEEPEST) this.#phases.splice(1, 1);
    this.#phases.push(phase);
  }
  #untilAfter(instruction: Instruction): Waiting {
    const here = placeOf(this.#stepped.cpu);
    const linearEip = (here.linearEip + instruction.length) >>> 0;
    return until([{ ...here, linearEip }], MOST_ARGUMENTS);
  }

  // ---- one instruction

  #executeOne(
    phase: OneInstruction & { readonly vcpu: MachineVcpu },
    questions: Questions,
  ): ControlStop | null {
    const { vcpu } = phase;
    const { cpu } = vcpu;
    const before = placeOf(cpu);
    const { retired } = cpu;
    // the others run along
    if (this.#machine.vcpus.length > 1) questions.watch(this.#landmarks());
    // a processor that sleeps is woken by nothing else
    vcpu.hook.masksInterrupts =
      this.#mode.maskInterrupts === true && phase.faults === 'end' && !cpu.isHalted;
    const outcome = this.#machine.step(questions.exit, vcpu);
    vcpu.hook.masksInterrupts = false;
    const executed = cpu.retired > retired;
    const resumesAt = outcome.kind === 'interrupted' ? outcome.place : placeOf(cpu);
    const done = executed && !(phase.whole && this.#repeatsAt(vcpu, before, resumesAt));
    switch (outcome.kind) {
      case 'stepped':
        if (!executed && phase.faults === 'over') {
          this.#begin({ ...until([before]), asked: true, vcpu });
          return null;
        }
        if (executed && cpu.isHalted) {
          this.#phases.splice(-1, 1, { kind: 'asleep', vcpu });
          return null;
        }
        return done || !executed ? this.#complete(questions) : null;
      case 'interrupted':
        if (done) this.#phases.pop();
        this.#begin({ ...until([resumesAt]), asked: !done, vcpu });
        return null;
      case 'idle':
        if (executed) this.#phases.splice(-1, 1, { kind: 'asleep', vcpu });
        return outcome;
      case 'breakpoint':
        return this.#meet(questions);
      default:
        return outcome;
    }
  }
  /** The instruction between the two places was a run of a repeated one that is not at its end. */
  #repeatsAt({ cpu }: MachineVcpu, before: GuestPlace, after: GuestPlace): boolean {
    if (after.linearEip !== before.linearEip || after.stackPointer !== before.stackPointer) {
      return false;
    }
    const instruction = new CodeView(cpu).instructionAt(before.linearEip);
    return instruction !== null && isRepeated(instruction);
  }
  /** The topmost phase is over, at a place that was just come to. */
  #complete(questions: Questions): ControlStop | null {
    this.#phases.pop();
    if (!this.#isOver()) return null;
    return questions.here(this.#stepped) ? BREAKPOINT : STEPPED;
  }

  /** Until the interrupt that wakes the processor has been handled. */
  #sleep(vcpu: MachineVcpu, questions: Questions): ControlStop | null {
    if (!vcpu.cpu.isHalted) return this.#complete(questions);
    const outcome = this.#machine.step(questions.exit, vcpu);
    if (outcome.kind === 'stepped') return this.#complete(questions);
    if (outcome.kind === 'breakpoint') return this.#meet(questions);
    if (outcome.kind !== 'interrupted') return outcome;
    this.#phases.pop();
    this.#begin({ ...until([outcome.place]), vcpu });
    return null;
  }

  // ---- out of a function by hand

  #searchReturn(phase: WayOutByHand, questions: Questions): ControlStop | null {
    const { last, from } = phase;
    const vcpu = this.#stepped;
    if (last !== null && isReturn(last) && this.#hasReturned(last, from)) {
      return this.#complete(questions);
    }
    if (!phase.asked && questions.here(vcpu)) return BREAKPOINT;
    const instruction = this.#instructionHere();
    phase.last = instruction;
    phase.asked = false;
    if (instruction !== null && isCall(instruction)) {
      this.#begin({ ...this.#untilAfter(instruction), vcpu });
    }
    this.#begin({ ...LEAVE, vcpu });
    return null;
  }
  /** RET is also used to jump; then the stack is no smaller than at the start. IRET may change it. */
  #hasReturned({ row }: Instruction, from: GuestPlace): boolean {
    if (row.meaning === 'iret') return true;
    const released = (placeOf(this.#stepped.cpu).stackPointer - from.stackPointer) & from.stackMask;
    return released !== 0 && released >>> 0 <= from.stackMask >>> 1;
  }

  #instructionHere(): Instruction | null {
    const { cpu } = this.#stepped;
    return new CodeView(cpu).instructionAt(cpu.linearEip);
  }
}

function until(places: readonly GuestPlace[], released = 0): Waiting {
  return { kind: 'until', places, released, asked: false };
}

/** The instruction at CS:EIP has been begun, and is begun anew when the guest goes on. */
function isOfInstruction({ event }: Sighting): boolean {
  return !hasHappened(event.kind) && !(event.kind === 'interrupt' && event.source === 'external');
}

/** The exit came up before the instruction at CS:EIP was begun. */
function isBetweenInstructions({ event }: VmExit): boolean {
  return event.kind === 'external-interrupt' || event.kind === 'interrupt-window';
}
