; A boot sector for NASM: says hello by the BIOS, enters protected mode and stops there.
;   nasm -f bin boot-sector.asm
%define COM1 0x3f8
%macro outb 2              ; port, value
        mov     dx, %1
        mov     al, %2
        out     dx, al
%endmacro

STACK   equ     0x7c00
MESSAGE_LENGTH equ message.end - message

        bits 16
        org 0x7c00
        cpu 486

start:  cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, STACK
        mov     si, message
        mov     cx, MESSAGE_LENGTH
.next:  lodsb
        mov     ah, 0eh         ; teletype output
        mov     bx, 0007h
        int     10h
        loop    .next
        outb    COM1, '!'
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      eax, 1b
        mov     cr0, eax
        jmp     dword 0x08:protected

        bits 32
protected:
        mov     ax, 0x10
        mov     ds, ax
        mov     word [0xb8000], 0x1f00 | '@'
        mov     dword [ebx + esi*4 - 8], $
        rep     stosd
%ifdef SLOW
        lock inc dword [counter]
%else
        inc     dword [counter]
%endif
        hlt

message: db     `Hello from NASM\r\n`
.end:
counter  dd     0
align 8
gdt:     dq     0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
         dw     $ - gdt - 1
         dd     gdt
         times 510 - ($ - $$) db 0
         dw     0xaa55
