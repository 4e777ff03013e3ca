# Sends to the serial port as fast as it can, for ever, and never looks whether there is room.
        .intel_syntax noprefix
        .code16
        .globl  start
start:  cli
        mov     dx, 0x3f8
        mov     al, 'x'
1:      out     dx, al
        jmp     1b
