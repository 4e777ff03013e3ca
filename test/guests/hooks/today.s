# A kernel with paravirt hooks of today's form (Linux 4.20 to 6.7): calls through pv_ops, each recorded in
# .parainstructions; apply_paravirt makes them direct calls or nothing, and alternatives then put the
# hardware's own instructions where there is no reason for a call. It performs all its operations three
# times: as compiled, patched, and after hooks and code have changed once more. It runs 4 MiB above where it
# was linked, and relocates itself.

        .intel_syntax noprefix
        .set    MOVED, 0x400000
        .include "boot.inc.s"
        .include "hooks.inc.s"

# Numbers of the operations: their offsets in struct paravirt_patch_template (today.c), in pointers.
        .set    IO_DELAY, 0
        .set    WBINVD, 1
        .set    SAVE_FL, 2
        .set    IRQ_DISABLE, 3
        .set    IRQ_ENABLE, 4
        .set    HALT, 5
        .set    FLUSH_TLB_USER, 6
        .set    READ_CR3, 7
        .set    WRITE_CR3, 8
        .set    EXIT_MMAP, 9
        .set    MAKE_PTE, 10
        .set    LAZY_ENTER, 11
        .set    LAZY_LEAVE, 12
        .set    QUEUED_SPIN_UNLOCK, 13
        .set    WAIT, 14
        .set    VCPU_IS_PREEMPTED, 15

        .macro  function name
        .global \name
        .type   \name, @function
\name:
        .endm

        # A call through the table.
        .macro  perform number
771:    call    dword ptr [pv_ops + \number * 4]
772:    record  \number, 0
        .pushsection .addresses, "a"
        .long   771b + 2
        .popsection
        .endm

        # The same, and what may stand in its place if the feature's bit is set.
        .macro  perform_or number, feature, instructions
        perform \number
        .pushsection .altinstr_replacement, "a"
774:    \instructions
775:
        .popsection
        .pushsection .altinstructions, "a"
        .long   771b - .
        .long   774b - .
        .word   \feature
        .byte   772b - 771b, 775b - 774b
        .popsection
        .endm

        # Calls through the table that nobody records.
        .macro  through instruction, number
777:    \instruction dword ptr cs:[pv_ops + \number * 4]
        .pushsection .addresses, "a"
        .long   777b + 3
        .popsection
        .endm

        .set    FEATURE_NATIVE, 0
        .set    FEATURE_PV_UNLOCK, 1

function start_kernel
        call    1f
1:      pop     ebx
        sub     ebx, offset 1b          # how far it has moved
        call    relocate
        call    perform_all
function before_patching
        lea     eax, [ebx + kvm_flush_tlb]
        mov     [ebx + pv_ops + FLUSH_TLB_USER * 4], eax
        call    apply_paravirt
        call    apply_alternatives
function after_patching
        call    perform_all
function before_changes
        lea     eax, [ebx + kvm_io_delay]
        mov     [ebx + pv_ops + IO_DELAY * 4], eax      # no place that is patched already follows
        mov     dword ptr [ebx + wbinvd_place], 0x9090d231      # xor edx, edx; nop; nop
        mov     word ptr [ebx + wbinvd_place + 4], 0x9090
function after_changes
        call    perform_all
function the_end
        cli
        hlt
        jmp     the_end

# Adds the distance to every word that is an address: those listed, and all of the tables.
function relocate
        mov     eax, ebx
        lea     esi, [ebx + addresses_start]
        lea     edi, [ebx + addresses_end]
1:      mov     edx, [esi]
        add     [ebx + edx], eax
        add     esi, 4
        cmp     esi, edi
        jb      1b
        lea     esi, [ebx + tables_start]
        lea     edi, [ebx + tables_end]
2:      cmp     dword ptr [esi], 0      # no function
        je      3f
        add     [esi], eax
3:      add     esi, 4
        cmp     esi, edi
        jb      2b
        ret

# Each place becomes a direct call of what the table has, or nothing.
function apply_paravirt
        lea     esi, [ebx + __parainstructions]
1:      mov     edi, [esi]
        movzx   eax, byte ptr [esi + 4]
        movzx   ecx, byte ptr [esi + 5]
        mov     eax, [ebx + pv_ops + eax * 4]
        test    eax, eax
        jne     2f
        lea     eax, [ebx + paravirt_BUG]
2:      lea     edx, [ebx + _paravirt_nop]
        cmp     eax, edx
        je      3f
        sub     eax, edi
        sub     eax, 5
        mov     byte ptr [edi], 0xe8
        mov     [edi + 1], eax
        add     edi, 5
        sub     ecx, 5
3:      call    fill
        add     esi, 8
        lea     eax, [ebx + __parainstructions_end]
        cmp     esi, eax
        jb      1b
        ret

# Puts replacements in their places where the feature is there.
function apply_alternatives
        lea     edx, [ebx + __alt_instructions]
1:      movzx   eax, word ptr [edx + 8]
        bt      [ebx + features], eax
        jnc     2f
        mov     edi, edx
        add     edi, [edx]              # the place
        lea     esi, [edx + 4]
        add     esi, [edx + 4]          # the replacement
        movzx   ecx, byte ptr [edx + 11]
        rep movsb
        movzx   ecx, byte ptr [edx + 10]
        movzx   eax, byte ptr [edx + 11]
        sub     ecx, eax
        call    fill
2:      add     edx, 12
        lea     eax, [ebx + __alt_instructions_end]
        cmp     edx, eax
        jb      1b
        ret

        .balign 4
features:
        .long   1 << FEATURE_NATIVE

function perform_all
        perform IO_DELAY
        perform IO_DELAY
        perform_or SAVE_FL, FEATURE_NATIVE, "pushf; pop eax"
        perform_or IRQ_DISABLE, FEATURE_NATIVE, "cli"
        perform READ_CR3
        perform_or WRITE_CR3, FEATURE_NATIVE, "mov cr3, eax"
        perform FLUSH_TLB_USER
        perform EXIT_MMAP
        perform MAKE_PTE
        perform LAZY_ENTER
        perform LAZY_LEAVE
        lea     eax, [ebx + lock]
        perform_or QUEUED_SPIN_UNLOCK, FEATURE_PV_UNLOCK, "mov byte ptr [eax], 0"
        perform_or VCPU_IS_PREEMPTED, FEATURE_NATIVE, "xor eax, eax"
        perform_or IRQ_ENABLE, FEATURE_NATIVE, "sti"
        perform_or IRQ_DISABLE, FEATURE_NATIVE, "cli"
function wbinvd_place
        perform WBINVD
        through call, WBINVD
        call    halt
        ret

function halt
        through jmp, HALT

# Nobody comes here: there is no function that waits.
function wait_for_lock
        perform WAIT
        ret

        .balign 4
lock:   .long   1

function native_io_delay
        out     0x80, al
        ret
function kvm_io_delay
        ret
function native_wbinvd
        wbinvd
        ret
function native_save_fl
        pushf
        pop     eax
        ret
function native_irq_disable
        cli
        ret
function native_irq_enable
        sti
        ret
function native_halt
        ret
function native_flush_tlb_local
        push    eax
        mov     eax, cr3
        mov     cr3, eax
        pop     eax
        ret
function kvm_flush_tlb
        ret
function native_read_cr3
        mov     eax, cr3
        ret
function native_write_cr3
        mov     cr3, eax
        ret
function _paravirt_nop
        ret
function _paravirt_ident_32
        ret
function paravirt_BUG
        ud2
function lazy_enter
        ret
function lazy_leave
        ret
function native_queued_spin_unlock
        mov     byte ptr [eax], 0
        ret
function __raw_callee_save_native_queued_spin_unlock
        push    ecx
        push    edx
        call    native_queued_spin_unlock
        pop     edx
        pop     ecx
        ret
function native_vcpu_is_preempted
        xor     eax, eax
        ret

        # NT_GNU_BUILD_ID; the number is any
        .section .notes, "a", @note
        .long   4, 20, 3
        .asciz  "GNU"
        .byte   0x68, 0x6f, 0x6f, 0x6b, 0x73, 0x20, 0x6f, 0x66, 0x20, 0x74, 0x6f, 0x64, 0x61, 0x79, 1, 2, 3, 4, 5, 6
