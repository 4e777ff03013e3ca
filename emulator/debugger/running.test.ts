/** Runs that wait, end, or never get anywhere: what a debugger is told, and that it is told soon. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const IDLE = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  0f 01 1d a1 00 10 00      lidt [idt_pointer]
  10004c  b0 11                     mov al, 0x11  # 8259A: vectors from 20h
  10004e  e6 20                     out 0x20, al
  100050  b0 20                     mov al, 0x20
  100052  e6 21                     out 0x21, al
  100054  b0 04                     mov al, 4
  100056  e6 21                     out 0x21, al
  100058  b0 01                     mov al, 1
  10005a  e6 21                     out 0x21, al
  mask:
  10005c  b0 ef                     mov al, 0xef  # IRQ 4 alone
  10005e  e6 21                     out 0x21, al
  timer:
  100060  eb 0c                     jmp no_timer  # two NOPs instead let the timer run
  100062  b0 34                     mov al, 0x34  # 8254: counter 0 in mode 2, a tick every millisecond
  100064  e6 43                     out 0x43, al
  100066  b0 a9                     mov al, 0xa9
  100068  e6 40                     out 0x40, al
  10006a  b0 04                     mov al, 4
  10006c  e6 40                     out 0x40, al
  no_timer:
  10006e  ba fc 03 00 00            mov edx, 0x3fc
  100073  b0 08                     mov al, 8  # 16550A: OUT2 lets interrupts through, of received bytes
  100075  ee                        out dx, al
  100076  ba f9 03 00 00            mov edx, 0x3f9
  10007b  b0 01                     mov al, 1
  10007d  ee                        out dx, al
  10007e  fb                        sti
  wait:
  10007f  f4                        hlt
  woken:
  100080  45                        inc ebp
  100081  eb fc                     jmp wait
  received:
  100083  50                        push eax
  100084  52                        push edx
  100085  ba f8 03 00 00            mov edx, 0x3f8
  10008a  ec                        in al, dx
  10008b  a2 a7 00 10 00            mov [typed], al
  100090  eb 08                     jmp done
  tick:
  100092  50                        push eax
  100093  52                        push edx
  100094  ff 05 ab 00 10 00         inc dword ptr [ticks]
  done:
  10009a  b0 20                     mov al, 0x20
  10009c  e6 20                     out 0x20, al
  10009e  5a                        pop edx
  10009f  58                        pop eax
  1000a0  cf                        iretd
  idt_pointer:
  1000a1  27 01                     .word 0x127
  1000a3  50 01 10 00               .long idt
  typed:
  1000a7  00 00 00 00               .long 0
  ticks:
  1000ab  00 00 00 00               .long 0
  idt:
  100150  00 00 00 00               .long 0
  100250  92 00 10 00 00 8e 10 00   .word (tick - start) + 0x40, 0x10, 0x8e00, 0x10
  100270  83 00 10 00 00 8e 10 00   .word (received - start) + 0x40, 0x10, 0x8e00, 0x10
`);

const STORMS = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  0f 01 1d 60 00 10 00      lidt [idt_pointer]
  fault:
  10004c  0f 0b                     ud2  # its own handler
  talk:
  10004e  ba f8 03 00 00            mov edx, 0x3f8
  again:
  100053  ee                        out dx, al
  100054  eb fd                     jmp again
  off:
  100056  b0 03                     mov al, 3
  100058  e6 f4                     out 0xf4, al
  missing:
  10005a  0f 01 d0                  xgetbv          # an instruction that is not implemented
  after_missing:
  10005d  90                        nop
  10005e  90                        nop
  on_undefined:
  10005f  f4                        hlt
  idt_pointer:
  100060  37 00                     .word 0x37
  100062  50 01 10 00               .long idt
  idt:
  100150  00 00 00 00               .long 0
  100180  4c 00 10 00 00 8e 10 00   .word (fault - start) + 0x40, 0x10, 0x8e00, 0x10
`);

/** A guest that waits for input and, if asked, for a tick every millisecond. */
function waiting(timer: boolean): TestGuest {
  const guest = protectedGuest(IDLE);
  const nops = Uint8Array.of(0x90, 0x90);
  if (timer) {
    guest.port.writeMemory('linear', IDLE.at('timer'), nops);
    guest.port.writeMemory('linear', IDLE.at('mask') + 1, Uint8Array.of(0xee));
  }
  guest.port.resume({ kind: 'continue' });
  return guest;
}
const typed = (guest: TestGuest): number => guest.register(`u8[${IDLE.at('typed')}]`);
const ticks = (guest: TestGuest): number => guest.register(`u32[${IDLE.at('ticks')}]`);

describe('a guest that waits', () => {
  test('for input alone is idle until it comes', () => {
    const guest = waiting(false);
    const idle = { kind: 'idle', wakeAt: Infinity };
    assert.deepEqual(guest.port.run(1000), idle);
    assert.deepEqual(guest.port.run(1000), idle);
    assert.equal(guest.eip, IDLE.at('woken'));
    const { time } = guest.port.position();
    guest.port.sendSerialInput(Uint8Array.of(0x61));
    // the line needs its time for a character
    const arrival = guest.port.run(1000);
    assert.ok(arrival.kind === 'idle' && arrival.wakeAt < time + 1e6);
    assert.deepEqual(guest.on(1000), idle);
    assert.equal(typed(guest), 0x61);
    assert.equal(guest.register('ebp'), 1);
  });

  test('for a timer says until when, and is there with the next run', () => {
    const guest = waiting(true);
    for (let n = 0; n < 5; n++) {
      const stop = guest.port.run(1_000_000);
      assert.equal(stop.kind, 'idle', 'each wait is told');
      const wakeAt = stop.kind === 'idle' ? stop.wakeAt : 0;
      assert.equal(ticks(guest), n);
      // 1193 periods of the 8254 (1.193182 MHz) are 0.99985 ms
      const { time } = guest.port.position();
      assert.ok(wakeAt > time && wakeAt - time < 1e6);
      guest.port.run(1);
      assert.ok(guest.port.position().time >= wakeAt);
    }
  });

  test('does not skip its wait when something else wakes the host', () => {
    const guest = waiting(true);
    guest.port.writeMemory('linear', IDLE.at('mask') + 1, Uint8Array.of(0xfe));
    const first = guest.port.run(1_000_000);
    assert.equal(first.kind, 'idle');
    const { time } = guest.port.position();
    guest.port.sendSerialInput(Uint8Array.of(0x61));
    const second = guest.port.run(1_000_000);
    assert.equal(guest.port.position().time, time);
    // until the character is there, which the guest has masked; then as before
    assert.ok(second.kind === 'idle' && first.kind === 'idle' && second.wakeAt < first.wakeAt);
    assert.deepEqual(guest.port.run(1_000_000), first);
    assert.equal(guest.port.position().time, second.wakeAt);
  });

  test('can be paused, looked at and stepped', () => {
    const guest = waiting(true);
    assert.equal(guest.port.run(1_000_000).kind, 'idle');
    guest.port.requestPause();
    assert.deepEqual(guest.port.run(1_000_000), { kind: 'pause' });
    assert.equal(guest.eip, IDLE.at('woken'));
    const { retired } = guest;
    // the tick comes first, eight instructions of its handler
    assert.equal(guest.step(), IDLE.at('woken') + 1);
    assert.equal(ticks(guest), 1);
    assert.equal(guest.retired, retired + 9);
  });

  test('is paused in the middle of a step too, which then is over', () => {
    const guest = waiting(false);
    assert.equal(guest.port.run(1_000_000).kind, 'idle');
    guest.port.resume({ kind: 'stepIn' });
    assert.equal(guest.port.run(1_000_000).kind, 'idle');
    guest.port.requestPause();
    assert.deepEqual(guest.port.run(1_000_000), { kind: 'pause' });
    guest.port.sendSerialInput(Uint8Array.of(0x62));
    assert.equal(guest.step(), IDLE.at('woken') + 1);
    assert.equal(typed(guest), 0x62);
  });
});

describe('an end', () => {
  test('is told again by every run: power-off', () => {
    const guest = protectedGuest(STORMS);
    guest.port.writeRegister('eip', STORMS.at('off'));
    const end = guest.go('continue');
    assert.equal(end.kind, 'power-off');
    assert.equal(end.kind === 'power-off' && end.code, 3);
    for (const mode of ['continue', 'stepIn', 'stepOver', 'stepOut'] as const) {
      assert.deepEqual(guest.go(mode), end);
    }
  });

  for (const type of ['bare', 'kvm'] as const) {
    test(`leaves everything to look at: triple fault, ${type}`, () => {
      const guest = protectedGuest(STORMS, { interface: type });
      guest.runTo('fault');
      guest.port.writeRegister('idtr.limit', 0);
      const end = guest.go('continue');
      assert.equal(end.kind, 'triple-fault');
      assert.match(end.kind === 'triple-fault' ? end.description : '', /#UD at 0x10004c, then /);
      assert.deepEqual(guest.go('stepIn'), end);
      assert.deepEqual(guest.go('continue'), end);
      assert.equal(guest.eip, STORMS.at('fault'));
      assert.equal(guest.register('esp'), 0x90000);
      assert.equal(guest.port.disassemble(guest.eip, 0, 1)[0].text, 'ud2');
      assert.ok(guest.port.stack(5).length >= 1);
    });
  }
});

describe('an instruction that is not implemented', () => {
  /** On a processor that is said to have XSAVE. */
  function atMissing(): TestGuest {
    const guest = protectedGuest(STORMS);
    (guest.machine.cpu.model.features as Set<string>).add('xsave');
    guest.runTo('fault');
    const { idt } = { idt: guest.register('idtr.base') };
    const handler = STORMS.at('on_undefined');
    guest.port.writeMemory('linear', idt + 48, Uint8Array.of(handler, (handler >> 8) & 0xff));
    guest.port.writeRegister('eip', STORMS.at('missing'));
    assert.deepEqual(guest.go('continue'), {
      kind: 'unimplemented',
      instruction: 'xgetbv',
      bytes: '0f 01 d0',
    });
    assert.equal(guest.eip, STORMS.at('missing'));
    return guest;
  }
  test('is #UD for the guest when it goes on', () => {
    const guest = atMissing();
    assert.deepEqual(guest.go('continue'), { kind: 'halted-forever' });
    assert.equal(guest.register('u32[esp]'), STORMS.at('missing'));
  });
  test('ends a step at the handler', () => {
    const guest = atMissing();
    assert.equal(guest.step(), STORMS.at('on_undefined'));
  });
  test('is passed when EIP is moved behind it, or something else put in its place', () => {
    const moved = atMissing();
    moved.port.writeRegister('eip', STORMS.at('after_missing'));
    assert.equal(moved.step(), STORMS.at('after_missing') + 1);
    const replaced = atMissing();
    replaced.port.writeMemory('linear', STORMS.at('missing'), Uint8Array.of(0x90, 0x90, 0x90));
    assert.equal(replaced.step(), STORMS.at('missing') + 1);
  });
});

describe('run() returns', () => {
  test('within its budget', () => {
    const guest = protectedGuest(STORMS);
    guest.port.writeMemory('linear', STORMS.at('fault'), Uint8Array.of(0xeb, 0xfe));
    for (const budget of [0, 1, 2, 63, 64, 65, 1000, 123_456]) {
      const before = guest.retired;
      guest.port.resume({ kind: 'continue' });
      assert.deepEqual(guest.port.run(budget), { kind: 'budget' });
      assert.ok(guest.retired - before <= budget);
    }
    for (const budget of [-1, 1.5, NaN, Infinity]) {
      assert.throws(() => guest.port.run(budget), RangeError);
    }
  });

  for (const [name, options] of [
    ['exceptions', {}],
    ['exits', { interface: 'kvm', exits: { exceptions: true } }],
  ] as const) {
    test(`from ${name} without end and without an instruction`, () => {
      const guest = protectedGuest(STORMS, options);
      for (const [mode, condition] of [
        ['continue', null],
        ['continue', 'eax == 1'],
        ['stepOut', 'eax == 1'],
        ['stepOver', null],
      ] as const) {
        const breakpoint = { id: 1, address: STORMS.at('fault') };
        guest.port.setInstructionBreakpoints(
          condition === null ? [] : [{ ...breakpoint, condition }],
        );
        const start = performance.now();
        guest.port.resume({ kind: mode });
        for (let n = 0; n < 3; n++) guest.port.run(1e9);
        assert.ok(performance.now() - start < 3000, `${mode} ${String(condition)}`);
      }
      assert.equal(guest.retired, 2);
    });
  }

  test('from output that nobody takes, stepping or not', () => {
    const guest = protectedGuest(STORMS);
    guest.port.writeRegister('eip', STORMS.at('talk'));
    guest.port.resume({ kind: 'continue' });
    for (let n = 0; n < 200; n++) assert.deepEqual(guest.port.run(100_000), { kind: 'budget' });
    const { retired } = guest;
    for (const mode of ['stepIn', 'stepOver', 'stepOut'] as const) {
      guest.port.resume({ kind: mode });
      assert.deepEqual(guest.port.run(100_000), { kind: 'budget' });
    }
    assert.equal(guest.retired, retired);
    assert.ok(guest.port.takeSerialOutput().length > 60_000);
    guest.port.resume({ kind: 'stepIn' });
    assert.deepEqual(guest.port.run(1), { kind: 'step' });
  });
});
