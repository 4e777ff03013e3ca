# Reads and writes of CR0 and CR4 where the hypervisor owns bits: what is read is its shadow.
        .include "exits.inc.s"
        begin
        mov     esi, cr0
        smsw    ebx
        clts                                    # TS is owned and its shadow clear: nothing happens
        mov     eax, cr0
        or      eax, 0x10000                    # WP is the guest's
        mov     cr0, eax
        mov     ecx, cr0
        or      eax, 8                          # TS
        mov     cr0, eax
        mov     edi, cr0
        mov     edx, cr4
        xor     eax, eax
        finish
