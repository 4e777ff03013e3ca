# RDTSC, and RDTSCP where the processor has it. What they read depends on the time that exits take.
        .include "exits.inc.s"
        begin
        rdtsc
        .byte   0x3e
        rdtsc
        attempt rdtscp
        xor     eax, eax
        xor     edx, edx
        xor     ecx, ecx
        finish
