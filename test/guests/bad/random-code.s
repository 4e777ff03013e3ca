# Runs noise. A test writes random bytes to 0x20000-0x3ffff and a seed to `seed`; this guest jumps into
# them, in ring 0, in ring 3 and in virtual-8086 mode, with random registers, with paging and interrupts
# now on, now off. Every exception and interrupt leads back here and on to the next jump, a double fault
# by a task of its own, until noise in ring 0 has destroyed what holds this together.
        .include "protected.inc.s"

        .set    IDT,         0x1000
        .set    DIRECTORY,   0x60000
        .set    TABLE,       0x61000            # for the first 4 MiB
        .set    NOISE,       0x20000            # 128 KiB
        .set    STACK0,      0x50000
        .set    STACK3,      0x58000
        .set    TASK,        0x28               # selectors
        .set    DOUBLE_FAULT_TASK, 0x40

        .globl  start
start:  enter_protected_mode
        mov     esp, STACK0
        lgdt    [gdt_pointer]

        # 256 interrupt gates that anybody may call, all to `next`
        mov     edi, IDT
        mov     ecx, 256
1:      mov     eax, offset next
        and     eax, 0xffff
        or      eax, 0x08 << 16
        stosd
        mov     eax, offset next
        mov     ax, 0xee00
        stosd
        loop    1b
        mov     dword ptr [IDT + 8 * 8], DOUBLE_FAULT_TASK << 16
        mov     dword ptr [IDT + 8 * 8 + 4], 0x8500
        lidt    [idt_pointer]

        # 1:1 pages: from 0x10000 to 0x5ffff accessible to all, but the noise as its own bytes say
        mov     dword ptr [DIRECTORY], TABLE + 7
        mov     edi, TABLE
        mov     eax, 3
        mov     ecx, 1024
2:      stosd
        add     eax, 4096
        loop    2b
        mov     edi, TABLE + 0x10 * 4
        mov     ecx, 0x50
10:     or      byte ptr [edi], 4
        add     edi, 4
        loop    10b
        mov     esi, NOISE
        mov     edi, TABLE + NOISE / 4096 * 4
        mov     ecx, 0x20
3:      lodsb                                   # one page in eight is read-only, one in 16 supervisor's
        test    al, 0x07
        jnz     4f
        and     byte ptr [edi], 0xfd
4:      test    al, 0x78
        jnz     5f
        and     byte ptr [edi], 0xfb
5:      add     edi, 4
        loop    3b
        mov     dword ptr [DIRECTORY + 0xfec], 0xfec00000 + 0x9f        # the APICs, in 4 MiB pages
        mov     eax, DIRECTORY
        mov     cr3, eax
        mov     eax, cr4
        or      eax, 0x10
        mov     cr4, eax

        # 8259As at vectors 20 and 28, the timer alone, every 30 us
        mov     esi, offset board_setup
        mov     ecx, (board_setup_end - board_setup) / 2
        xor     edx, edx
6:      lodsw
        mov     dl, al
        mov     al, ah
        out     dx, al
        loop    6b

next:   cli
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, STACK0
        push    2
        popfd
        # whichever task this is, it is the first one now
        and     byte ptr [gdt + TASK + 5], 0xfd
        and     byte ptr [gdt + DOUBLE_FAULT_TASK + 5], 0xfd
        mov     ax, TASK
        ltr     ax
        mov     al, 0x20
        out     0x20, al
        inc     dword ptr [jumps]
        call    random                          # paging on in 15 of 16 cases
        mov     ecx, cr0
        or      ecx, 0x80000000
        test    eax, 0xf
        jnz     1f
        and     ecx, 0x7fffffff
1:      and     ecx, 0xfffefff3                 # EM and TS off, WP ...
        mov     edx, eax
        and     edx, 0x10000                    # ... by chance
        or      ecx, edx
        mov     cr0, ecx
        mov     ebx, eax                        # chooses the mode below

        # EFLAGS: IF, OF, DF, SF, ZF, AF, PF, CF and AC by chance; IF always outside ring 0
        call    random
        mov     ebp, eax
        and     ebp, 0x00040cd5
        and     eax, 0xf0000000
        jnz     2f
        or      ebp, 0x100                      # TF in one of 16
2:      or      ebp, 2
        test    ebx, 0x3c00
        jz      ring0                           # one in 16
        or      ebp, 0x200
        test    ebx, 0x300
        jz      v86                             # one in four

        push    0x33                            # ring 3: SS, ESP
        call    random
        and     eax, 0x7ffc
        add     eax, STACK3 - 0x8000 + 0x100
        push    eax
        push    ebp
        push    0x3b
        mov     dx, 0x33
        jmp     3f
ring0:  test    ebx, 0x4000
        jz      4f
        or      ebp, 0x200
4:      push    ebp
        push    0x08
        mov     dx, 0x10
3:      mov     ds, dx
        mov     es, dx
        call    random
        and     eax, 0x1ffff
        add     eax, NOISE
        push    eax
        call    random_registers
        iretd

v86:    or      ebp, 1 << 17
        mov     ecx, 6                          # GS FS DS ES SS ESP
4:      call    random
        and     eax, 0x3fff
        add     eax, 0x1800
        push    eax
        loop    4b
        push    ebp
        call    random
        and     eax, 0x1fff
        add     eax, NOISE / 16
        push    eax                             # CS
        call    random
        and     eax, 0xfff
        push    eax                             # IP
        call    random_registers
        iretd

# Loads EAX, EBX, ECX, EDX, ESI, EDI and EBP with numbers of at most 19 bits, ECX of 16.
random_registers:
        call    random
        mov     ebx, eax
        and     ebx, 0x7ffff
        call    random
        mov     edx, eax
        and     edx, 0x7ffff
        call    random
        mov     esi, eax
        and     esi, 0x7ffff
        call    random
        mov     edi, eax
        and     edi, 0x3ffff
        add     edi, 0x10000
        call    random
        mov     ebp, eax
        and     ebp, 0x7fff
        add     ebp, STACK3 - 0x8000
        call    random
        movzx   ecx, ax
        call    random
        and     eax, 0x7ffff
        ret

# EAX: the next of a linear congruential sequence (Numerical Recipes' constants), its halves exchanged,
# since the low bits have short periods. Changes nothing else but the flags.
random: mov     eax, [seed]
        imul    eax, eax, 1664525
        add     eax, 1013904223
        mov     [seed], eax
        rol     eax, 16
        ret

        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff       # 08, 10: ring 0
        .quad   0, 0                                            # 18, 20
        .word   0x67, tss; .byte 0, 0x89, 0, 0                  # 28: TSS
        .quad   0x00cff2000000ffff, 0x00cffa000000ffff          # 33, 3b: ring 3
        .word   0x67, double_fault; .byte 0, 0x89, 0, 0         # 40: TSS
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
idt_pointer:
        .word   0x7ff
        .long   IDT
board_setup:
        .byte   0x20, 0x11, 0x21, 0x20, 0x21, 0x04, 0x21, 0x01
        .byte   0xa0, 0x11, 0xa1, 0x28, 0xa1, 0x02, 0xa1, 0x01
        .byte   0x21, 0xfe, 0xa1, 0xff
        .byte   0x43, 0x34, 0x40, 36, 0x40, 0
board_setup_end:
        .balign 4
tss:    .long   0, STACK0, 0x10
        .skip   0x68 - 12
double_fault:
        .skip   28
        .long   DIRECTORY, next, 2              # CR3, EIP, EFLAGS
        .skip   16
        .long   STACK0, 0, 0, 0                 # ESP, EBP, ESI, EDI
        .long   0x10, 0x08, 0x10, 0x10, 0x10, 0x10
        .skip   8

        # where the test finds them: the last two words of the image
        .balign 4
jumps:  .long   0
seed:   .long   1
