# Full and para virtualization in one kernel.
#
# Some instructions of a kernel are sensitive: they reach for the machine that a hypervisor keeps for
# itself. Under full virtualization the guest executes them as on bare hardware, the processor stops it,
# and the hypervisor pretends (a VM exit). Under paravirtualization the guest knows better and asks with a
# hypercall, or leaves out what makes no sense in a virtual machine. Linux 2.6.20 brought the table
# `struct paravirt_ops`, through which one kernel does both: it looks where it runs and fills the table.
# This is such a table, with six of its operations.

        .intel_syntax noprefix
        .include "constants.s"

# Hypercall numbers (linux/kvm_para.h).
        .set    KVM_HC_VAPIC_POLL_IRQ, 1        # "look whether there is an interrupt for me"
        .set    NO_SUCH_HYPERCALL, 42           # answered by -KVM_ENOSYS, which is -1000

# What the hypervisor writes for us: struct pvclock_vcpu_time_info.
        .set    CLOCK_VERSION,    0
        .set    CLOCK_TSC,        8
        .set    CLOCK_TIME,       16
        .set    CLOCK_MULTIPLIER, 24
        .set    CLOCK_SHIFT,      28

        .text

# Asks CPUID who we run on (SDM vol. 2, "CPUID"; Linux Documentation/virt/kvm/x86/cpuid.rst): bit 31 of
# leaf 1's ECX says that there is a hypervisor, and leaf 40000000h is its visiting card.
function find_hypervisor
        xor     eax, eax
        cpuid
        mov     [vendor], ebx
        mov     [vendor + 4], edx
        mov     [vendor + 8], ecx
        mov     eax, 1
        cpuid
        test    ecx, ecx
        jns     1f                      # bit 31 clear: bare hardware, or someone who hides
        mov     eax, 0x40000000
        cpuid
        mov     [signature], ebx
        mov     [signature + 4], ecx
        mov     [signature + 8], edx
        cmp     ebx, 0x4b4d564b         # "KVMK"
        jne     1f
        cmp     ecx, 0x564b4d56         # "VMKV"
        jne     1f
        cmp     edx, 0x4d               # "M"
        jne     1f
        mov     byte ptr [on_kvm], 1
        mov     eax, 0x40000001         # what this KVM can do for us
        cpuid
        mov     [kvm_features], eax
1:      ret

function print_what_was_found
        mov     esi, offset vendor
        call    print
        cmp     byte ptr [signature], 0
        jne     1f
        say     ", no hypervisor\r\n"
        ret
1:      say     ", hypervisor "
        mov     esi, offset signature
        call    print
        cmp     byte ptr [on_kvm], 0
        je      2f
        say     ", features "
        mov     eax, [kvm_features]
        call    print_hex
2:      call    new_line
        ret

# A hypercall in KVM's convention (Linux Documentation/virt/kvm/x86/hypercalls.rst): number in EAX,
# arguments in EBX, ECX, EDX, ESI; the answer comes in EAX, negative for an error. On bare hardware VMCALL
# is an invalid opcode.
function kvm_hypercall
        vmcall
        ret

function try_hypercalls
        cmp     byte ptr [on_kvm], 0
        jne     1f
        say     "nobody to call\r\n"
        ret
1:      say     "VAPIC_POLL_IRQ (1) says "
        mov     eax, KVM_HC_VAPIC_POLL_IRQ
        call    kvm_hypercall
        call    print_decimal
        say     ", number 42 says "
        mov     eax, NO_SUCH_HYPERCALL
        call    kvm_hypercall
        call    print_decimal
        call    new_line
        ret

# Chooses the implementations. The table starts out native (.data below).
function fill_hooks
        cmp     byte ptr [on_kvm], 0
        jne     1f
        say     "bare hardware:\r\n"
        ret
1:      say     "KVM:\r\n"
        mov     dword ptr [pv_ops + PV_IRQ_ENABLE], offset kvm_irq_enable
        test    byte ptr [kvm_features], 1 << 1         # NOP_IO_DELAY
        jz      2f
        mov     dword ptr [pv_ops + PV_IO_DELAY], offset kvm_io_delay
2:      test    byte ptr [kvm_features], 1 << 3         # CLOCKSOURCE2
        jz      3f
        mov     dword ptr [pv_ops + PV_GET_TIME], offset kvm_get_time
        # Tell the hypervisor where it may write the time: the physical address, bit 0 for "on".
        mov     ecx, 0x4b564d01                         # MSR_KVM_SYSTEM_TIME_NEW
        mov     eax, offset kvm_clock + 1
        xor     edx, edx
        wrmsr
3:      ret

# Lists the table: the name of each operation, and the function that it leads to.
function print_hooks
        xor     ebx, ebx
1:      say     "  "
        mov     esi, [hook_names + ebx * 4]
        call    print
        mov     eax, [pv_ops + ebx * 4]
        call    print_hex
        mov     esi, offset native_text
        cmp     eax, [native_ops + ebx * 4]
        je      2f
        mov     esi, offset kvm_text
2:      call    print
        inc     ebx
        cmp     ebx, PV_HOOKS
        jne     1b
        call    [pv_ops + PV_IO_DELAY]
        ret

# ---- The native versions: what bare hardware needs. All may change EAX, ECX, EDX; none takes more than
# ---- EAX.

function native_irq_disable
        cli
        ret

function native_irq_enable
        sti
        ret

# Waits for an interrupt with interrupts on. STI takes effect after the instruction that follows it: none
# can come between the two and leave us halted.
function native_safe_halt
        inc     dword ptr [halts]
        sti
        hlt
        ret

# Gives a slow device time between two accesses.
function native_io_delay
        out     DELAY_PORT, al
        ret

# EAX: physical address of the page directory to use from now on.
function native_write_cr3
        mov     cr3, eax
        ret

# Microseconds in EAX, as fine as the timer ticks.
function native_get_time
        mov     eax, [ticks]
        imul    eax, eax, 1000000 / TICKS_PER_SECOND
        ret

# ---- The versions for KVM.

# A hypervisor does not see STI. With this call it looks at once whether an interrupt is waiting for us.
function kvm_irq_enable
        sti
        mov     eax, KVM_HC_VAPIC_POLL_IRQ
        call    kvm_hypercall
        ret

# A virtual device needs no time: there is nothing to wait for, and one exit less.
function kvm_io_delay
        ret

# Microseconds in EAX from KVM's clock (Linux Documentation/virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW):
# the hypervisor has left a time, the TSC at that time, and how to convert TSC ticks to nanoseconds. No
# exit is needed to read it.
function kvm_get_time
        push    ebx
        push    esi
1:      mov     esi, [kvm_clock + CLOCK_VERSION]
        test    esi, 1                  # odd while the hypervisor writes
        jnz     1b
        rdtsc
        sub     eax, [kvm_clock + CLOCK_TSC]
        sbb     edx, [kvm_clock + CLOCK_TSC + 4]
        mov     cl, [kvm_clock + CLOCK_SHIFT]
        test    cl, cl
        js      2f
        shld    edx, eax, cl            # ticks << shift ...
        shl     eax, cl
        jmp     3f
2:      neg     cl
        shrd    eax, edx, cl            # ... or >> -shift
        shr     edx, cl
3:      mov     ecx, [kvm_clock + CLOCK_MULTIPLIER]
        mov     ebx, edx
        mul     ecx                     # low half * multiplier / 2^32 ...
        mov     eax, ebx
        mov     ebx, edx
        mul     ecx                     # ... + high half * multiplier
        add     eax, ebx
        adc     edx, 0
        add     eax, [kvm_clock + CLOCK_TIME]
        adc     edx, [kvm_clock + CLOCK_TIME + 4]
        cmp     esi, [kvm_clock + CLOCK_VERSION]
        jne     1b                      # it changed while we read
        # EDX:EAX nanoseconds / 1000; the quotient's upper half is not needed
        mov     ecx, 1000
        mov     ebx, eax
        mov     eax, edx
        xor     edx, edx
        div     ecx
        mov     eax, ebx
        div     ecx
        pop     esi
        pop     ebx
        ret

        .data
        .balign 4
        .global pv_ops
        .type pv_ops, @object
        .size pv_ops, PV_HOOKS * 4
pv_ops: .long   native_irq_disable, native_irq_enable, native_safe_halt
        .long   native_io_delay, native_write_cr3, native_get_time

        .section .rodata
        .balign 4
native_ops:
        .long   native_irq_disable, native_irq_enable, native_safe_halt
        .long   native_io_delay, native_write_cr3, native_get_time
hook_names:
        .long   1f, 2f, 3f, 4f, 5f, 6f
1:      .asciz  "irq_disable  "
2:      .asciz  "irq_enable   "
3:      .asciz  "safe_halt    "
4:      .asciz  "io_delay     "
5:      .asciz  "write_cr3    "
6:      .asciz  "get_time     "
native_text:
        .asciz  " native\r\n"
kvm_text:
        .asciz  " KVM\r\n"

        .bss
        .balign 32
        .global kvm_clock
kvm_clock:      .skip 32                # written by the hypervisor
vendor:         .skip 16                # "GenuineIntel" and a zero
signature:      .skip 16                # "KVMKVMKVM", "TCGTCGTCGTCG", …
kvm_features:   .skip 4
halts:          .skip 4                 # how often safe_halt has halted
on_kvm:         .skip 1
        .global halts, on_kvm, kvm_features, signature
