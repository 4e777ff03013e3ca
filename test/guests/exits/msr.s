# RDMSR and WRMSR: in the low and the high range of the bitmaps, and outside both: #GP(0).
        .include "exits.inc.s"
        begin
        mov     ecx, 0x174                      # IA32_SYSENTER_CS
        mov     eax, 8
        xor     edx, edx
        wrmsr
        rdmsr
        mov     ecx, 0x277                      # IA32_PAT
        rdmsr
        mov     ecx, 0xc0000080                 # IA32_EFER, which this processor does not have
        attempt rdmsr
        mov     ecx, 0x4b564d00
        attempt rdmsr
        attempt wrmsr
        finish
