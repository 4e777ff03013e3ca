# The same, with a stack where there is no memory: what is pushed is lost.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        mov     esp, 0xc0000000
        fill_idt invalid
invalid:
        ud2
