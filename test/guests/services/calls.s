# A program in the shape of a bzImage (boot protocol 2.02) that calls each of the BIOS services under the
# 16-bit entry and prints what they answer, one line each, by INT 10h. Numbers are hexadecimal: registers of
# four digits, then C or c for CF set or clear where that is part of the answer.

        .intel_syntax noprefix
        .code16
        .text
        .org    0x1f1
        .byte   3                                       # setup_sects
        .org    0x1fe
        .word   0xaa55
        jmp     short start
        .ascii  "HdrS"
        .word   0x202
        .org    0x211
        .byte   1                                       # LOADED_HIGH
        .org    0x214
        .long   0x100000
        .org    0x22c

start:  mov     si, offset text_start
        call    say
        mov     ax, cs
        call    four
        mov     ax, ds
        call    four
        mov     ax, ss
        call    four
        mov     ax, sp
        call    four
        call    line

        mov     si, offset text_memory
        call    say
        int     0x11
        call    four
        int     0x12
        call    four
        mov     ah, 0x88
        int     0x15
        call    answer
        mov     ax, 0xe801
        int     0x15
        call    answer
        mov     ax, bx
        call    four
        call    line

# the map, entry by entry: base, size, type
        xor     ebx, ebx
1:      mov     eax, 0xe820
        mov     edx, 0x534d4150
        mov     ecx, 20
        mov     di, offset buffer
        int     0x15
        jc      2f
        cmp     eax, 0x534d4150
        jne     2f
        push    bx
        mov     si, offset text_map
        call    say
        mov     si, offset buffer
        mov     cx, 5
3:      lodsd
        push    eax
        shr     eax, 16
        call    four
        pop     eax
        call    digits
        loop    3b
        call    line
        pop     bx
        test    bx, bx
        jnz     1b

2:      mov     si, offset text_a20
        call    say
        mov     ax, 0x2403
        int     0x15
        call    answer
        mov     ax, 0x2400
        int     0x15
        mov     ax, 0x2402
        int     0x15
        call    four
        mov     ax, 0x2401
        int     0x15
        mov     ax, 0x2402
        int     0x15
        call    four
        call    line

        mov     si, offset text_absent
        call    say
        mov     ax, 0x4100
        mov     bx, 0x55aa
        mov     dl, 0x80
        int     0x13
        call    answer
        mov     ah, 0x15
        int     0x13
        call    answer
        mov     ax, 0x5300
        int     0x15
        call    answer
        mov     ax, 0xb101
        int     0x1a
        call    answer
        mov     ax, 0x4f00
        int     0x10
        call    four
        call    line

# 80 ms are one or two ticks of 55 ms
        mov     si, offset text_time
        call    say
        mov     ah, 0
        int     0x1a
        mov     bp, dx
        sti
        mov     cx, 1
        mov     dx, 0x3880                              # 80,000 us
        mov     ah, 0x86
        int     0x15
        call    answer
        mov     ah, 0
        int     0x1a
        mov     ax, dx
        sub     ax, bp
        call    four
        mov     ah, 2
        int     0x1a
        mov     ax, cx
        call    four
        mov     ah, 4
        int     0x1a
        mov     ax, cx
        call    four
        mov     ax, dx
        call    four
        call    line

        mov     si, offset text_cursor
        call    say
        mov     ah, 0x0f
        int     0x10
        call    four
        mov     ah, 3
        int     0x10
        mov     ax, dx
        call    four
        mov     ax, cx
        call    four
        call    line
        mov     dx, 0x0503
        mov     ah, 2
        int     0x10
        mov     ax, 0x1301
        mov     bx, 7
        mov     cx, offset text_string_length
        mov     bp, offset text_string
        int     0x10
        mov     ah, 3
        int     0x10
        mov     ax, dx
        call    four
        call    line

# keys: whether there is one, then three, then one that is put there, then two of the keyboard
        mov     si, offset text_keys
        call    say
        mov     ah, 1
        int     0x16
        mov     ax, 0
        jz      1f
        inc     ax
1:      call    four
        mov     cx, 3
1:      mov     ah, 0
        int     0x16
        call    four
        loop    1b
        mov     ah, 5
        mov     cx, 0x1234
        int     0x16
        mov     ah, 0x11
        int     0x16
        call    four
        mov     ah, 0x10
        int     0x16
        call    four
        mov     al, 0x2a                                # shift, A, shift released, A
        call    press
        mov     al, 0x1e
        call    press
        mov     al, 0xaa
        call    press
        mov     al, 0x1e
        call    press
        mov     ah, 0
        int     0x16
        call    four
        mov     ah, 0
        int     0x16
        call    four
        call    line

        ud2

# A scan code as if it came from the keyboard: the 8042's command D2h. Then one tick, in which it is taken.
press:  push    ax
        mov     al, 0xd2
        out     0x64, al
1:      in      al, 0x64
        test    al, 2
        jnz     1b
        pop     ax
        out     0x60, al
        hlt
        ret

# AX and CF.
answer: pushf
        call    four
        popf
        mov     al, 'c'
        jnc     1f
        mov     al, 'C'
1:      jmp     put
# AX in four digits, with a blank before.
four:   push    ax
        mov     al, ' '
        call    put
        pop     ax
digits: push    cx
        mov     cx, 4
1:      rol     ax, 4
        push    ax
        and     al, 15
        cmp     al, 10
        sbb     al, 0x69
        das
        call    put
        pop     ax
        loop    1b
        pop     cx
        ret
line:   mov     al, 13
        call    put
        mov     al, 10
put:    push    ax
        push    bx
        mov     ah, 0x0e
        mov     bx, 7
        int     0x10
        pop     bx
        pop     ax
        ret
say:    lodsb
        test    al, al
        jz      1f
        call    put
        jmp     say
1:      ret

text_start:     .asciz  "start"
text_memory:    .asciz  "memory"
text_map:       .asciz  "map "
text_a20:       .asciz  "a20"
text_absent:    .asciz  "absent"
text_time:      .asciz  "time"
text_cursor:    .asciz  "cursor"
text_keys:      .asciz  "keys"
text_string:    .ascii  "string"
        .set    text_string_length, . - text_string
        .balign 4
buffer: .fill   20, 1, 0
        .org    0x800
# the protected-mode kernel, which is never entered
        .long   0xffffffff
