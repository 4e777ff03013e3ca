/**
 * Breakpoints on data: what can be watched of a variable, an expression or an address, and setting them.
 * A data id says all that the machine needs, "linear:0xc0100000:4", so it stays good from one session to
 * the next.
 *
 * The mode "debug-register" has the limits of DR0 to DR3 (SDM vol. 3, 17.2.4), for whoever wants to see
 * what a processor's own breakpoints can do: four at most, of 1, 2 or 4 aligned bytes, on writes or on
 * reads and writes. It takes none of the guest's debug registers: the machine watches beside them, the
 * guest cannot see it, and keeps all four with their #DB.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { MemoryPlace } from '../../emulator/debug-port.ts';
import type { WantedData } from '../breakpoints.ts';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import type { IncomingRequest, RequestArguments } from '../incoming-request.ts';
import { formatReference, parseReference } from '../display/memory-reference.ts';
import type { GuestscopeSession } from '../session.ts';
import { answer, asWritten, attempt } from './breakpoints.ts';
import { itemOf, rowOf } from '../typed/value-rows.ts';
import { frameIdOf } from './evaluate.ts';
import { rowNamed } from './variables.ts';

export const BREAKPOINT_MODES: readonly DebugProtocol.BreakpointMode[] = [
  {
    mode: 'linear',
    label: 'Linear address',
    description: 'Watches a linear address, in whatever address space it is accessed.',
    appliesTo: ['data'],
  },
  {
    mode: 'physical',
    label: 'Guest-physical address',
    description: 'Watches guest-physical memory, through whatever linear address it is accessed.',
    appliesTo: ['data'],
  },
  {
    mode: 'debug-register',
    label: 'As by a debug register',
    description:
      'Watches a linear address with the limits of DR0 to DR3: four at most, 1, 2 or 4 aligned bytes, writes or all accesses. The guest keeps its own debug registers.',
    appliesTo: ['data'],
  },
];

const DEBUG_REGISTER = 'debug-register';
const DATA_ID = /^(linear|physical|debug-register):(0x[0-9a-f]+):(\d{1,7})$/;
const DEBUG_REGISTERS = 4;
/** Bytes watched where nothing says how many. */
const DEFAULT_BYTES = 4;

export async function dataBreakpointInfo(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.DataBreakpointInfoResponse['body']> {
  const { guest } = session;
  const name = request.string('name');
  const place = await placeNamed(guest, request, name);
  if (place === null)
    return { dataId: null, description: `${name} does not lie in memory: nothing to watch` };
  const wanted = request.optionalString('mode');
  const { space, address } =
    wanted === 'physical' && place.space === 'linear' ? await physicalOf(guest, place) : place;
  const length = Math.max(request.integer('bytes', place.length), 1);
  const reference = formatReference({ space, address });
  const asRegister = wanted === DEBUG_REGISTER;
  const problem = asRegister ? registerProblem(space, address, length) : null;
  if (problem !== null) return { dataId: null, description: `${reference}: ${problem}` };
  return {
    dataId: `${asRegister ? DEBUG_REGISTER : space}:0x${address.toString(16)}:${length}`,
    description: `${length} byte${length === 1 ? '' : 's'} at ${reference}`,
    accessTypes: asRegister ? ['write', 'readWrite'] : ['write', 'read', 'readWrite'],
    canPersist: true,
  };
}

/** Why a debug register cannot watch a place, as the end of a sentence; null: it can. */
function registerProblem(space: string, address: number, length: number): string | null {
  if (space === 'physical') return 'a debug register watches linear addresses, not physical ones.';
  if (![1, 2, 4].includes(length))
    return `a debug register watches 1, 2 or 4 bytes, not ${length}; use the mode "linear".`;
  return address % length === 0
    ? null
    : `a debug register watches ${length} bytes at a multiple of ${length}; use the mode "linear".`;
}

/** Where the name of a variable, an expression, or an address as a person writes it lies. */
async function placeNamed(
  guest: Guest,
  request: IncomingRequest,
  name: string,
): Promise<MemoryPlace | null> {
  if (request.boolean('asAddress', false)) return { ...(await address(guest, name)), length: DEFAULT_BYTES };
  const reference = request.integer('variablesReference', 0);
  if (reference > 0) {
    const row = await rowNamed(guest.variables.find(reference), name, { hex: true });
    return row?.place ?? null;
  }
  await guest.select(frameIdOf(request));
  const typed = guest.understand(name);
  if (typed.kind === 'plain') return guest.placeOf({ text: name, syntax: typed.syntax });
  if (typed.kind === 'value') return null;
  const row = await rowOf(itemOf(name, typed), guest.program.view(), { hex: true });
  return row.place ?? null;
} // prettier-ignore

async function address(guest: Guest, text: string): Promise<Omit<MemoryPlace, 'length'>> {
  if (text.startsWith('phys:')) return parseReference(text);
  return { space: 'linear', address: (await guest.evaluateNumber(text)) >>> 0 };
}

async function physicalOf(guest: Guest, place: MemoryPlace): Promise<MemoryPlace> {
  const physical = await guest.machine.call('translate', place.address);
  if (physical === null) {
    const problem = `${formatReference(place)} is not mapped, so it has no physical address.`;
    throw failure('machineRefused', { problem });
  }
  return { ...place, space: 'physical', address: physical };
}

export async function setDataBreakpoints(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.SetDataBreakpointsResponse['body']> {
  const { guest } = session;
  const given = request.list('breakpoints');
  let registers = 0;
  const wanted = given.map((each) =>
    attempt((): WantedData => {
      const asked = data(guest, each);
      const asRegister = each.string('dataId').startsWith(DEBUG_REGISTER);
      if (!asRegister || 'problem' in asked || ++registers <= DEBUG_REGISTERS) return asked;
      return { problem: 'All four debug registers are taken; use the mode "linear".' };
    }),
  );
  const set = await guest.breakpoints.setData(guest.machine, wanted);
  return { breakpoints: set.map((breakpoint) => answer(breakpoint, undefined)) };
}

function data(guest: Guest, given: RequestArguments): WantedData {
  const dataId = given.string('dataId');
  const [, space, start, length] = DATA_ID.exec(dataId) ?? [];
  if (start === undefined) {
    const problem = `"${dataId}" is no data id; ask dataBreakpointInfo for one`;
    throw failure('badArgument', { argument: 'dataId', command: given.command, problem });
  }
  const access = given.optionalString('accessType') ?? 'write';
  if (access !== 'read' && access !== 'write' && access !== 'readWrite') {
    const problem = 'it is read, write or readWrite';
    throw failure('badArgument', { argument: 'accessType', command: given.command, problem });
  }
  if (space === DEBUG_REGISTER) {
    const problem = registerProblem('linear', Number(start), Number(length));
    if (problem !== null) return { problem: `0x${Number(start).toString(16)}: ${problem}` };
    if (access === 'read')
      return { problem: 'A debug register watches writes, or reads and writes; not reads alone.' };
  }
  return {
    space: space === 'physical' ? 'physical' : 'linear',
    start: Number(start),
    length: Number(length),
    access,
    ...guest.conditions(asWritten(given)),
  };
}
