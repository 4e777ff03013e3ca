/**
 * What alternatives can put in the place of code: the records of `.altinstructions` (struct alt_instr),
 * by the address that each is for. The structure changes with the releases, so without the kernel's type
 * nothing is read. A replacement that jumps or calls is moved by the kernel and cannot be compared.
 */
import { type CType, type StructType } from '../symbols/c-types.ts';
import type { KernelImage, PlacedBytes } from './kernel-image.ts';
import type { Replacement } from './site-state.ts';

/** Records looked at. */
const MOST_RECORDS = 1 << 17;
const RELATIVE = [0xe8, 0xe9, 0xeb];

/** By linked address; @param type "struct alt_instr" */
export function readAlternatives(
  kernel: KernelImage,
  type: CType | null,
): ReadonlyMap<number, readonly Replacement[]> {
  const found = new Map<number, readonly Replacement[]>();
  const section = kernel.section('.altinstructions');
  if (section === null || type?.kind !== 'struct' || type.size < 8) return found;
  const record = recordReader(section, type);
  if (record === null) return found;
  const count = Math.min(Math.floor(section.bytes.length / type.size), MOST_RECORDS);
  for (let index = 0; index < count; index++) {
    const { address, replacement, length } = record(index * type.size);
    const bytes = length === 0 ? null : kernel.read(replacement, length);
    if (bytes === null || RELATIVE.includes(bytes[0] ?? 0)) continue;
    const text = 'the instructions of an alternative';
    found.set(address, [...(found.get(address) ?? []), { bytes, text }]);
  }
  return found;
}

type ReadRecord = (at: number) => {
  readonly address: number;
  readonly replacement: number;
  readonly length: number;
};

/** Addresses are relative to their own members since 3.3, absolute before. */
function recordReader({ address: start, bytes }: PlacedBytes, type: StructType): ReadRecord | null {
  const offset = (name: string): number | undefined =>
    type.members.find((member) => member.name === name)?.offset;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const isRelative = offset('instr_offset') !== undefined;
  const instruction = offset('instr_offset') ?? offset('instr');
  const replacement = offset('repl_offset') ?? offset('replacement');
  const length = offset('replacementlen');
  if (instruction === undefined || replacement === undefined || length === undefined) return null;
  if (Math.max(instruction + 4, replacement + 4, length + 1) > type.size) return null;
  const pointer = (at: number): number =>
    isRelative ? (start + at + view.getInt32(at, true)) >>> 0 : view.getUint32(at, true);
  return (at) => ({
    address: pointer(at + instruction),
    replacement: pointer(at + replacement),
    length: view.getUint8(at + length),
  });
}
