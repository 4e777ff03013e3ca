/**
 * Debugging a machine with two processors: which of them a stop is of, looking at either, stepping one
 * while the other runs along or is held, and that neither breakpoints nor steps change the guest's run.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DebugPort } from '../debug-port.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

/** The first processor starts the second, which then counts at 600h as the first does at 700h. */
const COUNTERS = listing(`
  start:
  100040  be 72 00 10 00            mov esi, offset other
  100045  bf 00 80 00 00            mov edi, 0x8000
  10004a  b9 16 00 00 00            mov ecx, offset other_end - other
  10004f  f3 a4                     rep movsb
  100051  bb 00 03 e0 fe            mov ebx, 0xfee00300
  100056  c7 43 10 00 00 00 01      mov dword ptr [ebx + 0x10], 0x1000000
  10005d  c7 03 00 45 00 00         mov dword ptr [ebx], 0x4500  # INIT
  100063  c7 03 08 46 00 00         mov dword ptr [ebx], 0x4608  # start-up at 0x8000
  counting:
  100069  ff 05 00 07 00 00         inc dword ptr [0x700]
  10006f  90                        nop
  100070  eb f7                     jmp counting
  other:
  100072  31 c0                     xor ax, ax
  100074  8e d8                     mov ds, ax
  100076  8e d0                     mov ss, ax
  100078  bc 00 70                  mov sp, 0x7000
  10007b  e8 08 00                  call function
  counting_too:
  10007e  66 ff 06 00 06            inc dword ptr [0x600]
  100083  90                        nop
  100084  eb f8                     jmp counting_too
  function:
  100086  41                        inc cx
  100087  c3                        ret
  other_end:
  100088  90                        nop
`);
/** Where the second processor executes its copy. */
const there = (label: string): number => COUNTERS.at(label) - COUNTERS.at('other') + 0x8000;

const guest = (): TestGuest => protectedGuest(COUNTERS, { vcpus: 2 });

function word(port: DebugPort, address: number): number {
  const { bytes } = port.readMemory('physical', address, 4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
function breakAt(port: DebugPort, ...addresses: readonly number[]): void {
  port.setInstructionBreakpoints(addresses.map((address, id) => ({ id, address })));
}
/** Everything that a run may have changed. */
function stateOf({ machine, port }: TestGuest): unknown {
  const { retired, now, vcpus } = machine;
  const each = vcpus.map(({ cpu }) => [cpu.linearEip, cpu.retired, cpu.state.gpr(1, 4)]);
  return { retired, now, each, counters: [word(port, 0x600), word(port, 0x700)] };
}

test('the second waits until it is started', () => {
  const { port } = guest();
  const activities = (): readonly string[] => port.vcpus().map(({ activity }) => activity);
  assert.deepEqual(activities(), ['running', 'waiting for start-up']);
  port.run(100_000);
  assert.deepEqual(activities(), ['running', 'running']);
});

test('a breakpoint stops the vCPU that comes to it, and both can be looked at', () => {
  const one = guest();
  const { port } = one;
  breakAt(port, 0x8000);
  assert.deepEqual(one.go('continue'), { kind: 'breakpoint', ids: [0] });
  const position = port.position();
  assert.deepEqual([position.vcpu, position.linearEip, position.mode], [1, 0x8000, 'real']);
  assert.equal(one.register('cs'), 0x800);
  port.look(0);
  assert.equal(port.position().mode, 'protected32');
  const { eip } = one;
  assert.ok(eip >= COUNTERS.at('counting') && eip < COUNTERS.at('other'));
  port.writeRegister('edx', 0x1234);
  port.look(1);
  assert.notEqual(one.register('edx'), 0x1234);
  port.look(0);
  assert.equal(one.register('edx'), 0x1234);
  assert.throws(() => port.look(2), /There is no vCPU 2/);
  assert.throws(() => port.look(-1), RangeError);
});

test('steps are of the vCPU that is looked at, over, out of and into its calls', () => {
  const one = guest();
  const { port } = one;
  breakAt(port, 0x8000);
  one.go('continue');
  breakAt(port);
  assert.equal(one.step(), 0x8002);
  for (let n = 0; n < 3; n++) one.step();
  assert.equal(one.eip, there('other') + 9, 'at the call');
  assert.equal(one.step(), there('function'));
  assert.equal(one.step('stepOut'), there('counting_too'));
  assert.equal(port.position().vcpu, 1);
  // the first has its turns meanwhile, and can be stepped where it stands
  port.look(0);
  const before = one.eip;
  const after = one.step();
  assert.equal(port.position().vcpu, 0);
  assert.notEqual(after, before);
});

test('stepping and breakpoints do not change the run', () => {
  const end = 400_000;
  const plain = guest();
  while (plain.machine.retired < end) plain.port.run(end - plain.machine.retired);
  const stepped = guest();
  breakAt(stepped.port, there('counting_too'));
  stepped.go('continue');
  breakAt(stepped.port);
  for (let n = 0; n < 50; n++) stepped.step(n % 2 === 0 ? 'stepIn' : 'stepOver');
  stepped.port.look(0);
  for (let n = 0; n < 50; n++) stepped.step();
  stepped.port.resume({ kind: 'continue' });
  while (stepped.machine.retired < end) stepped.port.run(end - stepped.machine.retired);
  assert.deepEqual(stateOf(stepped), stateOf(plain));
});

test('a vCPU can be stepped and run alone', () => {
  const one = guest();
  const { port } = one;
  breakAt(port, there('counting_too'));
  one.go('continue');
  breakAt(port);
  const held = port.vcpus()[0].retired;
  for (let n = 0; n < 10; n++) {
    port.resume({ kind: 'stepIn', alone: true });
    assert.equal(one.on().kind, 'step');
  }
  port.resume({ kind: 'continue', alone: true });
  assert.deepEqual(port.run(200_000), { kind: 'budget' });
  assert.equal(port.vcpus()[0].retired, held, 'the first did not run');
  assert.ok(port.vcpus()[1].retired > 200_000);
  port.resume({ kind: 'continue' });
  port.run(200_000);
  assert.ok(port.vcpus()[0].retired > held, 'and now it does');
});

test('each hit of either vCPU counts once', () => {
  const one = guest();
  const { port } = one;
  const hits = [0, 0];
  // every 5,000th iteration of either
  port.setInstructionBreakpoints([
    { id: 0, address: COUNTERS.at('counting'), hitCondition: '% 5000' },
    { id: 1, address: there('counting_too'), hitCondition: '% 5000' },
  ]);
  for (let stops = 0; stops < 12; stops++) {
    const stop = one.go('continue');
    const { vcpu } = port.position();
    assert.deepEqual(stop, { kind: 'breakpoint', ids: [vcpu] });
    hits[vcpu]++;
    // it stands before the increment
    assert.equal(word(port, vcpu === 0 ? 0x700 : 0x600), hits[vcpu] * 5000 - 1);
  }
  assert.ok(hits[0] > 0 && hits[1] > 0, 'both have stopped');
});

test('a step of one meets the breakpoint of the other', () => {
  const one = guest();
  const { port } = one;
  breakAt(port, there('counting_too'));
  one.go('continue');
  // the first will be there before the second has its turn again
  breakAt(port, COUNTERS.at('counting'));
  const stops: number[] = [];
  for (let n = 0; n < 60_000 && stops.length < 2; n++) {
    port.look(1);
    if (one.go('stepIn').kind === 'breakpoint') stops.push(port.position().vcpu);
  }
  assert.deepEqual(stops, [0, 0]);
});

test('HLT of one is stepped until an interrupt wakes it; all asleep is a wait', () => {
  const one = guest();
  const { port } = one;
  breakAt(port, there('counting_too'));
  one.go('continue');
  breakAt(port);
  // HLT with interrupts off: it will sleep for ever, the other goes on
  port.writeMemory('physical', there('counting_too'), Uint8Array.of(0xf4));
  port.resume({ kind: 'stepIn' });
  assert.deepEqual(port.run(500_000), { kind: 'budget' });
  assert.equal(port.vcpus()[1].activity, 'halted');
  port.writeMemory('physical', COUNTERS.at('counting'), Uint8Array.of(0xf4));
  assert.equal(one.on().kind, 'halted-forever');
});

test('an exit says which vCPU has left', () => {
  const one = protectedGuest(COUNTERS, { vcpus: 2, interface: 'kvm' });
  const { port } = one;
  breakAt(port, 0x8000);
  one.go('continue');
  breakAt(port);
  // CPUID
  port.writeMemory('physical', 0x8000, Uint8Array.of(0x0f, 0xa2));
  port.setExitBreakpoints([{ id: 7, reason: 'CPUID' }]);
  const stop = one.go('continue');
  assert.ok(stop.kind === 'exit' && stop.exit.vcpu === 1 && stop.exit.linearRip === 0x8000);
  assert.equal(port.position().vcpu, 1);
  assert.equal(one.step(), 0x8002);
  // leaf 0 or 1 of its own: the initial APIC ID
  port.writeMemory('physical', 0x8002, Uint8Array.of(0x0f, 0xa2));
  port.writeRegister('eax', 1);
  one.go('stepIn');
  one.step();
  assert.equal(one.register('ebx') >>> 24, 1);
});

test('events: signals at their sender, an exception of the vCPU that raises it, and no trace of either', () => {
  const watched = guest();
  const { port } = watched;
  port.setEventBreakpoints([
    { id: 1, event: 'init' },
    { id: 2, event: 'start-up', condition: 'event.target == 1 && event.vector == 8' },
    { id: 3, event: 'mmio', condition: 'event.gpa == 0xfee00310' },
  ]);
  const stops = [1, 2, 3].map(() => {
    const stop = watched.go('continue');
    return stop.kind === 'event' ? [stop.event.name, stop.event.when, stop.event.vcpu] : [];
  });
  assert.deepEqual(stops, [
    ['mmio', 'before', 0],
    ['init', 'after', 0],
    ['start-up', 'after', 0],
  ]);
  assert.equal(watched.eip, COUNTERS.at('counting'));
  // the second processor's own instruction: its first becomes UD2
  port.writeMemory('physical', 0x8000, Uint8Array.of(0x0f, 0x0b));
  port.setEventBreakpoints([{ id: 4, event: 'exception.UD' }]);
  const fault = watched.go('continue');
  assert.equal(fault.kind === 'event' && fault.event.vcpu, 1);
  assert.deepEqual([port.position().vcpu, watched.eip], [1, 0x8000]);
  port.writeMemory('physical', 0x8000, Uint8Array.of(0x31, 0xc0));
  assert.equal(watched.step(), 0x8002, 'what was mended is executed');
  port.setEventBreakpoints([]);

  const plain = guest();
  for (const each of [watched, plain]) {
    breakAt(each.port, there('counting_too'));
    assert.equal(each.go('continue').kind, 'breakpoint');
  }
  assert.deepEqual(stateOf(watched), stateOf(plain));
});
