# Waits for the second processor to write to a line, by MONITOR and MWAIT with interrupts off.
        .include "exits.inc.s"
        begin
        mov     dword ptr [0x9010], 0
        mov     dword ptr [APIC_ICR_TO], 1 << 24
        mov     dword ptr [APIC_ICR], 0x4608    # start-up at page 8
1:      mov     eax, 0x9000
        xor     ecx, ecx
        xor     edx, edx
        monitor
        cmp     dword ptr [0x9010], 0
        jne     2f
        inc     ebx                             # waits
        xor     eax, eax
        mov     ecx, 1                          # also for masked interrupts
        mwait
        jmp     1b
2:      cmp     ebx, 100
        setb    al                              # it has slept rather than spun
        xor     ebx, ebx
        finish
        .org    0x400                           # page 8
        .code16
        mov     cx, 60000
3:      nop
        loop    3b
        inc     word ptr [0x9010]
        cli
        hlt
