/**
 * The switches under hypervisor.exits in launch.json: each turns one kind of exit on or off on top of a
 * profile. One row per attribute name; most are the attribute of a row of exit-reasons.ts, which has
 * the description, and a few name a part of one.
 */
import { didYouMean } from '../nearest-name.ts';
import { PIN, PRIMARY, SECONDARY, UNCONDITIONAL } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import { EXIT_REASONS, findExitReason } from './exit-reasons.ts';
import type { ExitReason } from './exit-reasons.ts';

export interface ExitSwitch {
  readonly attribute: string;
  readonly description: string;
  set(controls: ExecutionControls, on: boolean): void;
}

/** A mistake in the launch configuration, one sentence with cause and remedy. */
export interface ControlsProblem {
  /** Path in launch.json, "hypervisor.exits.cpuid". */
  readonly attribute: string;
  readonly message: string;
}

type Setter = (controls: ExecutionControls, on: boolean) => void;
type Field = 'pinBased' | 'primary' | 'secondary' | 'unconditional' | 'exceptionBitmap';

/** Sets or clears bits of one field. */
function bits(field: Field, mask: number): Setter {
  return (controls, on) => {
    if (on) controls[field] |= mask;
    else controls[field] &= ~mask;
  };
}

const CR3 = PRIMARY.CR3_LOAD_EXITING | PRIMARY.CR3_STORE_EXITING;
const CR8 = PRIMARY.CR8_LOAD_EXITING | PRIMARY.CR8_STORE_EXITING;
const PAGE_FAULT = 1 << 14;

const crAccess: Setter = (controls, on) => {
  bits('primary', CR3 | CR8)(controls, on);
  controls.cr0Mask = on ? 0xffffffff : 0;
  controls.cr4Mask = on ? 0xffffffff : 0;
};

const io: Setter = (controls, on) => {
  bits('primary', PRIMARY.UNCONDITIONAL_IO_EXITING)(controls, on);
  controls.primary &= ~PRIMARY.USE_IO_BITMAPS;
};

/** All page faults, whatever their error code. */
const pageFaults: Setter = (controls, on) => {
  bits('exceptionBitmap', PAGE_FAULT)(controls, on);
  controls.pageFaultErrorMask = 0;
  controls.pageFaultErrorMatch = 0;
};

const exceptions: Setter = (controls, on) => {
  controls.exceptionBitmap = on ? 0xffffffff : 0;
  pageFaults(controls, on);
  bits('pinBased', PIN.NMI_EXITING)(controls, on);
};

/** Off leaves the MSRs outside the bitmap's ranges, by which a paravirtual interface is reached. */
function msr(write: boolean): Setter {
  return (controls, on) => {
    controls.msrBitmap.fill(on ? 0xff : 0, write ? 2048 : 0, write ? 4096 : 2048);
    controls.primary |= PRIMARY.USE_MSR_BITMAPS;
    if (on) controls.unconditional |= UNCONDITIONAL.MSR;
  };
}

// prettier-ignore
const SETTERS: readonly (readonly [attribute: string, set: Setter, description?: string])[] = [
  ['exceptions',        exceptions],
  ['pageFaults',        pageFaults, 'Page faults alone, of the exceptions.'],
  ['externalInterrupt', bits('pinBased', PIN.EXTERNAL_INTERRUPT_EXITING)],
  ['tripleFault',       bits('unconditional', UNCONDITIONAL.TRIPLE_FAULT)],
  ['taskSwitch',        bits('unconditional', UNCONDITIONAL.TASK_SWITCH)],
  ['cpuid',             bits('unconditional', UNCONDITIONAL.CPUID)],
  ['hlt',               bits('primary', PRIMARY.HLT_EXITING)],
  ['invd',              bits('unconditional', UNCONDITIONAL.INVD)],
  ['invlpg',            bits('primary', PRIMARY.INVLPG_EXITING)],
  ['rdpmc',             bits('primary', PRIMARY.RDPMC_EXITING)],
  ['rdtsc',             bits('primary', PRIMARY.RDTSC_EXITING)],
  ['vmcall',            bits('unconditional', UNCONDITIONAL.VMCALL)],
  ['vmx',               bits('unconditional', UNCONDITIONAL.VMX_INSTRUCTIONS)],
  ['crAccess',          crAccess],
  ['cr3',               bits('primary', CR3), 'Moves to and from CR3 alone, of the control registers.'],
  ['drAccess',          bits('primary', PRIMARY.MOV_DR_EXITING)],
  ['io',                io],
  ['rdmsr',             msr(false)],
  ['wrmsr',             msr(true)],
  ['mwait',             bits('primary', PRIMARY.MWAIT_EXITING)],
  ['monitor',           bits('primary', PRIMARY.MONITOR_EXITING)],
  ['pause',             bits('primary', PRIMARY.PAUSE_EXITING)],
  ['wbinvd',            bits('secondary', SECONDARY.WBINVD_EXITING)],
  ['descriptorTables',  bits('secondary', SECONDARY.DESCRIPTOR_TABLE_EXITING)],
  ['eptViolation',      bits('secondary', SECONDARY.ENABLE_EPT)],
];

const reasonRows: readonly ExitReason[] = EXIT_REASONS;

/** Every switch in launch.json's order. */
export const EXIT_SWITCHES: readonly ExitSwitch[] = SETTERS.map(([attribute, set, description]) => {
  const rows = reasonRows.filter((row) => row.attribute === attribute);
  return { attribute, set, description: description ?? rows.map((row) => row.summary).join(' ') };
});

function unknownSwitch(name: string): string {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  const reason = findExitReason(name);
  const names = EXIT_SWITCHES.map((each) => each.attribute);
  if (reason !== null) {
    return reason.attribute === null
      ? `Exit '${reason.name}' cannot be switched: ${reason.gap ?? 'the hypervisor asks for it when it needs it'}.`
      : `There is no exit switch '${shown}': write '${reason.attribute}' for ${reason.name}.`;
  }
  const guess = didYouMean(name, names);
  return `There is no exit switch '${shown}'.${guess === '' ? ` Known are ${names.join(', ')}.` : guess}`;
}

/** Applies launch.json's switches; the first that is wrong is returned and none after it applied. */
export function applyExitSwitches(
  controls: ExecutionControls,
  exits: { readonly [name: string]: boolean },
): ControlsProblem | null {
  for (const [name, on] of Object.entries(exits)) {
    const attribute = `hypervisor.exits.${name}`;
    const found = EXIT_SWITCHES.find((each) => each.attribute === name);
    if (found === undefined) return { attribute, message: unknownSwitch(name) };
    // what launch.json holds is only as typed as its author
    if (typeof (on as unknown) !== 'boolean') {
      return { attribute, message: `Exit switch '${name}' must be true or false.` };
    }
    found.set(controls, on);
  }
  return null;
}
