# Switches to a task whose state segment lies where there is no memory: every register is ones.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        catch_faults
        lgdt    [gdt_pointer]
        mov     ax, 0x18
        ltr     ax
        jmp     0x20:0
        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
        .quad   0x0000890060000067              # 18: TSS at 0x6000, for what is left behind
        .quad   0x4000890000000067              # 20: TSS at 0x40000000
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
