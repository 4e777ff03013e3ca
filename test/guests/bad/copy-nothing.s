# One instruction that copies 4 GiB of nothing to nothing, upwards and then downwards.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
1:      mov     ecx, 0xffffffff
        mov     esi, 0x40000000
        mov     edi, 0x50000000
        rep     movsb
        std
        jmp     1b
