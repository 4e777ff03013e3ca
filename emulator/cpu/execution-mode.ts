/**
 * What segment caches and control registers mean for the code that runs now (SDM vol. 3, 3.4.5 "Segment
 * descriptors", 4.1 "Paging modes and control bits"): the mode that blocks are translated for, the
 * window of CS that code is fetched through, and the rules of the page walk. All of it is derived, and
 * derived anew when the processor says that a mode changed; nothing here is state of its own.
 */
import type { CpuModel } from './cpu-model.ts';
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';
import { WALK_MODE } from './paging.ts';
import { CR0, CR4, FLAG, RIGHTS, type CpuState } from './state.ts';
import { MODE } from './translate/translator.ts';

/** EFER.NXE. */
const NXE = 1 << 11;
const FLAT_SEGMENTS: readonly SegmentIndex[] = [L.SEGMENT.DS, L.SEGMENT.ES, L.SEGMENT.SS];

/** The mode of translated code, and the segment that it comes from. */
export class ExecutionMode {
  /** MODE bits. */
  bits = 0;
  csBase = -1;
  csLimit = -1;

  /** 4 or 2: operand and address size without prefixes. */
  get defaultSize(): 2 | 4 {
    return (this.bits & MODE.CODE32) !== 0 ? 4 : 2;
  }
}

/** MODE bits of the present segments and privilege. */
export function modeBits(state: CpuState): number {
  let mode = (state.segment(L.SEGMENT.CS).rights & RIGHTS.DB) !== 0 ? MODE.CODE32 : 0;
  if ((state.segment(L.SEGMENT.SS).rights & RIGHTS.DB) !== 0) mode |= MODE.STACK32;
  if ((mode & MODE.STACK32) !== 0 && FLAT_SEGMENTS.every((segment) => isFlat(state, segment))) {
    mode |= MODE.FLAT;
  }
  if (state.cpl === 3) mode |= MODE.USER;
  return mode;
}

/** Readable and writable from 0 to 4 GiB: needs no check at all. */
function isFlat({ u32 }: CpuState, segment: SegmentIndex): boolean {
  const at = (L.SEGMENTS + segment * L.SEGMENT_SIZE) >> 2;
  return (
    u32[at + (L.SEG_BASE >> 2)] === 0 && u32[at + (L.SEG_LOW >> 2)] === 0 &&
    u32[at + (L.SEG_HIGH >> 2)] === 0xffffffff && (u32[at + (L.SEG_ABILITY >> 2)] & 3) === 3
  ); // prettier-ignore
}

/** Layout WALK_MODE of the present control registers. */
export function walkMode(state: CpuState, { features }: CpuModel, a20: boolean): number {
  const cr0 = state.cr(0);
  const cr4 = state.cr(4);
  let mode = 0;
  if ((cr0 & CR0.PG) !== 0) mode |= WALK_MODE.PAGING;
  if ((cr0 & CR0.WP) !== 0) mode |= WALK_MODE.WP;
  if ((cr4 & CR4.PAE) !== 0) mode |= WALK_MODE.PAE;
  if ((cr4 & CR4.PSE) !== 0) mode |= WALK_MODE.PSE;
  if ((cr4 & CR4.PGE) !== 0) mode |= WALK_MODE.PGE;
  if ((state.get(L.EFER) & NXE) !== 0) mode |= WALK_MODE.NXE;
  if ((cr4 & CR4.SMEP) !== 0) mode |= WALK_MODE.SMEP;
  if ((cr4 & CR4.SMAP) !== 0) {
    mode |= WALK_MODE.SMAP;
    if ((state.systemFlags & FLAG.AC) !== 0) mode |= WALK_MODE.SMAP_SUSPENDED;
  }
  if (features.has('pse36')) mode |= WALK_MODE.PSE36;
  if (!a20) mode |= WALK_MODE.A20_MASKED;
  // alignment is checked for programs alone, by CR0.AM and EFLAGS.AC
  if (state.cpl === 3 && (cr0 & CR0.AM) !== 0 && (state.systemFlags & FLAG.AC) !== 0) {
    mode |= WALK_MODE.ALIGNED;
  }
  return mode;
}
