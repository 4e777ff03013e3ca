/**
 * All breakpoints of a session by who set them: the editor's instruction and function breakpoints, the
 * exception filters, guestscope/setExitBreakpoints, guestscope/setEvents and launch.json. The machine knows
 * lists on instructions, exits, other events and data; each change sends the whole list. An unchanged breakpoint keeps its id and
 * with it the hits that the machine has counted.
 */
import type {
  DataBreakpoint,
  EventBreakpoint,
  ExitBreakpoint,
  InstructionBreakpoint,
} from '../emulator/debug-port.ts';
import type { LogMessage } from '../emulator/debugger/log-message.ts';
import type { ParsedExpression } from '../emulator/expressions/expression.ts';
import {
  exitReasonGap,
  findExitReason,
  unknownExitReason,
} from '../emulator/hypervisor/exit-reasons.ts';
import type { MachineClient } from './machine/machine-client.ts';

export type InstructionSource = 'instruction' | 'function' | `source:${string}` | 'module';
export type EventSource = 'filter' | 'editor' | 'tree' | 'launch' | 'breakOn' | 'image';
/** The adapter's own, which no client knows. */
export type OwnSource = 'image' | 'module';
export type BreakpointSource = InstructionSource | EventSource | 'data';

export interface Conditions {
  /** Whether the place is the one that is meant: code of one address space. */
  readonly where?: ParsedExpression;
  readonly condition: ParsedExpression | undefined;
  readonly hitCondition: string | undefined;
  readonly log: LogMessage | undefined;
}
/** What a client wants, or a sentence why it cannot be had. */
export type WantedInstruction =
  | (Conditions & {
      readonly addresses: readonly number[];
      /** Of each address, where its local variables make them differ. */
      readonly at?: readonly Conditions[];
      readonly isHook?: true;
    })
  | { readonly problem: string };
export type WantedData =
  | (Conditions & Pick<DataBreakpoint, 'space' | 'length' | 'access'> & { readonly start: number })
  | { readonly problem: string };
type Wanted = WantedInstruction | WantedEvent | WantedData;
export type WantedExit =
  | (Conditions & {
      readonly reasons: readonly string[];
      readonly exit?: Pick<ExitBreakpoint, 'hypercall' | 'when' | 'action'>;
    })
  | { readonly problem: string };
/** VM exits by reason, or other events by name. */
export type WantedEvent = WantedExit | (Conditions & { readonly events: readonly string[] });

/** For the client: set, or not and why. */
export interface SetBreakpoint {
  readonly id: number;
  readonly problem: string | null;
}

interface Entry {
  readonly id: number;
  /** Equal for equal wishes. */
  readonly key: string;
  readonly wanted: Wanted;
  /** Ids in the machine; several for a filter on several reasons. */
  readonly machineIds: readonly number[];
  readonly problem: string | null;
}

export interface Hit {
  /** Ids that the client knows. */
  readonly ids: readonly number[];
  readonly sources: readonly BreakpointSource[];
  /** One of them waits for a paravirt hook. */
  readonly isHook: boolean;
}

export class Breakpoints {
  private readonly entries = new Map<BreakpointSource, readonly Entry[]>();
  private nextId = 1;
  /** While it is true, breakpoints keep their ids by their places in a list: only their meaning changes. */
  rebinding = false;
  /** False: they are kept and answered, but none is set in the machine. */
  enabled = true;

  /** Replaces those of one source; answers in the order of `wanted`. */
  async setInstructions(
    machine: MachineClient,
    source: InstructionSource,
    wanted: readonly WantedInstruction[],
  ): Promise<readonly SetBreakpoint[]> {
    this.replace(source, wanted, (wish) => ('addresses' in wish && wish.addresses.length > 0 ? 1 : 0)); // prettier-ignore
    await this.sendInstructions(machine);
    return this.outcomes(source);
  }

  async setEvents(
    machine: MachineClient,
    source: EventSource,
    wanted: readonly WantedEvent[],
  ): Promise<readonly SetBreakpoint[]> {
    const checked = wanted.map(withKnownReasons);
    this.replace(source, checked, (wish) => namesOf(wish).length);
    const entries = this.of(['filter', 'editor', 'tree', 'launch', 'breakOn', 'image']);
    const exits = listOf(entries, 'reasons', exitOf);
    this.note(exits, await machine.call('setExitBreakpoints', exits));
    const events = listOf(entries, 'events', (event): Pick<EventBreakpoint, 'event'> => ({
      event,
    }));
    this.note(events, await machine.call('setEventBreakpoints', events));
    return this.outcomes(source);
  }

  async setData(
    machine: MachineClient,
    wanted: readonly WantedData[],
  ): Promise<readonly SetBreakpoint[]> {
    this.replace('data', wanted, () => 1);
    const list = this.of(['data']).flatMap(({ wanted: wish, machineIds }) => {
      if (!('start' in wish)) return [];
      const { space, start: address, length, access } = wish;
      return machineIds.map((id) => ({
        id,
        space,
        address,
        length,
        access,
        ...conditionsOf(wish),
      }));
    });
    this.note(list, await machine.call('setDataBreakpoints', list));
    return this.outcomes('data');
  }

  /** Who wanted the breakpoints with which the machine has stopped. */
  hit(machineIds: readonly number[]): Hit {
    const ids: number[] = [];
    const sources: BreakpointSource[] = [];
    let isHook = false;
    for (const [source, entries] of this.entries) {
      if (isOwn(source)) continue;
      for (const entry of entries)
        if (entry.machineIds.some((id) => machineIds.includes(id))) {
          ids.push(entry.id);
          sources.push(source);
          isHook ||= 'isHook' in entry.wanted;
        }
    }
    return { ids, sources, isHook };
  }

  /** Whether the adapter's own breakpoint, for a kernel (image-finder.ts) or its modules, is among them. */
  hitsOwn(source: OwnSource, machineIds: readonly number[]): boolean {
    const entries = this.entries.get(source) ?? [];
    return entries.some((entry) => entry.machineIds.some((id) => machineIds.includes(id)));
  }

  private replace(
    source: BreakpointSource,
    wanted: readonly Wanted[],
    machineIdsOf: (wish: Wanted) => number,
  ): void {
    const old = this.entries.get(source) ?? [];
    const before = [...old];
    const entries = wanted.map((wish, index): Entry => {
      const key = JSON.stringify(wish, (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      const kept = before.findIndex((entry) => entry.key === key);
      const [same] = kept < 0 ? [] : before.splice(kept, 1);
      if (same !== undefined) return same;
      const id = (this.rebinding ? old[index]?.id : undefined) ?? this.nextId++;
      const count = 'problem' in wish ? 0 : machineIdsOf(wish);
      const others = Array.from({ length: Math.max(count - 1, 0) }, () => this.nextId++);
      const problem = 'problem' in wish ? wish.problem : null;
      return { id, key, wanted: wish, machineIds: count === 0 ? [] : [id, ...others], problem };
    });
    this.entries.set(source, entries);
  }

  private async sendInstructions(machine: MachineClient): Promise<void> {
    const sources = [...this.entries.keys()].filter(isOnInstructions);
    const list = this.of(sources).flatMap(({ wanted, machineIds }) =>
      'addresses' in wanted
        ? machineIds.flatMap((id) =>
            wanted.addresses.map((address, index) => ({
              id,
              address,
              ...conditionsOf(wanted.at?.[index] ?? wanted),
            })),
          )
        : [],
    );
    this.note(list, await machine.call('setInstructionBreakpoints', list));
  }

  private of(sources: readonly BreakpointSource[]): readonly Entry[] {
    return this.enabled ? sources.flatMap((source) => this.entries.get(source) ?? []) : [];
  }

  /** Keeps what the machine said of each breakpoint that was sent to it. */
  private note(
    sent: readonly { readonly id: number }[],
    problems: readonly (string | null)[],
  ): void {
    const said = new Map<number, string | null>();
    for (const [index, { id }] of sent.entries())
      said.set(id, said.get(id) ?? problems[index] ?? null);
    for (const [source, entries] of this.entries)
      this.entries.set(
        source,
        entries.map((entry) => {
          const asked = entry.machineIds.filter((id) => said.has(id));
          if (asked.length === 0) return entry;
          const problem = asked.map((id) => said.get(id) ?? null).find((text) => text !== null);
          return { ...entry, problem: problem ?? null };
        }),
      );
  }

  /** Of the breakpoints of one source, in their order. */
  outcomes(source: BreakpointSource): readonly SetBreakpoint[] {
    return (this.entries.get(source) ?? []).map(({ id, problem }) => ({ id, problem }));
  }
}

function isOnInstructions(source: BreakpointSource): source is InstructionSource {
  return (
    source === 'instruction' ||
    source === 'function' ||
    source === 'module' ||
    source.startsWith('source:')
  );
}

const isOwn = (source: BreakpointSource): source is OwnSource =>
  source === 'image' || source === 'module';

/** Exit reasons, or names of events. */
function namesOf(wish: Wanted): readonly string[] {
  if ('reasons' in wish) return wish.reasons;
  return 'events' in wish ? wish.events : [];
}

/** Breakpoints of the machine for the wishes of one kind. */
function listOf<Named>(
  entries: readonly Entry[],
  kind: 'reasons' | 'events',
  named: (name: string, wish: Wanted) => Named,
): readonly (Named & { readonly id: number } & ReturnType<typeof conditionsOf>)[] {
  return entries.flatMap(({ wanted, machineIds }) => {
    if (!(kind in wanted) || 'problem' in wanted) return [];
    return namesOf(wanted).flatMap((name, index) => {
      const id = machineIds[index];
      return id === undefined ? [] : [{ id, ...named(name, wanted), ...conditionsOf(wanted) }];
    });
  });
}

type ExitWish = Pick<ExitBreakpoint, 'reason' | 'hypercall' | 'when' | 'action'>;

/** A breakpoint of the machine on one of the reasons. */
function exitOf(reason: string, wish: Wanted): ExitWish {
  return { reason, ...('exit' in wish && wish.exit) };
}

function conditionsOf({
  where,
  condition,
  hitCondition,
  log,
}: Conditions): Pick<InstructionBreakpoint, 'where' | 'condition' | 'hitCondition' | 'log'> {
  return {
    ...(where !== undefined && { where }),
    ...(condition !== undefined && { condition }),
    ...(hitCondition !== undefined && { hitCondition }),
    ...(log !== undefined && { log }),
  };
}

/** Reasons by the machine's own names; a problem for one that is unknown or never occurs. */
function withKnownReasons(wish: WantedEvent): WantedEvent {
  if (!('reasons' in wish)) return wish;
  const reasons: string[] = [];
  for (const text of wish.reasons) {
    const reason = text.trim() === '*' ? '*' : findExitReason(text);
    if (reason === null) return { problem: unknownExitReason(text) };
    const gap = reason === '*' ? null : exitReasonGap(reason);
    if (gap !== null) return { problem: gap };
    reasons.push(reason === '*' ? '*' : reason.name);
  }
  return { ...wish, reasons };
}
