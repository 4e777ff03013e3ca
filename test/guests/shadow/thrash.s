# Does what a script says, to page tables above all: the test writes the script to 0x100000, and tables
# and data where it likes, before the first instruction. An operation is four words: its number and three
# operands. What is read, and every page fault with its address and error code, goes into EBP. An operation
# that faults is over.
        .include "../bad/protected.inc.s"

        .set    SCRIPT, 0x100000
        .set    STACK, 0x7000
        .set    TSS, 0x2000
        # apart from code, since it is written to all the time
        .set    POSITION, 0x3000
        .set    USER_CODE, 0x1b
        .set    USER_DATA, 0x23

        .globl  start
start:  enter_protected_mode
        lgdt    [gdt_pointer]
        fill_idt other
        mov     word ptr [0x1000 + 14 * 8], offset page_fault
        mov     word ptr [0x1000 + 0x80 * 8], offset next
        mov     byte ptr [0x1000 + 0x80 * 8 + 5], 0xee
        mov     dword ptr [TSS + 4], STACK
        mov     dword ptr [TSS + 8], 0x10
        mov     ax, 0x28
        ltr     ax
        mov     dword ptr [POSITION], SCRIPT
        xor     ebp, ebp

# a program may have left anything behind
next:   mov     esp, STACK
        cld
        mov     ax, USER_DATA
        mov     ds, ax
        mov     es, ax
        mov     esi, [POSITION]
        lodsd
        mov     edx, eax
        lodsd
        mov     ebx, eax
        lodsd
        mov     ecx, eax
        lodsd
        mov     edi, eax
        mov     [POSITION], esi
        jmp     [operations + edx * 4]

page_fault:
        pop     eax
        rol     ebp, 7
        xor     ebp, eax
        mov     eax, cr2
        add     ebp, eax
        jmp     next
other:  rol     ebp, 9
        inc     ebp
        jmp     next

finish: hlt
        jmp     finish
write:  mov     [ebx], ecx
        jmp     next
read:   mov     eax, [ebx]
        rol     ebp, 5
        xor     ebp, eax
        jmp     next
flush_page:
        invlpg  [ebx]
        jmp     next
set_cr3:
        mov     cr3, ebx
        jmp     next
set_cr0:
        mov     cr0, ebx
        jmp     next
set_cr4:
        mov     cr4, ebx
        jmp     next
set_efer:
        mov     ecx, 0xc0000080
        mov     eax, ebx
        xor     edx, edx
        wrmsr
        jmp     next
write16:
        mov     [ebx], cx
        jmp     next
# EDI, ECX times, EBX
store:  mov     eax, ebx
        rep stosd
        jmp     next
# from EBX to EDI, ECX times
copy:   mov     esi, ebx
        rep movsd
        jmp     next
change: lock add [ebx], ecx
        jmp     next
exchange:
        mov     eax, ecx
        mov     edx, edi
        xor     ecx, ecx
        cmpxchg8b [ebx]
        jmp     next
user_push:
        mov     eax, offset 1f
        mov     edx, ebx
        jmp     enter_user
1:      push    ecx
        int     0x80
user_read:
        mov     eax, offset 1f
        mov     edx, STACK
        jmp     enter_user
1:      mov     eax, [ebx]
        rol     ebp, 5
        xor     ebp, eax
        int     0x80
user_write:
        mov     eax, offset 1f
        mov     edx, STACK
        jmp     enter_user
1:      mov     [ebx], ecx
        int     0x80
# one instruction at EBX, whatever it is; the trap after it ends it
user_fetch:
        push    USER_DATA
        push    STACK
        push    0x102
        push    USER_CODE
        push    ebx
        iret
# at EAX, with its stack at EDX
enter_user:
        push    USER_DATA
        push    edx
        push    2
        push    USER_CODE
        push    eax
        iret

        .balign 4
operations:
        .long   finish, write, read, flush_page, set_cr3, set_cr0, set_cr4, set_efer, write16, store, copy
        .long   change, exchange, user_push, user_read, user_write, user_fetch
        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
        .word   0x67, TSS, 0x8900, 0
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
