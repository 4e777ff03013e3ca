# Every hypercall, with good arguments and bad, from ring 0 and from ring 3.
        .include "kvm.inc.s"
        begin

.macro result word, number, a0=0, a1=0, a2=0, a3=0
        hypercall \number, \a0, \a1, \a2, \a3
        tell    \word, eax
.endm

from_user:
        mov     eax, 1
        vmcall
        mov     [user_intel], eax
        mov     eax, 1
        vmmcall
        mov     [user_amd], eax
        int     0x80

on_ipi: inc     dword ptr [ipis]
        mov     dword ptr [EOI], 0
        iretd

main:   set_gate 0x40, on_ipi
        result  poll, 1
        mov     eax, 1
        vmmcall
        tell    amd, eax
        result  none, 0
        result  unknown, 99
        result  high, 0x80000001

        # nothing but EAX changes
        mov     edi, 0x1234
        mov     ebp, 0x5678
        hypercall 1, 0x11, 0x22, 0x33, 0x44
        cmp     ebx, 0x11
        jne     1f
        cmp     ecx, 0x22
        jne     1f
        cmp     edx, 0x33
        jne     1f
        cmp     esi, 0x44
        jne     1f
        cmp     edi, 0x1234
        jne     1f
        cmp     ebp, 0x5678
        jne     1f
        inc     eax
1:      tell    kept, eax

        in_ring_3 from_user
        tell    user, [user_intel]
        tell    useramd, [user_amd]

        result  pairing, 9, 0x9000, 0
        tell    date, [0x9000]
        result  pairtype, 9, 0x9000, 1
        result  pairgpa, 9, 0xfffffff0, 0

        result  ipi, 10, 1, 0, 0, 0x40
        sti
        nop
        cli
        tell    ipis, [ipis]
        result  nobody, 10, 0xfffffffe, 0xffffffff, 0, 0x40
        result  logical, 10, 1, 0, 0, 0x840

        # a kick that comes first lets the next HLT pass, though interrupts are off
        hypercall 5, 0, 0
        mov     ebp, eax
        tell    kick, ebp
        test    ebp, ebp
        jnz     1f
        hlt
        mov     ebp, 1
1:      tell    passed, ebp
        result  kicknone, 5, 0, 0xffffffff
        result  yield, 11, 0
        result  yieldnone, 11, 0xffffffff
        result  mmuop, 2, 8, 0x9000, 0
        result  gparange, 12, 0, 1, 0
        result  powerpc, 3
        power_off 0

user_intel:     .long 0
user_amd:       .long 0
ipis:           .long 0
