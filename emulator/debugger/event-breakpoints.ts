/**
 * Breakpoints on events of the machine (machine-events.ts): which kinds the processors have to show, and
 * which breakpoints an event meets. Conditions are evaluated here, in the midst of the run, so that one
 * that does not hold costs no more than itself.
 */
import type { Cpu } from '../cpu/cpu.ts';
import type { EventBreakpoint } from '../debug-port.ts';
import type { EventKind, Sighting } from '../event-watch.ts';
import { hasHappened } from '../event-watch.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import type { EventRecord } from '../stop-reason.ts';
import { type Compiled, compile, type Meeting, stops } from './breakpoints.ts';
import type { DecodedEvent } from './event-decoders.ts';
import { eventExpressionNames } from './expression-names.ts';
import { faultLinks } from './fault-chain.ts';
import { findMachineEvent, type MachineEventRow, unknownMachineEvent } from './machine-events.ts';

interface CompiledEvent extends Compiled {
  readonly row: MachineEventRow;
}

/** An event at which the machine has stopped. */
export interface StoppedEvent {
  readonly ids: readonly number[];
  /** Of the first breakpoint that wanted it. */
  readonly row: MachineEventRow;
  readonly decoded: DecodedEvent;
  readonly sighting: Sighting;
}

export class EventBreakpoints {
  #all: readonly CompiledEvent[] = [];

  /** Replaces all; throws ExpressionError for an unknown event or a bad condition. */
  set(breakpoints: readonly EventBreakpoint[]): void {
    this.#all = breakpoints.map((breakpoint) => {
      const row = findMachineEvent(breakpoint.event);
      if (row === null) throw new ExpressionError(unknownMachineEvent(breakpoint.event), 0);
      return { ...compile(breakpoint, eventExpressionNames(row)), row };
    });
  }
  /** What the processors have to show. */
  get kinds(): ReadonlySet<EventKind> {
    return new Set(this.#all.flatMap(({ row }) => row.decode.kinds));
  }

  /** Those that want to stop at an event; null: none does. */
  hit(
    sighting: Sighting,
    cpu: Cpu,
    meeting: (event: DecodedEvent) => Meeting,
  ): StoppedEvent | null {
    const met = this.#all.flatMap((each): readonly StoppedEvent[] => {
      const { row, id } = each;
      const decoded = row.decode.decode(sighting.event, sighting, cpu);
      if (decoded === null || !stops(each, meeting(decoded))) return [];
      return [{ row, decoded, sighting, ids: [id] }];
    });
    const [first] = met;
    return met.length === 0 ? null : { ...first, ids: met.flatMap(({ ids }) => ids) };
  }
}

/** The row of a stop. @param position instructions that the machine has retired */
export function describeEvent(
  { row, decoded, sighting }: StoppedEvent,
  vcpu: number,
  position: number,
): EventRecord {
  const { event, eip, linearEip, cpl } = sighting;
  return {
    name: row.name,
    ...decoded,
    when: hasHappened(event.kind) ? 'after' : 'before',
    position,
    rip: eip,
    linearRip: linearEip,
    cpl,
    vcpu,
    chain: faultLinks(sighting),
  };
}
