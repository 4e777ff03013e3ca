/**
 * Profiles: named sets of execution controls, each as one hypervisor's release sets them (for KVM:
 * arch/x86/kvm/vmx/vmx.c, vmx_exec_control() and its neighbours). Bare is the profile without exits.
 * Profiles that need machinery which is not there yet are rows that say so.
 */
import { CR0, CR4 } from '../cpu/state.ts';
import { didYouMean } from '../nearest-name.ts';
import {
  noControls,
  PIN,
  PRIMARY,
  SECONDARY,
  setMsrExiting,
  UNCONDITIONAL,
} from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import { applyExitSwitches } from './exit-switches.ts';
import type { ControlsProblem } from './exit-switches.ts';

export interface Profile {
  /** As in launch.json's hypervisor.profile. */
  readonly name: string;
  readonly description: string;
  /** Values of hypervisor.interface that go with it. */
  readonly interfaces: readonly string[];
  /** A fresh set of controls, or why there is none yet, as an end to "… cannot be used:". */
  readonly controls: (() => ExecutionControls) | string;
}

const CR4_FSGSBASE = 1 << 16;

/** Read and write without an exit (vmx_vcpu_create()); of IA32_TIME_STAMP_COUNTER the read alone. */
// prettier-ignore
const KVM_PASSED_THROUGH = [
  { msr: 0x10,       name: 'IA32_TIME_STAMP_COUNTER', write: false },
  { msr: 0x174,      name: 'IA32_SYSENTER_CS',        write: true },
  { msr: 0x175,      name: 'IA32_SYSENTER_ESP',       write: true },
  { msr: 0x176,      name: 'IA32_SYSENTER_EIP',       write: true },
  { msr: 0xc0000100, name: 'IA32_FS_BASE',            write: true },
  { msr: 0xc0000101, name: 'IA32_GS_BASE',            write: true },
  { msr: 0xc0000102, name: 'IA32_KERNEL_GS_BASE',     write: true },
] as const;

/** Bits of CR0 and CR4 that the guest owns (kvm_cache_regs.h, KVM_POSSIBLE_CR0_GUEST_BITS and CR4). */
const KVM_GUEST_CR0 = CR0.TS | CR0.WP;
const KVM_GUEST_CR4 =
  CR4.PVI | CR4.TSD | CR4.DE | CR4.PGE | CR4.PCE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4_FSGSBASE;

/** #DB, #UD, #AC and #MC (vmx_update_exception_bitmap()); #PF belongs to the guest under EPT. */
const KVM_EXCEPTIONS = (1 << 1) | (1 << 6) | (1 << 17) | (1 << 18);

/**
 * KVM of today with EPT and unrestricted guest. It differs in two places. KVM intercepts the first MOV
 * DR after an exit and lets those that follow through; here all leave. And it runs the local APIC and
 * the PAUSE loop with hardware help (APIC_WRITE, PAUSE-loop exiting) that is not here.
 */
function kvmEpt(): ExecutionControls {
  const controls = noControls();
  controls.pinBased = PIN.EXTERNAL_INTERRUPT_EXITING | PIN.NMI_EXITING | PIN.VIRTUAL_NMIS;
  controls.primary =
    PRIMARY.USE_TSC_OFFSETTING |
    PRIMARY.HLT_EXITING |
    PRIMARY.MWAIT_EXITING |
    PRIMARY.MONITOR_EXITING |
    PRIMARY.RDPMC_EXITING |
    PRIMARY.MOV_DR_EXITING |
    PRIMARY.UNCONDITIONAL_IO_EXITING |
    PRIMARY.USE_MSR_BITMAPS |
    PRIMARY.ACTIVATE_SECONDARY_CONTROLS;
  controls.secondary =
    SECONDARY.ENABLE_EPT |
    SECONDARY.ENABLE_VPID |
    SECONDARY.WBINVD_EXITING |
    SECONDARY.UNRESTRICTED_GUEST;
  for (const bit of Object.values(UNCONDITIONAL)) controls.unconditional |= bit;
  controls.exceptionBitmap = KVM_EXCEPTIONS;
  controls.msrBitmap.fill(0xff);
  for (const { msr, write } of KVM_PASSED_THROUGH) {
    setMsrExiting(controls, msr, false, false);
    if (write) setMsrExiting(controls, msr, true, false);
  }
  controls.cr0Mask = ~KVM_GUEST_CR0 >>> 0;
  controls.cr4Mask = ~KVM_GUEST_CR4 >>> 0;
  return controls;
}

// prettier-ignore
export const PROFILES = [
  { name: 'bare',       description: 'No hypervisor: nothing leaves the guest.',               interfaces: ['bare'],        controls: noControls },
  { name: 'kvm-ept',    description: 'KVM of today: nested paging, few exits.',                interfaces: ['bare', 'kvm'], controls: kvmEpt },
  { name: 'kvm-2.6.20', description: 'KVM as it came with Linux 2.6.20: shadow page tables.',  interfaces: ['bare', 'kvm'], controls: 'it shadows the guest\'s page tables, which this version cannot do yet' },
  { name: 'svm-npt',    description: 'KVM on AMD-V: SVM exit codes, nested paging.',           interfaces: ['bare', 'kvm'], controls: 'this version leaves the guest by VMX exits alone' },
] as const satisfies readonly Profile[];

/** The profile that goes with an interface when launch.json names none. */
export function defaultProfile(guestInterface: string): string {
  return guestInterface === 'bare' ? 'bare' : 'kvm-ept';
}

/** The controls of a launch configuration's hypervisor section, or what is wrong with it. */
export function controlsFor(hypervisor: {
  readonly interface: string;
  readonly profile: string;
  readonly exits: { readonly [name: string]: boolean };
}): { readonly controls: ExecutionControls } | { readonly problem: ControlsProblem } {
  const problem = (message: string) => ({ problem: { attribute: 'hypervisor.profile', message } });
  const rows: readonly Profile[] = PROFILES;
  const usable = rows.filter((row) => typeof row.controls !== 'string').map((row) => row.name);
  const name = hypervisor.profile;
  const profile = rows.find((row) => row.name === name);
  if (profile === undefined) {
    const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
    const guess = didYouMean(name, usable);
    const remedy = guess === '' ? ` Known are ${usable.join(', ')}.` : guess;
    return problem(`There is no hypervisor profile '${shown}'.${remedy}`);
  }
  if (typeof profile.controls === 'string') {
    return problem(`Profile '${name}' cannot be used: ${profile.controls}. Use 'kvm-ept'.`);
  }
  if (!profile.interfaces.includes(hypervisor.interface)) {
    return problem(
      `Profile '${name}' has no exits, so a guest cannot reach the interface '${hypervisor.interface}'. ` +
        `Use profile '${defaultProfile(hypervisor.interface)}' or interface 'bare'.`,
    );
  }
  const controls = profile.controls();
  const wrong = applyExitSwitches(controls, hypervisor.exits);
  return wrong === null ? { controls } : { problem: wrong };
}
