# Names for the numbers of the processor and the board, and two macros; included by all files of the story.

.set CODE32,  0x08              # selectors: entries 1 and 2 of the GDT in real-mode.s
.set DATA32,  0x10

.set CR0_PE,  1 << 0            # protection enable
.set CR0_WP,  1 << 16           # read-only pages are read-only for the kernel too
.set CR0_PG,  1 << 31           # paging
.set CR4_PSE, 1 << 4            # 4 MiB pages

.set PAGE_PRESENT,  1 << 0      # bits of a page directory or page table entry
.set PAGE_WRITABLE, 1 << 1
.set PAGE_UNCACHED, 1 << 4      # for devices
.set PAGE_4M,       1 << 7      # in a directory entry: no table, one large page

.set COM1,         0x3f8        # 16550A: data, and the registers behind it
.set COM1_ENABLE,  COM1 + 1     # interrupt enable
.set COM1_FIFO,    COM1 + 2
.set COM1_LINE,    COM1 + 3     # line control
.set COM1_MODEM,   COM1 + 4     # modem control
.set COM1_STATUS,  COM1 + 5     # line status: bit 0 a byte has come, bit 5 room to send

.set PIC1,         0x20         # 8259A, master: command, and data at the next port
.set PIC2,         0xa0         # slave
.set PIT_CHANNEL0, 0x40         # 8254
.set PIT_COMMAND,  0x43
.set PORT_92,      0x92         # system control port A: bit 1 is the A20 gate
.set DELAY_PORT,   0x80         # writing here takes about a microsecond and does nothing else
.set DEBUG_EXIT,   0xf4         # writing here switches the machine off, with the value as result

.set IRQ_BASE,     0x20         # vector of IRQ 0 once the 8259As are set up
.set TIMER_VECTOR,  IRQ_BASE + 0
.set SERIAL_VECTOR, IRQ_BASE + 4
.set PAGE_FAULT,   14

.set TICKS_PER_SECOND, 100
.set PIT_DIVISOR,  11932        # 1193182 Hz / 100

.set CPUID_1_EDX_APIC, 1 << 9   # there is a local APIC
.set APIC_VERSION,  0x030       # its registers, from its base address on
.set APIC_SPURIOUS, 0x0f0
.set APIC_LINT0,    0x350

.set MSR_IA32_APIC_BASE,    0x1b
.set MSR_IA32_SYSENTER_ESP, 0x175

# The places of the hooks in the table pv_ops (hooks.s), in bytes.
.set PV_IRQ_DISABLE, 0
.set PV_IRQ_ENABLE,  4
.set PV_SAFE_HALT,   8
.set PV_IO_DELAY,    12
.set PV_WRITE_CR3,   16
.set PV_GET_TIME,    20
.set PV_HOOKS,       6

# function NAME: a label that debuggers list as a function.
.macro function name
        .global \name
        .type \name, @function
\name:
.endm

# say "TEXT": prints it. Changes ESI only.
.macro say text
        .pushsection .rodata
.Lsay\@: .asciz "\text"
        .popsection
        mov     esi, offset .Lsay\@
        call    print
.endm
