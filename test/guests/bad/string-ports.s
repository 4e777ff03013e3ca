# One instruction that reads four billion times from a port without a device, into nothing.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
1:      mov     ecx, 0xffffffff
        mov     edi, 0x40000000
        mov     dx, 0x1234
        rep     insd
        jmp     1b
