# Every access to CR0 and CR4: MOV both ways, CLTS, LMSW from register and memory, SMSW.
        .include "exits.inc.s"
        begin
        mov     eax, cr0
        or      eax, 8                          # TS
        mov     cr0, eax
        clts
        mov     ebx, cr0
        or      eax, 2                          # MP
        lmsw    ax
        mov     word ptr [0x6000], 1
        lmsw    [0x6000]
        smsw    ecx
        mov     edx, cr4
        mov     eax, edx
        or      eax, 0x10                       # PSE
        mov     cr4, eax
        mov     esi, cr4
        mov     eax, 0x20000010                 # NW without CD, PG without PE
        attempt mov cr0, eax
        mov     eax, 0x80000000                 # reserved
        attempt mov cr4, eax
        finish
