/**
 * For tests only: a protected-mode guest under a storm of timer interrupts, one every 3.4 µs, that calls a
 * function of 8000 instructions in a loop and counts its ticks at 0x80000. Assembled by GNU as.
 */
import { type Listing, listing } from './test-guest.ts';

export const STORM_GUEST: Listing = listing(`
  start:
  100040  bc 00 00 09 00            mov    esp,0x90000
  100045  0f 01 15 e8 00 10 00      lgdtd  ds:0x1000e8
  10004c  ea 53 00 10 00 08 00      jmp    0x8:0x100053
  reload:
  100053  b8 10 00 00 00            mov    eax,0x10
  100058  8e d8                     mov    ds,eax
  10005a  8e c0                     mov    es,eax
  10005c  8e d0                     mov    ss,eax
  10005e  b8 c2 00 10 00            mov    eax,0x1000c2
  100063  89 c2                     mov    edx,eax
  100065  25 ff ff 00 00            and    eax,0xffff
  10006a  0d 00 00 08 00            or     eax,0x80000
  10006f  81 e2 00 00 ff ff         and    edx,0xffff0000
  100075  81 ca 00 8e 00 00         or     edx,0x8e00
  10007b  a3 00 01 20 00            mov    ds:0x200100,eax
  100080  89 15 04 01 20 00         mov    DWORD PTR ds:0x200104,edx
  100086  0f 01 1d ee 00 10 00      lidtd  ds:0x1000ee
  10008d  b0 11                     mov    al,0x11
  10008f  e6 20                     out    0x20,al
  100091  b0 20                     mov    al,0x20
  100093  e6 21                     out    0x21,al
  100095  b0 04                     mov    al,0x4
  100097  e6 21                     out    0x21,al
  100099  b0 01                     mov    al,0x1
  10009b  e6 21                     out    0x21,al
  10009d  b0 fe                     mov    al,0xfe
  10009f  e6 21                     out    0x21,al
  1000a1  b0 34                     mov    al,0x34
  1000a3  e6 43                     out    0x43,al
  1000a5  b0 04                     mov    al,0x4
  1000a7  e6 40                     out    0x40,al
  1000a9  31 c0                     xor    eax,eax
  1000ab  e6 40                     out    0x40,al
  1000ad  31 c9                     xor    ecx,ecx
  1000af  fb                        sti
  loop:
  1000b0  41                        inc    ecx
  1000b1  e8 03 00 00 00            call   1000b9 <function>
  after_call:
  1000b6  42                        inc    edx
  1000b7  eb f7                     jmp    1000b0 <loop>
  function:
  1000b9  bf a0 0f 00 00            mov    edi,0xfa0
  wait:
  1000be  4f                        dec    edi
  1000bf  75 fd                     jne    1000be <wait>
  1000c1  c3                        ret
  tick:
  1000c2  50                        push   eax
  1000c3  ff 05 00 00 08 00         inc    DWORD PTR ds:0x80000
  1000c9  b0 20                     mov    al,0x20
  1000cb  e6 20                     out    0x20,al
  1000cd  58                        pop    eax
  1000ce  cf                        iret
  1000cf  90                        nop
  gdt:
  1000d8  ff                        (bad)
  1000d9  ff 00                     inc    DWORD PTR [eax]
  1000db  00 00                     add    BYTE PTR [eax],al
  1000dd  9b                        fwait
  1000de  cf                        iret
  1000df  00 ff                     add    bh,bh
  1000e1  ff 00                     inc    DWORD PTR [eax]
  1000e3  00 00                     add    BYTE PTR [eax],al
  1000e5  93                        xchg   ebx,eax
  1000e6  cf                        iret
  gdtr:
  1000e8  17                        pop    ss
  1000e9  00 d0                     add    al,dl
  1000eb  00 10                     add    BYTE PTR [eax],dl
  idtr:
  1000ee  ff 07                     inc    DWORD PTR [edi]
  1000f0  00 00                     add    BYTE PTR [eax],al
  1000f2  20 00                     and    BYTE PTR [eax],al
`);
