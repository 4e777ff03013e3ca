/**
 * Linux's circular lists (struct list_head), as deep as they are sound: a guest's memory may hold anything,
 * so a list that leads in a circle, into nothing, or on for ever ends with a sentence instead.
 */
import { formatAddress } from '../display/memory-reference.ts';
import { describeFailure } from '../errors.ts';
import { KernelError, type KernelMemory } from './kernel-memory.ts';

/** What a walk has found, and why it ended before its end, or null. */
export interface Found<Row> {
  readonly rows: readonly Row[];
  readonly problem: string | null;
}

/** Nodes of a list at most; a guest has fewer tasks and modules. */
const MOST_NODES = 32_768;

/** Addresses of the nodes, without the head. @param head address of the list_head that the list hangs on */
export async function listNodes(
  memory: KernelMemory,
  head: number,
  most = MOST_NODES,
): Promise<Found<number>> {
  const seen = new Set<number>([head]);
  const rows: number[] = [];
  let previous = head;
  for (;;) {
    let node: number;
    try {
      node = await memory.pointer(previous);
    } catch (cause) {
      return { rows, problem: brokenAt(previous, describeKernelError(cause)) };
    }
    if (node === head) return { rows, problem: null };
    if (seen.has(node)) return { rows, problem: brokenAt(previous, 'It leads in a circle.') };
    if (rows.length >= most)
      return { rows, problem: `The list has more than ${most} entries; the rest is left out.` };
    seen.add(node);
    rows.push(node);
    previous = node;
  }
}

const brokenAt = (node: number, why: string): string =>
  `The list is damaged after the entry at ${formatAddress(node)}: ${why}`;

/** The sentence of what was found wrong with the guest; throws anything else on. */
export function describeKernelError(cause: unknown): string {
  if (cause instanceof KernelError) return describeFailure(cause);
  throw cause;
}
