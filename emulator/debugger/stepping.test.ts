/** Steps into, over and out of code of every kind, in real and in protected mode. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listing, protectedGuest, realModeGuest } from './testing/test-guest.ts';
import type { TestGuest } from './testing/test-guest.ts';

const REAL = listing(`
  start:
  007c00  fa                        cli
  007c01  31 c0                     xor ax, ax
  007c03  8e d8                     mov ds, ax
  007c05  8e c0                     mov es, ax
  007c07  bc 00 70                  mov sp, 0x7000
  007c0a  c7 06 84 00 47 7c         mov word ptr [0x84], (handler - start) + 0x7c00  # INT 21h
  007c10  a3 86 00                  mov word ptr [0x86], ax
  near:
  007c13  e8 23 00                  call function
  far:
  007c16  9a                        .byte 0x9a  # call 0000:far_function
  007c17  3b 7c 00 00               .word (far_function - start) + 0x7c00, 0
  007c1b  bb 3d 7c                  mov bx, (pointer - start) + 0x7c00
  indirect:
  007c1e  ff 17                     call [bx]
  007c20  b9 05 00                  mov cx, 5
  recursion:
  007c23  e8 19 00                  call count_down
  software:
  007c26  cd 21                     int 0x21
  007c28  bf 00 80                  mov di, 0x8000
  007c2b  b9 40 9c                  mov cx, 40000
  007c2e  b0 55                     mov al, 0x55
  string:
  007c30  f3 aa                     rep stosb
  position:
  007c32  e8 00 00                  call next
  next:
  007c35  58                        pop ax
  end:
  007c36  f4                        hlt
  007c37  eb fd                     jmp end
  function:
  007c39  42                        inc dx
  007c3a  c3                        ret
  far_function:
  007c3b  42                        inc dx
  007c3c  cb                        retf
  pointer:
  007c3d  39 7c                     .word (function - start) + 0x7c00
  count_down:
  007c3f  49                        dec cx
  007c40  e3 04                     jcxz 1f
  inner:
  007c42  e8 fa ff                  call count_down
  after_inner:
  007c45  42                        inc dx
  007c46  c3                        ret
  handler:
  007c47  42                        inc dx
  007c48  cf                        iret
`);

const CALLS = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  0f 01 1d c6 00 10 00      lidt [idt_pointer]
  10004c  b9 05 00 00 00            mov ecx, 5
  near:
  100051  e8 2d 00 00 00            call function
  100056  bb 83 00 10 00            mov ebx, offset function
  indirect:
  10005b  ff d3                     call ebx
  10005d  6a 07                     push 7
  10005f  6a 08                     push 8
  arguments:
  100061  e8 1f 00 00 00            call takes_two  # RET 8
  recursion:
  100066  e8 23 00 00 00            call count_down
  software:
  10006b  cd 30                     int 0x30
  far:
  10006d  9a 8c 00 10 00 10 00      call 0x10, offset far_function
  100074  bd 00 00 00 00            mov ebp, 0
  frame:
  100079  e8 1c 00 00 00            call outer
  endless:
  10007e  e8 40 00 00 00            call never
  function:
  100083  42                        inc edx
  100084  c3                        ret
  takes_two:
  100085  8b 44 24 04               mov eax, [esp + 4]
  100089  c2 08 00                  ret 8
  far_function:
  10008c  42                        inc edx
  10008d  cb                        retf
  count_down:
  10008e  49                        dec ecx
  10008f  74 06                     jz 1f
  inner:
  100091  e8 f8 ff ff ff            call count_down
  after_inner:
  100096  42                        inc edx
  100097  c3                        ret
  handler:
  100098  42                        inc edx
  100099  cf                        iretd
  outer:
  10009a  55                        push ebp
  10009b  89 e5                     mov ebp, esp
  10009d  56                        push esi
  call_middle:
  10009e  e8 03 00 00 00            call middle
  after_middle:
  1000a3  5e                        pop esi
  1000a4  c9                        leave
  1000a5  c3                        ret
  middle:
  1000a6  83 ec 0c                  sub esp, 12  # no frame pointer, and EBP is still that of its caller
  1000a9  b9 03 00 00 00            mov ecx, 3
  1000ae  89 0c 24                  mov [esp], ecx
  again:
  1000b1  e8 cd ff ff ff            call function  # leaves a return address of its own in the frame
  after_again:
  1000b6  ff 0c 24                  dec dword ptr [esp]
  1000b9  75 f6                     jnz again
  in_middle:
  1000bb  6a 01                     push 1
  1000bd  6a 02                     push 2
  deep:
  1000bf  83 c4 14                  add esp, 20
  1000c2  c3                        ret
  never:
  1000c3  40                        inc eax
  1000c4  eb fd                     jmp never
  idt_pointer:
  1000c6  87 01                     .word 0x187
  1000c8  50 01 10 00               .long idt
  idt:
  100150  00 00 00 00               .long 0
  1002d0  98 00 10 00 00 8e 10 00   .word (handler - start) + 0x40, 0x10, 0x8e00, 0x10
`);

const FAULTS = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  0f 01 1d 8f 00 10 00      lidt [idt_pointer]
  undefined:
  10004c  0f 0b                     ud2
  after_ud2:
  10004e  31 c9                     xor ecx, ecx
  divide:
  100050  f7 f1                     div ecx
  after_div:
  100052  9c                        pushfd
  100053  81 0c 24 00 01 00 00      or dword ptr [esp], 0x100
  enable:
  10005a  9d                        popfd  # TF
  traced:
  10005b  90                        nop
  10005c  90                        nop
  10005d  9c                        pushfd
  10005e  81 24 24 ff fe ff ff      and dword ptr [esp], ~0x100
  disable:
  100065  9d                        popfd  # traps once more
  after_trace:
  100066  be 00 00 0a 00            mov esi, 0xa0000
  10006b  b9 04 00 00 00            mov ecx, 4
  100070  bf 00 00 20 00            mov edi, 0x200000
  100075  a1 00 f0 ff 3f            mov eax, [0x3ffff000]
  missing:
  10007a  0f 01 c9                  .byte 0x0f, 0x01, 0xc9  # MWAIT, which the model does not have
  10007d  f4                        hlt
  on_undefined:
  10007e  83 04 24 02               add dword ptr [esp], 2
  100082  cf                        iretd
  on_divide:
  100083  83 04 24 02               add dword ptr [esp], 2
  100087  cf                        iretd
  on_trap:
  100088  ff 05 95 00 10 00         inc dword ptr [traps]
  10008e  cf                        iretd
  idt_pointer:
  10008f  37 00                     .word 0x37
  100091  50 01 10 00               .long idt
  traps:
  100095  00 00 00 00               .long 0
  idt:
  100150  83 00 10 00 00 8e 10 00   .word (on_divide - start) + 0x40, 0x10, 0x8e00, 0x10
  100158  88 00 10 00 00 8e 10 00   .word (on_trap - start) + 0x40, 0x10, 0x8e00, 0x10
  100180  7e 00 10 00 00 8e 10 00   .word (on_undefined - start) + 0x40, 0x10, 0x8e00, 0x10
`);

const hex = (value: number): string => value.toString(16);

/** Steps and asserts where it ended. */
function steps(guest: TestGuest, mode: 'stepIn' | 'stepOver' | 'stepOut', label: string): void {
  assert.equal(hex(guest.step(mode)), hex(guest.code.at(label)), `${mode} ends at ${label}`);
}

describe('in real mode', () => {
  test('a step executes one instruction and goes into calls and interrupts', () => {
    const guest = realModeGuest(REAL);
    assert.equal(guest.step(), 0x7c01);
    assert.equal(guest.retired, 1);
    for (const [from, to] of [
      ['near', 'function'],
      ['far', 'far_function'],
      ['indirect', 'function'],
      ['recursion', 'count_down'],
      ['software', 'handler'],
    ] as const) {
      guest.runTo(from);
      steps(guest, 'stepIn', to);
    }
    assert.equal(guest.register('esp'), 0x7000 - 6, 'FLAGS, CS and IP');
  });

  test('a step over runs what is called to its end', () => {
    const guest = realModeGuest(REAL);
    for (const [from, next, calls] of [
      ['near', 'far', 1],
      ['far', null, 2],
      ['indirect', null, 3],
      // of the five activations four add one
      ['recursion', 'software', 7],
      ['software', null, 8],
    ] as const) {
      guest.runTo(from);
      const length = next === null ? lengthAt(guest) : guest.code.at(next) - guest.code.at(from);
      assert.equal(hex(guest.step('stepOver')), hex(guest.code.at(from) + length));
      assert.equal(guest.register('dx'), calls);
      assert.equal(guest.register('esp'), 0x7000);
    }
  });

  test('a step over a recursive call ends in the activation in which it began', () => {
    const guest = realModeGuest(REAL);
    guest.runTo('inner');
    assert.equal(guest.register('cx'), 4);
    steps(guest, 'stepOver', 'after_inner');
    assert.equal(guest.register('cx'), 0);
    assert.equal(guest.register('dx'), 3 + 3, 'before it, and in the inner ones');
    assert.equal(guest.register('esp'), 0x7000 - 2);
  });

  test('a repeated string instruction is one step over, and pauses as a step in', () => {
    const over = realModeGuest(REAL);
    over.runTo('string');
    const before = over.retired;
    steps(over, 'stepOver', 'position');
    assert.equal(over.register('cx'), 0);
    assert.equal(over.register('di'), (0x8000 + 40_000) & 0xffff);

    const into = realModeGuest(REAL);
    into.runTo('string');
    const counts: number[] = [];
    while (into.eip === REAL.at('string')) {
      into.step();
      counts.push(into.register('cx'));
    }
    // it pauses where CX is a multiple of 16,384 (cpu/instructions/string.ts)
    assert.deepEqual(counts, [32_768, 16_384, 0]);
    assert.equal(into.retired - before, 3);
    assert.equal(over.retired, into.retired, 'the same history');
  });

  test('a call that only asks for EIP is no call to step over', () => {
    const guest = realModeGuest(REAL);
    guest.runTo('position');
    steps(guest, 'stepOver', 'next');
    assert.equal(guest.register('esp'), 0x7000 - 2);
  });

  test('HLT that nothing can wake ends the step as such', () => {
    const guest = realModeGuest(REAL);
    guest.runTo('end');
    assert.deepEqual(guest.go('stepIn'), { kind: 'halted-forever' });
    assert.equal(guest.eip, REAL.at('end') + 1);
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
  });

  test('out of a function, a recursion and a handler', () => {
    const guest = realModeGuest(REAL);
    guest.runTo('function');
    steps(guest, 'stepOut', 'far');
    guest.runTo('far_function');
    assert.equal(hex(guest.step('stepOut')), hex(REAL.at('far') + 5));
    guest.runTo('inner');
    steps(guest, 'stepOut', 'software');
    guest.runTo('handler');
    assert.equal(hex(guest.step('stepOut')), hex(REAL.at('software') + 2));
  });
});

function lengthAt(guest: TestGuest): number {
  return guest.port.disassemble(guest.eip, 0, 1)[0].bytes.length;
}

describe('in protected mode', () => {
  test('a step goes into calls and through gates', () => {
    const guest = protectedGuest(CALLS);
    for (const [from, to] of [
      ['near', 'function'],
      ['indirect', 'function'],
      ['arguments', 'takes_two'],
      ['software', 'handler'],
      ['far', 'far_function'],
    ] as const) {
      guest.runTo(from);
      steps(guest, 'stepIn', to);
    }
  });

  test('a step over runs what is called to its end', () => {
    const guest = protectedGuest(CALLS);
    for (const from of ['near', 'indirect', 'arguments', 'recursion', 'software', 'far', 'frame']) {
      guest.runTo(from);
      const next = CALLS.at(from) + lengthAt(guest);
      assert.equal(hex(guest.step('stepOver')), hex(next), `over ${from}`);
      assert.equal(guest.register('esp'), 0x90000, 'RET 8 takes its arguments with it');
    }
    // near, indirect, software and far one each, the recursion four, the frame three
    assert.equal(guest.register('edx'), 11);
  });

  test('a call that never returns stays running and can be paused', () => {
    const guest = protectedGuest(CALLS);
    guest.runTo('endless');
    guest.port.resume({ kind: 'stepOver' });
    assert.deepEqual(guest.port.run(10_000), { kind: 'budget' });
    assert.deepEqual(guest.port.run(10_000), { kind: 'budget' });
    guest.port.requestPause();
    assert.deepEqual(guest.port.run(10_000), { kind: 'pause' });
    assert.ok(guest.eip >= CALLS.at('never'));
    assert.deepEqual(guest.go('stepIn'), { kind: 'step' });
  });

  test('a budget of one instruction is enough for every step', () => {
    const guest = protectedGuest(CALLS);
    guest.runTo('frame');
    guest.port.resume({ kind: 'stepOver' });
    const { retired } = guest;
    let runs = 0;
    for (; guest.port.run(1).kind === 'budget'; runs++) {
      assert.ok(guest.retired - retired <= runs + 1);
    }
    assert.equal(guest.eip, CALLS.at('endless'));
  });

  test('out of a function with a frame pointer and one without', () => {
    for (const [inside, outside] of [
      ['outer', 'endless'],
      ['call_middle', 'endless'],
      ['after_middle', 'endless'],
      ['middle', 'after_middle'],
      ['again', 'after_middle'],
      ['after_again', 'after_middle'],
      ['in_middle', 'after_middle'],
      ['deep', 'after_middle'],
    ] as const) {
      const guest = protectedGuest(CALLS);
      guest.runTo(inside);
      steps(guest, 'stepOut', outside);
    }
  });

  test('out of nested calls, one after the other', () => {
    const guest = protectedGuest(CALLS);
    guest.runTo('middle');
    guest.runTo('function');
    steps(guest, 'stepOut', 'after_again');
    steps(guest, 'stepOut', 'after_middle');
    steps(guest, 'stepOut', 'endless');
  });

  test('out of a recursion, an interrupt handler and a far function', () => {
    const guest = protectedGuest(CALLS);
    guest.runTo('inner');
    steps(guest, 'stepIn', 'count_down');
    steps(guest, 'stepOut', 'after_inner');
    assert.equal(guest.register('esp'), 0x90000 - 4);
    steps(guest, 'stepOut', 'software');
    guest.runTo('handler');
    steps(guest, 'stepOut', 'far');
    guest.runTo('far_function');
    assert.equal(hex(guest.step('stepOut')), hex(CALLS.at('far') + 7));
  });

  test('out of a function that never returns is going on', () => {
    const guest = protectedGuest(CALLS);
    guest.runTo('never');
    guest.port.resume({ kind: 'stepOut' });
    assert.deepEqual(guest.port.run(100_000), { kind: 'budget' });
    assert.equal(guest.register('eax'), guest.register('eax'));
    assert.ok(guest.retired > 100_000, 'at full speed');
  });

  test('out of a function whose way out cannot be read ahead, by hand', () => {
    const guest = protectedGuest(CALLS);
    guest.runTo('in_middle');
    // JMP [ESP+20h] instead of its end would be the same to the guest
    guest.port.writeMemory('linear', CALLS.at('deep'), Uint8Array.of(0x83, 0xc4, 0x14, 0xc3));
    guest.port.writeMemory(
      'linear',
      CALLS.at('in_middle'),
      Uint8Array.of(0xff, 0x25, 0, 2, 0x20, 0),
    );
    guest.port.writeMemory('linear', 0x200200, word(CALLS.at('in_middle') + 6));
    // ADD ESP, 12; RET comes after it now
    guest.port.writeMemory('linear', CALLS.at('in_middle') + 6, Uint8Array.of(0xc4, 0x0c, 0xc3));
    guest.port.writeMemory('linear', CALLS.at('in_middle') + 5, Uint8Array.of(0));
    guest.port.writeMemory('linear', 0x200200, word(0x200300));
    guest.port.writeMemory('linear', 0x200300, Uint8Array.of(0x83, 0xc4, 0x0c, 0xc3));
    steps(guest, 'stepOut', 'after_middle');
  });
});

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

for (const [name, options] of [
  ['natively', {}],
  ['through the hypervisor', { interface: 'kvm', exits: { exceptions: true } }],
] as const) {
  describe(`exceptions that are delivered ${name}`, () => {
    test('end a step at the handler', () => {
      for (const mode of ['stepIn', 'stepOver'] as const) {
        const guest = protectedGuest(FAULTS, options);
        guest.runTo('undefined');
        const { retired } = guest;
        steps(guest, mode, 'on_undefined');
        assert.equal(guest.retired, retired, 'UD2 does not retire');
        assert.equal(guest.register('esp'), 0x90000 - 12);
        guest.runTo('divide');
        steps(guest, mode, 'on_divide');
        steps(guest, 'stepOut', 'after_div');
      }
    });

    test('of TF end it there too, after the instruction', () => {
      const guest = protectedGuest(FAULTS, options);
      guest.runTo('enable');
      steps(guest, 'stepIn', 'traced');
      for (const at of [1, 2, 3]) {
        const { retired } = guest;
        steps(guest, 'stepIn', 'on_trap');
        assert.equal(guest.retired, retired + 1);
        assert.equal(hex(guest.step('stepOut')), hex(FAULTS.at('traced') + at));
      }
      guest.runTo('disable');
      steps(guest, 'stepOver', 'on_trap');
      steps(guest, 'stepOut', 'after_trace');
      const { retired } = guest;
      assert.equal(guest.register(`u32[${FAULTS.at('traps')}]`), 5);
      guest.step();
      assert.equal(guest.retired, retired + 1, 'and no trap');
    });

    test('do not end a continue from a breakpoint, which is not met a second time', () => {
      const guest = protectedGuest(FAULTS, options);
      guest.port.setInstructionBreakpoints([
        { id: 1, address: FAULTS.at('undefined') },
        { id: 2, address: FAULTS.at('after_ud2') },
      ]);
      assert.deepEqual(guest.go('continue'), { kind: 'breakpoint', ids: [1] });
      // a handler that repairs the instruction and returns to it
      guest.port.writeMemory('linear', FAULTS.at('on_undefined'), Uint8Array.of(0x66, 0xc7, 0x05));
      guest.port.writeMemory('linear', FAULTS.at('on_undefined') + 3, word(FAULTS.at('undefined')));
      guest.port.writeMemory(
        'linear',
        FAULTS.at('on_undefined') + 7,
        Uint8Array.of(0x90, 0x90, 0xcf),
      );
      assert.deepEqual(guest.go('continue'), { kind: 'breakpoint', ids: [2] });
    });
  });
}
