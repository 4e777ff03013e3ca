# An interrupt that comes while IF is clear and is taken after STI and the instruction behind it.
        .include "exits.inc.s"
        begin
        mov     dword ptr [.Lresume], offset 1f
        mov     dword ptr [APIC_ICR], 0x44040   # to itself, vector 40h
        nop
        nop
        sti
        nop
        nop
        nop
1:      mov     dword ptr [APIC_EOI], 0
        finish
