# Page faults with the error codes 0, 2 and 3.
        .include "exits.inc.s"
        begin
        mov     dword ptr [0x8000], 0x83        # 4 MiB of memory as they are
        mov     dword ptr [0x8004], 0           # nothing
        mov     dword ptr [0x8008], 0x81        # the first 4 MiB, not to be written
        mov     eax, 0x8000
        mov     cr3, eax
        mov     eax, cr4
        or      eax, 0x10                       # PSE
        mov     cr4, eax
        mov     eax, cr0
        or      eax, 0x80010000                 # PG, WP
        mov     cr0, eax
        attempt mov eax, [0x400000]
        attempt mov [0x400004], eax
        attempt mov [0x800008], eax
        mov     eax, cr2
        finish
