# A loop that waits by PAUSE: 120 times, two instructions each.
        .include "exits.inc.s"
        begin
        mov     ecx, 120
1:      pause
        loop    1b
        finish
