# A jump to another task and IRET from a nested one.
        .include "exits.inc.s"
        begin
        lgdt    [gdt_pointer]
        mov     ax, 0x18
        ltr     ax
        mov     dword ptr [0x6820], offset task # EIP
        mov     dword ptr [0x6824], 2           # EFLAGS
        mov     dword ptr [0x6838], 0x7000      # ESP
        mov     dword ptr [0x684c], 0x08        # CS
        mov     dword ptr [0x6850], 0x10        # SS
        mov     dword ptr [0x6854], 0x10        # DS
        call    0x20:0
        inc     ebx
        finish
task:   inc     dword ptr [0x6900]
        iretd
        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
        .quad   0x0000890060000067              # 18: TSS at 0x6000
        .quad   0x0000890068000067              # 20: TSS at 0x6800
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
        finish
