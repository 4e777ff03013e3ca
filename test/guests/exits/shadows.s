# CPUID in the shadow of STI and of MOV SS, the latter also with a breakpoint on data and a step held back.
        .include "exits.inc.s"
        begin
        mov     word ptr [0x6100], 0x10
        cpuid
        xor     eax, eax
        sti
        cpuid
        cli
        mov     eax, 0x6100
        mov     dr0, eax
        xor     eax, eax
        mov     ecx, 0x10
        mov     ss, cx
        cpuid
        mov     eax, 0xf0001                    # L0: reads and writes of four bytes
        mov     dr7, eax
        xor     eax, eax
        mov     dword ptr [.Lresume], offset 1f
        mov     ss, [0x6100]
        cpuid                                   # #DB behind it
        nop
1:      xor     eax, eax
        mov     dr7, eax
        xor     eax, eax
        xor     ecx, ecx
        xor     edx, edx
        xor     ebx, ebx
        finish
