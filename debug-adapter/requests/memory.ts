/** Guest memory, linear and guest-physical, while the guest is stopped and while it runs. */
import { decodeBase64, encodeBase64 } from '../host/encoding.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatAddress, formatReference } from '../display/memory-reference.ts';
import type { GuestscopeSession } from '../session.ts';

/** Bytes of one request. */
const MOST_BYTES = 64 * 1024 * 1024;
const TOP = 2 ** 32;

export async function readMemory(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const reference = request.reference('memoryReference');
  const offset = request.integer('offset', 0);
  const count = request.integer('count');
  if (count < 0) throw negative(request, 'count');
  if (count > MOST_BYTES) throw tooLarge(request, count);
  const address = reference.address + offset;
  guest.noteView(reference, offset + count);
  // Below address 0 and above 4 GiB there is nothing.
  const below = Math.min(Math.max(-address, 0), count);
  if (below > 0) return { address: formatAddress(address), unreadableBytes: below };
  const inside = Math.min(count, Math.max(TOP - address, 0));
  if (inside === 0) return { address: formatAddress(address) };
  const { bytes, unreadable } = await guest.machine.call(
    'readMemory',
    reference.space,
    address,
    inside,
  );
  return {
    address: formatAddress(address),
    ...(bytes.length > 0 && { data: encodeBase64(bytes) }),
    ...(unreadable > 0 && { unreadableBytes: unreadable }),
  };
}

export async function writeMemory(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const { machine } = guest;
  const reference = request.reference('memoryReference');
  const { space } = reference;
  const offset = request.integer('offset', 0);
  const address = reference.address + offset;
  const bytes = decodeBase64(request.string('data'));
  if (bytes === null)
    throw failure('badArgument', {
      argument: 'data',
      command: request.command,
      problem: 'it is no base64',
    });
  if (bytes.length > MOST_BYTES) throw tooLarge(request, bytes.length);
  const where = formatReference({ space, address });
  if (address < 0 || address + bytes.length > TOP)
    throw failure('memoryUnwritable', { address: where, problem: 'it is outside the 4 GiB' });
  if (!request.boolean('allowPartial', false)) {
    const present = await machine.call('readMemory', space, address, bytes.length);
    if (present.bytes.length < bytes.length) {
      const hole = formatReference({ space, address: address + present.bytes.length });
      throw failure('memoryUnwritable', { address: hole, problem: 'nothing is mapped there' });
    }
  }
  const bytesWritten = await machine.call('writeMemory', space, address, bytes);
  guest.noteView(reference, offset + bytesWritten);
  request.whenAnswered(() => session.changed());
  return { offset: 0, bytesWritten };
}

function negative(request: IncomingRequest, argument: string) {
  const problem = 'it must not be negative';
  return failure('badArgument', { argument, command: request.command, problem });
}

function tooLarge(request: IncomingRequest, asked: number) {
  return failure('tooLarge', {
    command: request.command,
    asked: `${asked} bytes`,
    limit: `${MOST_BYTES} bytes`,
  });
}
