/**
 * What must leave the guest for a shadow of its page tables to stay one: every page fault, and every write
 * of a control register that changes what the tables mean or where they begin.
 */
import type { GuestEvent } from '../../cpu/exit-hook.ts';
import { CR0, CR4 } from '../../cpu/state.ts';
import type { ControlsProblem } from '../control-checks.ts';
import { type ExecutionControls, leaves } from '../execution-controls.ts';
import { svmExit } from '../svm-intercepts.ts';

/** A guest with paging on, and what it might do. */
const GUEST = { cr0: CR0.PE | CR0.PG, cr4: CR4.PSE } as const;
const toCr = (register: 0 | 3 | 4, value: number): GuestEvent =>
  ({ kind: 'cr-access', register, access: 'mov-to-cr', gpr: 0, value, linear: -1 }); // prettier-ignore
const pageFault = (errorCode: number): GuestEvent =>
  ({ kind: 'exception', vector: 14, errorCode, type: 'fault', qualification: 0 }); // prettier-ignore

// prettier-ignore
const REQUIRED: readonly { readonly attribute: string; readonly event: GuestEvent }[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((code) => ({ attribute: 'pageFaults', event: pageFault(code) })),
  { attribute: 'cr3',      event: toCr(3, 0x1000) },
  { attribute: 'crAccess', event: toCr(0, CR0.PE) },
  { attribute: 'crAccess', event: toCr(0, CR0.PE | CR0.PG | CR0.WP) },
  { attribute: 'crAccess', event: toCr(4, CR4.PSE | CR4.PAE) },
  { attribute: 'crAccess', event: toCr(4, 0) },
];

/** What a launch has switched off that shadow paging needs, or null. */
export function missingForShadow(
  profile: string,
  controls: ExecutionControls,
): ControlsProblem | null {
  const stays = (event: GuestEvent): boolean =>
    controls.hardware === 'svm'
      ? svmExit(controls.svm, event, GUEST) === null
      : !leaves(controls, event, GUEST);
  const missing = REQUIRED.find(({ event }) => stays(event));
  if (missing === undefined) return null;
  const { attribute } = missing;
  return {
    attribute: `hypervisor.exits.${attribute}`,
    message: `Profile '${profile}' shadows the guest's page tables, for which the exits of '${attribute}' must stay on: leave them, or choose a profile without shadow paging.`,
  };
}
