# For the guests of this folder, one for each VM-exit reason or group of them: each does what can leave,
# the same way whether it leaves or not, keeps what it saw in registers, and halts for good. They run in
# 32-bit protected mode with flat segments; every exception and interrupt goes on after its `attempt`.
        .include "../bad/protected.inc.s"

.macro begin
        .globl  start
start:  enter_protected_mode
        catch_faults
        cld
        xor     eax, eax
        xor     ebx, ebx
        xor     ecx, ecx
        xor     edx, edx
        xor     esi, esi
        xor     edi, edi
        xor     ebp, ebp
.endm
.macro finish
        cli
        hlt
.endm

        .set    APIC_EOI, 0xfee000b0
        .set    APIC_ICR, 0xfee00300
        .set    APIC_ICR_TO, 0xfee00310
