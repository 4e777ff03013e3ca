# Interrupts and exceptions: the descriptor table, a stub for each vector, the two 8259A interrupt
# controllers, the 8254 timer and the local APIC.

        .intel_syntax noprefix
        .include "constants.s"

        .set    VECTORS, 48             # 32 exceptions of the processor, 16 lines of the 8259As
        .set    STUB_SIZE, 16

        .text

# Fills the interrupt descriptor table and sets up the controllers and the timer. Interrupts stay off.
# Changes EAX, ECX, EDX, ESI, EDI.
function setup_interrupts
        # An interrupt gate (SDM vol. 3, 7.11): offset 15:0, selector, 8E00, offset 31:16.
        mov     edi, offset idt
        mov     edx, offset stubs
        mov     ecx, VECTORS
1:      mov     eax, edx
        and     eax, 0xffff
        or      eax, CODE32 << 16
        stosd
        mov     eax, edx
        mov     ax, 0x8e00              # present, ring 0, 32-bit interrupt gate
        stosd
        add     edx, STUB_SIZE
        loop    1b
        lidt    [idt_pointer]

        # Controllers and timer: pairs of port and value.
        mov     esi, offset board_setup
        mov     ecx, (board_setup_end - board_setup) / 2
        xor     edx, edx
2:      mov     dl, [esi]
        mov     al, [esi + 1]
        out     dx, al
        add     esi, 2
        loop    2b
        ret

# The local APIC stands between the 8259As and the processor. It lets their interrupts through on its pin
# LINT0, once that is told so ("virtual wire mode", which a BIOS would have set up; MultiProcessor
# Specification 1.4, 3.6.2.1). Its registers are memory addresses: nothing is behind them but a device, so
# each access leaves the guest. Changes EAX, EBX, ECX, EDX.
function setup_local_apic
        mov     eax, 1
        cpuid
        test    edx, CPUID_1_EDX_APIC
        jnz     1f
        say     "there is none\r\n"
        ret
1:      mov     ecx, MSR_IA32_APIC_BASE
        rdmsr
        and     eax, 0xfffff000
        mov     ebx, eax                # where its registers are
        mov     dword ptr [ebx + APIC_SPURIOUS], 0x1ff  # on, and vector FF for spurious interrupts
        mov     dword ptr [ebx + APIC_LINT0], 0x700     # not masked, delivery mode ExtINT: an 8259A
        say     "version "
        mov     eax, [ebx + APIC_VERSION]
        call    print_hex
        say     ", LINT0 = "
        mov     eax, [ebx + APIC_LINT0]
        call    print_hex
        call    new_line
        ret

# One stub for each vector brings all to one form: error code (0 where the processor pushes none), then
# the number. All stubs are of one size, so that their addresses need no table.
        .balign STUB_SIZE
stubs:
        .set    vector, 0
        .rept   VECTORS
        .balign STUB_SIZE
        # the exceptions that have an error code (SDM vol. 3, table 7-1): 8, 10 to 14, 17, 21
        .if ((0x227d00 >> vector) & 1) == 0
        push    0
        .endif
        push    vector
        jmp     dispatch
        .set    vector, vector + 1
        .endr

# On the stack: vector, error code, EIP, CS, EFLAGS of what was interrupted.
function dispatch
        pushad                          # eight registers: the vector is at ESP + 32 now
        mov     eax, [esp + 32]
        mov     edx, [esp + 36]
        cmp     eax, TIMER_VECTOR
        je      timer
        cmp     eax, SERIAL_VECTOR
        je      serial
        cmp     eax, PAGE_FAULT
        jne     unexpected
        call    page_fault
        je      return
        mov     eax, PAGE_FAULT
        # fall through: a page fault that nobody expected

# An exception or interrupt for which there is no handler ends the story with result 1.
unexpected:
        say     "\r\nunexpected vector "
        call    print_decimal
        say     " at EIP "
        mov     eax, [esp + 40]
        call    print_hex
        say     ", error code "
        mov     eax, [esp + 36]
        call    print_hex
        call    new_line
        mov     al, 1
        jmp     power_off

timer:  inc     dword ptr [ticks]
        jmp     acknowledge
serial: call    serial_interrupt
acknowledge:
        mov     al, 0x20                # end of interrupt: the 8259A may deliver the next one
        out     PIC1, al
return: popad
        add     esp, 8                  # vector and error code
        iretd

        .section .rodata
# Initialization command words of the 8259As (data sheet, "Initialization Command Words"), then the 8254
# (data sheet, "Control Word Format").
board_setup:
        .byte   PIC1,     0x11          # ICW1: edges, cascade, ICW4 follows
        .byte   PIC1 + 1, IRQ_BASE      # ICW2: IRQ 0-7 are vectors 20-27
        .byte   PIC1 + 1, 0x04          # ICW3: the slave hangs on line 2
        .byte   PIC1 + 1, 0x01          # ICW4: 8086 mode, acknowledged by hand
        .byte   PIC2,     0x11
        .byte   PIC2 + 1, IRQ_BASE + 8  # IRQ 8-15 are vectors 28-2F
        .byte   PIC2 + 1, 0x02
        .byte   PIC2 + 1, 0x01
        .byte   PIC1 + 1, 0xee          # masks: only line 0 (timer) and line 4 (COM1) get through
        .byte   PIC2 + 1, 0xff
        .byte   PIT_COMMAND,  0x34      # channel 0, low byte then high byte, mode 2: rate generator
        .byte   PIT_CHANNEL0, PIT_DIVISOR & 0xff
        .byte   PIT_CHANNEL0, PIT_DIVISOR >> 8
board_setup_end:

        .balign 4
        .word   0
idt_pointer:
        .word   VECTORS * 8 - 1
        .long   idt

        .bss
        .balign 8
        .global idt, ticks
idt:    .skip   VECTORS * 8
ticks:  .skip   4                       # interrupts of the timer so far
