# Loads a descriptor table of no length and jumps through it: a fault, and no code segment for any handler.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        catch_faults
        lgdt    [none]
        jmp     0x08:start
none:   .word   0
        .long   0
