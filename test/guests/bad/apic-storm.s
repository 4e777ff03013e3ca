# Treats the local APIC and the I/O APIC as if they were memory: all sizes, all alignments, across the
# ends of their pages, as a stack, as code, as a descriptor table, with locked, string and floating-point
# instructions. Then a timer that expires every nanosecond, for a while, and off with 0.
        .include "protected.inc.s"
        .set    LOCAL,  0xfee00000
        .set    IO,     0xfec00000
        .globl  start
start:  enter_protected_mode
        catch_faults
        mov     edx, offset values
1:      mov     ebx, LOCAL - 4
        call    sweep
        mov     ebx, IO - 4
        call    sweep
        add     edx, 4
        cmp     edx, offset values_end
        jb      1b

        mov     ebx, LOCAL + 0x300              # interrupt command: to itself, of every kind
        xor     esi, esi
2:      mov     eax, esi
        shl     eax, 8
        or      eax, 0x40040                    # self, vector 40
        attempt mov [ebx], eax
        inc     esi
        cmp     esi, 8
        jb      2b

        mov     ebx, LOCAL + 0x80
        attempt lock add dword ptr [ebx], 1
        attempt xchg [ebx + 1], eax
        attempt lock cmpxchg8b [ebx + 3]
        attempt fld tbyte ptr [ebx - 7]
        attempt fstp tbyte ptr [ebx + 0x1d]
        attempt fnsave [ebx]
        attempt frstor [ebx + 2]
        attempt lgdt [ebx]
        lgdt    [gdt_pointer]
        attempt lidt [ebx - 1]
        lidt    [idt_pointer]
        attempt push [ebx]
        attempt bts [ebx], ecx
        attempt call [ebx + 0xf81]
        attempt jmp ebx
        mov     esi, LOCAL - 0x100
        mov     edi, LOCAL + 0xf00
        mov     ecx, 0x300
        attempt rep movsb
        mov     esi, LOCAL
        mov     edi, IO
        mov     ecx, 0x400
        attempt rep movsd
        mov     esp, LOCAL + 0x402
        attempt pushad
        mov     esp, LOCAL + 0x402
        attempt ud2                             # its frame goes to the APIC

        # on, not masked, periodic, divided by one, one tick
        mov     ebx, LOCAL
        mov     dword ptr [ebx + 0xf0], 0x1ff
        mov     dword ptr [ebx + 0x80], 0
        mov     dword ptr [ebx + 0x3e0], 0xb
        mov     dword ptr [ebx + 0x320], 0x20030
        mov     dword ptr [ebx + 0x380], 1
        mov     esi, 3000
4:      mov     dword ptr [ebx + 0xb0], 0       # end of interrupt
        await_interrupt
        dec     esi
        jnz     4b
        power_off 0

# All alignments and sizes from EBX to the end of its page and beyond, with the value at EDX.
sweep:  pop     ebp                             # `attempt` wants an empty stack
        lea     edi, [ebx + 0x1008]
3:      mov     eax, [edx]
        attempt mov [ebx], al
        attempt mov [ebx], ax
        attempt mov [ebx], eax
        attempt mov al, [ebx]
        attempt mov ax, [ebx]
        attempt mov eax, [ebx]
        inc     ebx
        cmp     ebx, edi
        jne     3b
        jmp     ebp

values: .long   0, 0xffffffff, 0x5a5a5a5a
values_end:
gdt_pointer:
        .word   0x17
        .long   .Lgdt
idt_pointer:
        .word   0x7ff
        .long   0x1000
