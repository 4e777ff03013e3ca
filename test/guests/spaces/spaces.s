# A Multiboot kernel that runs two programs in turn, each in an address space of its own: page directories
# that differ in what is at 0x08048000, where both programs begin. Everything runs in ring 0.

        .intel_syntax noprefix
        .set    MAGIC, 0x1badb002
        .set    PROGRAM, 0x08048000
        .set    PAGE, 0x1000
        .set    USABLE, 7               # present, writable, user
        .set    LARGE, 0x80             # 4 MiB
        .set    ROUNDS, 2

        .section .multiboot, "a"
        .long   MAGIC, 0, -MAGIC

        .macro  space name
        mov     dword ptr [\name\()_directory], USABLE | LARGE
        mov     eax, offset \name\()_table
        or      eax, USABLE
        mov     [\name\()_directory + (PROGRAM >> 22) * 4], eax
        mov     eax, offset \name\()_image
        or      eax, USABLE
        mov     [\name\()_table + ((PROGRAM >> 12) & 0x3ff) * 4], eax
        .endm

        .text
        .global _start
        .type   _start, @function
_start:
        mov     esp, offset stack_top
        space   first
        space   second
        mov     eax, cr4
        or      eax, 0x10               # CR4.PSE
        mov     cr4, eax
        mov     eax, offset first_directory
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000         # CR0.PG
        mov     cr0, eax

        mov     esi, ROUNDS
        mov     edi, PROGRAM
1:      mov     eax, offset first_directory
        mov     cr3, eax
        call    edi
        mov     eax, offset second_directory
        mov     cr3, eax
        call    edi
        dec     esi
        jnz     1b
2:      cli
        hlt
        jmp     2b
        .size   _start, . - _start

        .data
        .balign PAGE
first_image:
        .incbin "first.bin"
        .balign PAGE
second_image:
        .incbin "second.bin"

        .bss
        .balign PAGE
        .global first_directory, second_directory
first_directory:  .skip PAGE
second_directory: .skip PAGE
first_table:      .skip PAGE
second_table:     .skip PAGE
        .skip   PAGE
stack_top:
