/*
 * How stacks.c is entered: as a Multiboot kernel, which makes descriptor tables of its own, and by traps,
 * whose entries have call frame information of signal frames, as Linux's have.
 */
#define FROM_ASSEMBLY __attribute__((regparm(0)))

/* A trap without an error code gets one; registers as PUSHA leaves them. */
asm(".section .multiboot, \"a\"\n"
    ".align 4\n"
    ".long 0x1badb002, 0, -0x1badb002\n"
    ".text\n"
    ".globl _start\n"
    ".type _start, @function\n"
    "_start: .cfi_startproc\n"
    ".cfi_undefined eip\n"
    "mov $stack_top, %esp\n"
    "xor %ebp, %ebp\n"
    "lgdt gdt_pointer\n"
    "ljmp $8, $1f\n"
    "1: mov $16, %eax\n"
    "mov %eax, %ds; mov %eax, %es; mov %eax, %ss\n"
    "lidt idt_pointer\n"
    "call main\n"
    "1: jmp 1b\n"
    ".cfi_endproc\n"
    ".size _start, . - _start\n"
    ".macro trap name, has_error, handler\n"
    ".globl \\name\n"
    ".type \\name, @function\n"
    "\\name: .cfi_startproc simple\n"
    ".cfi_signal_frame\n"
    ".cfi_def_cfa esp, 12 + 4 * \\has_error\n"
    ".cfi_offset eip, -12\n"
    ".if \\has_error == 0\n"
    "push $0\n"
    ".cfi_adjust_cfa_offset 4\n"
    ".endif\n"
    "pusha\n"
    ".cfi_adjust_cfa_offset 32\n"
    ".cfi_rel_offset edi, 0; .cfi_rel_offset esi, 4; .cfi_rel_offset ebp, 8; .cfi_rel_offset ebx, 16\n"
    ".cfi_rel_offset edx, 20; .cfi_rel_offset ecx, 24; .cfi_rel_offset eax, 28\n"
    "push %esp\n"
    ".cfi_adjust_cfa_offset 4\n"
    "cld\n"
    "call \\handler\n"
    "add $4, %esp\n"
    ".cfi_adjust_cfa_offset -4\n"
    "popa\n"
    ".cfi_adjust_cfa_offset -32\n"
    ".cfi_restore edi; .cfi_restore esi; .cfi_restore ebp; .cfi_restore ebx\n"
    ".cfi_restore edx; .cfi_restore ecx; .cfi_restore eax\n"
    "add $4, %esp\n"
    ".cfi_adjust_cfa_offset -4\n"
    "iret\n"
    ".cfi_endproc\n"
    ".size \\name, . - \\name\n"
    ".endm\n"
    "trap interrupt_entry, 0, handle_interrupt\n"
    "trap undefined_entry, 0, handle_undefined\n"
    "trap protection_entry, 1, handle_protection\n"
    ".data\n"
    ".align 8\n"
    "gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
    "gdt_pointer: .word 23\n"
    ".long gdt\n"
    "idt_pointer: .word 8 * 0x21 - 1\n"
    ".long idt\n"
    ".bss\n"
    ".skip 16384\n"
    "stack_top:\n"
    ".text\n");

static struct gate {
  unsigned short low, selector, type, high;
} idt[0x21] __attribute__((used, aligned(8)));

static inline void outb(int port, int value) {
  asm volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}

static void set_gate(int vector, void (*entry)(void)) {
  unsigned address = (unsigned)entry;
  idt[vector] = (struct gate){address & 0xffff, 8, 0x8e00, address >> 16};
}

void interrupt_entry(void), undefined_entry(void), protection_entry(void);

static void prepare(void) {
  set_gate(6, undefined_entry);
  set_gate(13, protection_entry);
  set_gate(0x20, interrupt_entry);
  /* 8259: vectors from 0x20 on, only the timer let through */
  outb(0x20, 0x11);
  outb(0x21, 0x20);
  outb(0x21, 4);
  outb(0x21, 1);
  outb(0x21, 0xfe);
}

/* 8254: counter 0 counts down once. */
static void start_timer(void) {
  outb(0x43, 0x30);
  outb(0x40, 0xff);
  outb(0x40, 0x20);
}
