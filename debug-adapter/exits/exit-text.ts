/** VM exits in a line of text: the same in stops, in the console, in the saved log and in the editor's view. */
import type { ExitRecord } from '../../emulator/stop-reason.ts';

/**
 * "VM exit 10 CPUID at 0x00100123 <start+0x3>: leaf 0x40000000", "… CPUID on vCPU 1 at …".
 * @param place address and symbol of the instruction
 */
export function exitText({ reason, name, vcpu, detail }: ExitRecord, place: string): string {
  const onVcpu = vcpu === undefined ? '' : ` on vCPU ${String(vcpu)}`;
  return `VM exit ${String(reason)} ${name}${onVcpu} at ${place}${detail === '' ? '' : `: ${detail}`}`;
}

/** "695 @8976  VM exit 10 CPUID at 0x00008717 <find_hypervisor+0x26>: leaf 0x40000000 => returned …". */
export function exitLine(exit: ExitRecord, place: string): string {
  return `${String(exit.ordinal)} @${String(exit.position)}  ${withOutcome(exit, exitText(exit, place))}`;
}

/** What became of an exit behind a text about it. */
export function withOutcome({ outcome }: ExitRecord, text: string): string {
  return outcome === undefined ? text : `${text} => ${outcome.text}`;
}
