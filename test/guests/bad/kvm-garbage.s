# Gives KVM's interface addresses that are no memory, numbers that are no hypercalls and pages that end
# where memory does, and then lets the timer tick, so that what was registered would be written. On bare
# hardware every attempt is an exception. Switches off with 0.
        .include "protected.inc.s"
        .globl  start
start:  enter_protected_mode
        catch_faults

        # each MSR of KVM's ranges with each address, in both halves
        mov     ebx, offset msrs
1:      mov     ecx, [ebx]
        mov     esi, offset addresses
2:      mov     eax, [esi]
        xor     edx, edx
        attempt wrmsr
        attempt rdmsr
        mov     edx, [esi]
        mov     eax, [esi]
        attempt wrmsr
        xor     edx, edx
        add     esi, 4
        cmp     esi, offset addresses_end
        jb      2b
        add     ebx, 4
        cmp     ebx, offset msrs_end
        jb      1b

        # each hypercall number with each address as every argument
        xor     ebp, ebp
3:      mov     edi, offset addresses
4:      mov     eax, ebp
        mov     ebx, [edi]
        mov     ecx, ebx
        mov     edx, ebx
        mov     esi, ebx
        attempt vmcall
        mov     eax, ebp
        xor     ecx, ecx                        # KVM_HC_CLOCK_PAIRING wants its type here
        attempt vmcall
        mov     eax, ebp
        attempt vmmcall
        add     edi, 4
        cmp     edi, offset addresses_end
        jb      4b
        inc     ebp
        cmp     ebp, 16
        jne     5f
        mov     ebp, 0xfffffff0
5:      test    ebp, ebp
        jnz     3b

        # a while with interrupts: the handler of catch_faults takes the timer's as well
        mov     esi, offset setup
        mov     ecx, (setup_end - setup) / 2
        xor     edx, edx
7:      mov     dl, [esi]
        mov     al, [esi + 1]
        out     dx, al
        add     esi, 2
        loop    7b
        mov     ebx, 20
6:      mov     al, 0x20
        out     0x20, al
        await_interrupt
        dec     ebx
        jnz     6b
        power_off 0

setup:  .byte   0x20, 0x11, 0x21, 0x20, 0x21, 0x04, 0x21, 0x01, 0x21, 0xfe     # 8259A: IRQ 0 is vector 20
        .byte   0x43, 0x34, 0x40, 0x00, 0x40, 0x04                             # 8254: 858 us
setup_end:
msrs:   .long   0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x4b564d05
        .long   0x4b564d06, 0x4b564d07, 0x4b564d08, 0x4b564dff
msrs_end:
addresses:
        .long   0x00000001, 0x00000003, 0x00001001, 0x00fffff1, 0x00fffffd, 0x00ffffe1, 0x01000001
        .long   0x000a0001, 0xfee00001, 0x40000001, 0x7fffffff, 0x80000001, 0xfffffff1, 0xffffffff
addresses_end:
