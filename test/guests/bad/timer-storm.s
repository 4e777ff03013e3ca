# The 8254 at its fastest, the real-time clock at 8192 Hz and the serial port's transmitter all interrupt,
# and the handler does nothing but say so: more interrupts than time to handle them, for ever.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        mov     esp, 0x7000
        fill_idt interrupt
        mov     esi, offset setup
        mov     ecx, (setup_end - setup) / 4
1:      mov     dx, [esi]
        mov     al, [esi + 2]
        out     dx, al
        add     esi, 4
        loop    1b
        sti
2:      inc     dword ptr [0x8000]
        hlt
        jmp     2b

interrupt:
        push    eax
        push    edx
        mov     al, 0x0c
        out     0x70, al
        in      al, 0x71                        # acknowledges the clock's
        mov     dx, 0x3fa
        in      al, dx                          # and the transmitter's
        mov     dx, 0x3f8
        mov     al, '.'
        out     dx, al
        mov     al, 0x20
        out     0xa0, al
        out     0x20, al
        pop     edx
        pop     eax
        iretd

        # port and value
setup:  .word   0x20, 0x11, 0x21, 0x20, 0x21, 0x04, 0x21, 0x01
        .word   0xa0, 0x11, 0xa1, 0x28, 0xa1, 0x02, 0xa1, 0x01
        .word   0x21, 0x00, 0xa1, 0x00
        .word   0x43, 0x34, 0x40, 0x02, 0x40, 0x00
        .word   0x70, 0x0a, 0x71, 0x23, 0x70, 0x0b, 0x71, 0x72
        .word   0x3f9, 0x02, 0x3fc, 0x0b
setup_end:
