# Shell's sort of 4,096 words, signed, with Ciura's gaps: loads and stores at distances, comparisons whose
# outcome the data decides. The result is a sum in which every place counts differently, so that only the
# sorted order gives it.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    COUNT, 4096

        .text
        .global loop_sort
        .balign 16
loop_sort:
        mov     ecx, COUNT              # the unsorted words again
1:      mov     eax, [SOURCE + ecx * 4 - 4]
        mov     [TARGET + ecx * 4 - 4], eax
        dec     ecx
        jnz     1b

        push    ebp
        mov     ebp, offset gaps
2:      mov     ebx, [ebp]              # gap
        mov     esi, ebx                # word to be put in its place
3:      mov     eax, [TARGET + esi * 4]
        mov     edi, esi
        .balign 16
4:      mov     ecx, edi
        sub     ecx, ebx
        jl      5f
        mov     edx, [TARGET + ecx * 4]
        cmp     edx, eax
        jle     5f
        mov     [TARGET + edi * 4], edx
        mov     edi, ecx
        jmp     4b
5:      mov     [TARGET + edi * 4], eax
        inc     esi
        cmp     esi, COUNT
        jl      3b
        add     ebp, 4
        cmp     ebx, 1
        jne     2b
        pop     ebp
        dec     ebp
        jnz     loop_sort

        xor     eax, eax
        xor     ecx, ecx
6:      imul    eax, eax, 31
        add     eax, [TARGET + ecx * 4]
        inc     ecx
        cmp     ecx, COUNT
        jne     6b
        ret

        .section .rodata
        .balign 4
gaps:   .long   1750, 701, 301, 132, 57, 23, 10, 4, 1
