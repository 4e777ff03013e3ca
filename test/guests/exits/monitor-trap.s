# Six instructions and the delivery of an interrupt, in real-address mode.
        .intel_syntax noprefix
        .code16
        .globl  start
start:  mov     ax, 1
        inc     ax
        mov     word ptr [0x80], offset handler # vector 20h
        mov     word ptr [0x82], cs
        int     0x20
        cli
        hlt
handler:
        iretw
