# A kernel with paravirt hooks of the first form (Linux 2.6.20): one table; only the operations on the
# interrupt flag and the ways out of the kernel are recorded, with numbers of their own, and the table's own
# `patch` puts the hardware's instructions there. Everything else goes through the table for good. All its
# operations are performed as compiled, then patched.

        .intel_syntax noprefix
        .set    MOVED, 0
        .include "boot.inc.s"
        .include "hooks.inc.s"

# Offsets in struct paravirt_ops (first.c).
        .set    PATCH, 12
        .set    READ_CR3, 16
        .set    WRITE_CR3, 20
        .set    SAVE_FL, 24
        .set    RESTORE_FL, 28
        .set    IRQ_DISABLE, 32
        .set    IRQ_ENABLE, 36
        .set    IO_DELAY, 40
        .set    SET_LAZY_MODE, 44
        .set    IRQ_ENABLE_SYSEXIT, 48
        .set    IRET, 52

# Numbers of records (include/asm-i386/paravirt.h).
        .set    PARAVIRT_IRQ_DISABLE, 0
        .set    PARAVIRT_IRQ_ENABLE, 1
        .set    PARAVIRT_RESTORE_FLAGS, 2
        .set    PARAVIRT_SAVE_FLAGS, 3
        .set    PARAVIRT_SAVE_FLAGS_IRQ_DISABLE, 4
        .set    PARAVIRT_INTERRUPT_RETURN, 5
        .set    PARAVIRT_STI_SYSEXIT, 6

        .macro  function name
        .global \name
        .type   \name, @function
\name:
        .endm

        # A call with the registers saved that it may change.
        .macro  perform number, offset
771:    push    ecx
        push    edx
        call    dword ptr [paravirt_ops + \offset]
        pop     edx
        pop     ecx
772:    record  \number, 1
        .endm

        .macro  save_and_disable
771:    push    ecx
        push    edx
        call    dword ptr [paravirt_ops + SAVE_FL]
        push    eax
        call    dword ptr [paravirt_ops + IRQ_DISABLE]
        pop     eax
        pop     edx
        pop     ecx
772:    record  PARAVIRT_SAVE_FLAGS_IRQ_DISABLE, 0
        .endm

        .macro  leave_by number, offset
771:    jmp     dword ptr cs:[paravirt_ops + \offset]
772:    record  \number, 7
        .endm

function start_kernel
        xor     ebx, ebx                # it runs where it was linked
        call    perform_all
function before_patching
        call    apply_paravirt
function after_patching
        call    perform_all
function the_end
        cli
        hlt
        jmp     the_end

function apply_paravirt
        mov     esi, offset __start_parainstructions
1:      movzx   ecx, byte ptr [esi + 5]
        movzx   eax, byte ptr [esi + 4]
        mov     edi, [esi]
        call    dword ptr [paravirt_ops + PATCH]
2:      jecxz   4f
        mov     eax, ecx
        cmp     ecx, 8
        jbe     3f
        mov     ecx, 8
3:      sub     eax, ecx
        call    fill
        mov     ecx, eax
        jmp     2b
4:      add     esi, 8
        cmp     esi, offset __stop_parainstructions
        jb      1b
        ret

# Puts the instructions for operation EAX to EDI; gives the place behind them, and in ECX the bytes left.
function native_patch
        push    esi
        mov     edx, ecx
        mov     ecx, [native_insns + eax * 8 + 4]
        mov     esi, [native_insns + eax * 8]
        sub     ecx, esi
        sub     edx, ecx
        rep movsb
        mov     ecx, edx
        pop     esi
        ret

        .macro  native name, instructions
start_\name:
        \instructions
end_\name:
        .endm
        native  cli, "cli"
        native  sti, "sti"
        native  popf, "push eax; popf"
        native  pushf, "pushf; pop eax"
        native  pushf_cli, "pushf; pop eax; cli"
        native  iret, "iret"
        native  sti_sysexit, "sti; sysexit"
        .balign 4
native_insns:
        .irp    name, cli, sti, popf, pushf, pushf_cli, iret, sti_sysexit
        .long   start_\name, end_\name
        .endr

function perform_all
        perform PARAVIRT_IRQ_DISABLE, IRQ_DISABLE
        perform PARAVIRT_SAVE_FLAGS, SAVE_FL
        save_and_disable
        perform PARAVIRT_RESTORE_FLAGS, RESTORE_FL
        perform PARAVIRT_IRQ_ENABLE, IRQ_ENABLE
        perform PARAVIRT_IRQ_DISABLE, IRQ_DISABLE
        call    dword ptr [paravirt_ops + READ_CR3]
        call    dword ptr [paravirt_ops + WRITE_CR3]
        call    dword ptr [paravirt_ops + IO_DELAY]
        call    dword ptr [paravirt_ops + SET_LAZY_MODE]
        pushf
        push    cs
        call    return_from_interrupt
        ret

function return_from_interrupt
        leave_by PARAVIRT_INTERRUPT_RETURN, IRET

# Nobody comes here: there is no user.
function return_to_user
        leave_by PARAVIRT_STI_SYSEXIT, IRQ_ENABLE_SYSEXIT

function native_read_cr3
        mov     eax, cr3
        ret
function native_write_cr3
        mov     cr3, eax
        ret
function native_save_fl
        pushf
        pop     eax
        ret
function native_restore_fl
        push    eax
        popf
        ret
function native_irq_disable
        cli
        ret
function native_irq_enable
        sti
        ret
function native_io_delay
        out     0x80, al
        ret
function native_nop
        ret
function native_irq_enable_sysexit
        sti
        sysexit
function native_iret
        iret

        .section .notes, "a", @note
        .long   4, 20, 3
        .asciz  "GNU"
        .byte   0x66, 0x69, 0x72, 0x73, 0x74, 0x20, 0x68, 0x6f, 0x6f, 0x6b, 0x73, 1, 2, 3, 4, 5, 6, 7, 8, 9
