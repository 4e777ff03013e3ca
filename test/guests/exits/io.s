# IN and OUT of all sizes, by immediate and by DX, string forms with REP, and around the end of the ports.
        .include "exits.inc.s"
        begin
        in      al, 0x80
        in      ax, 0x80
        in      eax, 0x80
        mov     al, 0x41
        out     0x80, al
        mov     dx, 0x3f8
        mov     dx, 0x2f8
        in      al, dx
        mov     edi, 0x6000
        insb
        mov     ecx, 3
        rep insd
        mov     esi, 0x6000
        outsw
        mov     ecx, 2
        rep outs dx, byte ptr es:[esi]
        mov     dx, 0xffff
        in      eax, dx
        in      al, dx
        xor     eax, eax
        finish
