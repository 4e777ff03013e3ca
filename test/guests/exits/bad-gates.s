# Faults in the delivery of events, by gates of no valid type: #GP of INT n and of #UD, then a double fault.
        .include "exits.inc.s"
        begin
        mov     byte ptr [0x1000 + 0x41 * 8 + 5], 0
        mov     byte ptr [0x1000 + 6 * 8 + 5], 0
        attempt int 0x41
        attempt ud2
        mov     byte ptr [0x1000 + 13 * 8 + 5], 0
        mov     ecx, 0x28
        attempt mov fs, cx                      # #GP, #GP: #DF
        finish
