# A boot sector that says on the screen what it was booted from and reads and writes its medium through the
# firmware: INT 10h (function 0Eh), INT 13h (02h, 03h, 41h, 42h), INT 15h (E820h). Behind it lies a sector
# whose text it prints; on a CD, booted without emulation (El Torito 1.0, 2.1), it prints what makes a volume
# descriptor one. It ends by the debug-exit port, with 0 when nothing went wrong, else with the step. Its last
# line is for the firmware's serial console, which holds characters back.
#
# Lines:  drive DL    sector TEXT    again TEXT    extensions VERSION    memory ENTRIES

        .code16
        .globl  start
        .set    BUFFER, 0x8000
        .set    DEBUG_EXIT, 0xf4

start:  ljmp    $0, $begin
begin:  xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movb    %dl, drive

        movw    $said_drive, %si
        call    print
        movb    drive, %al
        call    hex
        call    line

        cmpb    $0xe0, drive            # SeaBIOS's number of the booted CD
        jae     cd

# ---- floppy or disk: the second sector by cylinder, head and sector, then written and read again
        movb    $1, step
        movw    $0x0201, %ax
        call    chs
        movw    $said_sector, %si
        call    print_with_buffer

        incb    step
        movw    $1, BUFFER              # keep the text, mark the sector
        movb    $'W', BUFFER
        movb    $'!', BUFFER + 1
        movw    $0x0301, %ax
        call    chs
        movw    $0, BUFFER
        incb    step
        movw    $0x0201, %ax
        call    chs
        movw    $said_again, %si
        call    print_with_buffer
        jmp     extensions

cd:     movb    $1, step
        movb    drive, %dl
        movw    $packet, %si
        movb    $0x42, %ah
        int     $0x13
        jc      failed
        movb    $0, BUFFER + 6
        movw    $said_sector, %si
        call    print
        movw    $BUFFER + 1, %si
        call    print
        call    line

extensions:
        movb    $4, step
        movw    $0x55aa, %bx
        movb    $0x41, %ah
        movb    drive, %dl
        int     $0x13
        jc      memory                  # floppies have none
        cmpw    $0xaa55, %bx
        jne     failed
        pushw   %ax
        movw    $said_extensions, %si
        call    print
        popw    %ax
        movb    %ah, %al
        call    hex
        call    line

memory: movb    $5, step
        xorl    %ebx, %ebx
        xorw    %bp, %bp
more:   movl    $0xe820, %eax
        movl    $20, %ecx
        movl    $0x534d4150, %edx       # SMAP
        movw    $BUFFER, %di
        int     $0x15
        jc      failed
        incw    %bp
        testl   %ebx, %ebx
        jnz     more
        movw    $said_memory, %si
        call    print
        movw    %bp, %ax
        call    hex
        call    line
        movw    $said_end, %si
        call    print
        movb    $0, step
failed: movb    step, %al
        outb    %al, $DEBUG_EXIT
        hlt

# AX: function and count; sector 2 of the first track into or from the buffer
chs:    movw    $0x0002, %cx
        xorb    %dh, %dh
        movb    drive, %dl
        movw    $BUFFER, %bx
        int     $0x13
        jc      failed
        ret

print_with_buffer:
        call    print
        movw    $BUFFER, %si
        call    print
        # fall through
line:   movw    $new_line, %si
print:  lodsb
        testb   %al, %al
        jz      2f
        call    put
        jmp     print
2:      ret

put:    movb    $0x0e, %ah
        xorw    %bx, %bx
        int     $0x10
        ret

# AL as two digits
hex:    pushw   %ax
        shrb    $4, %al
        call    digit
        popw    %ax
        andb    $0xf, %al
digit:  cmpb    $10, %al
        sbbb    $0x69, %al
        das
        jmp     put

step:   .byte   0
drive:  .byte   0
packet: .byte   16, 0                   # disk address packet: one sector to 0000:BUFFER from 16
        .word   1, BUFFER, 0
        .quad   16
said_drive:      .asciz "drive "
said_sector:     .asciz "sector "
said_again:      .asciz "again "
said_extensions: .asciz "extensions "
said_memory:     .asciz "memory "
said_end:        .asciz "\r\nthe end\r\n"
new_line:        .asciz "\r\n"

        .org    510
        .byte   0x55, 0xaa
        .asciz  "Hello from the second sector"
        .org    1024
