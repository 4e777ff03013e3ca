/** Which exits the log keeps, as launch.json and guestscope/setExitLogFilter write it. */
import type { ExitLogFilter } from '../../emulator/debug-port.ts';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import { MachineRefusal } from '../machine/machine-client.ts';

export interface WrittenFilter {
  readonly reasons: readonly string[];
  readonly except: readonly string[];
  readonly condition?: string | undefined;
}

/** null: nothing is held back. Throws the numbered error for a mistake in the condition. */
export function exitLogFilter(guest: Guest, written: WrittenFilter): ExitLogFilter | null {
  const { reasons, except, condition } = written;
  if (reasons.length === 0 && except.length === 0 && condition === undefined) return null;
  return { reasons, except, ...(condition !== undefined && { condition: guest.parse(condition) }) };
}

/** The filter of launch.json; throws the numbered error that names the attribute. */
export async function setFilterOfLaunch(
  guest: Guest,
  { filter }: { readonly filter: WrittenFilter },
): Promise<void> {
  try {
    await guest.machine.call('setExitFilter', exitLogFilter(guest, filter));
  } catch (cause) {
    if (!(cause instanceof MachineRefusal)) throw cause;
    const attribute = 'hypervisor.log.filter';
    throw failure('configurationRefused', { attribute, problem: cause.message });
  }
}
