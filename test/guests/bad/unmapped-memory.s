# Reads and writes where there is neither memory nor a device, and switches the machine off with the low
# byte of what it read: FF, since an empty bus reads as ones and forgets what is written.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        mov     ebx, 0x40000000
        mov     dword ptr [ebx], 0x12345678
        mov     eax, [ebx]
        mov     dx, 0xf4
        out     dx, al
1:      hlt
        jmp     1b
