# Runs through code in which the last instruction of each page goes on in the next one, through half
# of 128 MiB, and then writes into the last page: what was remembered of the pages before it depends
# on it, page by page. Twice, and switches off with 0.
        .include "protected.inc.s"
        .set    FIRST,  0x100000
        .set    PAGES,  16000
        .globl  start
start:  enter_protected_mode
        mov     esp, 0x7000
        mov     ebp, 2
        # at each page's end: EB 03 | JMP +FFF, five bytes of which three lie in the next page
1:      mov     edi, FIRST + 0xffe
        mov     ecx, PAGES
2:      mov     byte ptr [edi], 0xe9
        mov     dword ptr [edi + 1], 0x1000 - 5
        add     edi, 0x1000
        loop    2b
        mov     byte ptr [edi], 0xc3
        mov     eax, FIRST + 0xffe
        call    eax
        # a write into the second half of the last jump
        mov     byte ptr [edi - 0x1000 + 3], 0
        call    eax
        dec     ebp
        jnz     1b
        power_off 0
