# All eight instructions of the descriptor-table registers.
        .include "exits.inc.s"
        begin
        sgdt    [0x6000]
        lgdt    [0x6000]
        sidt    [0x6008]
        lidt    [0x6008]
        sldt    ax
        lldt    ax
        str     bx
        mov     cx, 0x28
        attempt ltr cx                          # beyond the limit of the GDT: #GP(28h)
        finish
