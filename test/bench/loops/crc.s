# CRC-32 (IEEE 802.3) of 64 KiB by table, again and again over the running sum: loads of bytes, an indexed
# load that waits for the sum, a shift. The table is made first, as programs do.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .text
        .global loop_crc
        .balign 16
loop_crc:
        xor     ecx, ecx
1:      mov     eax, ecx
        mov     edx, 8
2:      shr     eax, 1
        jnc     3f
        xor     eax, 0xedb88320
3:      dec     edx
        jnz     2b
        mov     [CRC_TABLE + ecx * 4], eax
        inc     ecx
        cmp     ecx, 256
        jne     1b

        mov     eax, -1
        mov     edi, offset SOURCE + BUFFER_BYTES
4:      mov     esi, offset SOURCE
        .balign 16
5:      movzx   edx, byte ptr [esi]
        inc     esi
        xor     edx, eax
        movzx   edx, dl
        shr     eax, 8
        xor     eax, [CRC_TABLE + edx * 4]
        cmp     esi, edi
        jne     5b
        dec     ebp
        jnz     4b
        not     eax
        ret
