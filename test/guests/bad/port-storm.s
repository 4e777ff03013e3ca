# Reads and writes every port below 0x1000 and the last ones before 0x10000, in all three sizes, with
# values that make chips do as much as they can. It leaves out what switches off or resets. Then it takes
# interrupts as they come for a while, and switches off with 0.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        catch_faults
        mov     ebx, offset values
1:      xor     edx, edx
2:      mov     esi, offset left_out
3:      cmp     dx, [esi]                       # first and last port of each range
        jb      4f
        cmp     dx, [esi + 2]
        jbe     5f
4:      add     esi, 4
        cmp     esi, offset left_out_end
        jb      3b
        in      al, dx
        in      ax, dx
        in      eax, dx
        mov     eax, [ebx]
        out     dx, al
        out     dx, ax
        out     dx, eax
5:      inc     edx
        cmp     edx, 0x1000
        jne     6f
        mov     edx, 0xfff0
6:      cmp     edx, 0x10000
        jb      2b
        add     ebx, 4
        cmp     ebx, offset values_end
        jb      1b

        mov     ebx, 1000
7:      take_interrupt
        dec     ebx
        jnz     7b
        power_off 0

values: .long   0, 0xffffffff, 0x5a5a5a5a, 0x80808080, 0x01020408, 0x34363074
values_end:
        # A20 and reset (61 to 64, 92), the debug port, ACPI, reset control; three ports before each too,
        # which a wider access would cover
left_out:
        .word   0x005e, 0x0064, 0x008f, 0x0092, 0x00e6, 0x00f7, 0x05fd, 0x060f, 0x0cf5, 0x0cff
left_out_end:
