# Paravirtual end of interrupt: an interrupt that comes alone is ended by clearing the bit in memory, and
# the next one is delivered without a write to EOI. Of two at a time the first needs its EOI.
        .include "kvm.inc.s"
        begin
        .set    EOI_WORD, 0x9004

.macro handler name, count
\name:  inc     dword ptr [\count]
        btr     dword ptr [EOI_WORD], 0
        jc      1f
        inc     dword ptr [written]
        mov     dword ptr [EOI], 0
1:      iretd
.endm
        handler on_40, low
        handler on_41, high

main:   set_gate 0x40, on_40
        set_gate 0x41, on_41
        write_msr 0x4b564d04, EOI_WORD + 1
        mov     ebp, 3
        sti
1:      mov     dword ptr [ICR], 0x44040                # to itself
        nop
        dec     ebp
        jnz     1b
        cli
        tell    alone, [low]
        tell    written, [written]

        mov     dword ptr [ICR], 0x44040
        mov     dword ptr [ICR], 0x44041
        sti
        nop
        nop
        nop
        cli
        tell    high, [high]
        tell    low, [low]
        tell    written, [written]

        # without the word every interrupt is ended by a write
        write_msr 0x4b564d04, 0
        sti
        mov     dword ptr [ICR], 0x44040
        nop
        cli
        tell    without, [written]
        power_off 0

low:            .long 0
high:           .long 0
written:        .long 0
