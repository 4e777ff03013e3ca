/**
 * The records of `.parainstructions`: where the compiler has put a call that may be patched, which
 * operation it performs and how long it is. Their structure is the kernel's own type (`paravirt_patch` to
 * 2.6.x, `paravirt_patch_site` since); all releases for i386 that are known here have the one below.
 */
import type { CType } from '../symbols/c-types.ts';

export interface PatchRecord {
  /** Linear address of the first instruction, as linked. */
  readonly address: number;
  /** Number of the operation; what it counts depends on the release. */
  readonly number: number;
  /** Bytes. */
  readonly length: number;
}

export interface RecordLayout {
  readonly size: number;
  /** Offsets of the members. */
  readonly address: number;
  readonly number: number;
  readonly length: number;
}

/** u8 *instr; u8 type; u8 len; then padding, or u16 clobbers. */
const USUAL: RecordLayout = { size: 8, address: 0, number: 4, length: 5 };
/** Records looked at, and bytes of one. */
const MOST_RECORDS = 1 << 16;
const LONGEST = 64;

/** From the kernel's types. */
export function recordLayout(type: (name: string) => CType | null): RecordLayout {
  const found = type('struct paravirt_patch_site') ?? type('struct paravirt_patch');
  if (found?.kind !== 'struct' || found.size < USUAL.size || found.size > LONGEST) return USUAL;
  const offset = (...names: readonly string[]): number | undefined =>
    found.members.find(({ name }) => name !== null && names.includes(name))?.offset;
  const address = offset('instr');
  const number = offset('type', 'instrtype');
  const length = offset('len');
  if (address === undefined || number === undefined || length === undefined) return USUAL;
  const isInside = address + 4 <= found.size && Math.max(number, length) < found.size;
  return isInside ? { size: found.size, address, number, length } : USUAL;
}

/** All whole records, as they stand there. */
export function readRecords(bytes: Uint8Array, layout: RecordLayout): readonly PatchRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = Math.min(Math.floor(bytes.length / layout.size), MOST_RECORDS);
  return Array.from({ length: count }, (_, index) => {
    const at = index * layout.size;
    return {
      address: view.getUint32(at + layout.address, true),
      number: view.getUint8(at + layout.number),
      length: view.getUint8(at + layout.length),
    };
  });
}
