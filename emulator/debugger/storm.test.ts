/** A guest under a storm of timer interrupts: steps that are not caught by them, and stops before them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MachinePosition } from '../debug-port.ts';
import { STORM_GUEST as CODE } from './testing/storm-guest.ts';
import { type GuestOptions, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const FACES: readonly GuestOptions[] = [{ interface: 'bare' }, { interface: 'kvm' }];
const HANDLER_END = CODE.at('gdt');
const isInHandler = (eip: number): boolean => eip >= CODE.at('tick') && eip < HANDLER_END;

for (const options of FACES) {
  describe(`timer storm, ${options.interface ?? ''}`, () => {
    const start = (): TestGuest => {
      const guest = protectedGuest(CODE, options);
      guest.runTo('loop');
      return guest;
    };
    const ticks = (guest: TestGuest): number => guest.register('dword[0x80000]');

    test('a step over a call ends behind it, and handlers have run', () => {
      const guest = start();
      assert.equal(guest.step(), CODE.at('loop') + 1);
      const before = ticks(guest);
      assert.equal(guest.step('stepOver'), CODE.at('after_call'));
      assert.ok(ticks(guest) >= before + 2, 'the storm went on');
      assert.equal(guest.register('edi'), 0);
    });

    test('no single step lands in a handler', () => {
      const guest = start();
      const before = ticks(guest);
      for (let steps = 0; steps < 6000; steps++) {
        assert.ok(!isInHandler(guest.step()), `step ${String(steps)}`);
      }
      assert.ok(ticks(guest) > before, 'handlers have run');
    });

    test('with interrupts masked no handler runs until the guest goes on', () => {
      const guest = start();
      const before = ticks(guest);
      for (let steps = 0; steps < 6000; steps++) {
        guest.port.resume({ kind: 'stepIn', maskInterrupts: true });
        assert.equal(guest.on().kind, 'step');
      }
      assert.equal(ticks(guest), before);
      assert.equal(guest.register('edi'), 4000 - 2999, 'the guest has done nothing else');
      guest.port.setEventBreakpoints([{ id: 1, event: 'interrupt' }]);
      assert.equal(guest.go('continue').kind, 'event', 'the one that has waited');
    });

    test('stops before every interrupt, with its vector, at the instruction that it interrupts', () => {
      const guest = start();
      const before = ticks(guest);
      guest.port.setEventBreakpoints([
        { id: 1, event: 'interrupt.external', condition: 'event.vector == 0x20' },
      ]);
      for (let stops = 1; stops <= 20; stops++) {
        const stop = guest.go('continue');
        assert.equal(stop.kind === 'event' && stop.event.title, 'interrupt 0x20');
        assert.ok(!isInHandler(guest.eip));
        assert.equal(ticks(guest), before + stops - 1, 'it is not delivered yet');
        assert.equal(guest.register('esp') & 3, 0);
      }
      const { eip } = guest;
      guest.port.setEventBreakpoints([]);
      const next = guest.step();
      assert.ok(next !== eip && !isInHandler(next), 'a step runs over the handler');
      assert.equal(ticks(guest), before + 20);
    });

    test('watching changes nothing: not the instructions, the time or the exits', () => {
      const run = (event: string | null): MachinePosition => {
        const guest = start();
        if (event !== null) {
          const condition = 'event.vector == 0x99';
          guest.port.setEventBreakpoints([{ id: 1, event, condition }]);
        }
        const address = CODE.at('after_call');
        guest.port.setInstructionBreakpoints([{ id: 2, address, condition: 'ecx == 30' }]);
        assert.equal(guest.go('continue').kind, 'breakpoint');
        return guest.port.position();
      };
      assert.deepEqual(run('interrupt'), run(null));
    });
  });
}
