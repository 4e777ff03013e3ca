/** What is told where a breakpoint on a paravirt hook has stopped the guest. */
import type { Guest } from '../guest.ts';
import type { HostStop } from '../machine/machine-channel.ts';
import { placeText } from './hook-reports.ts';

/** "pv_ops.mmu.write_cr3: native instructions: mov cr3, eax"; null at any other stop. */
export async function hookAtStop(
  guest: Guest,
  reason: HostStop,
  address: number,
): Promise<string | null> {
  if (reason.kind !== 'breakpoint' || !guest.breakpoints.hit(reason.ids).isHook) return null;
  const now = await guest.hooks.siteAt(address);
  return now === null ? null : placeText(guest.hookView(), now);
}
