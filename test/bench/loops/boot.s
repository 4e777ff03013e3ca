# The benchmark's guest: loops of integer instructions with paging on. It asks before each loop and tells
# its result on the serial port, so that whoever runs it can time the loop between the two. A multiboot 1
# image with its load addresses in the header, hence the same binary for this emulator,
# qemu-system-i386 -kernel and others.
#
#   "crc?"          the loop's name; the guest sleeps in HLT until a byte comes from the host
#   " 2d0c1a5b\n"   a space just before the loop; after it the result
#
# After the last loop it begins again with the first: the host decides when it has seen enough. A digit as
# the last character of the command line halves every loop's count that many times (but not below one),
# for tests. Nothing is written on a page that holds code, and interrupts are off while a loop runs.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    MAGIC,      0x1badb002
        .set    ADDRESSES,  0x00010000          # the header says where the image goes
        .set    COMMAND_LINE, 4                 # flag of the information block
        .set    INFO_COMMAND_LINE, 16           # offset of its string's address
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
        call    set_up_processor
        call    set_up_serial
        call    fill_source

1:      mov     esi, offset loops
2:      call    run_loop
        add     esi, ROW_BYTES
        cmp     esi, offset loops_end
        jne     2b
        jmp     1b

# ESI: row of the table. The loop gets its count in EBP, leaves its result in EAX and may change all else.
run_loop:
        push    esi
        mov     ebx, esi
        add     ebx, 8
1:      mov     al, [ebx]
        test    al, al
        jz      2f
        call    put
        inc     ebx
        jmp     1b
2:      mov     al, '?'
        call    put
        call    wait_for_host
        mov     cl, [halvings]
        mov     ebp, [esi + 4]
        shr     ebp, cl
        test    ebp, ebp
        jnz     3f
        inc     ebp
3:      mov     al, ' '
        call    put
        call    [esi]
        call    put_hex
        mov     al, '\n'
        call    put
        pop     esi
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
        row     crc,      192
        row     sieve,    96
        row     copy,     1024
        row     calls,    320
        row     bytecode, 16384
        row     hash,     512
        row     sort,     192
        row     stride,   512
        row     strings,  1024
        .balign ROW_BYTES
loops_end:

        .bss
halvings:
        .skip   1
