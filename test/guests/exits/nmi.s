# A non-maskable interrupt by the local APIC, and another while it is handled, which waits for IRET.
        .include "exits.inc.s"
        begin
        mov     dword ptr [0x1010], 0x00080000  # gate of vector 2
        mov     eax, offset handler
        mov     word ptr [0x1010], ax
        mov     dword ptr [APIC_ICR_TO], 0
        mov     dword ptr [APIC_ICR], 0x400
        nop
        nop
        nop
        finish
handler:
        inc     ebx
        cmp     ebx, 1
        jne     1f
        mov     dword ptr [APIC_ICR], 0x400     # blocked until the IRET
        nop
        nop
        mov     esi, ebx
1:      iretd
        finish
