# RDPMC of a counter, and of one that is not there: #GP(0).
        .include "exits.inc.s"
        begin
        mov     ecx, 1
        rdpmc
        mov     ecx, 7
        attempt rdpmc
        finish
