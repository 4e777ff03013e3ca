/*
 * A kernel's entry for traps, in AT&T syntax and with the C preprocessor.
 *   gcc -m32 -c trap-entry.S
 */
#define KERNEL_DS 0x10
#ifdef CONFIG_SMP
# include <linux/threads.h>
#endif

        .set    PT_SIZE, 13 * 4
FRAME_MAGIC = 0x5a5a
        .macro  SAVE_ALL from=0, vector:req
        pushl   %eax
        .irp    reg, ecx, edx, ebx
        pushl   %\reg
        .endr
        .if     \from == 3
        movl    $KERNEL_DS, %edx        # from user mode
        movl    %edx, %ds
        .endif
        pushl   $\vector
        .endm

        .pushsection .entry.text, "ax"
        .globl  divide_error
        .type   divide_error, @function
        .p2align 4
divide_error:
        .cfi_startproc
        pushl   $0
        SAVE_ALL from=3, vector=0
        movl    %esp, %eax; call do_divide_error // eax: the frame
        movw    8(%ebp,%esi,4), %ax
        testb   $'A', (%edi)
        fldl    -0x10(%ebp)
        fxch    %st(1)
1:      rep movsb
        lock; cmpxchg8b (%edi)
        jne     1b
        ljmp    $0x08, $0f
0:      addl    $4, %esp
        iretl
        .cfi_endproc
        .size   divide_error, . - divide_error
        .popsection

        .section .rodata
message: .asciz "trap \"0\"\n\033[0m"
        .long   message, ~0 & 0xff << 2
