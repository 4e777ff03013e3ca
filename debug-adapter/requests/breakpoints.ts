/**
 * Setting breakpoints, each request for one kind and always the whole list of it. A breakpoint that
 * cannot be set is answered as unverified with the reason, never silently dropped.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type {
  InstructionSource,
  SetBreakpoint,
  WantedEvent,
  WantedExit,
  WantedInstruction,
} from '../breakpoints.ts';
import { placeBehindPrologue } from '../call-stack/function-entry.ts';
import { AdapterError, failure } from '../errors.ts';
import { wantedExit } from '../exits/exit-wish.ts';
import { eventTree, wantedEvent, wantedEvents } from '../exits/event-tree.ts';
import { findFilter } from '../exits/exception-filters.ts';
import type { Guest, WrittenConditions } from '../guest.ts';
import type { IncomingRequest, RequestArguments } from '../incoming-request.ts';
import { formatAddress, parseReference } from '../display/memory-reference.ts';
import type {
  BreakpointOutcome,
  EventsBody,
  EventSelection,
  EventSetting,
  SetEventsBody,
  SetExitBreakpointsBody,
} from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';
import type { CodePlace } from '../symbols/address-space.ts';

export const setInstructionBreakpoints = onInstructions('instruction', (guest, given) =>
  instruction(guest, given, addressOf(given)),
);

/** A function by its name or address, or a paravirt hook, whose operation is performed at many places. */
export const setFunctionBreakpoints = onInstructions('function', async (guest, given) => {
  const name = given.string('name');
  const hook = await guest.hooks.find(name);
  if (hook === null) return atPlaces(guest, given, functionPlaces(guest, name));
  const addresses = await guest.hooks.addressesOf(hook);
  return { addresses, isHook: true, ...guest.conditionsAt(addresses, asWritten(given)) };
});

/** A handler for breakpoints on instructions, which are found so. */
function onInstructions(
  source: InstructionSource,
  find: (guest: Guest, given: RequestArguments) => WantedInstruction | Promise<WantedInstruction>,
) {
  return async (session: GuestscopeSession, request: IncomingRequest): Promise<unknown> => {
    const { guest } = session;
    const wanted: WantedInstruction[] = [];
    for (const given of request.list('breakpoints'))
      wanted.push(await attemptLater(async () => find(guest, given)));
    const set = await guest.breakpoints.setInstructions(guest.machine, source, wanted);
    return { breakpoints: set.map((breakpoint, index) => answer(breakpoint, wanted[index])) };
  };
}

/** The checkboxes of the editor's breakpoint view; each may bring a condition. */
export async function setExceptionBreakpoints(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const plain = request.strings('filters').map((filter) => ({ filter, condition: undefined }));
  const withOptions = request.list('filterOptions').map((given) => ({
    filter: given.string('filterId'),
    condition: given.optionalString('condition'),
  }));
  const wanted = [...plain, ...withOptions].map(({ filter, condition }) =>
    attempt((): WantedEvent => {
      const row = findFilter(filter);
      if (row === null) return { problem: `There is no exception filter "${filter}".` };
      if ('events' in row) return wantedEvents(guest, row.events, { condition });
      const reasons = row.reasons === '*' ? ['*'] : row.reasons;
      return { reasons, ...guest.conditions({ condition }) };
    }),
  );
  const set = await guest.breakpoints.setEvents(guest.machine, 'filter', wanted);
  return { breakpoints: set.map((breakpoint) => answer(breakpoint, undefined)) };
}

export async function setExitBreakpoints(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<SetExitBreakpointsBody> {
  const { guest } = session;
  const wanted = request.list('breakpoints').map((given) => {
    const written = {
      ...asWritten(given),
      reason: given.optionalString('reason'),
      hypercall: given.optionalString('hypercall'),
      when: given.optionalString('when'),
      action: given.optionalString('action'),
    };
    return attempt((): WantedExit => wantedExit(guest, written));
  });
  const set = await guest.breakpoints.setEvents(guest.machine, 'editor', wanted);
  return { breakpoints: set.map(outcome) };
}

function outcome({ id, problem }: SetBreakpoint): BreakpointOutcome {
  return { id, verified: problem === null, ...(problem !== null && { message: problem }) };
}

/** The tree of events with what is set on each. */
export function events(session: GuestscopeSession): Promise<EventsBody> {
  const { guest } = session;
  const launched = guest.configuration.breakOn;
  const groups = eventTree().map(({ name, events: rows }) => ({
    name,
    events: rows.map((event) => ({
      ...event,
      set: [
        ...settings(launched, 'launch', event.id, guest.breakpoints.outcomes('breakOn')),
        ...settings(guest.selections, 'client', event.id, guest.breakpoints.outcomes('tree')),
      ],
    })),
  }));
  return Promise.resolve({ groups });
}

/** What is set on one event of the tree. */
function settings(
  selections: readonly EventSelection[],
  by: EventSetting['by'],
  id: string,
  outcomes: readonly SetBreakpoint[],
): readonly EventSetting[] {
  return selections.flatMap(({ event, condition, hitCondition, logMessage }, index) => {
    const set = outcomes[index];
    if (set === undefined || event.trim().toLowerCase() !== id.toLowerCase()) return [];
    return [
      {
        by,
        ...outcome(set),
        ...(condition !== undefined && { condition }),
        ...(hitCondition !== undefined && { hitCondition }),
        ...(logMessage !== undefined && { logMessage }),
      },
    ];
  });
}

export async function setEvents(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<SetEventsBody> {
  const { guest } = session;
  const selections = request.list('events').map((given) => {
    const { condition, hitCondition, logMessage } = asWritten(given);
    return {
      event: given.string('event'),
      ...(condition !== undefined && { condition }),
      ...(hitCondition !== undefined && { hitCondition }),
      ...(logMessage !== undefined && { logMessage }),
    };
  });
  const wanted = selections.map((selection) =>
    attempt((): WantedEvent => wantedEvent(guest, selection.event, selection)),
  );
  const set = await guest.breakpoints.setEvents(guest.machine, 'tree', wanted);
  guest.selections = selections;
  return { breakpoints: set.map(outcome) };
}

function instruction(guest: Guest, given: RequestArguments, address: number): WantedInstruction {
  if (address < 0 || address > 0xffffffff)
    return { problem: `${formatAddress(address)} is outside the 4 GiB of linear addresses.` };
  return { addresses: [address], ...guest.conditionsAt([address], asWritten(given)) };
}

/** @param places of a function or a line */
export function atPlaces(
  guest: Guest,
  given: RequestArguments,
  places: readonly CodePlace[],
): WantedInstruction {
  const addresses = places.map(({ address }) => address);
  return { addresses, ...guest.conditionsAtPlaces(places, asWritten(given)) };
}

export function asWritten(given: RequestArguments): WrittenConditions {
  return {
    condition: given.optionalString('condition'),
    hitCondition: given.optionalString('hitCondition'),
    logMessage: given.optionalString('logMessage'),
  };
}

function addressOf(given: RequestArguments): number {
  const { space, address } = given.reference('instructionReference');
  if (space === 'physical')
    throw failure('badArgument', {
      argument: 'instructionReference',
      command: given.command,
      problem: 'breakpoints are set on linear addresses',
    });
  return address + given.integer('offset', 0);
}

/** Behind the prologue of the functions that a symbol names, or at an address as in "*0xc0100000". */
function functionPlaces(guest: Guest, name: string): readonly CodePlace[] {
  const text = name.trim();
  const places = guest.symbols.placesOf(text);
  if (places.length > 0) return places.map((place) => placeBehindPrologue(guest.files, place));
  const written = /^\*?\s*(0x[0-9a-f]{1,8})$/i.exec(text)?.[1];
  if (written !== undefined) return [{ address: parseReference(written).address, space: null }];
  throw failure('noSymbol', { name: text });
}

/** What is wrong with one breakpoint must not lose the others. */
export function attempt<Wanted>(make: () => Wanted): Wanted | { readonly problem: string } {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof AdapterError) return { problem: cause.message };
    throw cause;
  }
}

/** As attempt, for what takes its time. */
async function attemptLater<Wanted>(
  make: () => Promise<Wanted>,
): Promise<Wanted | { readonly problem: string }> {
  try {
    return await make();
  } catch (cause) {
    return attempt(() => {
      throw cause;
    });
  }
}

export function answer(
  { id, problem }: SetBreakpoint,
  wanted: WantedInstruction | undefined,
): DebugProtocol.Breakpoint {
  const first = wanted !== undefined && 'addresses' in wanted ? wanted.addresses[0] : undefined;
  return {
    id,
    verified: problem === null,
    ...(problem !== null && { message: problem }),
    ...(first !== undefined && { instructionReference: formatAddress(first) }),
  };
}
