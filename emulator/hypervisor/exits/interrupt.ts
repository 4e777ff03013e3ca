/**
 * External interrupts (reason 1) and the windows for interrupts and NMIs (reasons 7 and 8). None has
 * anything to emulate: what waits goes in at the VM entry, or its window is asked for once more
 * (event-injection.ts).
 */
import type { ExitHandler } from './handler.ts';

export const interrupt: ExitHandler = () => undefined;

export const window: ExitHandler = ({ injection }, { event }) => {
  if (event.kind === 'interrupt-window' || event.kind === 'nmi-window')
    injection.opened(event.kind);
};
