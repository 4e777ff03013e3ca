/**
 * What every exit handler is given and is: a function that brings the guest past the event it left for,
 * as KVM's handle_*() do. Afterwards the guest's state is that of a VM entry.
 */
import type { EventInjection } from '../event-injection.ts';
import type { ExecutionControls } from '../execution-controls.ts';
import type { ExtendedPageTables } from '../extended-page-tables.ts';
import type { GuestInterface } from '../guest-interface.ts';
import type { ShadowMmu } from '../shadow/shadow-mmu.ts';
import type { GuestVcpu } from '../vcpu.ts';
import type { VmExit } from '../vm-exit.ts';

export interface ExitHost {
  readonly vcpu: GuestVcpu;
  /** The paravirtual interface shown to the guest, or null. */
  readonly guestInterface: GuestInterface | null;
  /** Events that wait to go in. */
  readonly injection: EventInjection;
  readonly controls: ExecutionControls;
  /** The hypervisor's extended page tables. */
  devicePages(): ExtendedPageTables;
  /** The shadow of the guest's page tables, or null where the profile keeps none. */
  readonly shadow: ShadowMmu | null;
}

export type ExitHandler = (host: ExitHost, exit: VmExit) => void;

/** #UD and #GP(0) as faults at the instruction that left. */
export function injectUndefined(host: ExitHost): void {
  host.vcpu.injectException({
    vector: 6,
    errorCode: null,
    type: 'fault',
    qualification: 0,
    length: 0,
  });
}
export function injectGeneralProtection(host: ExitHost): void {
  host.vcpu.injectException({
    vector: 13,
    errorCode: 0,
    type: 'fault',
    qualification: 0,
    length: 0,
  });
}

/** The instruction does what it does on the bare processor. */
export const emulate: ExitHandler = ({ vcpu }) => vcpu.emulateInstruction();

/** The instruction does nothing. */
export const skip: ExitHandler = ({ vcpu }, exit) => vcpu.skipInstruction(exit.instructionLength);

/** There is nothing to do. */
export const goOn: ExitHandler = () => undefined;
