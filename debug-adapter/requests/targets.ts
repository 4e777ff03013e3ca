/**
 * Where a step may lead and where the guest may be made to go on: DAP's stepInTargets, gotoTargets and
 * goto. A target's id is its linear address.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import { refusal } from '../guest.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { GuestscopeSession } from '../session.ts';
import { addressesOfLine } from './sources.ts';

/** Of the next instruction alone: what it calls, returns to or jumps to, as registers and memory are now. */
export async function stepInTargets(
  { guest }: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.StepInTargetsResponse['body']> {
  const { depth } = guest.frame(request.integer('frameId'));
  const target = depth > 0 ? null : await guest.machine.call('stepTarget');
  if (target === null) return { targets: [] };
  const { kind, linearEip } = target;
  return { targets: [{ id: linearEip, label: `${kind}: ${placeText(guest, linearEip)}` }] };
}

/** Throws the numbered error unless the next instruction leads to the target of a stepIn. */
export async function checkStepTarget(guest: Guest, id: number): Promise<void> {
  const target = await guest.machine.call('stepTarget');
  if (target?.linearEip !== id)
    throw failure('staleReference', { kind: 'step target', reference: formatAddress(id) });
}

/** The places at which the code of a line begins, in a source file or a listing. */
export async function gotoTargets(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.GotoTargetsResponse['body']> {
  const place = await addressesOfLine(session, request, request.integer('line'));
  const targets = place.addresses.map((address) => ({
    id: address,
    label: placeText(session.guest, address),
    line: place.line,
    instructionPointerReference: formatAddress(address),
  }));
  return { targets };
}

/** Sets the next instruction; everything but EIP stays as it is. */
export async function goTo(session: GuestscopeSession, request: IncomingRequest): Promise<void> {
  const address = request.integer('targetId');
  try {
    await session.guest.machine.call('setNextInstruction', address);
  } catch (cause) {
    throw refusal('registerRefused', cause);
  }
  request.whenAnswered(() => session.jumped('goto'));
}

function placeText({ symbols }: Guest, address: number): string {
  const symbol = symbols.describe(address);
  return formatAddress(address) + (symbol === null ? '' : ` <${symbol}>`);
}
