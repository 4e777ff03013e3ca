/** Why a run of the machine ends, as the machine itself knows it, and who is asked on the way. */
import type { Sighting } from './event-watch.ts';
import type { GuestPlace } from './guest-place.ts';
import type { ExitOutcome } from './hypervisor/exit-outcome.ts';
import type { VmExit } from './hypervisor/vm-exit.ts';
import type { StopReason } from './stop-reason.ts';

/** Stops that the machine itself knows; a debugger adds its own (debugger.ts). */
export type MachineStop =
  | Exclude<
      StopReason,
      | { kind: 'entry' }
      | { kind: 'pause' }
      | { kind: 'step' }
      | { kind: 'breakpoint' }
      | { kind: 'data breakpoint' }
      | { kind: 'exit' }
      | { kind: 'event' }
      | { kind: 'triple-fault' }
      | { kind: 'console' }
    >
  | { readonly kind: 'breakpoint' }
  | { readonly kind: 'triple-fault'; readonly description: string }
  /** The current processor has watch hits to take. */
  | { readonly kind: 'watchpoint' }
  /** Before the hypervisor handles it, where there is no outcome; or after. */
  | { readonly kind: 'exit'; readonly exit: VmExit; readonly outcome: ExitOutcome | null }
  /** Before it, where it is held; after it, where it has happened. */
  | { readonly kind: 'event'; readonly sighting: Sighting }
  /** The serial observer has seen what it was looking for. */
  | { readonly kind: 'console' };

/** After it every run ends in it again. */
export type EndingStop = Extract<MachineStop, { kind: 'power-off' | 'reset' | 'guest-error' }>;

export type StepOutcome =
  | Exclude<MachineStop, { kind: 'breakpoint' }>
  | { readonly kind: 'stepped' }
  /** Where the interrupt came in; the instruction there has not been executed since. */
  | { readonly kind: 'interrupted'; readonly place: GuestPlace };

/** Asked once for each exit that is born: whether to stop before it is resolved. */
export type ExitObserver = (exit: VmExit) => boolean;

/** Asked once for each exit that the hypervisor has handled: whether to stop after it. */
export type OutcomeObserver = (exit: VmExit, outcome: ExitOutcome) => boolean;
