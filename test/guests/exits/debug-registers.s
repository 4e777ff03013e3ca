# MOV to and from debug registers.
        .include "exits.inc.s"
        begin
        mov     eax, 0x1234
        mov     dr0, eax
        mov     ebx, dr0
        mov     ecx, dr6
        mov     edx, dr7
        mov     dr7, edx
        finish
