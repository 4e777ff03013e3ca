# What the C library's memory functions come to: 64 KiB copied with REP MOVSD, compared with REPE CMPSD,
# filled with REP STOSD and searched with REPNE SCASB. Measured by bytes, not by instructions, since a
# repeated instruction is one however many bytes it moves: the result is how many there were.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .text
        .global loop_strings
        .balign 16
loop_strings:
        xor     ebx, ebx
1:      mov     esi, offset SOURCE
        mov     edi, offset TARGET
        mov     ecx, BUFFER_WORDS
        rep movsd
        lea     ebx, [ebx + edi - TARGET]
        mov     dword ptr [TARGET + BUFFER_BYTES - 4], 0
        mov     esi, offset SOURCE
        mov     edi, offset TARGET
        mov     ecx, BUFFER_WORDS
        repe cmpsd
        lea     ebx, [ebx + esi - SOURCE]
        mov     edi, offset TARGET
        mov     eax, 0x20202020
        mov     ecx, BUFFER_WORDS
        rep stosd
        lea     ebx, [ebx + edi - TARGET]
        mov     byte ptr [TARGET + BUFFER_BYTES - 1], 0
        mov     edi, offset TARGET
        xor     eax, eax
        mov     ecx, BUFFER_BYTES
        repne scasb
        lea     ebx, [ebx + edi - TARGET]
        dec     ebp
        jnz     1b
        mov     eax, ebx
        ret
