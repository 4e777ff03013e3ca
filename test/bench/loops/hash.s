# A hash of 64 KiB in the manner of MurmurHash3 beside its running maximum: multiplications, rotates,
# shifts, flags that decide a CMOV, a wide product, nothing stored.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .text
        .global loop_hash
        .balign 16
loop_hash:
        xor     ebx, ebx                # hash
        xor     edi, edi                # largest word so far, unsigned
1:      xor     ecx, ecx
        .balign 16
2:      mov     eax, [SOURCE + ecx * 4]
        cmp     edi, eax
        cmovb   edi, eax
        imul    eax, eax, 0xcc9e2d51
        rol     eax, 15
        imul    eax, eax, 0x1b873593
        xor     ebx, eax
        rol     ebx, 13
        lea     ebx, [ebx + ebx * 4 + 0x6546b64]
        inc     ecx
        cmp     ecx, BUFFER_WORDS
        jne     2b
        mov     eax, ebx
        shr     eax, 16
        xor     ebx, eax
        mov     eax, 0x85ebca6b
        mul     ebx
        sbb     edx, 0
        shld    ebx, edx, 7
        xor     ebx, eax
        dec     ebp
        jnz     1b
        mov     eax, ebx
        add     eax, edi
        ret
