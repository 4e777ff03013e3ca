/**
 * KVM of today on VT-x with EPT and unrestricted guest. It differs in two places. KVM intercepts the
 * first MOV DR after an exit and lets those that follow through; here all leave. And it runs the local
 * APIC and the PAUSE loop with hardware help (APIC_WRITE, PAUSE-loop exiting) that is not here.
 */
import { CR0, CR4 } from '../../cpu/state.ts';
import {
  noControls,
  PIN,
  PRIMARY,
  SECONDARY,
  setMsrExiting,
  UNCONDITIONAL,
} from '../execution-controls.ts';
import type { ExecutionControls } from '../execution-controls.ts';
import type { Profile } from './profile.ts';

const CR4_FSGSBASE = 1 << 16;

/** Read and write without an exit (vmx_vcpu_create()); of IA32_TIME_STAMP_COUNTER the read alone. */
// prettier-ignore
const PASSED_THROUGH = [
  { msr: 0x10,       name: 'IA32_TIME_STAMP_COUNTER', write: false },
  { msr: 0x174,      name: 'IA32_SYSENTER_CS',        write: true },
  { msr: 0x175,      name: 'IA32_SYSENTER_ESP',       write: true },
  { msr: 0x176,      name: 'IA32_SYSENTER_EIP',       write: true },
  { msr: 0xc0000100, name: 'IA32_FS_BASE',            write: true },
  { msr: 0xc0000101, name: 'IA32_GS_BASE',            write: true },
  { msr: 0xc0000102, name: 'IA32_KERNEL_GS_BASE',     write: true },
] as const;

/** Bits of CR0 and CR4 that the guest owns (kvm_cache_regs.h, KVM_POSSIBLE_CR0_GUEST_BITS and CR4). */
const GUEST_CR0 = CR0.TS | CR0.WP;
const GUEST_CR4 =
  CR4.PVI | CR4.TSD | CR4.DE | CR4.PGE | CR4.PCE | CR4.OSFXSR | CR4.OSXMMEXCPT | CR4_FSGSBASE;

/** #DB, #UD, #AC and #MC (vmx_update_exception_bitmap()); #PF belongs to the guest under EPT. */
const EXCEPTIONS = (1 << 1) | (1 << 6) | (1 << 17) | (1 << 18);

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
    SECONDARY.ENABLE_RDTSCP |
    SECONDARY.ENABLE_VPID |
    SECONDARY.WBINVD_EXITING |
    SECONDARY.UNRESTRICTED_GUEST;
  for (const bit of Object.values(UNCONDITIONAL)) controls.unconditional |= bit;
  controls.exceptionBitmap = EXCEPTIONS;
  controls.msrBitmap.fill(0xff);
  for (const { msr, write } of PASSED_THROUGH) {
    setMsrExiting(controls, msr, false, false);
    if (write) setMsrExiting(controls, msr, true, false);
  }
  controls.cr0Mask = ~GUEST_CR0 >>> 0;
  controls.cr4Mask = ~GUEST_CR4 >>> 0;
  return controls;
}

export const KVM_EPT = {
  name: 'kvm-ept',
  synonyms: [],
  counterpart: 'kvm-npt',
  description: 'KVM of today on VT-x: nested paging by EPT, few exits.',
  source: 'Linux 6.1, arch/x86/kvm/vmx/vmx.c: vmx_exec_control() and its neighbours',
  paging: 'nested',
  mostVcpus: Infinity,
  interfaces: ['bare', 'kvm'],
  controls: kvmEpt,
} as const satisfies Profile;
