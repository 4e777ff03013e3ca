# A kernel that does not run where it was linked, as a relocatable or randomised one: its boot code copies
# it 4 MiB further up than its addresses say, and jumps there once paging is on. It carries a build ID, by
# which a debugger can find it. The kernel itself has no absolute addresses, so that nothing needs relocating.

        .intel_syntax noprefix
        .set    MOVED, 0x400000
        .include "boot.inc.s"

        .section .kernel, "ax"
        .global start_kernel
        .type   start_kernel, @function
start_kernel:
        xor     eax, eax
        call    count                   # a step by line goes over it
        call    count
1:      cli
        hlt
        jmp     1b

        .type   count, @function
count:
        inc     eax
        ret

        # NT_GNU_BUILD_ID; the number is any
        .section .notes, "a", @note
        .long   4, 20, 3
        .asciz  "GNU"
        .byte   0x6d, 0x6f, 0x76, 0x65, 0x64, 0x20, 0x6b, 0x65, 0x72, 0x6e, 0x65, 0x6c, 1, 2, 3, 4, 5, 6, 7, 8
