/**
 * A breakpoint on VM exits as launch.json and guestscope/setExitBreakpoints write it, on its way to the
 * machine: hypercalls by name or number, before or after the hypervisor, and what is done in its place.
 */
import { nearestName } from '../../emulator/nearest-name.ts';
import { KVM_HYPERCALLS } from '../../emulator/paravirt/kvm-hypercalls.ts';
import type { WantedExit } from '../breakpoints.ts';
import { parseExitAction } from './exit-actions.ts';
import type { Guest, WrittenConditions } from '../guest.ts';

export interface WrittenExit extends WrittenConditions {
  /** Absent with `hypercall`. */
  readonly reason?: string | undefined;
  /** "KVM_HC_KICK_CPU", "KICK_CPU" or a number. */
  readonly hypercall?: string | undefined;
  readonly when?: string | undefined;
  readonly action?: string | undefined;
}

/** Throws the numbered error for a mistake in an expression or an action. */
export function wantedExit(guest: Guest, written: WrittenExit): WantedExit {
  const { reason, hypercall, when = 'before', action } = written;
  if (reason === undefined && hypercall === undefined) {
    return { problem: 'Name an exit reason such as "CPUID", or a hypercall.' };
  }
  if (when !== 'before' && when !== 'after') {
    return { problem: `"when" is "${when}", and must be "before" or "after".` };
  }
  const number = hypercall === undefined ? undefined : hypercallNumber(hypercall);
  if (typeof number === 'string') return { problem: number };
  return {
    reasons: [reason ?? 'VMCALL'],
    exit: {
      ...(number !== undefined && { hypercall: number }),
      ...(when === 'after' && { when }),
      ...(action !== undefined && { action: parseExitAction(action, (text) => guest.parse(text)) }),
    },
    ...guest.conditions(written),
  };
}

/** The number, or a sentence about a name that is none. */
function hypercallNumber(written: string): number | string {
  const name = written.trim().toUpperCase();
  if (/^(0X[0-9A-F]{1,8}|\d{1,10})$/.test(name)) return Number(name) >>> 0;
  const full = name.startsWith('KVM_HC_') ? name : `KVM_HC_${name}`;
  const row = KVM_HYPERCALLS.find((each) => each.name === full);
  if (row !== undefined) return row.number;
  const nearest = nearestName(
    full,
    KVM_HYPERCALLS.map((each) => each.name),
  );
  const hint = nearest === null ? 'give its number' : `did you mean '${nearest}'?`;
  return `KVM has no hypercall '${written}'; ${hint}`;
}
