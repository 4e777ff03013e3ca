# Primes below 65,536 by the sieve of Eratosthenes with a byte for each number: stores at growing
# distances, short loops, conditional jumps that no one predicts.

        .intel_syntax noprefix
        .include "memory.inc.s"

        .set    NUMBERS, BUFFER_BYTES

        .text
        .global loop_sieve
        .balign 16
loop_sieve:
        mov     edi, offset TARGET
1:      mov     dword ptr [edi], 0x01010101
        add     edi, 4
        cmp     edi, offset TARGET + NUMBERS
        jb      1b

        xor     eax, eax                # primes
        mov     esi, 2
2:      cmp     byte ptr [TARGET + esi], 0
        je      4f
        inc     eax
        lea     edi, [esi + esi]
        cmp     edi, NUMBERS
        jae     4f
        .balign 16
3:      mov     byte ptr [TARGET + edi], 0
        add     edi, esi
        cmp     edi, NUMBERS
        jb      3b
4:      inc     esi
        cmp     esi, NUMBERS
        jb      2b

        dec     ebp
        jnz     loop_sieve
        ret
