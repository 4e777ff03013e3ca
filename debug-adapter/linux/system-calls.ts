/**
 * System calls by number: the kernel's own table, sys_call_table, holds a function for each, and the
 * function's symbol is the call's name with a prefix of its calling convention (sys_ of 2.6.20,
 * __ia32_sys_ since 5.7). The table has no length that all kernels tell, so it ends where an entry is no
 * function's beginning.
 */
import { KernelError } from './kernel-memory.ts';
import type { KernelLook } from './kernel-look.ts';

export interface SystemCall {
  readonly number: number;
  /** "read"; "ni_syscall" for numbers that have no call. */
  readonly name: string;
  /** Linear address of the function. */
  readonly address: number;
}

const TABLE = 'sys_call_table';
/** Entries that are looked at in a table of unknown length. */
const MOST_CALLS = 1024;
const PREFIX = /^(__ia32_|__do_|__se_)?(compat_)?sys_/;

/** In the order of their numbers. Throws KernelError where there is no table. */
export async function systemCalls(look: KernelLook): Promise<readonly SystemCall[]> {
  const symbol = look.names.symbol(TABLE);
  if (symbol === null) throw new KernelError(`The kernel has no symbol "${TABLE}".`);
  const most = symbol.size > 0 ? Math.min(symbol.size / 4, MOST_CALLS) : MOST_CALLS;
  const bytes = await look.memory.readable(symbol.address, most * 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % 4));
  const calls: SystemCall[] = [];
  for (let number = 0; number * 4 < view.byteLength; number++) {
    const address = view.getUint32(number * 4, true);
    const name = look.names.describe(address);
    if (name === null || name.includes('+')) break;
    calls.push({ number, name: name.replace(PREFIX, ''), address });
  }
  if (calls.length === 0) throw new KernelError('The kernel’s table of system calls is not in memory yet.'); // prettier-ignore
  return calls;
}
