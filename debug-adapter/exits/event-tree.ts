/**
 * Everything that a machine can be stopped at as one tree: group, event, condition. VM exits by reason,
 * KVM's hypercalls by number, and the events of the machine itself; the rows are the emulator's own.
 * launch.json's "breakOn" and guestscope/setEvents name an event by the id that it has here.
 */
import {
  findMachineEvent,
  MACHINE_EVENTS,
  type MachineEventRow,
  whenOf,
} from '../../emulator/debugger/machine-events.ts';
import {
  EXIT_GROUPS,
  EXIT_REASONS,
  exitReasonGap,
} from '../../emulator/hypervisor/exit-reasons.ts';
import type { ExitReason } from '../../emulator/hypervisor/exit-reasons.ts';
import { didYouMean } from '../../emulator/nearest-name.ts';
import { KVM_HYPERCALLS } from '../../emulator/paravirt/kvm-hypercalls.ts';
import type { WantedEvent } from '../breakpoints.ts';
import type { Guest, WrittenConditions } from '../guest.ts';
import type { EventDescription } from '../protocol.ts';

interface TreeRow extends EventDescription {
  readonly group: string;
  /** What the machine is to be told; throws the numbered error for a bad condition. */
  readonly wanted: (guest: Guest, given: WrittenConditions) => WantedEvent;
}

const HYPERCALLS = 'Hypercalls';
const exitGroup = (group: string): string => `VM exits: ${group}`;

function ofEvent(row: MachineEventRow): TreeRow {
  const { name, group, label, summary, example, decode } = row;
  return {
    id: name,
    group,
    label,
    description: summary,
    stops: whenOf(row),
    fields: decode.fields.map(({ name: field, meaning, words }) => ({
      name: `event.${field}`,
      meaning,
      ...(words !== undefined && { words: Object.keys(words) }),
    })),
    ...(example !== null && { example }),
    wanted: (guest, given) => ({ events: [name], ...guest.conditions(given, row) }),
  };
}

function ofExit(row: ExitReason): TreeRow {
  const { name, group, summary, decode } = row;
  const problem = exitReasonGap(row);
  return {
    id: `exit.${name}`,
    group: exitGroup(group),
    label: name,
    description: summary,
    stops: 'before',
    fields: decode.names.map((field) => ({ name: field.name, meaning: field.meaning })),
    ...(problem !== null && { unavailable: problem }),
    wanted: (guest, given) => ({ reasons: [name], ...guest.conditions(given) }),
  };
}

function ofHypercall(name: string, number: number): TreeRow {
  const isCall = `nr == ${number}`;
  return {
    id: `hypercall.${name.replace(/^KVM_HC_/, '')}`,
    group: exitGroup(HYPERCALLS),
    label: `${number} ${name}`,
    description: `The guest has called ${name} of KVM; stops at its VM exit.`,
    stops: 'before',
    fields: ['a0', 'a1', 'a2', 'a3'].map((field, at) => ({
      name: field,
      meaning: ['EBX', 'ECX', 'EDX', 'ESI'][at] ?? '',
    })),
    wanted(guest, given) {
      const own = guest.conditions(given);
      const text = own.condition === undefined ? isCall : `${isCall} && (${own.condition.text})`;
      return { reasons: ['VMCALL'], ...own, condition: guest.parse(text) };
    },
  };
}

/** Machine events first, then exits; hypercalls come behind the exit that they leave by. */
const ROWS: readonly TreeRow[] = [
  ...MACHINE_EVENTS.map(ofEvent),
  ...EXIT_GROUPS.flatMap((group) => [
    ...EXIT_REASONS.filter((row) => row.group === group).map(ofExit),
    ...(group === HYPERCALLS
      ? KVM_HYPERCALLS.map(({ name, number }) => ofHypercall(name, number))
      : []),
  ]),
];

/** The rows by group, each group where its first row stands. */
export function eventTree(): readonly {
  readonly name: string;
  readonly events: readonly EventDescription[];
}[] {
  const groups = new Map<string, EventDescription[]>();
  for (const { group, wanted: _, ...event } of ROWS) {
    groups.set(group, [...(groups.get(group) ?? []), event]);
  }
  return [...groups].map(([name, events]) => ({ name, events }));
}

/** Ids with what they mean, for completion; those that never occur left out. */
export function eventIds(): { readonly [id: string]: string } {
  const rows = ROWS.filter(({ unavailable }) => unavailable === undefined);
  return Object.fromEntries(rows.map(({ id, description }) => [id, description]));
}

/** What is wanted by an id; a problem for one that does not exist. Throws for a bad condition. */
export function wantedEvent(guest: Guest, id: string, given: WrittenConditions): WantedEvent {
  const wanted = id.trim().toLowerCase();
  const row = ROWS.find((each) => each.id.toLowerCase() === wanted);
  if (row !== undefined) return row.wanted(guest, given);
  const near = didYouMean(id, ROWS.map((each) => each.id)); // prettier-ignore
  return { problem: `There is no event "${id}".${near}` };
}

/** Several events of the machine with the same fields under one condition. */
export function wantedEvents(
  guest: Guest,
  names: readonly string[],
  given: WrittenConditions,
): WantedEvent {
  const row = names.map(findMachineEvent).find((each) => each !== null) ?? null;
  return { events: names, ...guest.conditions(given, row) };
}
