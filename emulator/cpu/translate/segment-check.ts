/** The check of offsets against a segment cache (SDM vol. 3, 5.3 "Limit checking", 5.4 "Type checking"). */
import type { FunctionBody, Local } from '../../wasm/assembler.ts';
import * as L from '../layout.ts';

/**
 * Pushes whether offsets `first` to `last` are not all in the segment, or may not be read or written.
 * @param vcpu where the vCPU block begins.
 * @param segment local with the offset of the segment cache in that block.
 */
export function emitOutsideSegment(
  body: FunctionBody,
  vcpu: number,
  segment: Local,
  { first, last, write }: { readonly first: Local; readonly last: Local; readonly write: boolean },
): void {
  body
    .get(first)
    .get(segment)
    .load(vcpu + L.SEG_LOW)
    .op('ltU');
  body
    .get(last)
    .get(segment)
    .load(vcpu + L.SEG_HIGH)
    .op('gtU')
    .op('or');
  body.get(last).get(first).op('ltU').op('or');
  body
    .get(segment)
    .load(vcpu + L.SEG_ABILITY)
    .i32(write ? 2 : 1)
    .op('and')
    .op('eqz')
    .op('or');
}
