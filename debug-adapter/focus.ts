/**
 * Which virtual processor a request is about. DAP names it by a thread, by a stack frame of one, or by a
 * variable of one of its frames; memory and disassembly name none and are those of the processor that was
 * named last. So each request first makes the machine look at the one that it names.
 */
import { failure } from './errors.ts';
import type { Guest } from './guest.ts';
import type { IncomingRequest } from './incoming-request.ts';

/** DAP's thread ids begin at 1 because some clients take 0 for none. */
export function threadOf(vcpu: number): number {
  return vcpu + 1;
}

/** Throws the numbered error for a thread that does not exist. */
export async function focus(guest: Guest, request: IncomingRequest): Promise<void> {
  const vcpu = named(guest, request);
  if (vcpu !== null) await guest.look(vcpu);
}

function named(guest: Guest, request: IncomingRequest): number | null {
  const { raw } = request;
  if (typeof raw !== 'object' || raw === null) return null;
  const { threadId, frameId, variablesReference } = raw as { readonly [name: string]: unknown };
  if (typeof threadId === 'number') {
    const vcpu = threadId - 1;
    const { vcpus } = guest.configuration.machine;
    if (Number.isInteger(vcpu) && vcpu >= 0 && vcpu < vcpus) return vcpu;
    const problem = `there is no thread ${threadId}, they are 1 to ${vcpus}`;
    throw failure('badArgument', { argument: 'threadId', command: request.command, problem });
  }
  if (typeof frameId === 'number') return guest.vcpuOfFrame(frameId);
  return typeof variablesReference === 'number' ? guest.variables.vcpuOf(variablesReference) : null;
}
