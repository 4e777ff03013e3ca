# Operands in all their forms, for what instruction information and exit qualification say of them.
        .include "exits.inc.s"
        begin
        mov     ebx, 0x6000
        mov     esi, 4
        sgdt    [ebx+esi*4+0x10]
        sgdt    [0x6000]
        sidt    es:[ebx]
        sgdt    [bx+si+0x10]
        .byte   0x66
        sgdt    [0x6000]
        str     word ptr [ebx-4]
        sldt    ecx
        mov     ebp, 0x6000
        attempt vmread [ebx+esi*2+0x100], edi
        attempt vmwrite ecx, eax
        attempt vmptrld [ebp+8]
        attempt invept esi, [ebx]
        mov     ecx, 0
        finish
