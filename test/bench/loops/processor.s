# Flat segments, one interrupt gate, and paging: linear addresses are physical ones, in pages of 4 KiB
# (SDM vol. 3, 3.4.5, 6.11 and 5.3). A multiboot loader leaves protected mode without any of these.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    PRESENT_RW, 3
        .set    CR0_PG,     0x80000000
        .set    CODE,       0x08                # selectors
        .set    DATA,       0x10
        .set    INTERRUPT_GATE, 0x8e00          # present, 32 bits

        .text
        .global set_up_processor
set_up_processor:
        lgdt    [gdt_pointer]
        jmp     CODE:1f
1:      mov     eax, DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax

        mov     eax, offset serial_interrupt
        mov     ecx, CODE << 16
        mov     cx, ax
        mov     [idt + SERIAL_VECTOR * 8], ecx
        mov     ax, INTERRUPT_GATE
        mov     [idt + SERIAL_VECTOR * 8 + 4], eax
        lidt    [idt_pointer]

        mov     edi, offset PAGE_TABLES
        mov     eax, PRESENT_RW
        mov     ecx, MAPPED_TABLES * 1024
2:      stosd
        add     eax, 0x1000
        loop    2b
        mov     edi, offset PAGE_DIRECTORY
        mov     eax, offset PAGE_TABLES + PRESENT_RW
        mov     ecx, MAPPED_TABLES
3:      stosd
        add     eax, 0x1000
        loop    3b
        mov     eax, offset PAGE_DIRECTORY
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
        ret

        .section .rodata
        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
idt_pointer:
        .word   IDT_BYTES - 1
        .long   idt

        .set    IDT_BYTES, (SERIAL_VECTOR + 1) * 8

        .bss
        .balign 8
idt:    .skip   IDT_BYTES
