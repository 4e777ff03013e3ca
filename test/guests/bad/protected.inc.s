# enter_protected_mode: from the flat loader's real mode to 32-bit protected mode with flat segments and
# neither interrupt descriptors nor a stack. For the guests of this folder.

        .intel_syntax noprefix
.macro enter_protected_mode
        .code16
        cli
        lgdt    [.Lgdt_pointer]
        mov     eax, cr0
        or      eax, 1
        mov     cr0, eax
        jmp     0x08:.Lprotected
        .balign 8
.Lgdt:  .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
.Lgdt_pointer:
        .word   . - .Lgdt - 1
        .long   .Lgdt
        .code32
.Lprotected:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
.endm
