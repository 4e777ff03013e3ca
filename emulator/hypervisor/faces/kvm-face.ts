/**
 * KVM's face of an exit: what the kernel hands to its user-space half in struct kvm_run (linux/kvm.h,
 * Documentation/virt/kvm/api.rst, "The kvm_run structure"), or that it answers the exit itself and by what.
 * That depends on the release. In 2.6.20 (drivers/kvm, handle_exit() and its tables; API version 2, whose
 * structure is another one) all of I/O, CPUID and HLT went to user space. Today the interrupt controllers
 * and the timer are in the kernel, and with them HLT.
 *
 * Shown is the launch that QEMU makes: KVM_CREATE_IRQCHIP and KVM_CREATE_PIT2, no KVM_CAP_X86_USER_SPACE_MSR.
 */
import { FLAG } from '../../cpu/state.ts';
import { exitReason, REASON } from '../exit-reasons.ts';
import { KVM_EXITS } from '../svm-exit-codes.ts';
import type { RecordedExit } from '../vm-exit.ts';
import { hex } from './face.ts';
import type { Face, FaceField } from './face.ts';

export type KvmRelease = 'today' | '2.6.20';

/** What the kernel knows beside the exit. */
export interface KvmContext {
  readonly release: KvmRelease;
  readonly hardware: 'vmx' | 'svm';
  /** The guest-physical address is memory of the guest, in a slot. */
  readonly isRam: (physical: number) => boolean;
}

const field = (place: string, value: string, meaning = ''): FaceField => ({ name: place, place, value, meaning }); // prettier-ignore

function toUserSpace(name: string, number: number, fields: readonly FaceField[]): Face {
  const title = `KVM_EXIT_${name} (${String(number)})`;
  return { title, fields: [field('exit_reason', String(number), title), ...fields] };
}

const inKernel = (by: string): Face => ({ title: `handled in the kernel: ${by}`, fields: [] });

const REGION = 4096;

// ---- today

/** Devices of the kernel by their ports and addresses (arch/x86/kvm: i8259.c, i8254.c, ioapic.c, lapic.c). */
// prettier-ignore
const KERNEL_PORTS = [
  { first: 0x20,  last: 0x21,  name: 'the PIC' },
  { first: 0xa0,  last: 0xa1,  name: 'the PIC' },
  { first: 0x4d0, last: 0x4d1, name: 'the PIC (ELCR)' },
  { first: 0x40,  last: 0x43,  name: 'the PIT' },
  { first: 0x61,  last: 0x61,  name: 'the PIT (speaker)' },
] as const;
// prettier-ignore
const KERNEL_ADDRESSES = [
  { first: 0xfec00000, last: 0xfec000ff, name: 'the I/O APIC' },
  { first: 0xfee00000, last: 0xfee00fff, name: 'the local APIC' },
] as const;

/** Elements that one exit for REP INS moves: to the end of the page by EDI, at most 1024 bytes. */
function stringCount(exit: RecordedExit, size: number): number {
  const { qualification, ecx, guestLinear, eflags } = exit;
  const isInput = (qualification & 8) !== 0;
  if ((qualification & 0x20) === 0 || !isInput) return 1;
  const offset = guestLinear % REGION;
  const room = (eflags & FLAG.DF) !== 0 ? offset : REGION - offset;
  return Math.max(1, Math.min(Math.floor(room / size), Math.floor(1024 / size), ecx));
}

function ioToday(exit: RecordedExit): Face {
  const port = exit.qualification >>> 16;
  const found = KERNEL_PORTS.find(({ first, last }) => port >= first && port <= last);
  if (found !== undefined) return inKernel(found.name);
  const size = (exit.qualification & 7) + 1;
  const isInput = (exit.qualification & 8) !== 0;
  const isString = (exit.qualification & 0x10) !== 0;
  const data = isInput || isString ? [] : [field('data', hex(exit.operand, size * 2), 'at data_offset')]; // prettier-ignore
  return toUserSpace('IO', KVM_EXITS.IO, [
    field('io.direction', isInput ? '0' : '1', isInput ? 'KVM_EXIT_IO_IN' : 'KVM_EXIT_IO_OUT'),
    field('io.size', String(size)),
    field('io.port', hex(port, 4)),
    field('io.count', String(stringCount(exit, size))),
    field('io.data_offset', hex(REGION, 4), 'the page after struct kvm_run'),
    ...data,
  ]);
}

function mmio(exit: RecordedExit): Face {
  // an EPT misconfiguration has no qualification
  const isWrite = (exit.exitInfo1 & 2) !== 0;
  const bytes = Array.from({ length: Math.min(exit.accessSize, 4) }, (_, at) => (exit.operand >>> (8 * at)) & 0xff); // prettier-ignore
  const data = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return toUserSpace('MMIO', KVM_EXITS.MMIO, [
    field('mmio.phys_addr', hex(exit.guestPhysical)),
    field('mmio.data', isWrite ? data : '', isWrite ? '' : 'filled in by user space'),
    field('mmio.len', String(exit.accessSize)),
    field('mmio.is_write', isWrite ? '1' : '0'),
  ]);
}

/** KVM_INTERNAL_ERROR_DELIVERY_EV: what cannot be emulated in the middle of a delivery. */
function deliveryError(exit: RecordedExit): Face {
  return toUserSpace('INTERNAL_ERROR', KVM_EXITS.INTERNAL_ERROR, [
    field('internal.suberror', '3', 'KVM_INTERNAL_ERROR_DELIVERY_EV'),
    field('internal.ndata', '3'),
    field('internal.data[0]', hex(exit.idtVectoringInformation), 'IDT-vectoring information'),
    field('internal.data[1]', String(exit.reason), exitReason(exit.reason)?.name ?? ''),
    field('internal.data[2]', hex(exit.qualification), 'exit qualification'),
  ]);
}

function memoryToday(exit: RecordedExit, { isRam }: KvmContext): Face {
  const address = exit.guestPhysical;
  if (isRam(address)) return inKernel('kvm_mmu_page_fault(), which maps the page');
  if (exit.idtVectoringInformation !== 0) return deliveryError(exit);
  const found = KERNEL_ADDRESSES.find(({ first, last }) => address >= first && address <= last);
  return found === undefined ? mmio(exit) : inKernel(found.name);
}

/** What the kernel answers itself, and by what. */
// prettier-ignore
const HANDLED_TODAY: { readonly [reason: number]: string } = {
  [REASON.EXCEPTION_NMI]:                'the exception goes back into the guest, or is KVM\'s own (#NM, #UD, #AC)',
  [REASON.EXTERNAL_INTERRUPT]:           'the host\'s interrupt handler',
  [REASON.INTERRUPT_WINDOW]:             'the interrupt that waits is injected',
  [REASON.NMI_WINDOW]:                   'the NMI that waits is injected',
  [REASON.TASK_SWITCH]:                  'kvm_task_switch()',
  [REASON.HLT]:                          'the vCPU blocks, kvm_vcpu_halt()',
  [REASON.VMCALL]:                       'kvm_emulate_hypercall()',
  [REASON.CPUID]:                        'kvm_emulate_cpuid(), from KVM_SET_CPUID2',
  [REASON.RDMSR]:                        'kvm_emulate_rdmsr()',
  [REASON.WRMSR]:                        'kvm_emulate_wrmsr()',
  [REASON.PAUSE]:                        'kvm_vcpu_on_spin(), then skipped',
  [REASON.VMX_PREEMPTION_TIMER_EXPIRED]: 'the local APIC\'s timer',
};

/** struct kvm_run: what every return to user space has. */
function common({ eflags, interruptibility }: RecordedExit): readonly FaceField[] {
  const enabled = (eflags & FLAG.IF) !== 0;
  const ready = enabled && (interruptibility & 3) === 0;
  return [
    field('if_flag', enabled ? '1' : '0'),
    field('ready_for_interrupt_injection', ready ? '1' : '0'),
  ];
}

function today(exit: RecordedExit, context: KvmContext): Face {
  switch (exit.reason & 0xffff) {
    case REASON.IO_INSTRUCTION:
      return ioToday(exit);
    case REASON.EPT_VIOLATION:
    case REASON.EPT_MISCONFIGURATION:
      return memoryToday(exit, context);
    case REASON.TRIPLE_FAULT:
      return toUserSpace('SHUTDOWN', KVM_EXITS.SHUTDOWN, []);
    case REASON.VMENTRY_FAILURE_GUEST_STATE:
    case REASON.VMENTRY_FAILURE_MSR:
      return toUserSpace('FAIL_ENTRY', KVM_EXITS.FAIL_ENTRY, [
        field('fail_entry.hardware_entry_failure_reason', hex((exit.reason | (1 << 31)) >>> 0)),
      ]);
    default:
      return inKernel(HANDLED_TODAY[exit.reason] ?? 'emulated');
  }
}

// ---- Linux 2.6.20

/** enum kvm_exit_reason of API version 2 where it was another one. */
const OLD_CPUID = 3;

function oldIo(exit: RecordedExit): Face {
  const { qualification, ecx, eflags } = exit;
  const isInput = (qualification & 8) !== 0;
  const isString = (qualification & 0x10) !== 0;
  const repeats = (qualification & 0x20) !== 0;
  const value = isString
    ? [field('io.count', String(repeats ? ecx : 1)), field('io.address', hex(exit.guestLinear), 'linear')]
    : [field('io.value', hex(exit.eax))]; // prettier-ignore
  return toUserSpace('IO', KVM_EXITS.IO, [
    field('io.direction', isInput ? '0' : '1', isInput ? 'KVM_EXIT_IO_IN' : 'KVM_EXIT_IO_OUT'),
    field('io.size', String((qualification & 7) + 1)),
    field('io.string', isString ? '1' : '0'),
    field('io.string_down', isString && (eflags & FLAG.DF) !== 0 ? '1' : '0'),
    field('io.rep', repeats ? '1' : '0'),
    field('io.port', hex(qualification >>> 16, 4)),
    ...value,
  ]);
}

/** handle_exception() of vmx.c; an access to a device is a #PF that its emulator makes. */
function oldException(exit: RecordedExit): Face {
  const vector = exit.interruptionInformation & 0xff;
  if (vector === 14) {
    return exit.accessSize > 0 ? mmio(exit) : inKernel('kvm_mmu_page_fault(): shadowed, or the guest\'s own'); // prettier-ignore
  }
  if (vector === 2) return inKernel("the host's NMI handler");
  if (vector === 1) return toUserSpace('DEBUG', KVM_EXITS.DEBUG, []);
  return toUserSpace('EXCEPTION', KVM_EXITS.EXCEPTION, [
    field('ex.exception', String(vector)),
    field('ex.error_code', hex(exit.interruptionErrorCode)),
  ]);
}

/** Rows of kvm_vmx_exit_handlers[] and svm_exit_handlers[] that stay in the kernel. */
// prettier-ignore
const HANDLED_THEN: { readonly [reason: number]: string } = {
  [REASON.EXTERNAL_INTERRUPT]: 'the host\'s interrupt handler',
  [REASON.INTERRUPT_WINDOW]:   'the interrupt that waits is injected',
  [REASON.CR_ACCESS]:          'set_cr0(), set_cr3(), set_cr4(), lmsw()',
  [REASON.DR_ACCESS]:          'handle_dr()',
  [REASON.RDMSR]:              'vmx_get_msr(), svm_get_msr()',
  [REASON.WRMSR]:              'vmx_set_msr(), svm_set_msr()',
};

function unknownThen(exit: RecordedExit, hardware: 'vmx' | 'svm'): Face {
  const number = hardware === 'vmx' ? exit.reason : exit.exitCode;
  const fields = hardware === 'vmx' ? [field('hw.hardware_exit_reason', String(number))] : [];
  return toUserSpace('UNKNOWN', KVM_EXITS.UNKNOWN, fields);
}

function then(exit: RecordedExit, { hardware }: KvmContext): Face {
  switch (exit.reason) {
    case REASON.EXCEPTION_NMI:
      return oldException(exit);
    case REASON.IO_INSTRUCTION:
      return oldIo(exit);
    case REASON.CPUID:
      return toUserSpace('CPUID', OLD_CPUID, [
        field('instruction_length', String(exit.instructionLength)),
      ]);
    case REASON.HLT:
      return toUserSpace('HLT', KVM_EXITS.HLT, []);
    case REASON.TRIPLE_FAULT:
      return hardware === 'svm'
        ? toUserSpace('SHUTDOWN', KVM_EXITS.SHUTDOWN, [])
        : unknownThen(exit, hardware);
    // invalid_op_interception()
    case REASON.VMCALL:
      return hardware === 'svm' ? inKernel('#UD for the guest') : unknownThen(exit, hardware);
    default: {
      const by = HANDLED_THEN[exit.reason];
      return by === undefined ? unknownThen(exit, hardware) : inKernel(by);
    }
  }
}

/** What KVM does with the exit. */
export function kvmFace(exit: RecordedExit, context: KvmContext): Face {
  const face = context.release === 'today' ? today(exit, context) : then(exit, context);
  if (face.fields.length === 0) return face;
  return { ...face, fields: [...face.fields, ...common(exit)] };
}
