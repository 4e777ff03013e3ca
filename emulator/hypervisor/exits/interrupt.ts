/**
 * External interrupts (reason 1) and the interrupt window (reason 7). Neither has anything to emulate:
 * the interrupt waits in the guest's own interrupt controller, and every VM entry delivers it or asks
 * for the window (hypervisor.ts, enter()).
 */
import type { ExitHandler } from './handler.ts';

export const interrupt: ExitHandler = () => undefined;
