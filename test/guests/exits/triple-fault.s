# Nothing can be delivered: no descriptors of interrupts.
        .include "exits.inc.s"
        begin
        mov     dword ptr [0x6000], 0
        mov     dword ptr [0x6004], 0
        lidt    [0x6000]
        ud2
        finish
