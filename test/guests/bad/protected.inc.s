# For the guests of this folder.
#
# enter_protected_mode: from the flat loader's real mode to 32-bit protected mode with flat segments and
# neither interrupt descriptors nor a stack.

        .intel_syntax noprefix
.macro enter_protected_mode
        .code16
        cli
        lgdt    [.Lgdt_pointer]
        mov     eax, cr0
        or      eax, 1
        mov     cr0, eax
        jmp     0x08:.Lprotected
        .balign 8
.Lgdt:  .quad   0, 0x00cf9a000000ffff, 0x00cf92000000ffff
.Lgdt_pointer:
        .word   . - .Lgdt - 1
        .long   .Lgdt
        .code32
.Lprotected:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
.endm

# fill_idt HANDLER: 256 interrupt gates at 0x1000, all to HANDLER. Changes EAX, ECX, EDI.
.macro fill_idt handler
        mov     edi, 0x1000
        mov     ecx, 256
.Lgate: mov     eax, offset \handler
        and     eax, 0xffff
        or      eax, 0x08 << 16
        stosd
        mov     eax, offset \handler
        mov     ax, 0x8e00
        stosd
        loop    .Lgate
        lidt    [.Lidt_pointer]
        jmp     .Lfilled
.Lidt_pointer:
        .word   0x7ff
        .long   0x1000
.Lfilled:
.endm

# catch_faults: a stack, and a handler that goes on after the instruction of `attempt` that faulted.
# Changes EAX, ECX, EDI.
.macro catch_faults
        fill_idt .Lcaught
        mov     esp, 0x7000
        jmp     .Lready
.Lcaught:
        mov     esp, 0x7000
        jmp     [.Lresume]
.Lresume:
        .long   0
.Lready:
.endm
# attempt INSTRUCTION: with nothing on the stack.
.macro attempt instruction:vararg
        mov     dword ptr [.Lresume], offset .Lafter\@
        \instruction
.Lafter\@:
.endm

# await_interrupt: HLT with interrupts on; they are off again afterwards.
.macro await_interrupt
        mov     dword ptr [.Lresume], offset .Lafter\@
        sti
        hlt
.Lafter\@:
.endm
# take_interrupt: if one waits.
.macro take_interrupt
        mov     dword ptr [.Lresume], offset .Lafter\@
        sti
        nop
        nop
.Lafter\@:
        cli
.endm

# power_off RESULT
.macro power_off result
        mov     al, \result
        out     0xf4, al
.endm
