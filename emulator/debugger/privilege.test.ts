/** Steps and call stacks across privilege levels and address spaces. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StackFrame } from '../debug-port.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const RINGS = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  0f 01 15 ab 00 10 00      lgdt [gdt_pointer]
  10004c  0f 01 1d b1 00 10 00      lidt [idt_pointer]
  100053  ea 5a 00 10 00 08 00      jmp 0x08, offset loaded
  loaded:
  10005a  b8 10 00 00 00            mov eax, 0x10
  10005f  8e d0                     mov ss, eax
  100061  8e d8                     mov ds, eax
  100063  8e c0                     mov es, eax
  100065  b8 28 00 00 00            mov eax, 0x28
  10006a  0f 00 d8                  ltr ax
  10006d  6a 23                     push 0x23  # SS, ESP, EFLAGS, CS and EIP of ring 3
  10006f  68 00 00 08 00            push 0x80000
  100074  6a 02                     push 2
  100076  6a 1b                     push 0x1b
  100078  68 7e 00 10 00            push offset user
  to_user:
  10007d  cf                        iretd
  user:
  10007e  b8 05 00 00 00            mov eax, 5
  call_user:
  100083  e8 09 00 00 00            call user_function
  after_call:
  100088  90                        nop
  system:
  100089  cd 80                     int 0x80
  after_system:
  10008b  90                        nop
  exchange:
  10008c  cd 81                     int 0x81
  after_exchange:
  10008e  47                        inc edi
  10008f  eb ed                     jmp user
  user_function:
  100091  56                        push esi
  100092  cd 80                     int 0x80
  100094  5e                        pop esi
  100095  c3                        ret
  handler:
  100096  43                        inc ebx
  100097  e8 01 00 00 00            call kernel_function
  after_kernel:
  10009c  cf                        iretd
  kernel_function:
  10009d  42                        inc edx
  10009e  c3                        ret
  switcher:
  10009f  0f 20 d8                  mov eax, cr3  # the other address space, in which the same code runs
  1000a2  35 00 10 00 00            xor eax, 0x1000
  1000a7  0f 22 d8                  mov cr3, eax
  1000aa  cf                        iretd
  gdt_pointer:
  1000ab  2f 00                     .word 0x2f
  1000ad  00 01 10 00               .long gdt
  idt_pointer:
  1000b1  0f 04                     .word 0x40f
  1000b3  40 02 10 00               .long idt
  gdt:
  100100  00 00 00 00 00 00 00 00   .long 0, 0
  100108  ff ff 00 00 00 9b cf 00   .long 0x0000ffff, 0x00cf9b00
  100110  ff ff 00 00 00 93 cf 00   .long 0x0000ffff, 0x00cf9300
  100118  ff ff 00 00 00 fb cf 00   .long 0x0000ffff, 0x00cffb00
  100120  ff ff 00 00 00 f3 cf 00   .long 0x0000ffff, 0x00cff300
  100128  67 00 30 01 10 89 00 00   .word 0x67, (tss - start) + 0x40, 0x8910, 0
  tss:
  100130  00 00 00 00 00 f0 08 00 10 00 00 00  .long 0, 0x8f000, 0x10
  idt:
  100240  00 00 00 00               .long 0
  100640  96 00 08 00 00 ee 10 00   .word (handler - start) + 0x40, 0x08, 0xee00, 0x10
  100648  9f 00 08 00 00 ee 10 00   .word (switcher - start) + 0x40, 0x08, 0xee00, 0x10
`);
/** Two page directories that differ in one bit of their address, each one user page of 4 MiB. */
const DIRECTORY = 0x8000;

function start(): TestGuest {
  const guest = protectedGuest(RINGS);
  const page = Uint8Array.of(0x87, 0, 0, 0);
  guest.port.writeMemory('physical', DIRECTORY, page);
  guest.port.writeMemory('physical', DIRECTORY + 0x1000, page);
  guest.port.writeRegister('cr4.pse', 1);
  guest.port.writeRegister('cr3', DIRECTORY);
  guest.port.writeRegister('cr0.pg', 1);
  return guest;
}
const hex = (value: number): string => value.toString(16);
function at(guest: TestGuest, label: string, cpl: number): void {
  assert.equal(hex(guest.eip), hex(RINGS.at(label)));
  assert.equal(guest.port.position().cpl, cpl);
}

describe('across privilege levels', () => {
  test('steps go into the kernel and back', () => {
    const guest = start();
    guest.runTo('to_user');
    guest.step();
    at(guest, 'user', 3);
    guest.runTo('system');
    guest.step();
    at(guest, 'handler', 0);
    assert.equal(guest.register('esp'), 0x8f000 - 20, 'the stack of the TSS');
    guest.step('stepOut');
    at(guest, 'after_system', 3);
    assert.equal(guest.register('esp'), 0x80000);
  });

  test('steps over system calls and functions that make them', () => {
    const guest = start();
    guest.runTo('call_user');
    guest.step('stepOver');
    at(guest, 'after_call', 3);
    assert.equal(guest.register('edx'), 1);
    guest.runTo('system');
    guest.step('stepOver');
    at(guest, 'after_system', 3);
    assert.equal(guest.register('edx'), 2);
  });

  test('steps out of a kernel function, its handler, and the user function below', () => {
    const guest = start();
    guest.runTo('user_function');
    guest.runTo('kernel_function');
    guest.step('stepOut');
    at(guest, 'after_kernel', 0);
    guest.step('stepOut');
    assert.equal(guest.port.disassemble(guest.eip, 0, 1)[0].text, 'pop esi');
    guest.step('stepOut');
    at(guest, 'after_call', 3);
  });

  test('a step over ends in the address space in which it began', () => {
    const guest = start();
    guest.runTo('exchange');
    const { edi, cr3 } = { edi: guest.register('edi'), cr3: guest.register('cr3') };
    guest.step('stepOver');
    at(guest, 'after_exchange', 3);
    assert.equal(guest.register('cr3'), cr3);
    // the other process has come by in between, with the same code and stack
    assert.equal(guest.register('edi'), edi + 1);
  });
});

describe('the call stack', () => {
  const stack = (guest: TestGuest): readonly string[] =>
    guest.port.stack(10).map(({ linearEip }) => hex(linearEip));

  test('is known without frame pointers, from any instruction of a function', () => {
    const guest = start();
    guest.runTo('user_function');
    for (let n = 0; n < 4; n++) {
      assert.deepEqual(stack(guest), [hex(guest.eip), hex(RINGS.at('after_call'))]);
      guest.step('stepOver');
    }
  });

  test('leads from a handler to what it interrupted', () => {
    const guest = start();
    guest.runTo('system');
    guest.step();
    assert.deepEqual(stack(guest), [hex(RINGS.at('handler')), hex(RINGS.at('after_system'))]);
    guest.runTo('kernel_function');
    assert.deepEqual(stack(guest).slice(0, 2), [
      hex(RINGS.at('kernel_function')),
      hex(RINGS.at('after_kernel')),
    ]);
  });

  test('goes on below a trap, on the stack and at the level of the code that it interrupted', () => {
    const guest = start();
    guest.runTo('user_function');
    guest.runTo('kernel_function');
    const frames = guest.port.stack(10);
    assert.deepEqual(
      frames.map(({ linearEip, cpl, isInterrupted }) => [hex(linearEip), cpl, isInterrupted]),
      [
        [hex(RINGS.at('kernel_function')), 0, true],
        [hex(RINGS.at('after_kernel')), 0, false],
        ['100094', 3, true],
        [hex(RINGS.at('after_call')), 3, false],
      ],
    );
    assert.deepEqual(
      frames.map(({ stackPointer }) => hex(stackPointer)),
      [hex(0x8f000 - 24), hex(0x8f000 - 20), hex(0x80000 - 8), hex(0x80000)],
    );
  });

  describe('above registers as Linux saves them (struct pt_regs)', () => {
    const STACK = 0x8e000;
    const SAVED = [3, 1, 2, 6, 7, 5, 0];
    const user = [0x80_1000, 0x1b, 0x202, 0x7_0000, 0x23];
    /** The caller of code whose stack pointer points to these words. */
    function callerOf(words: readonly number[]): StackFrame | undefined {
      const guest = start();
      guest.runTo('system');
      guest.step();
      guest.port.writeMemory('linear', STACK, new Uint8Array(Uint32Array.from(words).buffer));
      const [top] = guest.port.stack(1);
      const linearEip = RINGS.at('idt');
      return guest.port.stack(2, { ...top, eip: linearEip, linearEip, stackPointer: STACK, isInterrupted: false })[1]; // prettier-ignore
    }
    const saved = (selectors: number): number[] => [...SAVED.map((number) => 0x100 + number), ...Array.from({ length: selectors }, () => 0x23), 0xffffffff]; // prettier-ignore

    test('user code has all its registers, with two to four selectors saved', () => {
      for (const selectors of [4, 3, 2]) {
        const caller = callerOf([...saved(selectors), ...user]);
        assert.equal(caller?.linearEip, user[0]);
        assert.equal(caller.cpl, 3);
        assert.deepEqual(caller.registers, [0x100, 0x101, 0x102, 0x103, user[3], 0x105, 0x106, 0x107]); // prettier-ignore
      }
    });
    test('kernel code goes on behind the hardware frame, or where its completed frame says', () => {
      const plain = callerOf([...saved(4), 0x10_0050, 8, 0x202, 0, 0]);
      assert.deepEqual([plain?.linearEip, plain?.cpl], [0x10_0050, 0]);
      assert.equal(plain?.stackPointer, STACK + 15 * 4);
      const completed = callerOf([...saved(4), 0x10_0050, 8, 0x202, STACK + 23 * 4, 0x10]);
      assert.equal(completed?.stackPointer, STACK + 23 * 4);
    });
    test('code of virtual-8086 mode is in its segments', () => {
      const caller = callerOf([...saved(4), 0x123, 0x2000, 0x2_0202, 0xfff0, 0x3000]);
      assert.deepEqual([caller?.linearEip, caller?.mode], [0x2_0123, 'v86']);
      assert.deepEqual([caller?.stackBase, caller?.stackPointer], [0x3_0000, 0xfff0]);
    });
    test('words that cannot be such a frame are none', () => {
      const [eip = 0, cs = 0, flags = 0, esp = 0, ss = 0] = user;
      for (const words of [
        [eip, cs, flags & ~2, esp, ss],
        [eip, cs, flags | 0x8000, esp, ss],
        [eip, 0, flags, esp, ss],
        [eip, 0x13, flags, esp, ss],
        [eip, 0x203, flags, esp, ss],
        [eip, cs, flags, esp, 0x10],
      ])
        assert.equal(callerOf([...saved(4), ...words]), undefined, words.map(hex).join());
    });
  });

  test('has no more frames than asked, and none that are invented', () => {
    const guest = start();
    assert.deepEqual(stack(guest), [hex(RINGS.at('start'))]);
    guest.runTo('user_function');
    assert.equal(guest.port.stack(1).length, 1);
    assert.equal(guest.port.stack(0).length, 0);
    for (const limit of [-1, NaN, 1.5]) assert.throws(() => guest.port.stack(limit), RangeError);
  });
});
