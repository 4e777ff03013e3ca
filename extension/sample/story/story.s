# The story, part two: thirty-two bits. One chapter after the other, from here to the power switch.
#
#   real-mode.s    before this: sixteen bits, and the way out of them
#   paging.s       page tables, and what happens at a page that is not there
#   hooks.s        which hypervisor is this, and the table of hooks that follows from it
#   interrupts.s   interrupt descriptors, the two 8259As, the timer, the local APIC, the handlers
#   serial.s       text out, and a line in

        .intel_syntax noprefix
        .include "constants.s"
        .set    TICKS_TO_WAIT, 5

        .text

function story
        # .bss is not in the image; nobody but us makes it zero.
        mov     edi, offset bss_start
        mov     ecx, offset bss_end
        sub     ecx, edi
        xor     eax, eax
        rep stosb

        say     "2 Protected mode: CR0 = "
        mov     eax, cr0
        call    print_hex
        call    new_line

        # From here on an exception has somewhere to go; before, it would have been a triple fault.
        call    setup_interrupts

        say     "3 Paging: CR3 = "
        call    setup_paging
        mov     eax, cr3
        call    print_hex
        say     ", CR0 = "
        mov     eax, cr0
        call    print_hex
        call    new_line
        call    two_views_of_memory
        call    page_on_demand

        say     "4 CPUID: processor "
        call    find_hypervisor
        call    print_what_was_found

        say     "5 MSRs: IA32_APIC_BASE = "
        mov     ecx, MSR_IA32_APIC_BASE
        rdmsr                           # EDX:EAX
        call    print_hex
        say     ", IA32_SYSENTER_ESP = "
        mov     ecx, MSR_IA32_SYSENTER_ESP
        xor     edx, edx
        mov     eax, offset stack_top
        wrmsr
        xor     eax, eax
        rdmsr
        call    print_hex
        call    new_line

        say     "6 Local APIC: "
        call    setup_local_apic

        say     "7 Hypercalls: "
        call    try_hypercalls

        say     "8 Hooks, for "
        call    fill_hooks
        call    print_hooks
        call    two_address_spaces

        call    wait_for_ticks
        call    ask_for_a_line

        say     "11 Power off\r\n"
        xor     al, al
        # fall through

# Switches the machine off with AL as the result: 0 for a story told to its end.
function power_off
        mov     dx, DEBUG_EXIT
        out     dx, al
        # Still here? Then there is no such port: halt for good, so that a debugger says so.
1:      cli
        hlt
        jmp     1b

# Chapter 9. The timer ticks a hundred times a second; between two ticks there is nothing to do, and HLT
# says so: to a processor, which saves power, or to a hypervisor, which runs somebody else.
function wait_for_ticks
        say     "9 Interrupts: waiting for "
        mov     eax, TICKS_TO_WAIT
        call    print_decimal
        say     " ticks of the timer"
        call    [pv_ops + PV_GET_TIME]
        push    eax                     # microseconds, now
        mov     ebx, [ticks]
        add     ebx, TICKS_TO_WAIT
        call    [pv_ops + PV_IRQ_ENABLE]
1:      call    [pv_ops + PV_IRQ_DISABLE]
        cmp     [ticks], ebx            # looked at with interrupts off: a tick cannot slip by ...
        jns     2f
        call    [pv_ops + PV_SAFE_HALT] # ... between looking and halting
        jmp     1b
2:      call    [pv_ops + PV_GET_TIME]
        pop     ecx
        sub     eax, ecx
        say     ", which took "
        call    print_decimal
        say     " us, "
        mov     eax, [halts]
        call    print_decimal
        say     " times halted\r\n"
        ret

# Chapter 10. Characters come from the serial port by interrupt (serial.s); here we wait for the end of a
# line, or for line_wait_ticks ticks where that is not zero.
function ask_for_a_line
        say     "10 Serial port: type a line: "
        mov     al, 0x01                # interrupt when a byte has come
        mov     dx, COM1_ENABLE
        out     dx, al
        mov     ebx, [ticks]
        add     ebx, [line_wait_ticks]
1:      call    [pv_ops + PV_IRQ_DISABLE]
        cmp     byte ptr [line_complete], 0
        jne     2f
        cmp     dword ptr [line_wait_ticks], 0
        je      3f
        cmp     [ticks], ebx
        jns     4f
3:      call    [pv_ops + PV_SAFE_HALT]
        jmp     1b

2:      say     "  You typed "
        mov     eax, [line_length]
        call    print_decimal
        say     " characters: "
        mov     esi, offset line
        call    print
        call    new_line
        ret
4:      say     "\r\n  Nobody did.\r\n"
        ret

        .data
        .balign 4
# Ticks to wait for a line, 0 for ever. A test, or you in the debugger, may write another number here.
        .global line_wait_ticks
        .type line_wait_ticks, @object
line_wait_ticks:
        .long   0

        .bss
        .balign 16
        .skip   4096
stack_top:
        .global stack_top
