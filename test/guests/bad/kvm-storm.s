# Hypercalls and KVM's registers without end: random numbers, with addresses that are mostly memory, on top of
# each other and of the guest itself, in ring 0 with interrupts on, timer interrupts and interrupts to itself
# between them, a HLT now and then. The seed is the last doubleword, which a test replaces. Switches off
# with 0 after 8,000 attempts if it has not done itself in before.
        .include "protected.inc.s"
        .set    APIC, 0xfee00000
        .globl  start
start:  enter_protected_mode
        catch_faults
        mov     dword ptr [APIC + 0xf0], 0x1ff
        mov     dword ptr [APIC + 0x320], 0x20040       # timer, periodic
        mov     dword ptr [APIC + 0x3e0], 0xb
        mov     dword ptr [APIC + 0x380], 20000

storm:  dec     dword ptr [left]
        jz      over
        call    random
        and     eax, 7
        jmp     [deeds + eax * 4]

# To a register of KVM's ranges, an address or a number.
write:  call    random
        and     eax, 15
        mov     ecx, 0x4b564d00
        add     ecx, eax
        cmp     eax, 10
        jb      1f
        and     eax, 1
        lea     ecx, [eax + 0x11]
1:      call    address
        mov     ebx, eax
        call    random
        xor     edx, edx
        test    al, 0xf0
        jnz     1f
        mov     edx, eax
1:      mov     eax, ebx
        attempt wrmsr
        attempt rdmsr
        jmp     storm

call:   call    address
        mov     ebx, eax
        call    address
        mov     esi, eax
        call    random
        mov     edx, eax
        and     edx, 0xff
        call    random
        mov     edi, eax
        and     eax, 15
        xor     ecx, ecx
        test    edi, 0x100
        jz      1f
        mov     ecx, edi
1:      test    edi, 0x200
        jz      1f
        attempt vmmcall
        jmp     storm
1:      attempt vmcall
        jmp     storm

leaf:   call    random
        and     eax, 0x103
        or      eax, 0x40000000
        cpuid
        jmp     storm

interrupt:
        mov     dword ptr [APIC + 0xb0], 0
        mov     dword ptr [APIC + 0x300], 0x44041
        take_interrupt
        mov     dword ptr [APIC + 0xb0], 0
        jmp     storm

# A kick or a page may have come first, else the timer ends it.
sleep:  mov     dword ptr [APIC + 0xb0], 0
        await_interrupt
        cli
        mov     dword ptr [APIC + 0xb0], 0
        jmp     storm

# Memory of its own, anywhere from 1 MiB up, which may be paged out; interrupts may come.
touch:  call    random
        and     eax, 0xffffc
        add     eax, 0x100000
        mov     dword ptr [.Lresume], offset 1f
        sti
        inc     dword ptr [eax]
        nop
1:      cli
        jmp     storm

over:   power_off 0

# EAX; changes nothing else.
random: mov     eax, [seed]
        imul    eax, eax, 1664525
        add     eax, 1013904223
        mov     [seed], eax
        rol     eax, 11
        ret
# EAX: mostly RAM between 1 and 2 MiB with low bits, seldom anything at all.
address:
        push    ecx
        call    random
        mov     ecx, eax
        call    random
        test    ecx, 0x3f000
        jz      1f
        and     eax, 0x0fffff
        or      eax, 0x100000
        test    ecx, 0x700
        jz      1f
        and     eax, 0xfffff3cb
1:      pop     ecx
        ret

        .balign 4
deeds:  .long   write, write, call, call, leaf, touch, interrupt, sleep
left:   .long   8000
seed:   .long   1
