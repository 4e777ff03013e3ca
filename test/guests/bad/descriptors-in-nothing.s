# Takes its descriptors from where there is no memory: ones, which are a conforming code segment of ring 3
# that begins at the last byte of the address space. It can be jumped to with a selector of ring 3 alone,
# and nothing can be returned from there.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        catch_faults
        lgdt    [nothing]
        jmp     0x08:start + 1
nothing:
        .word   0xffff
        .long   0x40000000
