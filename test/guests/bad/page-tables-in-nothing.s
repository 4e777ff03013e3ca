# Turns paging on with a page directory where there is no memory: nothing is mapped any more, the handler
# of the page fault neither.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        mov     eax, 0x40000000
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        nop
