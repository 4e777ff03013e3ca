/**
 * KVM as it came with Linux 2.6.20, on VT-x: shadow page tables (../shadow/), neither I/O nor MSR bitmaps,
 * no secondary controls. Its table of handlers, kvm_vmx_exit_handlers[], has ten rows: EXCEPTION_NMI,
 * EXTERNAL_INTERRUPT, IO_INSTRUCTION, CR_ACCESS, DR_ACCESS, CPUID, RDMSR, WRMSR, INTERRUPT_WINDOW and HLT.
 * INVLPG has none: a guest's tables were always write-protected there, so that INVLPG had nothing to tell
 * the hypervisor, and "INVLPG exiting" stayed off; `"exits": { "invlpg": true }` adds the exit as later
 * releases have it. I/O and CPUID went to user space.
 *
 * It differs in three places. That release ran real mode in virtual-8086 mode, in which every exception
 * left; here the processor executes real mode itself. The processor still leaves for what it leaves for
 * unconditionally (VMCALL, INVD, a task switch, a triple fault), which that release gave up at with
 * KVM_EXIT_UNKNOWN; here they are handled as in kvm-ept. And MOV DR did nothing there; here it works.
 */
import { CR0, CR4 } from '../../cpu/state.ts';
import { noControls, PIN, PRIMARY, UNCONDITIONAL } from '../execution-controls.ts';
import type { ExecutionControls } from '../execution-controls.ts';
import type { Profile } from './profile.ts';

/** What the hypervisor keeps for itself of CR0 and CR4 (kvm.h, KVM_GUEST_CR0_MASK and KVM_GUEST_CR4_MASK). */
const HOST_CR0 = CR0.PG | CR0.PE | CR0.WP | CR0.NE | CR0.NW | CR0.CD;
const CR4_VMXE = 1 << 13;
const HOST_CR4 = CR4.PSE | CR4.PAE | CR4.PGE | CR4_VMXE | CR4.VME;

const PAGE_FAULT = 1 << 14;

function kvm2620Vmx(): ExecutionControls {
  const controls = noControls();
  controls.release = '2.6.20';
  controls.pinBased = PIN.EXTERNAL_INTERRUPT_EXITING | PIN.NMI_EXITING;
  controls.primary =
    PRIMARY.HLT_EXITING |
    PRIMARY.CR8_LOAD_EXITING |
    PRIMARY.CR8_STORE_EXITING |
    PRIMARY.UNCONDITIONAL_IO_EXITING |
    PRIMARY.MOV_DR_EXITING |
    PRIMARY.USE_TSC_OFFSETTING |
    // bits that the processors of the time had fixed to 1 (SDM vol. 3, A.3.2)
    PRIMARY.CR3_LOAD_EXITING |
    PRIMARY.CR3_STORE_EXITING;
  for (const bit of Object.values(UNCONDITIONAL)) controls.unconditional |= bit;
  controls.exceptionBitmap = PAGE_FAULT;
  controls.cr0Mask = HOST_CR0 >>> 0;
  controls.cr4Mask = HOST_CR4 >>> 0;
  return controls;
}

export const KVM_2_6_20_VMX = {
  name: 'kvm-2.6.20-vmx',
  synonyms: ['kvm-2.6.20'],
  counterpart: 'kvm-2.6.20-svm',
  description:
    'KVM as it came with Linux 2.6.20, on VT-x: shadow page tables, exits for #PF and CR3, one processor.',
  source: 'Linux 2.6.20, drivers/kvm/vmx.c: vmx_vcpu_setup(), kvm_vmx_exit_handlers[]',
  paging: 'shadow',
  mostVcpus: 1,
  interfaces: ['bare', 'kvm'],
  offersMmuOp: true,
  controls: kvm2620Vmx,
} as const satisfies Profile;
