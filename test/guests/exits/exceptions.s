# Exceptions of every kind: faults with and without error code, traps, and those of software.
        .include "exits.inc.s"
        begin
        xor     ecx, ecx
        attempt div ecx                         # #DE
        attempt ud2                             # #UD
        attempt int3                            # #BP
        attempt .byte 0xf1                      # INT1: #DB
        mov     al, 0x7f
        add     al, 1
        attempt into                            # #OF
        mov     cx, 0x28
        attempt mov fs, cx                      # #GP(28h)
        pushfd
        or      dword ptr [esp], 0x100          # TF
        mov     dword ptr [.Lresume], offset 1f
        popfd
        nop                                     # #DB after it
1:      mov     eax, cr0
        or      eax, 8
        mov     cr0, eax
        attempt fnop                            # #NM
        clts
        finish
