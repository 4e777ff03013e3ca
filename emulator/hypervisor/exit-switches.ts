/**
 * The settings under hypervisor.exits in launch.json, on top of a profile: one row per name, with the form
 * of its value (setting-kinds.ts) and the controls that it sets (SDM vol. 3, 25.6 and 25.7). Most are the
 * attribute of a row of exit-reasons.ts, which has the description; the others are finer.
 */
import { VECTOR } from '../cpu/processor.ts';
import { CR0, CR4 } from '../cpu/state.ts';
import { didYouMean } from '../nearest-name.ts';
import { checkControls } from './control-checks.ts';
import type { ControlsProblem } from './control-checks.ts';
import {
  isInMsrBitmap, PIN, PRIMARY, SECONDARY, setMsrExiting, SIGNAL, UNCONDITIONAL, VM_EXIT,
} from './execution-controls.ts'; // prettier-ignore
import type { ExecutionControls } from './execution-controls.ts';
import { EXIT_REASONS, findExitReason } from './exit-reasons.ts';
import type { ExitReason } from './exit-reasons.ts';
import {
  bitNames, flag, flagOrNumbers, memoryRights, msrRanges, number, numbers, portRanges, signedNumber, vectors,
} from './setting-kinds.ts'; // prettier-ignore
import { interceptNames, setSvmSwitch } from './svm-switches.ts';
import type { Choice, ExitSetting, Range, SettingKind } from './setting-kinds.ts';

export interface ExitSwitch {
  readonly attribute: string;
  readonly description: string;
  /** What may be written as its value. */
  readonly kind: SettingKind<unknown>;
  /** Reads a value into the controls; false: it is not of the kind. */
  set(controls: ExecutionControls, value: unknown): boolean;
}

type Setter<T> = (controls: ExecutionControls, value: T) => void;
type Field = 'pinBased' | 'primary' | 'unconditional' | 'signals' | 'vmExit' | 'exceptionBitmap';

/** Sets or clears bits of one field. */
function bits(field: Field, mask: number): Setter<boolean> {
  return (controls, on) => {
    if (on) controls[field] |= mask;
    else controls[field] &= ~mask;
  };
}

/** The same of the secondary controls, which act only once they are activated; RDTSCP then needs its own. */
function secondary(mask: number): Setter<boolean> {
  return (controls, on) => {
    if ((controls.primary & PRIMARY.ACTIVATE_SECONDARY_CONTROLS) === 0) {
      controls.primary |= PRIMARY.ACTIVATE_SECONDARY_CONTROLS;
      controls.secondary = SECONDARY.ENABLE_RDTSCP;
    }
    if (on) controls.secondary |= mask;
    else controls.secondary &= ~mask;
  };
}

const CR3 = PRIMARY.CR3_LOAD_EXITING | PRIMARY.CR3_STORE_EXITING;
const PAGE_FAULT = 1 << 14;

const crAccess: Setter<boolean> = (controls, on) => {
  // CR8 is a register of 64-bit mode alone
  bits('primary', CR3)(controls, on);
  controls.cr0Mask = on ? 0xffffffff : 0;
  controls.cr4Mask = on ? 0xffffffff : 0;
};

const io: Setter<Choice<Range>> = (controls, ports) => {
  bits('primary', PRIMARY.UNCONDITIONAL_IO_EXITING)(controls, ports === true);
  bits('primary', PRIMARY.USE_IO_BITMAPS)(controls, typeof ports !== 'boolean');
  if (typeof ports === 'boolean') return;
  controls.ioBitmap.fill(0);
  for (const { first, last } of ports)
    for (let port = first; port <= last; port++) controls.ioBitmap[port >> 3] |= 1 << (port & 7);
};

/** All page faults, or those whose error code has the given bits under a mask (25.6.3). */
const pageFaults: Setter<boolean | { readonly mask: number; readonly match: number }> = (
  controls,
  on,
) => {
  bits('exceptionBitmap', PAGE_FAULT)(controls, on !== false);
  controls.pageFaultErrorMask = typeof on === 'boolean' ? 0 : on.mask;
  controls.pageFaultErrorMatch = typeof on === 'boolean' ? 0 : on.match;
};

/** Virtual NMIs go with NMI exiting (27.2.1.1). */
const nmi = bits('pinBased', PIN.NMI_EXITING | PIN.VIRTUAL_NMIS);

const exceptions: Setter<Choice<number>> = (controls, which) => {
  const listed = typeof which === 'boolean' ? [] : which;
  const has = (vector: number): boolean => which === true || listed.includes(vector);
  const mask = listed.reduce((all, vector) => all | (1 << vector), 0);
  controls.exceptionBitmap = which === true ? 0xffffffff : mask >>> 0;
  pageFaults(controls, has(VECTOR.PF));
  if (has(VECTOR.NMI)) controls.pinBased |= PIN.NMI_EXITING;
  else nmi(controls, false);
};

/** Off leaves the MSRs outside the bitmap's ranges, by which a paravirtual interface is reached. */
function msr(write: boolean): Setter<Choice<Range>> {
  return (controls, which) => {
    const from = write ? 2048 : 0;
    controls.primary |= PRIMARY.USE_MSR_BITMAPS;
    controls.msrBitmap.fill(which === true ? 0xff : 0, from, from + 2048);
    if (which !== false) controls.unconditional |= UNCONDITIONAL.MSR;
    if (typeof which === 'boolean') return;
    for (const { first, last } of which)
      for (let index = first; index <= last && isInMsrBitmap(index); index++)
        setMsrExiting(controls, index, write, true);
  };
}

/** `false` switches the timer off. */
const ticks: SettingKind<number | false> = {
  expected: 'false or a number of ticks',
  schema: { anyOf: [{ enum: [false] }, number().schema] },
  read: (value) => (value === false ? false : number().read(value)),
};
const preemptionTimer: Setter<number | false> = (controls, count) => {
  bits('pinBased', PIN.VMX_PREEMPTION_TIMER)(controls, count !== false);
  controls.preemptionTimer = count === false ? 0 : count;
};

/** KVM's figures where none are given: ple_gap and ple_window. */
const KVM_PAUSE_LOOP = { gap: 128, window: 4096 } as const;
const pauseLoop: Setter<boolean | { readonly gap: number; readonly window: number }> = (
  controls,
  on,
) => {
  secondary(SECONDARY.PAUSE_LOOP_EXITING)(controls, on !== false);
  const { gap, window } = typeof on === 'boolean' ? KVM_PAUSE_LOOP : on;
  controls.pauseLoopGap = gap;
  controls.pauseLoopWindow = window;
};

const tscOffset: Setter<number> = (controls, count) => {
  controls.primary |= PRIMARY.USE_TSC_OFFSETTING;
  controls.tscOffset = count;
};

/** Sets a field to the value as it is. */
function field<
  Name extends
    | 'cr0Mask'
    | 'cr0Shadow'
    | 'cr4Mask'
    | 'cr4Shadow'
    | 'cr3Targets'
    | 'eptMarksDevices'
    | 'eptRights'
    | 'eptAccessedDirty',
>(name: Name): Setter<ExecutionControls[Name]> {
  return (controls, value) => {
    controls[name] = value;
  };
}

const bySvm: Setter<readonly number[]> = (controls) => {
  controls.hardware = 'svm';
};

const reasonRows: readonly ExitReason[] = EXIT_REASONS;

/** A row; without a description it has that of its exit reasons. */
function setting<T>(
  attribute: string,
  kind: SettingKind<T>,
  set: Setter<T>,
  description?: string,
): ExitSwitch {
  const rows = reasonRows.filter((row) => row.attribute === attribute);
  return {
    attribute,
    kind,
    description: description ?? rows.map((row) => `${row.name}: ${row.summary}`).join(' '),
    set(controls, given) {
      const value = kind.read(given);
      if (value === null) return false;
      set(controls, value);
      setSvmSwitch(controls.svm, attribute, value);
      return true;
    },
  };
}

const MASK =
  'Bits that belong to the hypervisor: a write that would change one of them against the read shadow leaves (25.6.6).';
const SHADOW =
  'What the guest reads in the bits of the mask; absent: what its register has there (25.6.6).';

/** Every setting in launch.json's order. */
// prettier-ignore
export const EXIT_SWITCHES: readonly ExitSwitch[] = [
  setting('exceptions',           vectors,          exceptions),
  setting('pageFaults',           flagOrNumbers(['mask', 'match']), pageFaults, 'Page faults, of the exceptions: all, or those whose error code under `mask` is `match` (25.6.3).'),
  setting('nmi',                  flag,             nmi, 'Non-maskable interrupts, under NMI exiting and virtual NMIs: also while the guest handles one (25.6.1).'),
  setting('nmiWindow',            flag,             bits('primary', PRIMARY.NMI_WINDOW_EXITING)),
  setting('externalInterrupt',    flag,             bits('pinBased', PIN.EXTERNAL_INTERRUPT_EXITING)),
  setting('acknowledgeInterrupt', flag,             bits('vmExit', VM_EXIT.ACKNOWLEDGE_INTERRUPT_ON_EXIT), 'The exit for an external interrupt acknowledges it and records its vector (25.7.1).'),
  setting('interruptWindow',      flag,             bits('primary', PRIMARY.INTERRUPT_WINDOW_EXITING)),
  setting('preemptionTimer',      ticks,            preemptionTimer),
  setting('savePreemptionTimer',  flag,             bits('vmExit', VM_EXIT.SAVE_VMX_PREEMPTION_TIMER_VALUE), 'Each exit keeps what is left of the preemption timer, and the next entry goes on with it (25.7.1).'),
  setting('monitorTrap',          flag,             bits('primary', PRIMARY.MONITOR_TRAP_FLAG)),
  setting('tripleFault',          flag,             bits('unconditional', UNCONDITIONAL.TRIPLE_FAULT)),
  setting('init',                 flag,             bits('signals', SIGNAL.INIT)),
  setting('sipi',                 flag,             bits('signals', SIGNAL.SIPI)),
  setting('taskSwitch',           flag,             bits('unconditional', UNCONDITIONAL.TASK_SWITCH)),
  setting('cpuid',                flag,             bits('unconditional', UNCONDITIONAL.CPUID)),
  setting('hlt',                  flag,             bits('primary', PRIMARY.HLT_EXITING)),
  setting('invd',                 flag,             bits('unconditional', UNCONDITIONAL.INVD)),
  setting('invlpg',               flag,             bits('primary', PRIMARY.INVLPG_EXITING)),
  setting('rdpmc',                flag,             bits('primary', PRIMARY.RDPMC_EXITING)),
  setting('rdtsc',                flag,             bits('primary', PRIMARY.RDTSC_EXITING)),
  setting('tscOffset',            signedNumber,     tscOffset, 'Ticks that are added to the time-stamp counter (25.6.5).'),
  setting('enableRdtscp',         flag,             secondary(SECONDARY.ENABLE_RDTSCP), 'Off: RDTSCP is undefined under the hypervisor (25.6.2).'),
  setting('vmcall',               flag,             bits('unconditional', UNCONDITIONAL.VMCALL)),
  setting('vmx',                  flag,             bits('unconditional', UNCONDITIONAL.VMX_INSTRUCTIONS), 'The instructions of VMX, VMCLEAR to INVVPID, which are answered with #UD (26.1.2).'),
  setting('crAccess',             flag,             crAccess),
  setting('cr3',                  flag,             bits('primary', CR3), 'Moves to and from CR3 alone, of the control registers.'),
  setting('cr3Load',              flag,             bits('primary', PRIMARY.CR3_LOAD_EXITING), 'Moves to CR3, unless the value is a CR3 target (26.1.3).'),
  setting('cr3Store',             flag,             bits('primary', PRIMARY.CR3_STORE_EXITING), 'Moves from CR3 (26.1.3).'),
  setting('cr3Targets',           numbers(4),       field('cr3Targets'), 'At most four values of CR3 that can be loaded without an exit (25.6.7).'),
  setting('cr0Mask',              bitNames(CR0),    field('cr0Mask'), MASK),
  setting('cr0Shadow',            bitNames(CR0),    field('cr0Shadow'), SHADOW),
  setting('cr4Mask',              bitNames(CR4),    field('cr4Mask'), MASK),
  setting('cr4Shadow',            bitNames(CR4),    field('cr4Shadow'), SHADOW),
  setting('drAccess',             flag,             bits('primary', PRIMARY.MOV_DR_EXITING)),
  setting('io',                   portRanges,       io),
  setting('rdmsr',                msrRanges,        msr(false)),
  setting('wrmsr',                msrRanges,        msr(true)),
  setting('mwait',                flag,             bits('primary', PRIMARY.MWAIT_EXITING)),
  setting('monitor',              flag,             bits('primary', PRIMARY.MONITOR_EXITING)),
  setting('pause',                flag,             bits('primary', PRIMARY.PAUSE_EXITING)),
  setting('pauseLoop',            flagOrNumbers(['gap', 'window']), pauseLoop, 'PAUSE at CPL 0 in a loop that waits too long: `gap` is the most ticks between two of one loop, `window` how long it may last (25.6.13).'),
  setting('wbinvd',               flag,             secondary(SECONDARY.WBINVD_EXITING)),
  setting('rdrand',               flag,             secondary(SECONDARY.RDRAND_EXITING)),
  setting('rdseed',               flag,             secondary(SECONDARY.RDSEED_EXITING)),
  setting('descriptorTables',     flag,             secondary(SECONDARY.DESCRIPTOR_TABLE_EXITING)),
  setting('eptViolation',         flag,             secondary(SECONDARY.ENABLE_EPT | SECONDARY.UNRESTRICTED_GUEST)),
  setting('eptMisconfiguration',  flag,             field('eptMarksDevices')),
  setting('eptRights',            memoryRights,     field('eptRights'), 'What the guest may do to ranges of its RAM, all else being allowed: "0x9000-0x9fff r-x". The first access without its right is an EPT violation that gives the page the right back; with "keep" at the end each is, and is emulated (29.3.3.2).'),
  setting('eptAccessedDirty',     flag,             field('eptAccessedDirty'), 'Accessed and dirty flags for EPT: walks of the guest\'s paging structures count as writes (29.3.5). There is no page-modification logging.'),
  setting('unrestrictedGuest',    flag,             secondary(SECONDARY.UNRESTRICTED_GUEST), 'Off, with EPT: the guest may run only with CR0.PE and CR0.PG set, every other VM entry fails (27.3.1.1).'),
  setting('svm',                  interceptNames,   bySvm, 'The processor is one of AMD\'s: intercepts of SVM decide, those of the other settings and these, by the names of their exit codes (APM vol. 2, 15.9).'),
];

/** Settings of VMX without a counterpart in a VMCB (APM vol. 2, 15.9 to 15.14), and what does it there. */
// prettier-ignore
const VMX_ONLY: { readonly [attribute: string]: string } = {
  preemptionTimer:     '',
  savePreemptionTimer: '',
  monitorTrap:         '',
  nmiWindow:           '"nmi" for the NMIs themselves',
  acknowledgeInterrupt: '"externalInterrupt", which leaves the interrupt pending',
  sipi:                '"init"',
  cr3Targets:          '"cr3"',
  cr0Mask:             '"svm": ["CR0_SEL_WRITE"] or "crAccess"',
  cr0Shadow:           '"crAccess"',
  cr4Mask:             '"crAccess"',
  cr4Shadow:           '"crAccess"',
  pauseLoop:           '"pause"',
  rdrand:              '',
  rdseed:              '',
  enableRdtscp:        '"rdtsc"',
  eptMisconfiguration: '"eptViolation"',
  unrestrictedGuest:   '',
  vmx:                 '',
};
/** Off is what SVM has anyway. */
function refusedUnderSvm(
  controls: ExecutionControls,
  exits: { readonly [name: string]: ExitSetting },
): string | null {
  if (controls.hardware !== 'svm') return null;
  const asked = (name: string): boolean => exits[name] !== undefined && exits[name] !== false;
  return Object.keys(VMX_ONLY).find(asked) ?? null;
}

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

/** Applies launch.json's settings; the first that is wrong is returned and none after it applied. */
export function applyExitSwitches(
  controls: ExecutionControls,
  exits: { readonly [name: string]: ExitSetting },
): ControlsProblem | null {
  const path = (name: string): string => `hypervisor.exits.${name}`;
  const known = new Set(EXIT_SWITCHES.map((each) => each.attribute));
  for (const name of Object.keys(exits)) {
    if (!known.has(name)) return { attribute: path(name), message: unknownSwitch(name) };
  }
  // in the order of the table, where what is finer comes later
  for (const row of EXIT_SWITCHES) {
    const { attribute: name, kind } = row;
    const value = exits[name];
    if (value === undefined || row.set(controls, value)) continue;
    return { attribute: path(name), message: `Exit switch '${name}' must be ${kind.expected}.` };
  }
  const alien = refusedUnderSvm(controls, exits);
  if (alien === null) return checkControls(controls);
  const instead = VMX_ONLY[alien] === '' ? '' : `, or set ${VMX_ONLY[alien]}`;
  const message = `'${alien}' is a control of VMX, and this hypervisor runs on AMD-V: leave it out, choose profile 'kvm-ept'${instead}.`;
  return { attribute: path(alien), message };
}
