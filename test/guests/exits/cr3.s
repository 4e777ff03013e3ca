# MOV to CR3 with four values, the second and third of which are CR3 targets, and from it.
        .include "exits.inc.s"
        begin
        mov     eax, 0x1000
        mov     cr3, eax
        mov     eax, 0x2000
        mov     cr3, eax
        mov     eax, 0x3000
        mov     cr3, eax
        xor     edi, edi
        mov     cr3, edi
        mov     ebx, cr3
        finish
