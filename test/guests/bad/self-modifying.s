# Changes its own code while it runs: the next instruction, the page that it is about to run into, an
# instruction that lies in two pages, and all that through another linear address. The result is the
# number of the first case in which old code was executed, or 0.
        .include "protected.inc.s"
        .set    ROUNDS,    2000
        .set    CODE,      0x20ffd              # three bytes before the end of a page
        .set    DIRECTORY, 0x60000
        .set    TABLE,     0x61000
        .set    ALIAS,     0x300000             # where the page at 0x21000 is seen again
        .globl  start
start:  enter_protected_mode
        mov     esp, 0x7000
        mov     ebx, ROUNDS

        # 1: the immediate operand of the next instruction
1:      mov     [patched + 1], ebx
patched:
        mov     eax, 0
        cmp     eax, ebx
        mov     al, 1
        jne     finish

        # 2: a block that runs from one page into the next, which is written
        mov     dword ptr [CODE], 0xb8909090    # three NOPs | MOV EAX, imm32
        mov     byte ptr [CODE + 8], 0xc3       # RET
        mov     [CODE + 4], ebx
        mov     ecx, CODE
        call    ecx
        cmp     eax, ebx
        mov     al, 2
        jne     finish

        # 3: MOV EAX, imm32 with its last bytes in the next page
        mov     byte ptr [CODE], 0xb8
        mov     [CODE + 1], ebx
        mov     byte ptr [CODE + 5], 0xc3
        call    ecx
        cmp     eax, ebx
        jne     3f
        inc     byte ptr [CODE + 3]             # the first byte of the next page
        call    ecx
        add     ebx, 0x10000
        cmp     eax, ebx
        lea     ebx, [ebx - 0x10000]
        jne     3f
        dec     ebx
        jnz     1b

        # 4: the same bytes at another linear address
        mov     dword ptr [DIRECTORY], TABLE + 3
        mov     edi, TABLE
        mov     eax, 3
        mov     ecx, 1024
2:      stosd
        add     eax, 4096
        loop    2b
        mov     dword ptr [TABLE + ALIAS / 4096 * 4], 0x21000 + 3
        mov     eax, DIRECTORY
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        mov     byte ptr [0x21000], 0xb8
        mov     byte ptr [0x21005], 0xc3
        mov     ecx, 0x21000
        mov     edx, ALIAS
        mov     ebx, ROUNDS
5:      mov     [ALIAS + 1], ebx
        call    ecx
        cmp     eax, ebx
        jne     4f
        not     dword ptr [0x21001]
        call    edx
        not     eax
        cmp     eax, ebx
        jne     4f
        dec     ebx
        jnz     5b
        xor     al, al
finish: out     0xf4, al
3:      mov     al, 3
        jmp     finish
4:      mov     al, 4
        jmp     finish
