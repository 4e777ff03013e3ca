/**
 * Local APIC against the SDM, volume 3, chapter 11 (section numbers of the 2023 edition in the tests).
 * Run: node --import tsx --test emulator/devices/local-apic.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApicBus } from './apic-bus.ts';
import { LocalApic } from './local-apic.ts';
import type { LocalApicWiring } from './local-apic.ts';
import { ManualClock, Probe, runTo, throughJson } from './test-bench.ts';

// prettier-ignore
const [ID, VERSION, TPR, PPR, EOI, LDR, DFR, SVR, ISR, TMR, IRR, ESR, ICR, ICR_HIGH, TIMER, LINT0, LINT1, ERROR, INITIAL, CURRENT, DIVIDE] =
  [0x20, 0x30, 0x80, 0xa0, 0xb0, 0xd0, 0xe0, 0xf0, 0x100, 0x180, 0x200, 0x280, 0x300, 0x310, 0x320, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0];
const MASKED = 0x10000;
const PERIODIC = 0x20000;
const TSC_DEADLINE = 0x40000;
/** Divide configuration 1011b: by 1. */
const BY_1 = 0x0b;

function apic(bus = new ApicBus(), id = 0, clock = new ManualClock()) {
  const intr = new Probe();
  const events: string[] = [];
  const wiring: LocalApicWiring = {
    clock,
    bus,
    id,
    interrupt: intr,
    external: { pendingVector: 0x77, acknowledge: () => 0x77 },
    nmi: () => events.push('nmi'),
    init: () => events.push('init'),
    startUp: (vector) => events.push(`start-up ${vector}`),
    deadlineMoved: () => events.push('deadline'),
  };
  const chip = new LocalApic(wiring);
  const read = (offset: number): number => chip.readMemory(offset, 4);
  const write = (offset: number, value: number): void => chip.writeMemory(offset, 4, value);
  return { clock, bus, intr, events, wiring, chip, read, write };
}

/** Software-enabled with spurious vector FFh. */
function enabled(...args: Parameters<typeof apic>) {
  const bench = apic(...args);
  bench.write(SVR, 0x1ff);
  return bench;
}

const SELF = 0x40000;

test('after reset (11.4.7.1): LVT masked, SVR FFh, DFR ones, the rest zero; six LVT entries', () => {
  const { read } = apic();
  assert.equal(read(VERSION), 0x00050014);
  for (const offset of [TIMER, 0x330, 0x340, LINT0, LINT1, ERROR]) {
    assert.equal(read(offset), MASKED);
  }
  assert.deepEqual([read(SVR), read(DFR), read(LDR), read(TPR)], [0xff, 0xffffffff, 0, 0]);
  assert.deepEqual([read(ISR), read(TMR), read(IRR), read(INITIAL)], [0, 0, 0, 0]);
});

test('software-disabled (11.4.7.2): nothing is accepted and LVT masks stay set', () => {
  const { intr, read, write } = enabled();
  write(LINT0, 0x700);
  write(SVR, 0xff);
  assert.equal(read(LINT0), 0x700 | MASKED);
  write(LINT0, 0x700);
  assert.equal(read(LINT0), 0x700 | MASKED);
  write(ICR, SELF | 0x40);
  assert.equal(intr.level, false);
});

test('a fixed interrupt: IRR, INTR, ISR after acknowledge, EOI', () => {
  const { intr, chip, read, write } = enabled();
  write(ICR, SELF | 0x45);
  assert.equal(intr.level, true);
  assert.equal(read(IRR + 0x20), 0x20);
  assert.equal(chip.acknowledge(), 0x45);
  assert.equal(intr.level, false);
  assert.deepEqual([read(IRR + 0x20), read(ISR + 0x20), read(PPR)], [0, 0x20, 0x40]);
  write(EOI, 0);
  assert.deepEqual([read(ISR + 0x20), read(PPR)], [0, 0]);
});

test('priority classes (11.8.3.1): only a higher class than PPR interrupts', () => {
  const { intr, chip, read, write } = enabled();
  write(ICR, SELF | 0x45);
  chip.acknowledge();
  write(ICR, SELF | 0x4f);
  assert.equal(intr.level, false);
  write(ICR, SELF | 0x51);
  assert.equal(chip.acknowledge(), 0x51);
  write(EOI, 0);
  assert.equal(intr.level, false);
  write(EOI, 0);
  assert.equal(intr.level, true);
  write(TPR, 0x4f);
  assert.equal(intr.level, false);
  assert.equal(read(PPR), 0x4f);
  write(TPR, 0x3f);
  assert.equal(chip.acknowledge(), 0x4f);
});

test('spurious vector (11.9): INTA with nothing left gives SVR and no ISR bit', () => {
  const { chip, read, write } = enabled();
  write(ICR, SELF | 0x45);
  write(TPR, 0xf0);
  assert.equal(chip.acknowledge(), 0xff);
  assert.equal(read(ISR + 0xe0 - 0x70), 0);
  write(EOI, 0);
  write(TPR, 0);
  assert.equal(chip.acknowledge(), 0x45);
});

test('LINT0 as ExtINT passes the 8259A through, without ISR or EOI', () => {
  const { intr, chip, read } = apic();
  chip.setVirtualWire();
  chip.setLint0(true);
  assert.equal(intr.level, true);
  assert.equal(chip.acknowledge(), 0x77);
  assert.equal(read(PPR), 0);
  chip.setLint0(false);
  assert.equal(intr.level, false);
});

test('LINT0 masked keeps the 8259A out; with IA32_APIC_BASE.EN clear it is INTR itself (11.4.3)', () => {
  const { intr, chip, read, write } = enabled();
  chip.setLint0(true);
  assert.equal(intr.level, false);
  assert.equal(chip.writeBaseMsr(0xfee00100, 0), true);
  assert.equal(chip.baseMsr, 0xfee00100);
  assert.equal(intr.level, true);
  assert.equal(chip.acknowledge(), 0x77);
  assert.equal(read(VERSION), 0xffffffff);
  write(SVR, 0x1ff);
  chip.writeBaseMsr(0xfee00900, 0);
  assert.equal(read(SVR), 0xff);
});

test('IA32_APIC_BASE: reserved bits and x2APIC are refused', () => {
  const { chip } = apic();
  assert.equal(chip.baseMsr, 0xfee00900);
  assert.equal(chip.writeBaseMsr(0xfee00d00, 0), false);
  assert.equal(chip.writeBaseMsr(0xfee00901, 0), false);
  assert.equal(chip.writeBaseMsr(0xfee00900, 1), false);
  assert.equal(chip.baseMsr, 0xfee00900);
});

test('LINT1 as NMI; LINT0 fixed level repeats after EOI while the pin is high', () => {
  const { events, intr, chip, read, write } = enabled();
  write(LINT1, 0x400);
  chip.setLint1(true);
  assert.deepEqual(events, ['nmi']);
  write(LINT0, 0x8061);
  chip.setLint0(true);
  assert.equal(read(LINT0), 0xc061);
  assert.equal(chip.acknowledge(), 0x61);
  write(EOI, 0);
  assert.equal(intr.level, true);
  chip.acknowledge();
  chip.setLint0(false);
  write(EOI, 0);
  assert.equal(intr.level, false);
  assert.equal(read(LINT0), 0x8061);
});

test('timer one-shot (11.5.4): one interrupt after initial count × divisor, current count on the way', () => {
  const { clock, intr, chip, read, write } = enabled();
  clock.time = 1000;
  write(TIMER, 0x30);
  write(DIVIDE, 0x03); // by 16
  write(INITIAL, 100);
  assert.equal(chip.nextDeadline(), 1000 + 1600);
  clock.time = 1000 + 160 + 15;
  assert.equal(read(CURRENT), 90);
  assert.deepEqual(runTo(clock, chip, 10_000), [2600]);
  assert.equal(read(CURRENT), 0);
  assert.equal(chip.acknowledge(), 0x30);
  assert.equal(intr.level, false);
  assert.equal(chip.nextDeadline(), Infinity);
});

test('divide configuration (figure 11-10): 000 is 2 … 110 is 128, 111 is 1', () => {
  for (const [value, divisor] of [
    [0x0, 2],
    [0x1, 4],
    [0x2, 8],
    [0x3, 16],
    [0x8, 32],
    [0x9, 64],
    [0xa, 128],
    [0xb, 1],
  ] as const) {
    const { chip, write } = enabled();
    write(TIMER, 0x30);
    write(DIVIDE, value);
    write(INITIAL, 1000);
    assert.equal(chip.nextDeadline(), 1000 * divisor);
  }
});

test('timer periodic: exact multiples, also for a caller who comes late; count 0 stops', () => {
  const { clock, chip, read, write } = enabled();
  write(TIMER, PERIODIC | 0x30);
  write(DIVIDE, BY_1);
  write(INITIAL, 4_000_000);
  assert.deepEqual(runTo(clock, chip, 10_000_000), [4_000_000, 8_000_000]);
  assert.equal(read(CURRENT), 2_000_000);
  clock.time = 4_000_000 * 1_000_000 + 1;
  chip.advance(clock.time);
  assert.equal(chip.nextDeadline(), 4_000_000 * 1_000_001);
  write(INITIAL, 0);
  assert.equal(chip.nextDeadline(), Infinity);
  assert.equal(read(CURRENT), 0);
});

test('a masked timer counts on without deadlines or interrupts', () => {
  const { clock, intr, chip, read, write } = enabled();
  write(TIMER, PERIODIC | MASKED | 0x30);
  write(DIVIDE, BY_1);
  write(INITIAL, 1000);
  assert.equal(chip.nextDeadline(), Infinity);
  clock.time = 2500;
  assert.equal(read(CURRENT), 500);
  write(TIMER, PERIODIC | 0x30);
  assert.equal(intr.level, false);
  assert.equal(chip.nextDeadline(), 3000);
});

test('TSC deadline: fires at its time, at once when it has passed, 0 disarms, mode change disarms', () => {
  const { clock, intr, events, chip, read, write } = enabled();
  write(TIMER, TSC_DEADLINE | 0x30);
  write(INITIAL, 5);
  assert.equal(read(INITIAL), 0);
  chip.tscDeadline = 12_345;
  assert.deepEqual(events, ['deadline']);
  assert.equal(chip.tscDeadline, 12_345);
  assert.deepEqual(runTo(clock, chip, 20_000), [12_345]);
  assert.equal(chip.tscDeadline, 0);
  assert.equal(chip.acknowledge(), 0x30);
  write(EOI, 0);
  chip.tscDeadline = 7;
  assert.equal(intr.level, true);
  chip.tscDeadline = 30_000;
  chip.tscDeadline = 0;
  assert.equal(chip.nextDeadline(), Infinity);
  chip.tscDeadline = 30_000;
  write(TIMER, 0x30);
  assert.equal(chip.nextDeadline(), Infinity);
});

test('level-triggered vectors: TMR bit, and the EOI is broadcast to the I/O APICs', () => {
  const { bus, chip, read, write } = enabled();
  const ended: number[] = [];
  bus.onEndOfInterrupt((vector) => ended.push(vector));
  const message = { destination: 0, logical: false, deliveryMode: 0 };
  assert.equal(bus.send({ ...message, vector: 0x51, level: true }), true);
  assert.equal(bus.send({ ...message, vector: 0x62, level: false }), true);
  assert.equal(read(TMR + 0x20), 0x20000);
  assert.deepEqual([chip.acknowledge(), chip.acknowledge()], [0x62, 0xff]);
  write(EOI, 0);
  assert.deepEqual(ended, []);
  assert.equal(chip.acknowledge(), 0x51);
  write(EOI, 0);
  assert.deepEqual(ended, [0x51]);
});

test('destinations: physical ID and broadcast, logical flat and cluster (11.6.2)', () => {
  const { chip, write } = enabled();
  write(ID, 0x05000000);
  write(LDR, 0x21000000);
  assert.equal(chip.isDestination(5, false), true);
  assert.equal(chip.isDestination(4, false), false);
  assert.equal(chip.isDestination(0xff, false), true);
  assert.equal(chip.isDestination(0x20, true), true);
  assert.equal(chip.isDestination(0x1e, true), false);
  write(DFR, 0x0fffffff);
  assert.equal(chip.isDestination(0x2f, true), true);
  assert.equal(chip.isDestination(0x2e, true), false);
  assert.equal(chip.isDestination(0x1f, true), false);
});

test('ICR shorthands between two processors: self, all, all but self; NMI, INIT and start-up', () => {
  const bus = new ApicBus();
  const one = enabled(bus, 0);
  const two = enabled(bus, 1);
  one.write(ICR, 0xc0000 | 0x40);
  assert.deepEqual([one.intr.level, two.intr.level], [false, true]);
  one.write(ICR, 0x80000 | 0x41);
  assert.equal(one.chip.acknowledge(), 0x41);
  one.write(ICR_HIGH, 0x01000000);
  one.write(ICR, 0x42);
  assert.equal(two.chip.acknowledge(), 0x42);
  one.write(ICR, 0x0400);
  one.write(ICR, 0xc500);
  one.write(ICR, 0x8500); // INIT level de-assert
  one.write(ICR, 0x0699);
  assert.deepEqual(two.events, ['nmi', 'init', 'start-up 153']);
  assert.deepEqual(one.events, []);
  assert.equal(one.read(ICR) & 0x1000, 0, 'delivery status: idle');
});

test('errors (11.5.3): illegal vectors and registers; ESR shows them after a write; LVT error', () => {
  const { intr, chip, read, write } = enabled();
  write(ERROR, 0xfe);
  write(ICR, SELF | 0x0f);
  assert.equal(read(ESR), 0);
  write(ESR, 0);
  assert.equal(read(ESR), 0x20);
  assert.equal(chip.acknowledge(), 0xfe);
  write(EOI, 0);
  read(0x3f0);
  write(ESR, 0);
  assert.equal(read(ESR), 0x80);
  chip.acknowledge();
  write(EOI, 0);
  write(ERROR, 0x05); // its own vector is illegal: recorded, not delivered
  write(TIMER, 0x03);
  write(DIVIDE, BY_1);
  write(INITIAL, 1);
  chip.advance(1);
  write(ESR, 0);
  assert.equal(read(ESR), 0x40);
  assert.equal(intr.level, false);
});

test('narrow and odd accesses: reads give their bytes, writes are dropped', () => {
  const { chip, write } = enabled();
  assert.equal(chip.readMemory(VERSION, 1), 0x14);
  assert.equal(chip.readMemory(VERSION + 2, 2), 0x0005);
  assert.equal(chip.readMemory(VERSION + 4, 4), 0);
  write(TPR, 0x20);
  chip.writeMemory(TPR, 1, 0x30);
  chip.writeMemory(TPR + 1, 4, 0x30);
  assert.equal(chip.readMemory(TPR, 4), 0x20);
});

test('automatic EOI: used offers end the interrupt when the next one comes', () => {
  const { intr, chip, read, write } = enabled();
  let word = 0;
  chip.autoEoi = {
    offer: () => ((word = 1), true),
    withdraw: () => {
      const used = word === 0;
      word = 0;
      return used;
    },
  };
  write(ICR, SELF | 0x45);
  assert.equal(chip.acknowledge(), 0x45);
  assert.equal(word, 1);
  word = 0; // the guest ends it without a write
  write(ICR, SELF | 0x41);
  assert.equal(intr.level, true);
  assert.equal(chip.acknowledge(), 0x41);
  assert.equal(read(ISR + 0x20), 0x02, 'a reader sees what is true');
  assert.equal(word, 0, 'looking takes the offer back');
  write(EOI, 0);
  assert.equal(read(ISR + 0x20), 0x00);
});

test('automatic EOI: an offer that is taken back leaves the end to a write', () => {
  const { intr, chip, write } = enabled();
  let word = 0;
  let withdrawn = 0;
  chip.autoEoi = {
    offer: () => ((word = 1), true),
    withdraw: () => {
      const used = word === 0;
      word = 0;
      withdrawn++;
      return used;
    },
  };
  write(ICR, SELF | 0x45);
  chip.acknowledge();
  write(ICR, SELF | 0x41); // waits behind: the guest has to write
  assert.deepEqual([intr.level, withdrawn, word], [false, 1, 0]);
  write(EOI, 0);
  assert.equal(intr.level, true);
  write(ICR, SELF | 0x40);
  assert.equal(chip.acknowledge(), 0x41);
  assert.equal(word, 0, 'no offer while another one waits');
});

test('a restored chip goes on where the other one was', () => {
  const { clock, wiring, chip, write } = enabled();
  write(TIMER, PERIODIC | 0x30);
  write(DIVIDE, 0x03);
  write(INITIAL, 777);
  write(ICR, SELF | 0x45);
  chip.acknowledge();
  write(ICR, SELF | 0x44);
  clock.time = 5000;
  chip.advance(5000);
  const line = new Probe();
  const twin = new LocalApic({ ...wiring, bus: new ApicBus(), interrupt: line });
  twin.restore(throughJson(chip.state()));
  assert.equal(twin.interruptRequest, chip.interruptRequest);
  for (let step = 0; step < 40; step++) {
    assert.equal(twin.nextDeadline(), chip.nextDeadline());
    clock.time = chip.nextDeadline() - (step % 2);
    for (const each of [chip, twin]) {
      each.advance(clock.time);
      each.writeMemory(EOI, 4, 0);
    }
    assert.equal(twin.readMemory(CURRENT, 4), chip.readMemory(CURRENT, 4));
    assert.equal(twin.acknowledge(), chip.acknowledge());
    assert.deepEqual(twin.state(), chip.state());
  }
});
