# A small stack machine that runs a program of bytes, dispatched by an indirect jump at the end of every
# operation: the shape of an interpreter in the guest. The program sums n * n - (n >> 1) for n from 99
# down to 1.

        .intel_syntax noprefix
        .include "memory.inc.s"

# Operation codes; literals follow as one byte.
        .set    LITERAL, 0              # push the next byte
        .set    LOAD,    1              # push a variable
        .set    STORE,   2              # pop into a variable
        .set    ADD,     3
        .set    SUBTRACT, 4
        .set    MULTIPLY, 5
        .set    HALVE,   6
        .set    LOOP,    7              # pop; back by the next byte unless it was zero
        .set    END,     8

        .set    VARIABLES, TARGET
        .set    OPERANDS,  TARGET + 0x1000

        .text
        .global loop_bytecode
        .balign 16
loop_bytecode:
        mov     esi, offset program     # next byte
        mov     edi, offset OPERANDS    # behind the top of the stack
        .macro  next
        movzx   ecx, byte ptr [esi]
        inc     esi
        jmp     [operations + ecx * 4]
        .endm
        next

literal:
        movzx   eax, byte ptr [esi]
        inc     esi
        mov     [edi], eax
        add     edi, 4
        next
load:
        movzx   eax, byte ptr [esi]
        inc     esi
        mov     eax, [VARIABLES + eax * 4]
        mov     [edi], eax
        add     edi, 4
        next
store:
        movzx   eax, byte ptr [esi]
        inc     esi
        sub     edi, 4
        mov     edx, [edi]
        mov     [VARIABLES + eax * 4], edx
        next
plus:
        sub     edi, 4
        mov     eax, [edi]
        add     [edi - 4], eax
        next
minus:
        sub     edi, 4
        mov     eax, [edi]
        sub     [edi - 4], eax
        next
times:
        sub     edi, 4
        mov     eax, [edi - 4]
        imul    eax, [edi]
        mov     [edi - 4], eax
        next
halve:
        shr     dword ptr [edi - 4], 1
        next
back:
        movzx   eax, byte ptr [esi]
        inc     esi
        sub     edi, 4
        cmp     dword ptr [edi], 0
        je      1f
        sub     esi, eax
1:      next
end:
        dec     ebp
        jnz     loop_bytecode
        mov     eax, [VARIABLES]
        ret

        .section .rodata
        .balign 4
operations:
        .long   literal, load, store, plus, minus, times, halve, back, end
program:
        .set    SUM, 0
        .set    N, 1
        .byte   LITERAL, 0, STORE, SUM
        .byte   LITERAL, 99, STORE, N
1:      .byte   LOAD, SUM
        .byte   LOAD, N, LOAD, N, MULTIPLY
        .byte   LOAD, N, HALVE, SUBTRACT
        .byte   ADD, STORE, SUM
        .byte   LOAD, N, LITERAL, 1, SUBTRACT, STORE, N
        .byte   LOAD, N, LOOP, 2f - 1b
2:      .byte   END
