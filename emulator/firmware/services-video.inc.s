# Part of services.s: INT 10h, a text console of 80 columns and 25 rows on page 0. What is printed goes to COM1
# as to a terminal (ANSI X3.64 for the cursor and for clearing), and to the VGA's text memory. Graphics
# modes, fonts, palettes, pages, windows and VBE are not there.

# ---- INT 10h: a text console

video:  cld
        cmp     ah, 0x0e
        je      teletype
        cmp     ah, 0x0f
        je      get_mode
        cmp     ah, 0x03
        je      get_cursor
        pusha
        push    ds
        push    es
        push    0
        pop     ds
        push    offset video_done
        cmp     ah, 0x00
        je      set_mode
        cmp     ah, 0x01
        je      set_shape
        cmp     ah, 0x02
        je      set_cursor
        cmp     ah, 0x06
        je      scroll
        cmp     ah, 0x07
        je      scroll
        cmp     ah, 0x09
        je      write_character
        cmp     ah, 0x0a
        je      write_character
        cmp     ah, 0x13
        je      write_string
        pop     ax
        pop     es
        pop     ds
        popa
        cmp     ah, 0x08
        je      read_character
        cmp     ax, 0x1a00
        je      query_adapter
        cmp     ah, 0x12
        jne     1f
        cmp     bl, 0x10
        je      query_memory
1:      iret
video_done:
        pop     es
        pop     ds
        popa
        iret

teletype:
        pusha
        push    ds
        push    es
        push    0
        pop     ds
        call    print
        jmp     video_done
get_mode:
        push    ds
        push    0
        pop     ds
        mov     al, [BDA_MODE]
        mov     ah, [BDA_COLUMNS]
        mov     bh, 0
        pop     ds
        iret
get_cursor:
        push    ds
        push    0
        pop     ds
        mov     dx, [BDA_CURSOR]
        mov     cx, [BDA_SHAPE]
        pop     ds
        iret
# VGA with a colour display; 256 KiB of memory, no feature bits.
query_adapter:
        mov     bx, 8
        mov     al, 0x1a
        iret
query_memory:
        mov     bx, 3
        xor     cx, cx
        iret
read_character:
        push    ds
        push    es
        push    di
        push    0
        pop     ds
        call    cursor_place
        mov     ax, es:[di]
        pop     di
        pop     es
        pop     ds
        iret

set_mode:
        and     al, 0x7f
        cmp     al, 3
        ja      1f
        mov     [BDA_MODE], al
        mov     word ptr [BDA_SHAPE], 0x0607
        call    clear_screen
1:      ret
set_shape:
        mov     [BDA_SHAPE], cx
        ret
set_cursor:
        cmp     dx, [BDA_CURSOR]
        je      1f
        mov     [BDA_CURSOR], dx
        call    tell_cursor
1:      ret
# Lines of the whole width, upwards only (AH 06h); AL 0 with the whole window clears.
scroll: test    al, al
        jz      clear_window
        cmp     ah, 6
        jne     9f
        mov     bl, al
1:      call    scroll_up
        dec     bl
        jnz     1b
9:      ret
clear_window:
        cmp     cx, 0
        jne     9b
        cmp     dx, ((ROWS - 1) << 8) | (COLUMNS - 1)
        jb      9b
# Text memory blank, cursor and terminal too.
clear_screen:
        mov     word ptr [BDA_CURSOR], 0
        mov     si, offset clear_sequence
        call    send_text
        push    0xb800
        pop     es
        xor     di, di
        mov     cx, COLUMNS * ROWS
        mov     ax, 0x0720
        rep stosw
        ret
clear_sequence:
        .asciz  "\33[2J\33[H"

# CX times the character AL with attribute BL (AH 09h) at the cursor, which stays; the terminal sees nothing.
write_character:
        mov     dl, ah
        call    cursor_place
1:      jcxz    9f
        cmp     di, COLUMNS * ROWS * 2
        jae     9f
        stosb
        inc     di
        cmp     dl, 0x09
        jne     2f
        mov     es:[di - 1], bl
2:      dec     cx
        jmp     1b
9:      ret

# CX characters at ES:BP from row and column DX; AL bit 0: the cursor moves, bit 1: attributes between them.
write_string:
        push    word ptr [BDA_CURSOR]
        push    ax
        mov     si, bp
        cmp     dx, [BDA_CURSOR]
        je      1f
        mov     [BDA_CURSOR], dx
        call    tell_cursor
1:      jcxz    2f
        push    ax
        mov     al, es:[si]
        inc     si
        push    cx
        push    si
        push    es
        call    print
        pop     es
        pop     si
        pop     cx
        pop     ax
        dec     cx
        test    al, 2
        jz      1b
        inc     si
        jmp     1b
2:      pop     ax
        pop     dx
        test    al, 1
        jnz     3f
        mov     [BDA_CURSOR], dx
        call    tell_cursor
3:      ret

# AL to the terminal and into text memory, and the cursor on. DS is 0. Changes AX, BX, CX, DX, SI, DI, ES.
print:  call    send
        mov     bx, [BDA_CURSOR]
        cmp     al, 13
        je      print_return
        cmp     al, 10
        je      print_feed
        cmp     al, 8
        je      print_back
        cmp     al, 7
        je      9f
        push    ax
        call    cursor_place
        pop     ax
        stosb
        inc     bl
        cmp     bl, COLUMNS
        jb      9f
        mov     bl, 0
print_feed:
        inc     bh
        cmp     bh, ROWS
        jb      9f
        dec     bh
        push    bx
        call    scroll_up
        pop     bx
9:      mov     [BDA_CURSOR], bx
        call    move_cursor
        ret
print_return:
        mov     bl, 0
        jmp     9b
print_back:
        test    bl, bl
        jz      9b
        dec     bl
        jmp     9b

# ES:DI in text memory at the cursor. DS is 0. Changes AX.
cursor_place:
        push    0xb800
        pop     es
        movzx   ax, byte ptr [BDA_CURSOR + 1]
        imul    di, ax, COLUMNS * 2
        movzx   ax, byte ptr [BDA_CURSOR]
        add     di, ax
        add     di, ax
        ret
# The CRT controller's cursor location (0Eh, 0Fh). DS is 0. Changes AX, DX, DI, ES.
move_cursor:
        call    cursor_place
        shr     di, 1
        mov     dx, 0x3d4
        mov     ax, di
        mov     al, 0x0e
        out     dx, ax
        mov     ax, di
        mov     ah, al
        mov     al, 0x0f
        out     dx, ax
        ret
scroll_up:
        push    ds
        push    0xb800
        pop     ds
        push    0xb800
        pop     es
        xor     di, di
        mov     si, COLUMNS * 2
        mov     cx, COLUMNS * (ROWS - 1)
        rep movsw
        mov     cx, COLUMNS
        mov     ax, 0x0720
        rep stosw
        pop     ds
        ret

# ESC [ row ; column H to the terminal, and the display's cursor. DS is 0.
tell_cursor:
        pusha
        mov     al, 27
        call    send
        mov     al, '['
        call    send
        mov     al, [BDA_CURSOR + 1]
        call    send_number
        mov     al, ';'
        call    send
        mov     al, [BDA_CURSOR]
        call    send_number
        mov     al, 'H'
        call    send
        push    es
        call    move_cursor
        pop     es
        popa
        ret
# AL + 1 in decimal. Changes AX.
send_number:
        inc     al
        aam
        add     ax, 0x3030
        xchg    al, ah
        call    send
        mov     al, ah
# AL to COM1, when it has room. Changes nothing.
send:   push    dx
        push    ax
        mov     dx, COM1 + 5
1:      in      al, dx
        test    al, 0x20
        jz      1b
        pop     ax
        mov     dl, COM1 & 0xff
        out     dx, al
        pop     dx
        ret
# The text at CS:SI. Changes AX and SI.
send_text:
        cs lodsb
        test    al, al
        jz      1f
        call    send
        jmp     send_text
1:      ret
