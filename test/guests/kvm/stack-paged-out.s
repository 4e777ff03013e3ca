# An interrupt ends a HLT, and the stack on which it is delivered has never been touched.
        .include "kvm.inc.s"
        begin

on_ipi: inc     dword ptr [woken]
        mov     dword ptr [EOI], 0
        iretd

main:   set_gate 0x40, on_ipi
        mov     esp, 0x600ffc
        mov     dword ptr [ICR], 0x44040                # to itself
        sti
        hlt
        mov     eax, [esp - 4]                          # flags that the interrupt pushed
        mov     [flags], eax
        mov     esp, 0x7000
        tell    woken, [woken]
        and     dword ptr [flags], 0x202
        tell    flags, [flags]
        power_off 0

        .balign 4
woken:  .long 0
flags:  .long 0
