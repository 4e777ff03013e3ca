# Selectors of descriptors that are not there, far jumps, returns and task switches through them, and
# stacks that end in the middle of a push. Each fault is caught; switches off with 0.
        .include "protected.inc.s"
        .set    NOTHING, 0x40000000
        .globl  start
start:  enter_protected_mode
        catch_faults
        mov     esi, offset tables
1:      lgdt    [esi]
        attempt jmp 0x08:same_place
same_place:
        attempt jmp 0xffff:same_place
        attempt call 0x1234:0x56789abc
        mov     ax, 0xfff8
        attempt mov ds, ax
        attempt mov ss, ax
        attempt lldt ax
        attempt ltr ax
        attempt lar ebx, eax
        attempt lsl ebx, eax
        attempt verr ax
        mov     ax, 0x08
        attempt lldt ax
        attempt ltr ax
        push    0xffffffff
        push    0xffffffff
        push    0xffffffff
        attempt iretd
        push    0x20202                         # VM: to virtual-8086 mode with what follows
        push    0xffff
        push    0xffffffff
        attempt iretd
        lgdt    [good]
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        add     esi, 6
        cmp     esi, offset tables_end
        jb      1b

        # a task that is busy, gates to it and to what is no task
        lgdt    [tasks]
        mov     ax, 0x18
        attempt ltr ax
        attempt ltr ax
        attempt jmp 0x18:0
        attempt call 0x20:0
        attempt jmp 0x28:0
        attempt int 0x80
        lgdt    [good]
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax

        # stacks at the edge
        mov     esp, 2
        attempt pushad
        mov     esp, NOTHING + 2
        attempt enter 0xffff, 31
        mov     ebp, 1
        mov     esp, 0xfffffffe
        attempt enter 0x10, 31
        mov     ebp, NOTHING
        attempt leave
        mov     esp, 0xffffffff
        attempt popad
        mov     esp, NOTHING + 0xffd
        attempt popfd
        power_off 0

tables: .word   0x0f;   .long   .Lgdt           # the data segment is beyond the limit
        .word   0x17;   .long   .Lgdt
        .word   0xffff; .long   .Lgdt           # what follows are no descriptors
tables_end:
good:   .word   0x17;   .long   .Lgdt
tasks:  .word   0x2f;   .long   task_table
        .balign 8
task_table:
        .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
        .quad   0x4000890000000067              # 18: TSS at 0x40000000
        .quad   0x0000850000180000              # 20: task gate to 18
        .quad   0x0000850000080000              # 28: task gate to a code segment
