# Some 2000 instructions and a loop of 200; it powers off, since a halted guest is left by the timer again.
        .include "exits.inc.s"
        begin
        mov     ecx, 200
        loop    .
        power_off 0
