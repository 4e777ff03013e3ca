# Two processors on one host thread: steal time, the flag of a preempted one, the flush of its TLB by that
# flag, a kick out of HLT, a turn that is given away, an interrupt for both by one hypercall.
        .include "kvm.inc.s"
        begin
        .set    ID, APIC + 0x20
        .set    STEAL0, 0x9000
        .set    STEAL1, 0x9040
        .set    PREEMPTED, 16

on_ipi: lock inc dword ptr [ipis]
        push    eax
        mov     dword ptr [EOI], 0
        pop     eax
        iretd

# Where the start-up interrupt leads: page 0x8.
        .org    0x8000 - 0x7c00
        .code16
second: cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      eax, 1
        mov     cr0, eax
        jmp     0x08:second32
        .code32
second32:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x6000
        lidt    [.Lidt_pointer]
        mov     dword ptr [SVR], 0x1ff
        mov     eax, 0x100000
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000
        mov     cr0, eax
        write_msr 0x4b564d03, STEAL1 + 1
        mov     dword ptr [phase], 1
        sti
# Looks through linear 0x400000 all the time.
look:   inc     dword ptr [looks]
        mov     eax, [0x400000]
        mov     [seen], eax
        cmp     dword ptr [phase], 2
        jb      look
        cli
        mov     dword ptr [phase], 3
        hlt                                             # until the kick
        mov     dword ptr [phase], 4
        sti
rest:   hlt
        jmp     rest

# Until the other has looked again, EAX times.
wait_looks:
        add     eax, [looks]
1:      cmp     [looks], eax
        jb      1b
        ret

# Until the other has been put off its turn in which it would have gone on.
wait_preempted:
1:      test    byte ptr [STEAL1 + PREEMPTED], 1
        jz      1b
        ret

main:   set_gate 0x40, on_ipi
        page_tables
        mov     dword ptr [0x200000], 1
        mov     dword ptr [0x201000], 2
        mov     dword ptr [0x202000], 3
        mov     dword ptr [0x102000], 0x200007          # linear 400000
        invlpg  [0x400000]
        write_msr 0x4b564d03, STEAL0 + 1
        mov     dword ptr [ICR_TO], 1 << 24
        mov     dword ptr [ICR], 0x4500
        mov     dword ptr [ICR], 0x4608
1:      pause
        cmp     dword ptr [phase], 1
        jne     1b

        # both run a while: each loses what the other has
        mov     eax, [STEAL0]
        mov     [steal_before], eax
        mov     eax, [STEAL1]
        mov     [steal_before + 4], eax
        rdtsc
        mov     [time_before], eax
        mov     ecx, 1000000
1:      loop    1b
        rdtsc
        sub     eax, [time_before]
        tell    time, eax
        mov     eax, [STEAL0]
        sub     eax, [steal_before]
        tell    steal0, eax
        mov     eax, [STEAL1]
        sub     eax, [steal_before + 4]
        tell    steal1, eax
        mov     eax, [STEAL0 + 8]
        and     eax, 1
        tell    version, eax
        tell    mine, [STEAL0 + PREEMPTED]
        tell    other, [STEAL1 + PREEMPTED]

        # its TLB keeps the old entry, until the flag tells it to look anew
        mov     eax, 2
        call    wait_looks
        tell    seen, [seen]
        mov     dword ptr [0x102000], 0x201007
        mov     eax, 2
        call    wait_looks
        tell    stale, [seen]
        call    wait_preempted
        lock or byte ptr [STEAL1 + PREEMPTED], 2
        mov     eax, 2
        call    wait_looks
        tell    fresh, [seen]
        # a flag that is not KVM's to look at when the vCPU is not preempted does no harm
        mov     dword ptr [0x102000], 0x202007

        # the other has the turn before the call returns
        mov     ebp, [looks]
        hypercall 11, 1
        mov     eax, [looks]
        sub     eax, ebp
        jz      1f
        mov     eax, 1
1:      tell    yielded, eax

        # one hypercall interrupts both
        hypercall 10, 3, 0, 0, 0x40
        tell    sent, eax
        sti
1:      pause
        cmp     dword ptr [ipis], 2
        jne     1b
        cli
        tell    ipis, [ipis]

        mov     dword ptr [phase], 2
1:      pause
        cmp     dword ptr [phase], 3
        jne     1b
        mov     ecx, 200000                             # it stands in HLT with interrupts off
1:      loop    1b
        tell    asleep, [phase]
        hypercall 5, 0, 1
1:      pause
        cmp     dword ptr [phase], 4
        jne     1b
        tell    kicked, [phase]
        power_off 0

        .balign 4
phase:          .long 0
looks:          .long 0
seen:           .long 0
ipis:           .long 0
steal_before:   .long 0, 0
time_before:    .long 0
