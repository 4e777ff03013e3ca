# Jumps to an address at which there is neither memory nor a device. The bus answers with ones there:
# FF FF is no instruction, and without interrupt descriptors its #UD becomes a triple fault.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        mov     eax, 0x40000000
        jmp     eax
