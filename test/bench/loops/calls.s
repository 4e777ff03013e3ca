# Fibonacci's twentieth number by its definition, with a frame and saved registers as compilers write
# them: CALL and RET, PUSH and POP, depth that varies.

        .intel_syntax noprefix

        .text
        .global loop_calls
        .balign 16
loop_calls:
        push    20
        call    fibonacci
        add     esp, 4
        dec     ebp
        jnz     loop_calls
        ret

        .balign 16
fibonacci:
        push    ebp
        mov     ebp, esp
        push    ebx
        push    esi
        mov     ebx, [ebp + 8]
        mov     eax, ebx
        cmp     ebx, 2
        jl      1f
        lea     eax, [ebx - 1]
        push    eax
        call    fibonacci
        add     esp, 4
        mov     esi, eax
        lea     eax, [ebx - 2]
        push    eax
        call    fibonacci
        add     esp, 4
        add     eax, esi
1:      pop     esi
        pop     ebx
        pop     ebp
        ret
