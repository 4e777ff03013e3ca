# What both kernels with paravirt hooks have in common: a place that may be patched, with its record, and
# the filling of what is left of it.

        # The code from 771 to 772 performs an operation.
        .macro  record number, clobbers
        .pushsection .parainstructions, "a"
        .balign 4
773:    .long   771b
        .byte   \number, 772b - 771b
        .word   \clobbers
        .popsection
        .pushsection .addresses, "a"
        .long   773b
        .popsection
        .endm

        .section .note.GNU-stack, ""
        .section .kernel, "ax"

# Fills ECX bytes, at most 8, from EDI with what does nothing: the forms that arch/x86/include/asm/nops.h
# names for 32-bit code.
        .type   fill, @function
fill:
        jecxz   9f
        push    esi
        lea     esi, [ebx + fillings]
        lea     esi, [esi + ecx * 8 - 8]
        rep movsb
        pop     esi
9:      ret

        .balign 8
fillings:
        .irp    bytes, "0x90", "0x89,0xf6", "0x8d,0x76,0", "0x8d,0x74,0x26,0", "0x3e,0x8d,0x74,0x26,0", "0x8d,0xb6,0,0,0,0", "0x8d,0xb4,0x26,0,0,0,0", "0x3e,0x8d,0xb4,0x26,0,0,0,0"
        .byte   \bytes
        .balign 8, 0xcc
        .endr
