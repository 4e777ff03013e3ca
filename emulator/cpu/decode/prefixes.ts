/**
 * Instruction prefixes (SDM vol. 2, 2.1.1). Any number in any order; of two from the same group the
 * later one counts. A prefix that the opcode has no use for is ignored, except LOCK, which raises
 * #UD (decoder.ts), and 66, F3 and F2, which select the row of MMX and SSE opcodes.
 */
import { SEGMENT } from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';

export const PREFIX = { OPERAND_SIZE: 0x66, ADDRESS_SIZE: 0x67, LOCK: 0xf0, REPNE: 0xf2, REP: 0xf3 } as const; // prettier-ignore

/** Segment override by prefix byte. */
export const SEGMENT_PREFIXES: ReadonlyMap<number, SegmentIndex> = new Map([
  [0x26, SEGMENT.ES],
  [0x2e, SEGMENT.CS],
  [0x36, SEGMENT.SS],
  [0x3e, SEGMENT.DS],
  [0x64, SEGMENT.FS],
  [0x65, SEGMENT.GS],
]);

/** 1 for every byte that is a prefix. */
export const IS_PREFIX: Readonly<Uint8Array> = Uint8Array.from({ length: 256 }, (_, byte) =>
  SEGMENT_PREFIXES.has(byte) || (Object.values(PREFIX) as number[]).includes(byte) ? 1 : 0,
);

/**
 * What may be required before an opcode: none of 66, F3 and F2 ('np', as the SDM writes), or one of
 * them. The position is the index in the lookup of opcode-map.ts.
 */
export const MANDATORY_PREFIXES = ['np', PREFIX.OPERAND_SIZE, PREFIX.REP, PREFIX.REPNE] as const;
