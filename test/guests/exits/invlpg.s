# INVLPG of two addresses, one of them not canonical RAM.
        .include "exits.inc.s"
        begin
        invlpg  [0x12345678]
        mov     ebx, 0xfffff000
        invlpg  [ebx + 0x10]
        finish
