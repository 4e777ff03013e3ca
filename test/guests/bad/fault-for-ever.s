# Faults without end and without completing an instruction: each exception's handler is an invalid opcode
# itself, and the stack, a 64 KiB segment, never runs out.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        lgdt    [gdt_pointer]
        mov     ax, 0x18
        mov     ss, ax
        xor     esp, esp
        fill_idt invalid
invalid:
        ud2
        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
        .quad   0x000093020000ffff              # 18: data at 0x20000, 16-bit stack pointer
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
