/**
 * For tests only: a protected-mode guest that meets most events of the machine once, in a known order,
 * and ends in a chain of faults. Assembled by GNU as.
 */
import { type Listing, listing } from './test-guest.ts';

export const EVENTS_GUEST: Listing = listing(`
  start:
  100040  bc 00 00 09 00            mov    esp,0x90000
  100045  0f 01 15 98 01 10 00      lgdtd  ds:0x100198
  10004c  ea 53 00 10 00 08 00      jmp    0x8:0x100053
  reload:
  100053  b8 10 00 00 00            mov    eax,0x10
  100058  8e d8                     mov    ds,eax
  10005a  8e c0                     mov    es,eax
  10005c  8e d0                     mov    ss,eax
  10005e  bf 00 00 20 00            mov    edi,0x200000
  100063  b9 00 01 00 00            mov    ecx,0x100
  100068  b8 42 01 10 00            mov    eax,0x100142
  10006d  89 c2                     mov    edx,eax
  10006f  25 ff ff 00 00            and    eax,0xffff
  100074  0d 00 00 08 00            or     eax,0x80000
  100079  81 e2 00 00 ff ff         and    edx,0xffff0000
  10007f  81 ca 00 8e 00 00         or     edx,0x8e00
  fill:
  100085  89 07                     mov    DWORD PTR [edi],eax
  100087  89 57 04                  mov    DWORD PTR [edi+0x4],edx
  10008a  83 c7 08                  add    edi,0x8
  10008d  e2 f6                     loop   100085 <fill>
  10008f  66 c7 05 00 00 20 00      mov    WORD PTR ds:0x200000,0x170
  100096  70 01                     
  100098  66 c7 05 68 00 20 00      mov    WORD PTR ds:0x200068,0x175
  10009f  75 01                     
  1000a1  66 c7 05 70 00 20 00      mov    WORD PTR ds:0x200070,0x175
  1000a8  75 01                     
  1000aa  0f 01 1d 9e 01 10 00      lidtd  ds:0x10019e
  software:
  1000b1  cd 80                     int    0x80
  breakpoint:
  1000b3  cc                        int3
  divide:
  1000b4  31 c9                     xor    ecx,ecx
  1000b6  b8 01 00 00 00            mov    eax,0x1
  1000bb  99                        cdq
  divide_here:
  1000bc  f7 f1                     div    ecx
  after_divide:
  1000be  66 ba f8 03               mov    dx,0x3f8
  1000c2  b0 41                     mov    al,0x41
  send:
  1000c4  ee                        out    dx,al
  1000c5  e4 61                     in     al,0x61
  after_in:
  1000c7  b9 74 01 00 00            mov    ecx,0x174
  1000cc  b8 34 12 00 00            mov    eax,0x1234
  1000d1  31 d2                     xor    edx,edx
  write_msr:
  1000d3  0f 30                     wrmsr
  1000d5  0f 32                     rdmsr
  paging:
  1000d7  b8 03 20 30 00            mov    eax,0x302003
  1000dc  a3 00 10 30 00            mov    ds:0x301000,eax
  1000e1  bf 00 20 30 00            mov    edi,0x302000
  1000e6  b8 03 00 00 00            mov    eax,0x3
  1000eb  b9 00 04 00 00            mov    ecx,0x400
  map:
  1000f0  89 07                     mov    DWORD PTR [edi],eax
  1000f2  83 c7 04                  add    edi,0x4
  1000f5  05 00 10 00 00            add    eax,0x1000
  1000fa  e2 f4                     loop   1000f0 <map>
  1000fc  c7 05 c0 2f 30 00 00      mov    DWORD PTR ds:0x302fc0,0x0
  100103  00 00 00                  
  100106  b8 00 10 30 00            mov    eax,0x301000
  load_cr3:
  10010b  0f 22 d8                  mov    cr3,eax
  10010e  0f 20 c0                  mov    eax,cr0
  100111  0d 00 00 00 80            or     eax,0x80000000
  paging_on:
  100116  0f 22 c0                  mov    cr0,eax
  after_paging:
  100119  90                        nop
  page_fault:
  10011a  a3 10 00 3f 00            mov    ds:0x3f0010,eax
  10011f  90                        nop
  100120  90                        nop
  100121  90                        nop
  100122  90                        nop
  after_fault:
  100123  0f a2                     cpuid
  halt_twice:
  100125  c6 05 6d 00 20 00 0e      mov    BYTE PTR ds:0x20006d,0xe
  10012c  c6 05 5d 00 20 00 0e      mov    BYTE PTR ds:0x20005d,0xe
  100133  c6 05 45 00 20 00 0e      mov    BYTE PTR ds:0x200045,0xe
  10013a  b8 40 00 00 00            mov    eax,0x40
  chain:
  10013f  8e d8                     mov    ds,eax
  100141  f4                        hlt
  ignore:
  100142  cf                        iret
  skip2:
  100170  83 04 24 02               add    DWORD PTR [esp],0x2
  100174  cf                        iret
  skip2_error:
  100175  83 c4 04                  add    esp,0x4
  100178  83 04 24 05               add    DWORD PTR [esp],0x5
  10017c  cf                        iret
  10017d  8d 76 00                  lea    esi,[esi+0x0]
  gdt:
  100188  ff                        (bad)
  100189  ff 00                     inc    DWORD PTR [eax]
  10018b  00 00                     add    BYTE PTR [eax],al
  10018d  9b                        fwait
  10018e  cf                        iret
  10018f  00 ff                     add    bh,bh
  100191  ff 00                     inc    DWORD PTR [eax]
  100193  00 00                     add    BYTE PTR [eax],al
  100195  93                        xchg   ebx,eax
  100196  cf                        iret
  gdtr:
  100198  17                        pop    ss
  100199  00                        .byte 0x0
  10019a  80 01 10                  add    BYTE PTR [ecx],0x10
  idtr:
  10019e  ff 07                     inc    DWORD PTR [edi]
  1001a0  00 00                     add    BYTE PTR [eax],al
  1001a2  20 00                     and    BYTE PTR [eax],al
`);
