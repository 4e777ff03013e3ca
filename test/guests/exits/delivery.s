# Events of every type whose delivery pushes its frame where there is no memory, and an IRET from there,
# once while NMIs are blocked and once while they are not.
        .include "exits.inc.s"
        .set    NOWHERE, 0xe0001000
        begin
        mov     ecx, 0x28
        mov     esp, NOWHERE
        attempt int 0x40
        mov     esp, NOWHERE
        attempt int3
        mov     esp, NOWHERE
        attempt .byte 0xf1                      # INT1
        mov     esp, NOWHERE
        attempt ud2
        mov     esp, NOWHERE
        attempt mov fs, cx                      # #GP(28h)
        mov     dword ptr [APIC_ICR_TO], 0
        mov     dword ptr [.Lresume], offset 1f
        mov     esp, NOWHERE
        mov     dword ptr [APIC_ICR], 0x44041   # to itself, vector 41h
        nop
        sti
        nop
        nop
1:      cli
        mov     dword ptr [APIC_EOI], 0
        mov     dword ptr [.Lresume], offset 1f
        mov     esp, NOWHERE
        mov     dword ptr [APIC_ICR], 0x400     # NMI
        nop
        nop
1:      mov     esp, NOWHERE
        attempt iretd
        mov     esp, NOWHERE
        attempt iretd
        finish
