# KVM_HC_MMU_OP: a page-table entry is written and the TLB flushed by one call; what is wrong in a list
# ends it.
        .include "kvm.inc.s"
        begin

main:   page_tables
        mov     dword ptr [0x200000], 1
        mov     dword ptr [0x201000], 2
        mov     dword ptr [0x102000], 0x200007          # linear 400000
        tell    before, [0x400000]

        hypercall 2, (list_end - list), (offset list), 0
        tell    done, eax
        tell    after, [0x400000]

        hypercall 2, 20, (offset list), 0
        tell    cutoff, eax
        hypercall 2, 8, (offset unknown), 0
        tell    unknown, eax
        hypercall 2, 16, (offset flush_unknown), 0
        tell    second, eax
        hypercall 2, 24, (offset nowhere), 0
        tell    nowhere, eax
        hypercall 2, 24, 0x40000000, 0
        tell    noram, eax
        hypercall 2, 24, (offset list), 1
        tell    above, eax
        # a hundred flushes, of which 64 are looked at
        mov     edi, 0x300000
        mov     ecx, 100
1:      mov     eax, 2
        stosd
        xor     eax, eax
        stosd
        loop    1b
        hypercall 2, 800, 0x300000, 0
        tell    long, eax
        hypercall 2, 0xffffffff, 0x300000, 0
        tell    longest, eax
        power_off 0

        .balign 8
list:   .long   1, 0, 0x102000, 0, 0x201007, 0          # WRITE_PTE
        .long   2, 0                                    # FLUSH_TLB
        .long   3, 0, 0x300000, 0                       # RELEASE_PT
list_end:
flush_unknown:
        .long   2, 0
unknown:
        .long   9, 0
nowhere:
        .long   1, 0, 0x40000000, 0, 0, 0
