/**
 * The chain of exceptions that led to one, or to a triple fault: each came up while the one before it was
 * being delivered (SDM vol. 3, 6.15 "Interrupt 8"). An interrupt whose delivery failed stands at the head.
 */
import type { FaultRecord } from '../cpu/processor.ts';
import { VECTOR } from '../cpu/processor.ts';
import type { Sighting } from '../event-watch.ts';
import { hex, vectorName } from '../hypervisor/exit-decoders.ts';
import type { FaultLink } from '../stop-reason.ts';

export function faultLink({ vector, errorCode, eip, cr2 }: FaultRecord): FaultLink {
  const name = vectorName(vector);
  return { name, vector, errorCode, eip, cr2: vector === VECTOR.PF ? cr2 : null };
}

/** Of an event that is no exception: none. */
export function faultLinks({ event, vectoring, chain, eip }: Sighting): readonly FaultLink[] {
  const head: FaultLink[] =
    vectoring === null || vectoring.type === 'exception' || chain.length > 0
      ? []
      : [
          {
            name: `interrupt ${hex(vectoring.vector)}`,
            vector: vectoring.vector,
            errorCode: null,
            eip,
            cr2: null,
          },
        ];
  const before = [...head, ...chain.map(faultLink)];
  if (event.kind === 'triple-fault') {
    return [...before, { name: 'triple fault', vector: null, errorCode: null, eip, cr2: null }];
  }
  if (event.kind !== 'exception') return [];
  const { vector, errorCode, qualification } = event;
  return [...before, faultLink({ vector, errorCode, eip, cr2: qualification >>> 0 })];
}
