# Pages that the host has paged out, touched in each way: the guest is told in ring 0 and in ring 3, or
# halts, or waits. Each time 256 pages from 4 MiB up are written and read again; what does not come back as
# it was written counts as lost.
        .include "kvm.inc.s"
        begin
        .set    AREA, 0x9000
        .set    ENABLED, 1
        .set    SEND_ALWAYS, 2
        .set    BY_INTERRUPT, 8

# #PF: one of a missing page is none of the processor's own, of which there are none.
on_page_fault:
        pushad
        cmp     dword ptr [AREA], 1
        jne     unexpected
        mov     dword ptr [AREA], 0
        inc     dword ptr [told]
        mov     eax, cr2
        mov     [awaited], eax
1:      sti
        hlt
        cli
        cmp     dword ptr [awaited], 0
        jne     1b
        popad
        add     esp, 4
        iretd

on_ready:
        pushad
        mov     ebx, [AREA + 4]
        mov     dword ptr [AREA + 4], 0
        cmp     ebx, -1
        jne     1f
        inc     dword ptr [all]
        jmp     3f
1:      cmp     ebx, [awaited]
        jne     2f
        mov     dword ptr [awaited], 0
        inc     dword ptr [ready]
        jmp     3f
2:      inc     dword ptr [strange]
3:      write_msr 0x4b564d07, 1
        mov     dword ptr [EOI], 0
        popad
        iretd

# 256 new pages; ESI is kept in memory.
touch:  mov     ecx, 256
        mov     edi, [next]
1:      mov     [edi], edi
        cmp     [edi], edi
        je      2f
        inc     dword ptr [lost]
2:      add     edi, 0x1000
        loop    1b
        mov     [next], edi
        ret
touch_in_ring_3:
        call    touch
        int     0x80

.macro outcome word
        tell    \word, [told]
        tell    ready, [ready]
        mov     dword ptr [told], 0
        mov     dword ptr [ready], 0
.endm

main:   set_gate 0x0e, on_page_fault
        set_gate 0xf3, on_ready
        page_tables
        sti
        call    touch                                   # it has not asked to be told
        outcome before

        write_msr 0x4b564d06, 0xf3
        write_msr 0x4b564d02, AREA + ENABLED + SEND_ALWAYS + BY_INTERRUPT
        nop
        tell    all, [all]
        call    touch
        outcome ring0
        cli
        call    touch
        sti
        outcome masked
        write_msr 0x4b564d02, AREA + ENABLED + BY_INTERRUPT
        call    touch
        outcome halts
        in_ring_3 touch_in_ring_3
        sti
        outcome ring3
        write_msr 0x4b564d02, 0
        in_ring_3 touch_in_ring_3
        outcome off
        tell    strange, [strange]
        tell    lost, [lost]
        tell    all, [all]
        power_off 0

next:           .long 0x400000
awaited:        .long 0
told:           .long 0
ready:          .long 0
all:            .long 0
strange:        .long 0
lost:           .long 0
