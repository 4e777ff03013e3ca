# CPUID of two leaves, one with a subleaf.
        .include "exits.inc.s"
        begin
        mov     eax, 1
        cpuid
        mov     eax, 4
        mov     ecx, 1
        cpuid
        finish
