# 64 KiB copied word by word with MOV, and the copy's words summed at the end.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .text
        .global loop_copy
        .balign 16
loop_copy:
        mov     esi, offset SOURCE
        mov     edi, offset TARGET
        mov     ecx, BUFFER_WORDS
        .balign 16
1:      mov     eax, [esi]
        mov     [edi], eax
        add     esi, 4
        add     edi, 4
        dec     ecx
        jnz     1b
        dec     ebp
        jnz     loop_copy

        mov     ecx, BUFFER_WORDS
        xor     eax, eax
2:      add     eax, [TARGET + ecx * 4 - 4]
        dec     ecx
        jnz     2b
        ret
