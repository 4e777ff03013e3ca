/**
 * Calls through the tables that no record tells of: 2.6.20 lists only the operations that it may patch
 * (the interrupt flag), and calls the others through the table for good. They are found by their bytes,
 * `call [slot]` and `jmp [slot]` (FF /2 and FF /4 with a 32-bit address, SDM vol. 2) in the code of the
 * kernel's file. What loads the pointer into a register first is not found.
 */
import type { KernelImage } from './kernel-image.ts';

export interface FoundCall {
  /** Linear address as linked, of the prefix if there is one. */
  readonly address: number;
  readonly length: number;
  /** As linked. */
  readonly slot: number;
}

const GROUP5 = 0xff;
const CALL = 0x15;
const JMP = 0x25;
const CS = 0x2e;
const LENGTH = 6;
/** Calls told. */
const MOST = 1 << 16;

/** @param slots as linked */
export function findTableCalls(kernel: KernelImage, slots: ReadonlySet<number>): readonly FoundCall[] {
  const found: FoundCall[] = [];
  for (const { address, bytes } of kernel.code()) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = bytes.indexOf(GROUP5);
    for (; at >= 0 && at + LENGTH <= bytes.length; at = bytes.indexOf(GROUP5, at + 1)) {
      const form = bytes[at + 1];
      if (form !== CALL && form !== JMP) continue;
      const slot = view.getUint32(at + 2, true);
      if (!slots.has(slot)) continue;
      const prefix = bytes[at - 1] === CS ? 1 : 0;
      found.push({ address: address + at - prefix, length: LENGTH + prefix, slot });
      if (found.length >= MOST) return found;
    }
  }
  return found;
} // prettier-ignore
