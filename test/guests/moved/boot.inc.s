# The boot code of our own kernels: from real mode to start_kernel at 3 GiB + 1 MiB, with paging on. It
# copies the kernel MOVED bytes further up than its addresses say (a multiple of 4 MiB), and jumps there.

        .set    LINKED, 0xc0000000      # linear minus physical address, as i386 Linux has it
        .set    LARGE_PAGE, 0x400000
        .set    PAGE_DIRECTORY, 0x10000
        .set    PRESENT_WRITABLE_4MIB, 0x83
        .set    CR0_PE, 1
        .set    CR0_PG, 0x80000000
        .set    CR4_PSE, 0x10

        .section .boot, "ax"
        .code16
        .global start
start:
        cli
        xor     ax, ax
        mov     ds, ax
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      eax, CR0_PE
        mov     cr0, eax
        jmp     8:boot32

        .code32
boot32:
        mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, 0x9000
        cld
        mov     esi, offset kernel_image
        mov     edi, offset kernel_physical + MOVED
        mov     ecx, offset kernel_size
        rep movsb

        # identical and from 3 GiB on: 12 MiB in pages of 4 MiB
        mov     edi, PAGE_DIRECTORY
        xor     eax, eax
        mov     ecx, 1024
        rep stosd
        mov     eax, PRESENT_WRITABLE_4MIB
        mov     edi, PAGE_DIRECTORY
1:      mov     [edi], eax
        mov     [edi + (LINKED >> 20)], eax
        add     edi, 4
        add     eax, LARGE_PAGE
        cmp     edi, PAGE_DIRECTORY + 12
        jb      1b
        mov     eax, PAGE_DIRECTORY
        mov     cr3, eax
        mov     eax, cr4
        or      eax, CR4_PSE
        mov     cr4, eax
        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
        mov     eax, offset start_kernel + MOVED
        jmp     eax

        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt
