# Several processors, by themselves: starts all others as the MP specification says (B.4, INIT and two
# start-ups), lets them work with and against each other, and tells on COM1 what came out, one line a
# fact: a word and a number of eight hexadecimal digits. EBP is the processor's own number everywhere.
        .include "../bad/protected.inc.s"
        .set    APIC,   0xfee00000
        .set    ID,     APIC + 0x20
        .set    TPR,    APIC + 0x80
        .set    EOI,    APIC + 0xb0
        .set    LDR,    APIC + 0xd0
        .set    DFR,    APIC + 0xe0
        .set    SVR,    APIC + 0xf0
        .set    ICR,    APIC + 0x300
        .set    ICR_TO, APIC + 0x310
        .set    TIMER,  APIC + 0x320
        .set    LINT0,  APIC + 0x350
        .set    COUNT,  APIC + 0x380
        .set    DIVIDE, APIC + 0x3e0
        .set    IOAPIC, 0xfec00000
        .set    STACKS, 0x20000
        .globl  start
start:  enter_protected_mode
        cld
        mov     esp, STACKS
        jmp     main

# Where start-up interrupts lead: page 8.
        .org    0x400
        .code16
others: cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [.Lgdt_pointer]
        mov     eax, cr0
        or      eax, 1
        mov     cr0, eax
        jmp     0x08:others32
        .code32
others32:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        lidt    [.Lidt_pointer]
        mov     eax, [ID]
        shr     eax, 24
        mov     esp, eax
        shl     esp, 12
        add     esp, STACKS
        call    switch_apic_on
        mov     eax, 1
        cpuid
        shr     ebx, 24
        cmp     ebx, ebp                        # CPUID and the APIC agree
        jne     1f
        lock inc dword ptr [agree]
1:      mov     eax, [generation]
        mov     [seen + ebp * 4], eax
        lock inc dword ptr [started]
        sti
wait_for_task:
        pause
        mov     eax, [generation]
        cmp     eax, [seen + ebp * 4]
        je      wait_for_task
        mov     [seen + ebp * 4], eax
        call    [task]
        lock inc dword ptr [done]
        jmp     wait_for_task

# Own number to EBP; flat logical destination, one bit each.
switch_apic_on:
        mov     eax, [ID]
        shr     eax, 24
        mov     ebp, eax
        call    use_flat_model
        mov     dword ptr [TPR], 0
        mov     dword ptr [SVR], 0x1ff
        ret
use_flat_model:
        mov     dword ptr [DFR], 0xffffffff
        mov     ecx, ebp
        mov     eax, 1 << 24
        shl     eax, cl
        mov     [LDR], eax
        ret
# Four to a cluster.
use_cluster_model:
        mov     dword ptr [DFR], 0x0fffffff
        mov     ecx, ebp
        and     ecx, 3
        mov     eax, 1 << 24
        shl     eax, cl
        mov     ecx, ebp
        shr     ecx, 2
        shl     ecx, 28
        or      eax, ecx
        mov     [LDR], eax
        ret

# EDX: runs it on all processors, this one too.
everywhere:
        mov     [task], edx
        mov     dword ptr [done], 0
        lock inc dword ptr [generation]
        call    edx
1:      pause
        mov     eax, [others_running]
        cmp     [done], eax
        jne     1b
        ret

delay:  mov     ecx, 300000
1:      loop    1b
        ret

# ---- tasks

# A counter that is not atomic, behind a lock that is.
count_under_lock:
        mov     ecx, 3000
1:      call    take_lock
        mov     edx, [counter]
        inc     edx
        mov     [counter], edx
        mov     dword ptr [lock_word], 0
        loop    1b
        ret
take_lock:
        mov     eax, 1
        xchg    eax, [lock_word]
        test    eax, eax
        jz      1f
        pause
        jmp     take_lock
1:      ret

count_atomically:
        mov     ecx, 3000
1:      lock add dword ptr [atomic], 1
        mov     eax, 1
        lock xadd [atomic], eax
2:      mov     eax, [atomic]
        lea     edx, [eax + 1]
        lock cmpxchg [atomic], edx
        jne     2b
        push    ecx
        mov     eax, [atomic64]
        mov     edx, [atomic64 + 4]
3:      mov     ebx, eax
        mov     ecx, edx
        add     ebx, 0x80000000
        adc     ecx, 0
        lock cmpxchg8b [atomic64]
        jne     3b
        pop     ecx
        loop    1b
        ret

# Each looks at the counter after another has: it never runs back.
compare_time:
        mov     ecx, 3000
1:      call    take_lock
        rdtsc
        cmp     edx, [last_time + 4]
        ja      2f
        jb      3f
        cmp     eax, [last_time]
        jae     2f
3:      inc     dword ptr [warps]
2:      mov     [last_time], eax
        mov     [last_time + 4], edx
        mov     dword ptr [lock_word], 0
        loop    1b
        ret

# The first changes code that the second executes all the time.
modify_code:
        cmp     ebp, 1
        ja      4f
        je      3f
        mov     ecx, 1
1:      mov     [patched + 1], ecx
2:      pause
        cmp     [patched_value], ecx
        jne     2b
        inc     ecx
        cmp     ecx, 40
        jbe     1b
        ret
3:      call    patched
        mov     [patched_value], eax
        cmp     eax, 40
        jb      3b
4:      ret
        .balign 64
patched:
        mov     eax, 0
        ret
        .balign 64

# Own timer, 100 us, slept through.
sleep_by_timer:
        mov     dword ptr [TIMER], 0x43
        mov     dword ptr [DIVIDE], 0xb
        mov     dword ptr [COUNT], 100000
1:      cli
        cmp     dword ptr [timers + ebp * 4], 0
        jne     2f
        sti
        hlt
        jmp     1b
2:      sti
        ret

# ---- interrupts

.macro handler name, counts
\name: push    eax
        mov     eax, [ID]
        shr     eax, 24
        lock inc dword ptr [\counts + eax * 4]
        mov     dword ptr [EOI], 0
        pop     eax
        iretd
.endm
        handler on_ipi, ipis
        handler on_lowest, lowest
        handler on_pit, ticks
        handler on_timer, timers
on_nmi: push    eax
        mov     eax, [ID]
        shr     eax, 24
        lock inc dword ptr [nmis + eax * 4]
        pop     eax
        iretd
unexpected:
        power_off 1

# EAX: vector, EDX: handler.
set_gate:
        mov     [0x1000 + eax * 8], dx
        shr     edx, 16
        mov     [0x1006 + eax * 8], dx
        ret

# Adds up the numbers of eight processors at EDX.
sum:    xor     eax, eax
        mov     ecx, 8
1:      add     eax, [edx + ecx * 4 - 4]
        loop    1b
        ret
# Waits until the numbers at EDX make EBX.
await:  pause
        call    sum
        cmp     eax, ebx
        jne     await
        ret

        .include "../tell.inc.s"

# ---- the story

main:   fill_idt unexpected
        mov     eax, 2
        mov     edx, offset on_nmi
        call    set_gate
        mov     eax, 0x40
        mov     edx, offset on_ipi
        call    set_gate
        mov     eax, 0x41
        mov     edx, offset on_lowest
        call    set_gate
        mov     eax, 0x42
        mov     edx, offset on_pit
        call    set_gate
        mov     eax, 0x43
        mov     edx, offset on_timer
        call    set_gate
        call    switch_apic_on
        mov     dword ptr [LINT0], 0x10700
        sti

        mov     dword ptr [ICR], 0xc4500        # INIT, all but self
        mov     dword ptr [ICR], 0xc8500        # its de-assertion
        call    delay
        mov     dword ptr [ICR], 0xc4608        # start-up, page 8
        call    delay
        mov     dword ptr [ICR], 0xc4608        # which those that run ignore
        call    delay
        mov     eax, [started]
        mov     [others_running], eax
        tell    others, [started]
        tell    agree, [agree]

        mov     edx, offset count_under_lock
        call    everywhere
        tell    locked, [counter]
        mov     edx, offset count_atomically
        call    everywhere
        tell    atomic, [atomic]
        tell    atomic64, [atomic64 + 4]
        mov     edx, offset compare_time
        call    everywhere
        tell    warps, [warps]
        mov     edx, offset modify_code
        call    everywhere
        tell    patched, [patched_value]

        # to one, to some, and by all shorthands
        mov     dword ptr [ICR_TO], 1 << 24
        mov     dword ptr [ICR], 0x4040
        mov     edx, offset ipis
        mov     ebx, 1
        call    await
        mov     dword ptr [ICR_TO], 0xfe << 24
        mov     dword ptr [ICR], 0x4840
        mov     ebx, [others_running]
        inc     ebx
        call    await
        mov     dword ptr [ICR], 0x44040
        mov     ebx, [others_running]
        add     ebx, 2
        call    await
        mov     dword ptr [ICR], 0x84040
        mov     ebx, [others_running]
        lea     ebx, [ebx * 2 + 3]
        call    await
        mov     dword ptr [ICR], 0xc4040
        mov     ebx, [others_running]
        lea     ebx, [ebx * 2 + ebx + 3]
        call    await
        tell    ipis0, [ipis]
        tell    ipis1, [ipis + 4]
        tell    ipis2, [ipis + 8]

        # lowest priority: not this one, which is busier
        mov     dword ptr [TPR], 0x30
        mov     dword ptr [ICR_TO], 0xff << 24
        mov     dword ptr [ICR], 0x4941
        mov     edx, offset lowest
        mov     ebx, 1
        call    await
        mov     dword ptr [TPR], 0
        call    delay
        tell    lowest0, [lowest]
        mov     edx, offset lowest
        call    sum
        tell    lowest, eax

        mov     dword ptr [ICR], 0xc4400
        mov     edx, offset nmis
        mov     ebx, [others_running]
        call    await
        tell    nmis0, [nmis]
        tell    nmis1, [nmis + 4]

        # members 1 and 2 of cluster 0
        mov     edx, offset use_cluster_model
        call    everywhere
        mov     dword ptr [ICR_TO], 0x06 << 24
        mov     dword ptr [ICR], 0x4840
        call    delay
        tell    cluster0, [ipis]
        tell    cluster1, [ipis + 4]
        tell    cluster2, [ipis + 8]
        mov     edx, offset use_flat_model
        call    everywhere

        # the 8254 by the I/O APIC to processor 1, every millisecond
        mov     dword ptr [IOAPIC], 0x15
        mov     dword ptr [IOAPIC + 0x10], 1 << 24
        mov     dword ptr [IOAPIC], 0x14
        mov     dword ptr [IOAPIC + 0x10], 0x42
        mov     al, 0x34
        out     0x43, al
        mov     al, 0xa9
        out     0x40, al
        mov     al, 0x04
        out     0x40, al
1:      pause
        cmp     dword ptr [ticks + 4], 3
        jb      1b
        mov     dword ptr [IOAPIC + 0x10], 0x10000
        tell    ticks0, [ticks]

        # all asleep, each woken by a timer of its own
        mov     edx, offset sleep_by_timer
        call    everywhere
        mov     edx, offset timers
        call    sum
        tell    timers, eax

        # processor 1 starts anew, the others go on
        mov     dword ptr [ICR_TO], 1 << 24
        mov     dword ptr [ICR], 0x4500
        mov     dword ptr [ICR], 0x4608
1:      pause
        mov     eax, [others_running]
        cmp     [started], eax
        je      1b
        tell    restarted, [started]
        mov     dword ptr [counter], 0
        mov     edx, offset count_under_lock
        call    everywhere
        tell    locked, [counter]
        power_off 0

        .balign 64
lock_word:      .long   0
        .balign 64
counter:        .long   0
atomic:         .long   0
        .balign 8
atomic64:       .quad   0
last_time:      .quad   0
warps:          .long   0
patched_value:  .long   0
task:           .long   0
generation:     .long   0
done:           .long   0
started:        .long   0
agree:          .long   0
others_running: .long   0
seen:           .fill   8, 4, 0
ipis:           .fill   8, 4, 0
lowest:         .fill   8, 4, 0
nmis:           .fill   8, 4, 0
ticks:          .fill   8, 4, 0
timers:         .fill   8, 4, 0
