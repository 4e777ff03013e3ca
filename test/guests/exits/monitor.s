# MONITOR, and MWAIT with interrupts off, which ends at once; then hints that there are not: #GP(0).
        .include "exits.inc.s"
        begin
        mov     eax, 0x9000
        monitor
        mwait
        mov     ecx, 2
        attempt monitor
        attempt mwait
        finish
