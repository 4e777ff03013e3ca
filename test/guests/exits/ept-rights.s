# Reads, writes and fetches in pages of RAM, directly, across a page boundary and by page tables: what a
# hypervisor sees that takes rights from the pages 9, B and E.
        .include "exits.inc.s"
        begin
        mov     eax, [0x9000]
        mov     dword ptr [0x9004], 0x11223344
        add     dword ptr [0x8ffe], 1           # the second half is in page 9
        movzx   ebx, word ptr [0x9000]
        mov     byte ptr [0xb000], 0xc3         # RET
        mov     esi, 0xb000
        call    esi
        call    esi
        mov     dword ptr [0xd000], 0x83        # 4 MiB of memory as they are
        mov     dword ptr [0xd004], 0xe003
        mov     dword ptr [0xe000], 0xc003
        mov     eax, 0xd000
        mov     cr3, eax
        mov     eax, cr4
        or      eax, 0x10                       # PSE
        mov     cr4, eax
        mov     eax, cr0
        or      eax, 0x80000000                 # PG
        mov     cr0, eax
        mov     ecx, [0x400010]                 # A of the table entry
        mov     edx, [0x400014]
        mov     dword ptr [0x400018], 5         # D of the table entry
        mov     ebp, [0xe000]
        mov     edi, [0xc018]
        finish
