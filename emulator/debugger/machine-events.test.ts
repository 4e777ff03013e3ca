/** Stops at events of the machine: where, with what state, and that the guest does not notice. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventBreakpoint } from '../debug-port.ts';
import { ExpressionError } from '../expressions/syntax.ts';
import type { EventRecord, StopReason } from '../stop-reason.ts';
import { EVENTS_GUEST as CODE } from './testing/events-guest.ts';
import { type GuestOptions, protectedGuest, type TestGuest } from './testing/test-guest.ts';
import { MACHINE_EVENTS } from './machine-events.ts';

const FACES: readonly GuestOptions[] = [{ interface: 'bare' }, { interface: 'kvm' }];

function eventOf(stop: StopReason): EventRecord {
  assert.equal(stop.kind, 'event');
  return stop.kind === 'event' ? stop.event : assert.fail();
}
function arm(guest: TestGuest, event: string, more: Partial<EventBreakpoint> = {}): void {
  guest.port.setEventBreakpoints([{ id: 7, event, ...more }]);
}
/** Runs to the next event of a kind. */
function stopAt(guest: TestGuest, event: string, condition?: string): EventRecord {
  arm(guest, event, condition === undefined ? {} : { condition });
  return eventOf(guest.go('continue'));
}

for (const options of FACES) {
  const start = (): TestGuest => protectedGuest(CODE, options);
  describe(`a stop at an event, ${options.interface ?? ''}`, () => {
    test('INT n: at the instruction, and its handler runs afterwards', () => {
      const guest = start();
      const event = stopAt(guest, 'interrupt.software');
      assert.equal(event.title, 'INT 0x80');
      assert.deepEqual(event.fields, { vector: 0x80, source: 2 });
      assert.equal(guest.eip, CODE.at('software'));
      assert.equal(guest.register('esp'), 0x90000);
      assert.equal(guest.step(), CODE.at('ignore'));
      assert.equal(guest.step(), CODE.at('breakpoint'));
    });

    test('an exception: at the faulting instruction, nothing committed', () => {
      const guest = start();
      const event = stopAt(guest, 'exception.PF', 'event.vector == 14 && event.errorCode & 2');
      assert.deepEqual(event.fields, {
        vector: 14, errorCode: 2, address: 0x3f0010, dr6: 0, type: 0, nested: 0,
      }); // prettier-ignore
      assert.equal(event.detail, 'at 0x3f0010, write from supervisor mode, not present');
      assert.equal(guest.eip, CODE.at('page_fault'));
      assert.equal(guest.register('cr2'), 0);
      assert.equal(guest.register('event.address'), 0x3f0010, 'its fields can be evaluated too');
      guest.runTo('skip2_error');
      assert.equal(guest.register('cr2'), 0x3f0010);
      assert.throws(() => guest.register('event.address'), ExpressionError);
    });

    test('an exception whose cause is removed does not come', () => {
      const guest = start();
      stopAt(guest, 'exception.PF');
      guest.port.writeMemory('physical', 0x302000 + 0x3f0 * 4, Uint8Array.of(3, 0, 0x3f, 0));
      assert.equal(guest.step(), CODE.at('page_fault') + 5);
    });

    test('each exception once, traps of INT3 included', () => {
      const guest = start();
      arm(guest, 'exception');
      const seen: string[] = [];
      for (;;) {
        const stop = guest.go('continue');
        if (stop.kind !== 'event') break;
        seen.push(`${stop.event.title} ${guest.eip.toString(16)}`);
      }
      const at = (label: string): string => CODE.at(label).toString(16);
      const chain = at('chain');
      assert.deepEqual(seen, [
        `#BP ${at('breakpoint')}`,
        `#DE ${at('divide_here')}`,
        `#PF ${at('page_fault')}`,
        `#GP ${chain}`,
        `#NP ${chain}`,
        `#DF ${chain}`,
        `#NP ${chain}`,
      ]);
    });

    test('OUT before its port, IN with what it has read', () => {
      const guest = start();
      const out = stopAt(guest, 'port', "event.port == 0x3f8 && event.value == 'A'");
      assert.deepEqual(out.fields, { port: 0x3f8, size: 1, value: 0x41, direction: 0 });
      assert.deepEqual([out.when, guest.eip], ['before', CODE.at('send')]);
      assert.equal(guest.serial, '');
      arm(guest, 'port.in', { condition: 'event.direction == in' });
      const read = eventOf(guest.go('continue'));
      assert.equal(guest.serial, 'A');
      assert.deepEqual([read.when, guest.eip], ['after', CODE.at('after_in')]);
      assert.equal(read.fields['port'], 0x61);
      assert.equal(read.fields['value'], guest.register('al'));
    });

    test('RDMSR and WRMSR with all 64 bits', () => {
      const guest = start();
      const write = stopAt(guest, 'msr.write', 'event.index == 0x174');
      assert.deepEqual(write.fields, { index: 0x174, value: 0x1234n });
      assert.equal(guest.eip, CODE.at('write_msr'));
      assert.equal(stopAt(guest, 'msr.read', 'event.value == 0x1234').fields['index'], 0x174);
    });

    test('CR3 and paging, before the write and after the change', () => {
      const guest = start();
      const write = stopAt(guest, 'cr.write', 'event.register == 3');
      assert.equal(guest.eip, CODE.at('load_cr3'));
      assert.deepEqual(write.fields, { register: 3, value: 0x301000, previous: 0, access: 0 });
      const changed = stopAt(guest, 'cr3');
      assert.deepEqual(changed.fields, { from: 0, to: 0x301000 });
      assert.equal(guest.eip, CODE.at('load_cr3') + 3);
      const paging = stopAt(guest, 'paging', 'event.to == on');
      assert.deepEqual(paging.fields, { from: 0, to: 1 });
      assert.equal(guest.eip, CODE.at('after_paging'));
    });

    test('counts its hits once, prints instead of stopping', () => {
      const guest = start();
      arm(guest, 'exception', { hitCondition: '== 3' });
      assert.equal(eventOf(guest.go('continue')).title, '#PF');
      arm(guest, 'cpuid', { log: ['a leaf'] });
      assert.equal(guest.go('continue').kind, 'triple-fault');
      const printed = guest.port.takeLogs().lines.map(({ parts }) => parts);
      assert.deepEqual(printed, [['a leaf']]);
    });

    test('a breakpoint, an event and an exit at one instruction, one after the other', () => {
      const guest = start();
      guest.runTo('page_fault');
      const address = CODE.at('after_fault');
      guest.port.setInstructionBreakpoints([{ id: 1, address }]);
      guest.port.setExitBreakpoints([{ id: 2, reason: 'CPUID' }]);
      arm(guest, 'cpuid');
      const kinds = [1, 2, 3, 4].map(() => guest.go('continue').kind);
      const exit = options.interface === 'kvm' ? ['exit'] : [];
      assert.deepEqual(kinds.slice(0, 2 + exit.length), ['breakpoint', 'event', ...exit]);
      assert.equal(kinds.at(-1), 'triple-fault');
      assert.deepEqual(guest.port.exitCounts()['CPUID'], exit.length === 0 ? undefined : 1);
    });

    test('the chain of faults', () => {
      const guest = start();
      const double = stopAt(guest, 'exception.DF');
      const names = ({ chain }: EventRecord): string[] => chain.map(({ name }) => name);
      assert.deepEqual(names(double), ['#GP', '#NP', '#DF']);
      const triple = stopAt(guest, 'triple-fault');
      assert.deepEqual(names(triple), ['#GP', '#NP', '#DF', '#NP', 'triple fault']);
      assert.equal(guest.eip, CODE.at('chain'));
      const { chain } = triple;
      // SDM vol. 3, 6.13: index of the gate, IDT, EXT
      assert.deepEqual(chain.map(({ errorCode }) => errorCode), [0x40, 0x6b, 0, 0x43, null]); // prettier-ignore
      const end = guest.go('continue');
      assert.equal(end.kind === 'triple-fault' && end.chain.length, 4);
    });

    test('leaves no trace: the same instructions, the same time, the same exits', () => {
      const plain = start();
      assert.equal(plain.go('continue').kind, 'triple-fault');
      const watched = start();
      const all = MACHINE_EVENTS.map(({ name }, id) => ({ id, event: name }));
      watched.port.setEventBreakpoints(all);
      let stops = 0;
      while (watched.go('continue').kind === 'event') stops++;
      assert.ok(stops > 10);
      const { retired, time, exits } = plain.port.position();
      const after = watched.port.position();
      assert.deepEqual([after.retired, after.time, after.exits], [retired, time, exits]);
      assert.deepEqual(watched.port.registers(), plain.port.registers());
      assert.equal(watched.serial, plain.serial);
    });
  });
}

test('an event that does not exist is refused by its nearest name', () => {
  const guest = protectedGuest(CODE);
  assert.throws(
    () => arm(guest, 'exeption'),
    /There is no event 'exeption'. Did you mean 'exception'/,
  );
  assert.throws(() => arm(guest, 'hlt', { condition: 'event.vector == 1' }), ExpressionError);
});
