# INVD and WBINVD, with a prefix that changes only the length.
        .include "exits.inc.s"
        begin
        invd
        wbinvd
        .byte   0x3e
        wbinvd
        finish
