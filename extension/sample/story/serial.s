# Text on the serial port: out by waiting for the transmitter, in by interrupt.

        .intel_syntax noprefix
        .include "constants.s"
        .set    LINE_SIZE, 128

        .text

# Prints the text at ESI up to its zero. Changes ESI only.
function print
        push    eax
1:      lodsb
        test    al, al
        jz      2f
        call    print_character
        jmp     1b
2:      pop     eax
        ret

# Prints the character in AL. Changes nothing.
function print_character
        push    edx
        push    eax
        mov     dx, COM1_STATUS
1:      in      al, dx
        test    al, 0x20                # room in the transmitter?
        jz      1b
        pop     eax
        mov     dx, COM1
        out     dx, al
        pop     edx
        ret

function new_line
        push    esi
        say     "\r\n"
        pop     esi
        ret

# Prints EAX as eight hexadecimal digits. Changes nothing.
function print_hex
        pushad
        mov     edx, eax
        mov     ecx, 8
1:      rol     edx, 4                  # the highest digit comes round to the lowest place
        mov     eax, edx
        and     eax, 0xf
        mov     al, [hex_digits + eax]
        call    print_character
        loop    1b
        popad
        ret

# Prints EAX as a decimal number with its sign. Changes nothing.
function print_decimal
        pushad
        test    eax, eax
        jns     1f
        push    eax
        mov     al, '-'
        call    print_character
        pop     eax
        neg     eax
1:      xor     ecx, ecx                # digits on the stack
        mov     ebx, 10
2:      xor     edx, edx
        div     ebx
        push    edx                     # the last digit first ...
        inc     ecx
        test    eax, eax
        jnz     2b
3:      pop     eax                     # ... so that it comes out last
        add     al, '0'
        call    print_character
        loop    3b
        popad
        ret

# The handler of IRQ 4 (called by interrupts.s): takes all bytes that have come, shows them, and collects
# them in `line` until Enter.
function serial_interrupt
1:      mov     dx, COM1_STATUS
        in      al, dx
        test    al, 0x01                # a byte has come?
        jz      9f
        mov     dx, COM1
        in      al, dx
        cmp     byte ptr [line_complete], 0
        jne     1b                      # after Enter nobody listens any more
        mov     ecx, [line_length]
        cmp     al, '\r'
        je      8f
        cmp     al, '\n'
        je      8f
        cmp     al, 0x08                # Backspace, as some terminals send it ...
        je      7f
        cmp     al, 0x7f                # ... and as others do
        je      7f
        cmp     al, ' '
        jb      1b                      # other control characters are passed over
        cmp     ecx, LINE_SIZE - 1
        je      1b                      # full
        mov     [line + ecx], al
        inc     ecx
        mov     [line_length], ecx
        call    print_character
        jmp     1b
7:      jecxz   1b
        dec     ecx
        mov     [line_length], ecx
        mov     byte ptr [line + ecx], 0
        say     "\b \b"
        jmp     1b
8:      mov     byte ptr [line_complete], 1
        call    new_line
        jmp     1b
9:      ret

        .section .rodata
hex_digits:
        .ascii  "0123456789ABCDEF"

        .bss
        .balign 4
        .global line, line_length, line_complete
line_length:
        .skip   4
line:   .skip   LINE_SIZE
line_complete:
        .skip   1
