# The BIOS services that a 16-bit guest calls when there is no BIOS: the setup code of a Linux kernel at its
# 16-bit entry, or a program in the shape of a kernel such as iPXE (interface: IBM PS/2 and PC BIOS Interface
# Technical Reference; E820h: ACPI 6.5, 15.1). 4 KiB at F000:F000; services.ts has the bytes, and build.ts
# makes them from here and from the two files that are included: keys and display.
#
# Start: it sets up vectors, BIOS data area, interrupt controllers and timer, and goes where the loader has
# written that it shall. The console is COM1 and the VGA's text memory; keys come from
# the keyboard and from COM1. There are no disks (INT 13h answers so), no VBE, no APM, no PCI BIOS, no
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

        .include "services-keys.inc.s"
        .include "services-video.inc.s"

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
