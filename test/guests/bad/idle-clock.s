# Halts with interrupts on while every interrupt is masked and the timer runs: there is always a next
# tick, and none ever wakes it.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        mov     al, 0xff
        out     0x21, al
        out     0xa1, al
        mov     al, 0x34
        out     0x43, al
        mov     al, 2
        out     0x40, al
        mov     al, 0
        out     0x40, al
        sti
1:      hlt
        jmp     1b
