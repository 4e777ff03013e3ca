# One read and one write on every page of 32 MiB, a cache line further on each: more pages than a
# translation look-aside buffer of 4,096 entries holds, so that nearly every page is looked up anew.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    STRIDE, 4096 + 64
        .set    TOUCHED, FIELD_BYTES / STRIDE

        .text
        .global loop_stride
        .balign 16
loop_stride:
        mov     esi, offset FIELD       # words to be summed, since what was there is unknown
        mov     ecx, TOUCHED
1:      mov     [esi], ecx
        add     esi, STRIDE
        loop    1b

        xor     eax, eax
2:      mov     esi, offset FIELD
        mov     ecx, TOUCHED
        .balign 16
3:      add     eax, [esi]
        mov     [esi + 4], eax
        add     esi, STRIDE
        dec     ecx
        jnz     3b
        dec     ebp
        jnz     2b
        ret
