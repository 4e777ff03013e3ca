# Reads and writes of what is not RAM: the I/O APIC, and nothing at all.
        .include "exits.inc.s"
        begin
        mov     eax, [0xfec00000]
        mov     dword ptr [0xfec00000], 1
        mov     ebx, [0xfec00010]
        mov     cl, [0xe0000000]
        finish
