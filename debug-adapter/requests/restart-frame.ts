/** DAP's restartFrame: execution goes on at the entry of a frame's function, as its caller has called it. */
import type { CallFrame } from '../call-stack/call-frame.ts';
import { planRestart, type NoRestart, type Restart } from '../call-stack/frame-restart.ts';
import { failure } from '../errors.ts';
import { type Guest, refusal } from '../guest.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';

/** @param frames the stack down to the frame's caller at least */
export function restartOf(
  guest: Guest,
  frame: CallFrame,
  frames: readonly CallFrame[],
): Promise<Restart | NoRestart> {
  const read = async (address: number, count: number): Promise<Uint8Array> =>
    (await guest.machine.call('readMemory', 'linear', address, count)).bytes;
  return planRestart(frame, frames, { files: guest.files, read });
}

export async function restartFrame(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<void> {
  const { guest } = session;
  const id = request.integer('frameId');
  const asked = guest.frame(id);
  // registers may have been written since the frame was shown
  const frames = await guest.stack(asked.depth + 2);
  const frame = frames.find(({ depth, isInlined }) => depth === asked.depth && isInlined === asked.isInlined); // prettier-ignore
  if (frame?.linearEip !== asked.linearEip || frame.cfa !== asked.cfa)
    throw failure('staleReference', { kind: 'stack frame', reference: String(id) });
  const restart = await restartOf(guest, frame, frames);
  if ('problem' in restart) throw failure('frameNotRestarted', { ...restart });
  await perform(guest, restart);
  request.whenAnswered(() => session.jumped('restart'));
}

/** Everything is read before the first register is written. */
async function perform(guest: Guest, { entry, registers }: Restart): Promise<void> {
  const values = new Map<string, bigint>();
  for (const [name, syntax] of registers) {
    const value = await guest.evaluateParsed({ text: name, syntax });
    if (value.kind === 'integer') values.set(name, BigInt.asUintN(32, value.value));
  }
  for (const [name, value] of values) await guest.writeRegister(name, Number(value));
  try {
    await guest.machine.call('setNextInstruction', entry);
  } catch (cause) {
    throw refusal('registerRefused', cause);
  }
}
