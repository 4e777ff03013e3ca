/** Many small pieces of the guest's memory at once, in few questions to the machine. */
import type { MachineClient } from '../machine/machine-client.ts';

export interface Piece {
  readonly address: number;
  readonly length: number;
}

/** Pieces this near to each other are read together, up to so many bytes. */
const GAP = 1024;
const MOST = 1 << 16;

/** The bytes of each, in the order of `pieces`; null where not all of them can be read. */
export async function readPieces(
  machine: MachineClient,
  pieces: readonly Piece[],
): Promise<readonly (Uint8Array | null)[]> {
  const found = new Map<Piece, Uint8Array>();
  const sorted = [...pieces].sort((a, b) => a.address - b.address);
  for (let index = 0; index < sorted.length;) {
    const start = sorted[index]?.address ?? 0;
    let end = start;
    const first = index;
    for (; index < sorted.length; index++) {
      const piece = sorted[index];
      if (piece === undefined) break;
      const reach = piece.address + piece.length;
      if (index > first && (piece.address - end > GAP || reach - start > MOST)) break;
      end = Math.max(end, reach);
    }
    const { bytes } = await machine.call('readMemory', 'linear', start, end - start);
    for (const piece of sorted.slice(first, index)) {
      const part = bytes.subarray(piece.address - start, piece.address - start + piece.length);
      if (part.length === piece.length) found.set(piece, part);
    }
  }
  return pieces.map((piece) => found.get(piece) ?? null);
}

const WORD = 4;

/** Pointers at these addresses; null where there is none to be read. */
export async function readPointers(
  machine: MachineClient,
  addresses: readonly number[],
): Promise<readonly (number | null)[]> {
  const words = await readPieces(machine, addresses.map((address) => ({ address, length: WORD }))); // prettier-ignore
  return words.map((bytes) =>
    bytes === null ? null : new DataView(bytes.buffer, bytes.byteOffset, WORD).getUint32(0, true),
  );
}
