# The serial port COM1 (16550A at 0x3f8, interrupt 4 of the first 8259A): bytes out by polling, one byte in
# by interrupt, so that the processor sleeps until the host wants the next loop.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    SERIAL,     0x3f8
        .set    IER,        SERIAL + 1
        .set    MCR,        SERIAL + 4
        .set    LSR,        SERIAL + 5
        .set    IER_RECEIVED, 0x01
        .set    MCR_READY,  0x0b                # DTR, RTS, and OUT2, which lets the interrupt through
        .set    LSR_THRE,   0x20
        .set    PIC1,       0x20                # command; data at +1
        .set    PIC2,       0xa0
        .set    ICW1,       0x11                # ICW4 follows
        .set    ICW4,       0x01                # 8086 mode
        .set    EOI,        0x20
        .set    ONLY_SERIAL, 0xef               # interrupt mask

        .text
        .global set_up_serial, serial_interrupt, wait_for_host, put, put_hex

.macro  write   port, value
        mov     al, \value
        out     \port, al
.endm
set_up_serial:
        write   PIC1, ICW1
        write   PIC2, ICW1
        write   PIC1 + 1, FIRST_VECTOR
        write   PIC2 + 1, FIRST_VECTOR + 8
        write   PIC1 + 1, 1 << 2                # the second one is at input 2
        write   PIC2 + 1, 2
        write   PIC1 + 1, ICW4
        write   PIC2 + 1, ICW4
        write   PIC1 + 1, ONLY_SERIAL
        write   PIC2 + 1, 0xff
        mov     dx, MCR
        write   dx, MCR_READY
        mov     dx, IER
        write   dx, IER_RECEIVED
        ret

serial_interrupt:
        push    eax
        push    edx
        mov     dx, SERIAL
        in      al, dx
        mov     byte ptr [asked], 1
        write   PIC1, EOI
        pop     edx
        pop     eax
        iretd

# Returns with interrupts off.
wait_for_host:
        cmp     byte ptr [asked], 0
        jne     1f
        sti
        hlt                                     # no interrupt comes between these two
        cli
        jmp     wait_for_host
1:      mov     byte ptr [asked], 0
        ret

# Sends AL when the transmitter is free. Changes DX.
put:
        push    eax
        mov     dx, LSR
1:      in      al, dx
        test    al, LSR_THRE
        jz      1b
        pop     eax
        mov     dx, SERIAL
        out     dx, al
        ret

# Sends EAX as eight digits. Changes EAX, EBX, ECX, EDX.
put_hex:
        mov     ebx, eax
        mov     ecx, 8
1:      rol     ebx, 4
        mov     eax, ebx
        and     eax, 15
        mov     al, [digits + eax]
        call    put
        loop    1b
        ret

        .section .rodata
digits: .ascii  "0123456789abcdef"

        .bss
asked:  .skip   1
