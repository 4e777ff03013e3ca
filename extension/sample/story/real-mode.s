# The story, part one: sixteen bits.
#
# An x86 processor wakes up in real mode (SDM vol. 3, chapter 21): an address is segment * 16 + offset,
# there is no protection, and the first megabyte is all there is. Everything here happens in one go from
# `start`: say hello on the serial port, open the way above 1 MiB, describe three flat segments in a
# table, and switch the processor to protected mode.

        .intel_syntax noprefix
        .include "constants.s"

        .section .boot, "ax"
        .code16

function start
        cli                             # until there is somewhere for interrupts to go
        cld                             # string instructions go upwards
        xor     ax, ax
        mov     ds, ax                  # all segments at 0: an offset is a physical address
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7c00              # the stack grows down from where we were loaded

        # The serial port (16550A): interrupts off, 115200 baud, 8 data bits, no parity, 1 stop bit.
        # Every OUT below leaves the guest when port accesses do: a VM exit of reason 30.
        mov     si, offset serial_setup
        mov     cx, 7
1:      lodsw                           # AX = next port ...
        mov     dx, ax
        lodsb                           # ... and AL = the value for it
        out     dx, al
        loop    1b

        mov     si, offset hello
        call    print16

        # The A20 gate. An 8086 had twenty address lines, and programs relied on addresses that wrap at
        # 1 MiB; PCs have therefore kept line 20 low until someone asks for it.
        in      al, PORT_92
        or      al, 2
        and     al, 0xfe                # bit 0 would reset the machine
        out     PORT_92, al

        # Protected mode (SDM vol. 3, 10.9.1): a descriptor table, then CR0.PE, then a far jump, which
        # loads CS from the table and with it the size of an instruction's operands.
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      eax, CR0_PE
        mov     cr0, eax
        jmp     CODE32:protected_mode

# Prints the text at DS:SI up to its zero. Changes AX, DX, SI.
function print16
        lodsb
        test    al, al
        jz      2f
        mov     ah, al
        mov     dx, COM1_STATUS
1:      in      al, dx                  # wait for room in the transmitter
        test    al, 0x20
        jz      1b
        mov     al, ah
        mov     dx, COM1
        out     dx, al
        jmp     print16
2:      ret

# Port and value, in the order in which they are written.
serial_setup:
        .word   COM1_ENABLE;    .byte 0x00
        .word   COM1_LINE;      .byte 0x80      # the first two ports are the divisor now
        .word   COM1;           .byte 1         # 115200 / 1
        .word   COM1_ENABLE;    .byte 0
        .word   COM1_LINE;      .byte 0x03      # 8 bits, no parity, 1 stop bit
        .word   COM1_FIFO;      .byte 0x07      # queues on and empty
        .word   COM1_MODEM;     .byte 0x0b      # DTR, RTS, and OUT2, which lets interrupts through

hello:  .asciz  "Guestscope: the story of a guest\r\n\r\n1 Real mode: sixteen bits, segments, no protection\r\n"

# Descriptors (SDM vol. 3, 3.4.5), eight bytes each: both reach from 0 to 4 GiB, so that from here on an
# address in a program is a linear address.
        .balign 8
gdt:    .quad   0                       # the null descriptor
        .quad   0x00cf9a000000ffff      # CODE32: base 0, limit 4 GiB, execute and read, ring 0, 32 bit
        .quad   0x00cf92000000ffff      # DATA32: base 0, limit 4 GiB, read and write, ring 0
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        # The mark of a boot sector, at the end of the first 512 bytes.
        .org    510
        .byte   0x55, 0xaa

        # Sixteen bits end here: the same bytes would now mean other instructions.
        .code32
function protected_mode
        mov     ax, DATA32              # the data segments still have their real-mode descriptors
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     esp, offset stack_top
        jmp     story
