# For the guests of this folder, one for each part of KVM's interface. `begin`: 32-bit protected mode with
# segments of both privilege levels and a stack, the local APIC on, everything unexpected ends with 1.
        .include "../bad/protected.inc.s"
        .set    APIC,   0xfee00000
        .set    EOI,    APIC + 0xb0
        .set    SVR,    APIC + 0xf0
        .set    ICR,    APIC + 0x300
        .set    ICR_TO, APIC + 0x310
        .set    LINT0,  APIC + 0x350

.macro begin
        .globl  start
start:  enter_protected_mode
        cld
        mov     esp, 0x7000
        mov     eax, offset tss
        mov     [tss_descriptor + 2], ax
        shr     eax, 16
        mov     [tss_descriptor + 4], al
        lgdt    [gdt_pointer]
        mov     ax, 0x28
        ltr     ax
        fill_idt unexpected
        set_gate 0x80, from_ring_3
        mov     byte ptr [0x1000 + 0x80 * 8 + 5], 0xee  # for ring 3
        mov     dword ptr [SVR], 0x1ff
        mov     dword ptr [LINT0], 0x10700
        jmp     main
        .include "../tell.inc.s"

unexpected:
        power_off 1

# What ends a function of in_ring_3.
from_ring_3:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     esp, [ring_0_stack]
        jmp     [ring_0_return]
ring_0_stack:   .long 0
ring_0_return:  .long 0

        .balign 8
gdt:    .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00cffa000000ffff, 0x00cff2000000ffff
tss_descriptor:
        .quad   0x0000890000000067
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt
        .balign 4
tss:    .long   0, 0x6000, 0x10
        .fill   23, 4, 0
.endm

# set_gate VECTOR, HANDLER. Changes EAX.
.macro set_gate vector, handler
        mov     eax, offset \handler
        mov     [0x1000 + \vector * 8], ax
        shr     eax, 16
        mov     [0x1006 + \vector * 8], ax
.endm

# in_ring_3 FUNCTION, which ends with INT 80h. Changes EAX.
.macro in_ring_3 function
        mov     [ring_0_stack], esp
        mov     dword ptr [ring_0_return], offset 1f
        push    0x23
        push    0x5000
        pushfd
        push    0x1b
        push    offset \function
        mov     ax, 0x23
        mov     ds, ax
        mov     es, ax
        iretd
1:
.endm

# hypercall NUMBER, ARGUMENTS…: by VMCALL. Result in EAX.
.macro hypercall number, a0=0, a1=0, a2=0, a3=0
        mov     ebx, \a0
        mov     ecx, \a1
        mov     edx, \a2
        mov     esi, \a3
        mov     eax, \number
        vmcall
.endm

# write_msr INDEX, LOW: the upper half is 0.
.macro write_msr index, low
        mov     ecx, \index
        mov     eax, \low
        xor     edx, edx
        wrmsr
.endm

# page_tables: identity for the first 16 MiB in pages of 4 KiB for everybody, and the APIC. The directory is
# at 0x100000, tables from 0x101000. Changes EAX, ECX, EDI.
.macro page_tables
        mov     edi, 0x100000
        mov     ecx, 1024 * 6
        xor     eax, eax
        rep stosd
        mov     edi, 0x101000
        mov     eax, 7
        mov     ecx, 4096
1:      stosd
        add     eax, 0x1000
        loop    1b
        mov     dword ptr [0x100000], 0x101007
        mov     dword ptr [0x100004], 0x102007
        mov     dword ptr [0x100008], 0x103007
        mov     dword ptr [0x10000c], 0x104007
        mov     dword ptr [0x100000 + 0x3fb * 4], 0x105007
        mov     dword ptr [0x105000 + 0x200 * 4], APIC + 0x1b
        mov     eax, 0x100000
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000
        mov     cr0, eax
.endm
