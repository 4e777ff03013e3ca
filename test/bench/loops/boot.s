# The benchmark's guest: loops of integer instructions with paging on, each announced and closed on the
# serial port, so that whoever runs it can time them. A multiboot 1 image with its load addresses in the
# header, hence the same binary for this emulator, qemu-system-i386 -kernel and others.
#
#   "crc 2d0c1a5b\n"    the loop's name, a space, the loop, its result, end of the line
#
# The space is the last byte before the loop and the first digit is the first one after it. After the last
# loop it begins again with the first: the host decides when it has seen enough. A digit as the last
# character of the command line halves every loop's count that many times (but not below one), for tests.
#
# Nothing is written on a page that holds code. Interrupts stay off; there are no descriptors but the
# loader's.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    MAGIC,      0x1badb002
        .set    ADDRESSES,  0x00010000          # the header says where the image goes
        .set    COMMAND_LINE, 4                 # flag of the information block, and offset of its string
        .set    INFO_COMMAND_LINE, 16
        .set    PRESENT_RW, 3
        .set    CR0_PG,     0x80000000
        .set    SERIAL,     0x3f8               # COM1: THR, and LSR at +5
        .set    LSR_THRE,   0x20
        .set    ROW_BYTES,  32                  # of the table of loops

        .section .boot, "ax"
        .global start
header:
        .long   MAGIC, ADDRESSES, -(MAGIC + ADDRESSES)
        .long   header, image_start, image_end, memory_end, start

start:
        cli
        cld
        mov     esp, offset STACK_TOP
        call    read_command_line
        call    enable_paging
        call    fill_source

round:
        mov     esi, offset loops
1:      cmp     dword ptr [esi], 0
        je      round
        call    run_loop
        add     esi, ROW_BYTES
        jmp     1b

# ESI: row of the table. The loop gets its count in EBP, leaves its result in EAX and may change all else.
run_loop:
        push    esi
        mov     ebx, esi
        add     ebx, 8
2:      mov     al, [ebx]
        test    al, al
        jz      3f
        call    put
        inc     ebx
        jmp     2b
3:      mov     cl, [halvings]
        mov     ebp, [esi + 4]
        shr     ebp, cl
        test    ebp, ebp
        jnz     4f
        inc     ebp
4:      mov     al, ' '
        call    put
        call    [esi]
        call    put_hex
        mov     al, 10
        call    put
        pop     esi
        ret

# Sends AL when the transmitter is free. Changes DX.
put:
        push    eax
        mov     dx, SERIAL + 5
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

# EBX: multiboot information block.
read_command_line:
        test    dword ptr [ebx], COMMAND_LINE
        jz      3f
        mov     esi, [ebx + INFO_COMMAND_LINE]
        xor     ecx, ecx
1:      lodsb
        test    al, al
        jz      2f
        mov     cl, al
        jmp     1b
2:      sub     cl, '0'
        cmp     cl, 9
        ja      3f
        mov     [halvings], cl
3:      ret

# Linear addresses are physical ones, in pages of 4 KiB.
enable_paging:
        mov     edi, offset PAGE_TABLES
        mov     eax, PRESENT_RW
        mov     ecx, MAPPED_TABLES * 1024
1:      stosd
        add     eax, 0x1000
        loop    1b
        mov     edi, offset PAGE_DIRECTORY
        mov     eax, offset PAGE_TABLES + PRESENT_RW
        mov     ecx, MAPPED_TABLES
2:      stosd
        add     eax, 0x1000
        loop    2b
        mov     eax, offset PAGE_DIRECTORY
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
        ret

# What several loops read: words of a linear congruential generator.
fill_source:
        mov     edi, offset SOURCE
        mov     ecx, BUFFER_WORDS
        mov     eax, 12345
1:      imul    eax, eax, 1103515245
        add     eax, 12345
        stosd
        loop    1b
        ret

        .section .rodata
# Routine, count, name in the rest of the row.
.macro  row     name, count
        .balign ROW_BYTES
        .long   loop_\name, \count
        .asciz  "\name"
.endm
loops:
        row     crc,      96
        row     sieve,    48
        row     copy,     512
        row     calls,    160
        row     bytecode, 8192
        row     hash,     256
        row     sort,     96
        row     stride,   256
        row     strings,  512
        .balign ROW_BYTES
        .long   0

digits: .ascii  "0123456789abcdef"

        .bss
halvings:
        .skip   1
