# Part of services.s: INT 09h, which turns scan codes of set 1 into keys of a US keyboard, and INT 16h, which
# gives them out of the BIOS data area's buffer. What comes in at COM1 is taken for keys, too. There are no
# lights, no lock keys and no codes of an enhanced keyboard of their own.

# ---- INT 09h: a scan code of set 1 becomes a key in the buffer

# ASCII by scan code, then the same with shift.
plain_keys:
        .byte   0, 27
        .ascii  "1234567890-="
        .byte   8, 9
        .ascii  "qwertyuiop[]"
        .byte   13, 0
        .ascii  "asdfghjkl;'`"
        .byte   0
        .ascii  "\\zxcvbnm,./"
        .byte   0, '*', 0, ' '
        .set    key_count, . - plain_keys
shifted_keys:
        .byte   0, 27
        .ascii  "!@#$%^&*()_+"
        .byte   8, 0
        .ascii  "QWERTYUIOP{}"
        .byte   13, 0
        .ascii  "ASDFGHJKL:\"~"
        .byte   0
        .ascii  "|ZXCVBNM<>?"
        .byte   0, '*', 0, ' '
        .if     . - shifted_keys - key_count
        .error  "the two tables differ in length"
        .endif

keyboard:
        push    ds
        push    ax
        push    bx
        xor     ax, ax
        mov     ds, ax
        in      al, 0x60
        mov     ah, al
        mov     bl, 1                                   # right shift
        and     al, 0x7f
        cmp     al, 0x36
        je      shift_key
        inc     bx                                      # left shift
        cmp     al, 0x2a
        je      shift_key
        mov     bl, 4
        cmp     al, 0x1d
        je      shift_key
        mov     bl, 8
        cmp     al, 0x38
        je      shift_key
        test    ah, 0x80
        jnz     9f
        cmp     al, key_count
        jae     1f
        movzx   bx, al
        add     bx, offset plain_keys
        test    byte ptr [BDA_SHIFT], 3
        jz      2f
        add     bx, key_count
2:      mov     al, cs:[bx]
        test    byte ptr [BDA_SHIFT], 4
        jz      3f
        cmp     al, 0x40                                # control and a letter
        jb      3f
        and     al, 0x1f
        jmp     3f
1:      xor     al, al
3:      call    put_key
9:      mov     al, 0x20
        out     0x20, al
        pop     bx
        pop     ax
        pop     ds
        iret
shift_key:
        or      [BDA_SHIFT], bl
        test    ah, 0x80
        jz      9b
        not     bl
        and     [BDA_SHIFT], bl
        jmp     9b

# AX into the buffer, if there is room. DS is 0. Changes BX.
put_key:
        push    cx
        mov     bx, [BDA_KEY_TAIL]
        mov     cx, bx
        add     cx, 2
        cmp     cx, [BDA_KEY_END]
        jb      1f
        mov     cx, [BDA_KEY_START]
1:      cmp     cx, [BDA_KEY_HEAD]
        je      2f
        mov     [bx + 0x400], ax
        mov     [BDA_KEY_TAIL], cx
2:      pop     cx
        ret

# ---- INT 16h: keys

keys:   push    ds
        push    bx
        push    0
        pop     ds
        cmp     ah, 0x10
        jae     1f
        cmp     ah, 0x05
        je      push_key
        jb      2f
        jmp     9f
1:      cmp     ah, 0x12
        ja      9f
        sub     ah, 0x10
2:      cmp     ah, 1
        jb      wait_key
        je      peek_key
        cmp     ah, 2
        jne     9f
        mov     al, [BDA_SHIFT]
        mov     ah, 0
9:      pop     bx
        pop     ds
        iret
wait_key:
        sti
1:      call    serial_key
        mov     bx, [BDA_KEY_HEAD]
        cmp     bx, [BDA_KEY_TAIL]
        jne     2f
        hlt                                             # the timer looks at COM1 again
        jmp     1b
2:      mov     ax, [bx + 0x400]
        add     bx, 2
        cmp     bx, [BDA_KEY_END]
        jb      3f
        mov     bx, [BDA_KEY_START]
3:      mov     [BDA_KEY_HEAD], bx
        jmp     9b
peek_key:
        call    serial_key
        mov     bx, [BDA_KEY_HEAD]
        cmp     bx, [BDA_KEY_TAIL]
        je      1f
        mov     ax, [bx + 0x400]
        pop     bx
        pop     ds
        answer_clear ZF
1:      pop     bx
        pop     ds
        answer_set ZF
push_key:
        mov     ax, cx
        call    put_key
        xor     al, al
        jmp     9b

# A character that waits at COM1 becomes a key. DS is 0. Changes BX.
serial_key:
        push    ax
        push    cx
        push    dx
        push    di
        push    es
        mov     dx, COM1 + 5
        in      al, dx
        test    al, 1
        jz      9f
        mov     dl, COM1 & 0xff
        in      al, dx
        cmp     al, 127
        jne     1f
        mov     al, 8
# its scan code is its place in one of the tables
1:      push    cs
        pop     es
        mov     di, offset plain_keys
        mov     cx, 2 * key_count
        cld
        repne scasb
        mov     ah, 0
        jne     2f
        sub     di, offset plain_keys + 1
        cmp     di, key_count
        jb      3f
        sub     di, key_count
3:      mov     cx, di
        mov     ah, cl
2:      call    put_key
9:      pop     es
        pop     di
        pop     dx
        pop     cx
        pop     ax
        ret
