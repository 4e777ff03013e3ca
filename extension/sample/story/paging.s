# Paging with 32-bit entries (SDM vol. 3, 5.3): a directory of 1024 entries, each for 4 MiB, which point
# to tables of 1024 entries, each for one page of 4 KiB; or, with CR4.PSE, to 4 MiB at once.
#
#   linear                  physical
#   00000000 - 003FFFFF     the same, in pages of 4 KiB, except page 0: a null pointer faults
#   00800000 - 00800FFF     the window: at first nothing, then a page of its own in each address space
#   C0000000 - C03FFFFF     00000000 - 003FFFFF again, as one page of 4 MiB, where kernels like to live
#   FEC00000 - FEFFFFFF     the same: one page of 4 MiB for the local APIC, which is not memory

        .intel_syntax noprefix
        .include "constants.s"

        .set    WINDOW,     0x00800000
        .set    KERNEL_VIEW, 0xc0000000
        .set    APIC_VIEW,  0xfec00000
        .set    PRESENT_RW, PAGE_PRESENT | PAGE_WRITABLE

        .text

# Builds the tables of two address spaces and switches paging on in the first. Changes EAX, ECX, EDX, EDI.
function setup_paging
        # The identity map: entry n of the table is page n.
        mov     edi, offset identity_table + 4
        mov     eax, 0x1000 | PRESENT_RW
        mov     ecx, 1023
1:      stosd
        add     eax, 0x1000
        loop    1b

        # Two directories that differ only in the table for the window.
        mov     edi, offset first_directory
        mov     edx, offset first_window_table + PRESENT_RW
        call    fill_directory
        mov     edi, offset second_directory
        mov     edx, offset second_window_table + PRESENT_RW
        call    fill_directory

        mov     eax, cr4
        or      eax, CR4_PSE
        mov     cr4, eax
        mov     eax, offset first_directory
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG | CR0_WP
        mov     cr0, eax                # the next instruction is fetched through the tables
        ret

# EDI: a directory, all zeros; EDX: its entry for the window.
function fill_directory
        mov     dword ptr [edi], offset identity_table + PRESENT_RW
        mov     dword ptr [edi + (KERNEL_VIEW >> 22) * 4], PRESENT_RW | PAGE_4M
        mov     dword ptr [edi + (APIC_VIEW >> 22) * 4], APIC_VIEW | PRESENT_RW | PAGE_UNCACHED | PAGE_4M
        mov     [edi + (WINDOW >> 22) * 4], edx
        ret

# The same memory at two linear addresses: written at one, read at the other.
function two_views_of_memory
        mov     dword ptr [KERNEL_VIEW + shared_word], 0x600dcafe
        say     "  written at "
        mov     eax, KERNEL_VIEW + offset shared_word
        call    print_hex
        say     " (4 MiB page), read at "
        mov     eax, offset shared_word
        call    print_hex
        say     " (4 KiB page): "
        mov     eax, [shared_word]
        call    print_hex
        call    new_line
        ret

# Touches the window, which has no page yet. The processor raises #PF, the handler below puts a page in,
# and the same instruction runs again as if nothing had been.
function page_on_demand
        mov     eax, [WINDOW]
        say     "  page fault at "
        push    eax
        mov     eax, [fault_address]
        call    print_hex
        say     ", error code "
        mov     eax, [fault_error_code]
        call    print_decimal
        say     "; after it the page reads "
        pop     eax
        call    print_hex
        call    new_line
        ret

# Called by interrupts.s with the error code in EDX. Returns ZF set when the page is there now.
function page_fault
        mov     eax, cr2                # the linear address that was not mapped
        mov     [fault_address], eax
        mov     [fault_error_code], edx
        and     eax, 0xfffff000
        cmp     eax, WINDOW
        jne     1f
        mov     dword ptr [first_page], 0x12345678
        mov     dword ptr [first_window_table], offset first_page + PRESENT_RW
        cmp     eax, eax
1:      ret

# One linear address in two address spaces. CR3 is written through the hook: under a hypervisor without
# second-stage paging this is where shadow page tables are changed.
function two_address_spaces
        mov     dword ptr [WINDOW], 0x11111111
        mov     dword ptr [second_page], 0x22222222
        mov     dword ptr [second_window_table], offset second_page + PRESENT_RW
        say     "  address "
        mov     eax, WINDOW
        call    print_hex
        say     " reads "
        mov     eax, [WINDOW]
        call    print_hex
        say     " in the first address space, "
        mov     eax, offset second_directory
        call    [pv_ops + PV_WRITE_CR3]
        mov     eax, [WINDOW]
        call    print_hex
        say     " in the second\r\n"
        mov     eax, offset first_directory
        call    [pv_ops + PV_WRITE_CR3]
        ret

        .section .bss.pages, "aw", @nobits
        .balign 4096
        .global first_directory, second_directory, identity_table
first_directory:        .skip 4096
second_directory:       .skip 4096
identity_table:         .skip 4096
first_window_table:     .skip 4096
second_window_table:    .skip 4096
first_page:             .skip 4096
second_page:            .skip 4096

        .bss
        .balign 4
shared_word:            .skip 4
fault_address:          .skip 4
fault_error_code:       .skip 4
