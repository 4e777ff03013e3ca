/**
 * A debugger's eye on the events of one processor (cpu/exit-hook.ts): which kinds it waits for, whether it
 * stops, and how the guest goes on from there. While nothing is armed it costs one comparison where an
 * event is offered anyway; emitted code knows nothing of it.
 *
 * An event that is still to come is *held*: the processor abandons it with nothing committed, as if it had
 * left the guest, and when the guest goes on its instruction is executed anew, or its delivery begun anew.
 * Then the same event comes up again and passes, since it has been seen at this place. An event that has
 * happened within an instruction is *noted*, and looked at when the instruction is complete.
 *
 * Not held: exceptions that a task switch raises in the new task; the old one cannot be gone back to.
 */
import type { Cpu } from './cpu/cpu.ts';
import type { MachineEvent, ModeWord } from './cpu/exit-hook.ts';
import type { FaultRecord, VectoredEvent } from './cpu/processor.ts';
import { CR0, CR4 } from './cpu/state.ts';

export type EventKind = MachineEvent['kind'];

/** The kinds that are told once they have happened. */
const HAPPENED: ReadonlySet<EventKind> = new Set<EventKind>([
  'port-read',
  'mode-change',
  'init',
  'start-up',
]);
export const hasHappened = (kind: EventKind): boolean => HAPPENED.has(kind);

/** An event as it was seen. */
export interface Sighting {
  readonly event: MachineEvent;
  /** Bytes of its instruction, 0 where it is not one. */
  readonly length: number;
  /** The event during whose delivery it came up, or null. */
  readonly vectoring: VectoredEvent | null;
  /** Exceptions of that delivery before it. */
  readonly chain: readonly FaultRecord[];
  readonly eip: number;
  /** CS base + EIP. */
  readonly linearEip: number;
  readonly cpl: number;
  /** Instructions that the processor has retired. */
  readonly retired: number;
}

/** Asked once for each event of an armed kind: whether to stop. */
export type EventObserver = (sighting: Sighting) => boolean;

interface Arming {
  readonly kinds: ReadonlySet<EventKind>;
  readonly observe: EventObserver;
}

/** Events noted in one instruction. */
const MOST_NOTES = 64;

export class EventWatch {
  readonly #leave: () => void;
  #cpu: Cpu | null = null;
  #armed: Arming | null = null;
  /** Seen where the processor stands. */
  #seen: Sighting[] = [];
  #noted: Sighting[] = [];
  #held: Sighting | null = null;
  #mode: ModeWord | null = null;
  #modeChanged = false;

  /** @param leave makes the processor return at the next boundary */
  constructor(leave: () => void) {
    this.#leave = leave;
  }
  /** Once; the processor is built with the hook that has this. */
  attach(cpu: Cpu): void {
    this.#cpu = cpu;
  }

  /** Replaces what is armed; null: nothing. What is held stays so. */
  arm(kinds: ReadonlySet<EventKind>, observe: EventObserver): void {
    this.#armed = kinds.size === 0 ? null : { kinds, observe };
    this.#noted = [];
    this.#modeChanged = false;
    this.#mode = kinds.has('mode-change') && this.#cpu !== null ? modeOf(this.#cpu) : null;
  }
  waitsFor(kind: EventKind): boolean {
    return this.#armed?.kinds.has(kind) === true;
  }

  // ---- events to come

  /** Whether to stop before an event. */
  stopsBefore(event: MachineEvent, length: number): boolean {
    const armed = this.#armed;
    const cpu = this.#cpu;
    if (armed === null || cpu === null || !armed.kinds.has(event.kind)) return false;
    const sighting = sightingOf(cpu, event, length);
    if (!this.#isNew(sighting) || this.#inNewTask()) return false;
    this.#seen.push(sighting);
    if (!armed.observe(sighting)) return false;
    this.#held = sighting;
    return true;
  }
  /** An instruction that is executed again brings its events again. */
  #isNew(sighting: Sighting): boolean {
    this.#forgetElsewhere(sighting);
    return !this.#seen.some((each) => isSame(each, sighting));
  }
  #forgetElsewhere({ retired, linearEip }: { retired: number; linearEip: number }): void {
    const [first] = this.#seen;
    if (first?.retired !== retired || first.linearEip !== linearEip) this.#seen = [];
  }
  /** A task switch was seen at this instruction: what follows is of the new task. */
  #inNewTask(): boolean {
    return this.#seen.some(({ event }) => event.kind === 'task-switch');
  }

  /** The event before which it has stopped and which has not come since. */
  get held(): Sighting | null {
    return this.#held;
  }
  /** The guest goes on from where the processor stands now. */
  release(): Sighting | null {
    const held = this.#held;
    this.#held = null;
    if (this.#cpu !== null) this.#forgetElsewhere(this.#cpu);
    return held;
  }

  // ---- events that have happened

  note(event: MachineEvent): void {
    if (this.#cpu === null || !this.waitsFor(event.kind) || this.#noted.length >= MOST_NOTES)
      return;
    this.#noted.push(sightingOf(this.#cpu, event, 0));
    this.#leave();
  }
  noteMode(): void {
    if (this.#mode === null || this.#modeChanged) return;
    this.#modeChanged = true;
    this.#leave();
  }
  /** What has happened and wants to stop now, between two instructions; null: nothing. */
  take(): Sighting | null {
    if (this.#noted.length === 0 && !this.#modeChanged) return null;
    const noted = [...this.#noted, ...this.#modeChange()];
    this.#noted = [];
    const { observe } = this.#armed ?? {};
    // each is asked, so that its hits count and its messages are printed
    const stopping = noted.filter((sighting) => observe?.(sighting) === true);
    return stopping.at(0) ?? null;
  }
  #modeChange(): readonly Sighting[] {
    const before = this.#mode;
    const cpu = this.#cpu;
    if (!this.#modeChanged || before === null || cpu === null) return [];
    this.#modeChanged = false;
    const after = modeOf(cpu);
    this.#mode = after;
    return equal(before, after) ? [] : [sightingOf(cpu, { kind: 'mode-change', before, after }, 0)];
  }
}

function sightingOf(cpu: Cpu, event: MachineEvent, length: number): Sighting {
  const { state, linearEip, retired, vectoring } = cpu;
  const chain = event.kind === 'exception' || event.kind === 'triple-fault' ? cpu.faultChain : [];
  return {
    event, length, vectoring, chain: [...chain], eip: state.eip, linearEip, cpl: state.cpl, retired,
  }; // prettier-ignore
}

function modeOf({ state }: Cpu): ModeWord {
  return {
    protectedMode: state.protectedMode,
    v86: state.v86,
    paging: (state.cr(0) & CR0.PG) !== 0,
    pae: (state.cr(4) & CR4.PAE) !== 0,
    cpl: state.cpl,
    cr3: state.cr(3),
  };
}

/** The same event, come up in the same delivery. */
function isSame(one: Sighting, other: Sighting): boolean {
  return one.vectoring?.vector === other.vectoring?.vector && equal(one.event, other.event);
}

/** Member by member; both have the same ones. */
function equal(one: object, other: object): boolean {
  const values = new Map<string, unknown>(Object.entries(other));
  return Object.entries(one).every(([name, value]) => values.get(name) === value);
}
