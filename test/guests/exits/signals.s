# Starts the second processor, resets it by INIT, and starts it again. It counts its starts at 9000h.
        .include "exits.inc.s"
        begin
        mov     dword ptr [0x9000], 0
        mov     dword ptr [APIC_ICR_TO], 1 << 24
        mov     dword ptr [APIC_ICR], 0x4500    # INIT: it waits for a start-up already
        mov     dword ptr [APIC_ICR], 0x4608    # start-up at page 8
1:      pause
        cmp     dword ptr [0x9000], 1
        jne     1b
        mov     dword ptr [APIC_ICR], 0x4500
        pause
        mov     dword ptr [APIC_ICR], 0x4608
2:      pause
        cmp     dword ptr [0x9000], 2
        jne     2b
        power_off 0
        .org    0x400                           # page 8
        .code16
        inc     word ptr [0x9000]
3:      pause
        jmp     3b
