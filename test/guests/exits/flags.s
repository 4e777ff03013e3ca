# What SVM alone intercepts: PUSHF, POPF, INT n, IRET, SMSW; with them the traps INT3 and INTO, and BOUND.
        .include "exits.inc.s"
        begin
        pushfd
        popfd
        pushf
        popf
        smsw    ax
        xor     eax, eax
        attempt int 0x42
        attempt int3
        mov     al, 0x7f
        add     al, 1
        attempt into
        mov     dword ptr [0x6000], 1
        mov     dword ptr [0x6004], 2
        xor     eax, eax
        attempt bound eax, [0x6000]             # #BR
        pushfd
        push    0x08
        push    offset 1f
        iretd
1:      attempt .byte 0xf1                      # INT1
        finish
