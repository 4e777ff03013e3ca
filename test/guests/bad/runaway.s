# Leaves its code for empty memory in real mode and runs through zeros (00 00: ADD [BX+SI], AL), round
# and round, until someone stops it.
        .intel_syntax noprefix
        .code16
        .globl  start
start:  mov     bx, 0x8000
        xor     si, si
        xor     ax, ax
        jmp     0x1000:0
