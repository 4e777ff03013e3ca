/**
 * Stepping leaves the guest's history alone: with a timer that ticks every few instructions no step
 * lands in its handler, and after any number of steps the machine is what it would be without them.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const TIMER = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  0f 01 1d b7 00 10 00      lidt [idt_pointer]
  10004c  b0 11                     mov al, 0x11  # 8259A: IRQ 0 is vector 20h, all others are masked
  10004e  e6 20                     out 0x20, al
  100050  b0 20                     mov al, 0x20
  100052  e6 21                     out 0x21, al
  100054  b0 04                     mov al, 4
  100056  e6 21                     out 0x21, al
  100058  b0 01                     mov al, 1
  10005a  e6 21                     out 0x21, al
  10005c  b0 fe                     mov al, 0xfe
  10005e  e6 21                     out 0x21, al
  100060  b0 34                     mov al, 0x34  # 8254: counter 0 in mode 2, a tick every 1.7 us
  100062  e6 43                     out 0x43, al
  rate:
  100064  b0 02                     mov al, 2
  100066  e6 40                     out 0x40, al
  100068  b0 00                     mov al, 0
  10006a  e6 40                     out 0x40, al
  10006c  fb                        sti
  work:
  10006d  46                        inc esi
  10006e  e8 33 00 00 00            call leaf
  100073  8c d1                     mov ecx, ss
  load_ss:
  100075  8e d1                     mov ss, ecx
  100077  45                        inc ebp
  100078  fa                        cli
  100079  b9 14 00 00 00            mov ecx, 20
  busy:
  10007e  e2 fe                     loop busy
  enable:
  100080  fb                        sti
  shadow:
  100081  45                        inc ebp
  after_shadow:
  100082  9c                        pushfd
  100083  9d                        popfd
  100084  cd 30                     int 0x30
  100086  b8 00 00 00 00            mov eax, 0
  10008b  0f a2                     cpuid
  10008d  b9 14 00 00 00            mov ecx, 20
  100092  bf 00 00 08 00            mov edi, 0x80000
  100097  f3 aa                     rep stosb
  100099  e4 61                     in al, 0x61  # takes a microsecond
  10009b  f7 c6 3f 00 00 00         test esi, 63
  1000a1  75 ca                     jnz work
  halt:
  1000a3  f4                        hlt
  woken:
  1000a4  eb c7                     jmp work
  leaf:
  1000a6  31 f3                     xor ebx, esi
  1000a8  c3                        ret
  soft:
  1000a9  cf                        iretd
  tick:
  1000aa  50                        push eax
  1000ab  ff 05 bd 00 10 00         inc dword ptr [ticks]
  1000b1  b0 20                     mov al, 0x20
  end_of_interrupt:
  1000b3  e6 20                     out 0x20, al
  1000b5  58                        pop eax
  1000b6  cf                        iretd
  after_tick:
  idt_pointer:
  1000b7  87 01                     .word 0x187
  1000b9  50 01 10 00               .long idt
  ticks:
  1000bd  00 00 00 00               .long 0
  idt:
  100150  00 00 00 00               .long 0
  100250  aa 00 10 00 00 8e 10 00   .word (tick - start) + 0x40, 0x10, 0x8e00, 0x10
  1002d0  a9 00 10 00 00 8e 10 00   .word (soft - start) + 0x40, 0x10, 0x8e00, 0x10
`);

const ticks = (guest: TestGuest): number => guest.register(`u32[${TIMER.at('ticks')}]`);
const isInHandler = ({ eip }: TestGuest): boolean =>
  eip >= TIMER.at('tick') && eip < TIMER.at('idt_pointer');

/** Everything that tells one history from another. */
function stateOf({ machine, port }: TestGuest): unknown {
  // chips catch up with the clock when somebody looks
  machine.board.advance(machine.now);
  const { memory, map } = machine;
  return {
    position: port.position(),
    registers: port.registers(),
    exits: port.exitCounts(),
    log: port.exitLog(0, 65_536),
    board: machine.board.state(),
    ram: Buffer.from(memory.buffer, map.ram, map.ramSize).toString('latin1'),
  };
}

/** Runs without stops to a count of retired instructions. */
function runTo(guest: TestGuest, retired: number): void {
  guest.port.resume({ kind: 'continue' });
  while (guest.retired < retired) guest.port.run(retired - guest.retired);
}

// Ticks every 2.5 us and every 4.2 us: an exit takes longer than an instruction.
for (const [name, count, options] of [
  ['bare', 3, {}],
  ['under the hypervisor', 5, { interface: 'kvm' }],
] as const) {
  const start = (): TestGuest => {
    const guest = protectedGuest(TIMER, options);
    guest.port.writeMemory('linear', TIMER.at('rate') + 1, Uint8Array.of(count));
    return guest;
  };
  describe(name, () => {
    for (const modes of [['stepIn'], ['stepOver'], ['stepIn', 'stepOver', 'stepOver', 'stepOut']]) {
      test(`${modes.join(', ')}: no step lands in the handler, and none is seen by the guest`, () => {
        const guest = start();
        guest.runTo('work');
        for (let n = 0; n < 1500; n++) {
          const mode = modes[n % modes.length] as 'stepIn' | 'stepOver' | 'stepOut';
          // nobody called the main loop
          if (mode === 'stepOut' && guest.eip !== TIMER.at('leaf')) continue;
          guest.step(mode);
          assert.ok(!isInHandler(guest), `${mode} number ${String(n)} ended in the handler`);
        }
        assert.ok(ticks(guest) > 5, 'the timer has ticked meanwhile');

        const free = start();
        runTo(free, guest.retired);
        assert.deepEqual(stateOf(free), stateOf(guest));
      });
    }

    test('an interrupt that waits behind STI comes after the instruction that STI protects', () => {
      const guest = start();
      let waited = 0;
      for (let n = 0; n < 1500; n++) {
        guest.runTo('enable');
        if (!guest.machine.board.interruptPending()) {
          guest.step();
          continue;
        }
        waited++;
        const before = ticks(guest);
        assert.equal(guest.step(), TIMER.at('shadow'));
        assert.equal(ticks(guest), before, 'not between the two');
        assert.equal(guest.step(), TIMER.at('after_shadow'));
        assert.equal(ticks(guest), before + 1, 'but then');
      }
      assert.ok(waited > 5);
    });

    test('a step at HLT ends after it, when the handler has run', () => {
      const guest = start();
      guest.runTo('halt');
      for (const mode of ['stepIn', 'stepOver'] as const) {
        guest.runTo('halt');
        const before = ticks(guest);
        const { retired } = guest;
        assert.equal(guest.step(mode), TIMER.at('woken'));
        assert.equal(ticks(guest), before + 1);
        // HLT, and the handler's six
        assert.equal(guest.retired, retired + 7);
      }
    });

    test('a breakpoint in the handler is met while stepping, and the step is over', () => {
      const guest = start();
      guest.runTo('work');
      guest.port.setInstructionBreakpoints([{ id: 7, address: TIMER.at('tick') }]);
      let stop = guest.go('stepIn');
      while (stop.kind === 'step') stop = guest.go('stepIn');
      assert.deepEqual(stop, { kind: 'breakpoint', ids: [7] });
      assert.equal(guest.eip, TIMER.at('tick'));
      // now the handler is what the person is looking at
      assert.equal(guest.step(), TIMER.at('tick') + 1);
      guest.port.setInstructionBreakpoints([]);
      guest.step('stepOut');
      assert.ok(!isInHandler(guest));
    });

    test('a breakpoint is met once although an interrupt comes in at it', () => {
      const address = TIMER.at('after_shadow');
      const guest = start();
      guest.port.setInstructionBreakpoints([{ id: 1, address, hitCondition: '% 50' }]);
      for (let n = 0; n < 5; n++)
        assert.deepEqual(guest.go('continue'), { kind: 'breakpoint', ids: [1] });
      // once for each turn of the loop, which counts them in ESI
      assert.equal(guest.register('esi'), 250);
    });
  });
}
