/**
 * Exit reasons as indexes of arrays, for counting: a VMX basic exit reason is its own slot, and the
 * reasons of SVM alone, whose numbers are far up, follow in the order of their rows.
 */
import { EXIT_REASONS, SVM_ONLY, type ExitReason } from './exit-reasons.ts';

/** Slots for VMX. */
const VMX_SLOTS = 128;
/** Slots of all reasons. */
export const REASON_SLOTS = 192;

const ROWS: readonly ExitReason[] = EXIT_REASONS;
const SVM_NUMBERS = ROWS.map(({ number }) => number).filter((number) => number >= SVM_ONLY);

/** Slot of a reason; the high flags of a failed entry are ignored. */
export function reasonSlot(reason: number): number {
  const number = reason & (SVM_ONLY * 2 - 1);
  return number < SVM_ONLY
    ? number & (VMX_SLOTS - 1)
    : VMX_SLOTS + Math.max(0, SVM_NUMBERS.indexOf(number));
}

/** The reason's number. */
export function reasonOfSlot(slot: number): number {
  return slot < VMX_SLOTS ? slot : SVM_NUMBERS[slot - VMX_SLOTS];
}
