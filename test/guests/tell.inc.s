# For guests that tell what came out on COM1, one line a fact: a word and a number of eight hexadecimal
# digits.
#
# tell WORD, VALUE. Changes EAX, EBX, ECX, EDX, ESI.
.macro tell word, value
        mov     eax, \value
        mov     esi, offset 1f
        call    say
        jmp     2f
1:      .asciz  "\word "
2:
.endm
say:    mov     edx, 0x3f8
        mov     ebx, eax
1:      lodsb
        test    al, al
        jz      2f
        out     dx, al
        jmp     1b
2:      mov     ecx, 8
3:      rol     ebx, 4
        mov     al, bl
        and     al, 15
        add     al, '0'
        cmp     al, '9'
        jbe     4f
        add     al, 'a' - '9' - 1
4:      out     dx, al
        loop    3b
        mov     al, 10
        out     dx, al
        ret
