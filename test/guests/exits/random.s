# RDRAND and RDSEED into registers of both sizes; the flags must be those of success.
        .include "exits.inc.s"
        begin
        rdrand  ebx
        pushfd
        pop     esi
        rdrand  cx
        rdseed  edx
        and     esi, 0x8d5                      # CF alone
        cmp     ebx, edx
        setne   al
        finish
