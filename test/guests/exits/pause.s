# PAUSE three times.
        .include "exits.inc.s"
        begin
        pause
        pause
        .byte   0x2e, 0xf3, 0x90
        finish
