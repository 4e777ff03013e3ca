/**
 * Setting the next instruction by hand: EIP moves within the present code segment, everything else stays
 * as it is. An event or exit that waits at the old place is dropped when the guest goes on.
 */
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import { CodeView } from './code-view.ts';
import { checkedAddress } from './memory.ts';
import { writeRegister } from './registers.ts';

/** Throws RangeError with a sentence where no instruction of CS is. */
export function setNextInstruction(cpu: Cpu, address: number): void {
  const { base, limit } = cpu.state.segment(L.SEGMENT.CS);
  const eip = (checkedAddress('linear', address) - base) >>> 0;
  const place = `0x${address.toString(16)}`;
  if (eip > limit) {
    throw new RangeError(
      `${place} is outside the code segment (base 0x${base.toString(16)}, limit 0x${limit.toString(16)}): change CS first.`,
    );
  }
  if (new CodeView(cpu).instructionAt(address) === null) {
    throw new RangeError(
      `There is no instruction at ${place}: it is not mapped, or no valid code.`,
    );
  }
  writeRegister(cpu, 'eip', eip);
}
