# Loops for ever with interrupts off: only the debugger's pause gets it back.
        .intel_syntax noprefix
        .code16
        .globl  start
start:  cli
        jmp     start + 1
