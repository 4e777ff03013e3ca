# The BIOS services that a 16-bit guest calls when there is no BIOS: the setup code of a Linux kernel at its
# 16-bit entry, or a program in the shape of a kernel such as iPXE (interface: IBM PS/2 and PC BIOS Interface
# Technical Reference; E820h: ACPI 6.5, 15.1). 4 KiB at F000:F000; services.ts has the bytes, and build.ts
# makes them from here.
#
# Start: it sets up vectors, BIOS data area, interrupt controllers and timer, and goes where the loader has
# written that it shall. The console is COM1, and the text memory of a display where there is one; keys come
# from the keyboard and from COM1. There are no disks (INT 13h answers so), no VBE, no APM, no PCI BIOS, no
# INT 15h/87h and no floppy, network or printer. INT 10h has the functions of a text console alone.
#
# All vectors keep every register that they do not return something in. The stack is the caller's.

        .intel_syntax noprefix
        .code16
        .text

        .set    COM1, 0x3f8
        .set    BDA_COM, 0x400
        .set    BDA_EBDA, 0x40e
        .set    BDA_EQUIPMENT, 0x410
        .set    BDA_MEMORY, 0x413
        .set    BDA_SHIFT, 0x417
        .set    BDA_KEY_HEAD, 0x41a
        .set    BDA_KEY_TAIL, 0x41c
        .set    BDA_MODE, 0x449
        .set    BDA_COLUMNS, 0x44a
        .set    BDA_PAGE_SIZE, 0x44c
        .set    BDA_CURSOR, 0x450
        .set    BDA_SHAPE, 0x460
        .set    BDA_CRTC, 0x463
        .set    BDA_TICKS, 0x46c
        .set    BDA_MIDNIGHT, 0x470
        .set    BDA_DISK_STATUS, 0x474
        .set    BDA_KEY_START, 0x480
        .set    BDA_KEY_END, 0x482
        .set    BDA_ROWS, 0x484
        .set    BDA_CHARACTER, 0x485
        .set    COLUMNS, 80
        .set    ROWS, 25
        .set    EBDA, 0x9fc0
        .set    TICKS_A_DAY, 0x1800b0

# What the loader fills in (services.ts).
        .org    0
boot_ip:        .word   0
boot_cs:        .word   0
boot_sp:        .word   0
boot_ds:        .word   0
low_memory:     .word   0               # KiB below 640 KiB
extended:       .word   0               # KiB from 1 MiB, at most 0xfc00
below_16m:      .word   0               # KiB from 1 MiB to 16 MiB
above_16m:      .word   0               # units of 64 KiB from 16 MiB
has_display:    .word   0               # text memory at B800:0
map_entries:    .word   0
memory_map:     .fill   24 * 20, 1, 0   # E820 entries, at most 24

        .org    0x200
        .globl  start
start:  cli
        cld
        xor     ax, ax
        mov     ss, ax
        mov     sp, 0x7c00
        mov     ds, ax
        mov     es, ax
# every vector first to one that does nothing, those of the 8259A pair to one that ends the interrupt
        xor     di, di
        mov     cx, 256
1:      mov     ax, offset nothing
        stosw
        mov     ax, cs
        stosw
        loop    1b
        mov     di, 0x08 * 4
        mov     cx, 8
        mov     ax, offset end_master
        call    fill
        mov     di, 0x70 * 4
        mov     cx, 8
        mov     ax, offset end_slave
        call    fill
        mov     si, offset vectors
1:      cs lodsb
        cmp     al, 0xff
        je      2f
        movzx   di, al
        shl     di, 2
        cs lodsw
        stosw
        jmp     1b
# BIOS data area
2:      mov     di, 0x400
        xor     ax, ax
        mov     cx, 0x80
        rep stosw
        mov     word ptr [BDA_COM], COM1
        mov     word ptr [BDA_EBDA], EBDA
        mov     word ptr [BDA_EQUIPMENT], 0x0222        # one serial port, 80x25 colour, coprocessor
        mov     ax, cs:[low_memory]
        mov     [BDA_MEMORY], ax
        mov     word ptr [BDA_KEY_HEAD], 0x1e
        mov     word ptr [BDA_KEY_TAIL], 0x1e
        mov     word ptr [BDA_KEY_START], 0x1e
        mov     word ptr [BDA_KEY_END], 0x3e
        mov     byte ptr [BDA_MODE], 3
        mov     byte ptr [BDA_COLUMNS], COLUMNS
        mov     word ptr [BDA_PAGE_SIZE], 0x1000
        mov     word ptr [BDA_SHAPE], 0x0607
        mov     word ptr [BDA_CRTC], 0x3d4
        mov     byte ptr [BDA_ROWS], ROWS - 1
        mov     byte ptr [BDA_CHARACTER], 16
        mov     ax, EBDA
        mov     es, ax
        mov     byte ptr es:[0], 1                      # KiB
# 8259A pair: vectors 08h and 70h; timer, keyboard and cascade are let through
        mov     si, offset chips
1:      cs lodsw
        test    ax, ax
        jz      2f
        mov     dx, ax
        cs lodsb
        out     dx, al
        jmp     1b
2:      lss     sp, cs:[boot_sp]
        mov     ax, ss
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        jmp     far ptr cs:[boot_ip]

fill:   stosw
        add     di, 2
        loop    fill
        ret

# Port and value.
.macro  set_port port, value
        .word   \port
        .byte   \value
.endm
chips:  set_port 0x20, 0x11
        set_port 0xa0, 0x11
        set_port 0x21, 0x08
        set_port 0xa1, 0x70
        set_port 0x21, 0x04
        set_port 0xa1, 0x02
        set_port 0x21, 0x01
        set_port 0xa1, 0x01
        set_port 0x21, 0xf8
        set_port 0xa1, 0xff
        set_port 0x43, 0x36                             # counter 0, mode 3, 18.2 Hz
        set_port 0x40, 0
        set_port 0x40, 0
        set_port 0x64, 0x60                             # 8042: translate, interrupt, no second port
        set_port 0x60, 0x65
        set_port COM1 + 3, 0x80                         # 115200 baud, 8N1, FIFOs, polled
        set_port COM1, 1
        set_port COM1 + 1, 0
        set_port COM1 + 3, 3
        set_port COM1 + 2, 7
        set_port COM1 + 4, 3
        .word   0

.macro  vector number, handler
        .byte   \number
        .word   \handler
.endm
# Number and offset; the segment is there already.
vectors:
        vector  0x00, fault
        vector  0x06, fault
        vector  0x08, timer
        vector  0x09, keyboard
        vector  0x10, video
        vector  0x11, equipment
        vector  0x12, memory
        vector  0x13, disk
        vector  0x14, absent
        vector  0x15, system
        vector  0x16, keys
        vector  0x17, absent
        vector  0x18, no_boot
        vector  0x19, no_boot
        vector  0x1a, time
        .byte   0xff

nothing:
        iret

# An 8259A's interrupt that nobody has taken.
end_slave:
        push    ax
        mov     al, 0x20
        out     0xa0, al
        jmp     1f
end_master:
        push    ax
        mov     al, 0x20
1:      out     0x20, al
        pop     ax
        iret

# How a service ends that answers in CF or ZF: in the flags that IRET takes back.
.macro  answer_clear flag
        push    bp
        mov     bp, sp
        and     byte ptr [bp + 6], 0xff - \flag
        pop     bp
        iret
.endm
.macro  answer_set flag
        push    bp
        mov     bp, sp
        or      byte ptr [bp + 6], \flag
        pop     bp
        iret
.endm
        .set    CF, 0x01
        .set    ZF, 0x40
good:   answer_clear CF
bad:    answer_set CF

# ---- INT 08h: 18.2 times a second

timer:  push    ds
        push    eax
        xor     ax, ax
        mov     ds, ax
        mov     eax, [BDA_TICKS]
        inc     eax
        cmp     eax, TICKS_A_DAY
        jb      1f
        xor     eax, eax
        inc     byte ptr [BDA_MIDNIGHT]
1:      mov     [BDA_TICKS], eax
        int     0x1c
        mov     al, 0x20
        out     0x20, al
        pop     eax
        pop     ds
        iret

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

# ---- INT 11h, 12h, 13h, 14h, 17h, 18h, 19h

equipment:
        push    ds
        push    0
        pop     ds
        mov     ax, [BDA_EQUIPMENT]
        pop     ds
        iret
memory: push    ds
        push    0
        pop     ds
        mov     ax, [BDA_MEMORY]
        pop     ds
        iret

# No drive: 01h "bad command or drive", and AH=15h says that there is none.
disk:   push    ds
        push    0
        pop     ds
        mov     byte ptr [BDA_DISK_STATUS], 1
        pop     ds
        cmp     ah, 0x15
        je      1f
        cmp     ah, 0x08
        jne     2f
        xor     dx, dx
2:      mov     ah, 1
        jmp     bad
1:      xor     ax, ax
        jmp     good

absent: mov     ah, 0x80                                # timed out
        iret

no_boot:
        mov     si, offset no_boot_text
        jmp     say
# Without a handler of the guest's own the same instruction would fault for ever.
fault:  mov     si, offset fault_text
say:    cld
1:      cs lodsb
        test    al, al
        jz      2f
        mov     ah, 0x0e
        int     0x10
        jmp     1b
2:      cli
        hlt
        jmp     2b
no_boot_text:
        .asciz  "The guest has nothing more to boot.\r\n"
fault_text:
        .asciz  "The guest has divided by zero, or met an instruction that its processor does not have.\r\n"

# ---- INT 1Ah: time

time:   cmp     ah, 4
        ja      1f
        push    ds
        push    0
        pop     ds
        cmp     ah, 1
        jb      get_ticks
        je      set_ticks
        cmp     ah, 2
        je      get_clock
        cmp     ah, 4
        je      get_date
        pop     ds
1:      cmp     ah, 0xb1                                # PCI BIOS: function not supported
        jne     2f
        mov     ah, 0x81
2:      jmp     bad
get_ticks:
        mov     dx, [BDA_TICKS]
        mov     cx, [BDA_TICKS + 2]
        mov     al, [BDA_MIDNIGHT]
        mov     byte ptr [BDA_MIDNIGHT], 0
        pop     ds
        jmp     good
set_ticks:
        mov     [BDA_TICKS], dx
        mov     [BDA_TICKS + 2], cx
        mov     byte ptr [BDA_MIDNIGHT], 0
        pop     ds
        jmp     good
get_clock:
        pop     ds
        push    ax
        call    clock_still
        mov     al, 4
        call    cmos
        mov     ch, al
        mov     al, 2
        call    cmos
        mov     cl, al
        mov     al, 0
        call    cmos
        mov     dh, al
        mov     dl, 0
        pop     ax
        jmp     good
get_date:
        pop     ds
        push    ax
        call    clock_still
        mov     al, 0x32
        call    cmos
        mov     ch, al
        mov     al, 9
        call    cmos
        mov     cl, al
        mov     al, 8
        call    cmos
        mov     dh, al
        mov     al, 7
        call    cmos
        mov     dl, al
        pop     ax
        jmp     good
# AL: the register of that number.
cmos:   out     0x70, al
        in      al, 0x71
        ret
# The clock is not in an update.
clock_still:
        mov     al, 10
        call    cmos
        test    al, 0x80
        jnz     clock_still
        ret

# ---- INT 15h: memory, A20, waiting

system: cmp     ax, 0xe820
        je      query_map
        cmp     ax, 0xe801
        je      query_sizes
        cmp     ah, 0x88
        je      query_extended
        cmp     ah, 0x24
        je      gate_a20
        cmp     ah, 0x86
        je      wait_time
        cmp     ah, 0xc1
        je      query_ebda
        mov     ah, 0x86                                # function not supported
        jmp     bad

query_map:
        cmp     edx, 0x534d4150                         # "SMAP"
        jne     1f
        cmp     ecx, 20
        jb      1f
        cmp     bx, cs:[map_entries]
        jae     1f
        push    si
        push    di
        imul    si, bx, 20
        add     si, offset memory_map
        mov     cx, 10
        cld
        cs rep movsw
        pop     di
        pop     si
        mov     eax, edx
        mov     ecx, 20
        inc     bx
        cmp     bx, cs:[map_entries]
        jb      2f
        xor     ebx, ebx
2:      jmp     good
1:      mov     ah, 0x86
        jmp     bad

query_sizes:
        mov     ax, cs:[below_16m]
        mov     bx, cs:[above_16m]
        mov     cx, ax
        mov     dx, bx
        jmp     good
query_extended:
        mov     ax, cs:[extended]
        jmp     good
query_ebda:
        push    EBDA
        pop     es
        jmp     good

gate_a20:
        cmp     al, 3
        ja      1f
        je      query_gate
        cmp     al, 2
        je      gate_status
        push    ax
        mov     ah, al
        shl     ah, 1
        in      al, 0x92
        and     al, 0xfc
        or      al, ah
        out     0x92, al
        pop     ax
        mov     ah, 0
        jmp     good
gate_status:
        in      al, 0x92
        shr     al, 1
        and     ax, 1
        jmp     good
query_gate:
        mov     bx, 3                                   # by the 8042 and by port 92h
        mov     ah, 0
        jmp     good
1:      mov     ah, 0x86
        jmp     bad

# CX:DX microseconds, by the refresh toggle of port 61h that changes every 15.085 of them.
wait_time:
        push    eax
        push    ebx
        push    edx
        mov     ax, cx
        shl     eax, 16
        mov     ax, dx
        xor     edx, edx
        mov     ebx, 15
        div     ebx
        mov     ebx, eax
        in      al, 0x61
        mov     ah, al
1:      in      al, 0x61
        xor     ah, al
        test    ah, 0x10
        mov     ah, al
        jz      1b
        sub     ebx, 1
        jnc     1b
        pop     edx
        pop     ebx
        pop     eax
        mov     ah, 0
        jmp     good

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
        iret
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
# A display adapter, where there is one: VGA with a colour display.
query_adapter:
        cmp     word ptr cs:[has_display], 0
        je      1f
        mov     bx, 8
        mov     al, 0x1a
1:      iret
read_character:
        mov     ax, 0x0720
        cmp     word ptr cs:[has_display], 0
        je      1f
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
1:      iret

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
        cmp     word ptr cs:[has_display], 0
        je      9f
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
        cmp     word ptr cs:[has_display], 0
        je      1f
        push    0xb800
        pop     es
        xor     di, di
        mov     cx, COLUMNS * ROWS
        mov     ax, 0x0720
        rep stosw
1:      ret
clear_sequence:
        .asciz  "\33[2J\33[H"

# CX times the character AL with attribute BL (AH 09h) at the cursor, which stays; the terminal sees nothing.
write_character:
        cmp     word ptr cs:[has_display], 0
        je      9f
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
        cmp     word ptr cs:[has_display], 0
        je      1f
        push    ax
        call    cursor_place
        pop     ax
        stosb
1:      inc     bl
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
        cmp     word ptr cs:[has_display], 0
        je      2f
        call    move_cursor
2:      ret
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
        cmp     word ptr cs:[has_display], 0
        je      1f
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
1:      ret

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
        cmp     word ptr cs:[has_display], 0
        je      1f
        push    es
        call    move_cursor
        pop     es
1:      popa
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

# ---- where a processor starts: a guest that jumps here wants a reset

        .org    0xff0
        mov     al, 6
        mov     dx, 0xcf9
        out     dx, al
1:      hlt
        jmp     1b
        .org    0xffe
        .byte   0xfc                                    # model: PC/AT
        .org    0x1000
