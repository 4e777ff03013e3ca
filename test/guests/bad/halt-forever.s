# Halts with interrupts off: nothing can ever wake it.
        .intel_syntax noprefix
        .code16
        .globl  start
start:  cli
        hlt
        jmp     start + 1
