# Throws its interrupt table away and raises an exception: no handler, no handler for that, shutdown
# (SDM vol. 3, 7.15, "Interrupt 8").
        .intel_syntax noprefix
        .code16
        .globl  start
start:  lidt    [none]
        int3
        jmp     start
none:   .word   0
        .long   0
