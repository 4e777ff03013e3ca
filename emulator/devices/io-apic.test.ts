/**
 * I/O APIC against the 82093AA data sheet (Intel 290566-001, 3.2 "Register description").
 * Run: node --import tsx --test emulator/devices/io-apic.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApicBus } from './apic-bus.ts';
import type { ApicMessage } from './apic-bus.ts';
import { IoApic } from './io-apic.ts';
import { throughJson } from './test-bench.ts';

const LEVEL = 0x8000;
const MASKED = 0x10000;
const REMOTE_IRR = 0x4000;

/** An I/O APIC and agents that write down what they are told. */
function bench(agents = 1) {
  const bus = new ApicBus();
  const heard: (ApicMessage & { agent: number })[] = [];
  const priorities = new Array<number>(agents).fill(0);
  for (let agent = 0; agent < agents; agent++) {
    bus.attach({
      isDestination: (destination, logical) =>
        logical ? (destination & (1 << agent)) !== 0 : destination === agent,
      priority: () => priorities[agent] ?? 0,
      accept: (message) => (heard.push({ ...message, agent }), true),
    });
  }
  const chip = new IoApic(bus);
  const read = (register: number): number => {
    chip.writeMemory(0, 4, register);
    return chip.readMemory(0x10, 4);
  };
  const write = (register: number, value: number): void => {
    chip.writeMemory(0, 4, register);
    chip.writeMemory(0x10, 4, value);
  };
  const redirect = (input: number, low: number, high = 0): void => {
    write(0x11 + 2 * input, high);
    write(0x10 + 2 * input, low);
  };
  const set = (input: number, level: boolean): void => {
    const line = chip.inputs[input];
    assert.ok(line);
    line.set(level);
  };
  return { bus, chip, heard, priorities, read, write, redirect, set };
}

test('ID, version and arbitration registers; 24 entries, all masked after reset', () => {
  const { read, write } = bench();
  assert.equal(read(1), 0x00170011);
  write(0, 0x0f000000);
  assert.equal(read(0), 0x0f000000);
  assert.equal(read(2), 0x0f000000);
  for (let input = 0; input < 24; input++) assert.equal(read(0x10 + 2 * input), MASKED);
  assert.equal(read(0x40), 0);
});

test('read-only bits of an entry (delivery status, remote IRR) are not written', () => {
  const { redirect, read } = bench();
  redirect(3, 0xffffffff, 0xffffffff);
  assert.equal(read(0x16), 0x0001afff);
  assert.equal(read(0x17), 0xff000000);
});

test('edge: one message per rising edge, lost while masked', () => {
  const { heard, redirect, set } = bench();
  redirect(4, 0x31);
  set(4, true);
  set(4, true);
  set(4, false);
  assert.equal(heard.length, 1);
  assert.deepEqual(heard[0], {
    agent: 0,
    destination: 0,
    logical: false,
    deliveryMode: 0,
    vector: 0x31,
    level: false,
  });
  redirect(4, 0x31 | MASKED);
  set(4, true);
  redirect(4, 0x31);
  assert.equal(heard.length, 1);
});

test('level: remote IRR holds further messages until the EOI; a line still high repeats', () => {
  const { bus, heard, redirect, read, set } = bench();
  redirect(9, 0x41 | LEVEL);
  set(9, true);
  assert.equal(read(0x22), 0x41 | LEVEL | REMOTE_IRR);
  set(9, false);
  set(9, true);
  assert.equal(heard.length, 1);
  bus.broadcastEndOfInterrupt(0x42);
  assert.equal(heard.length, 1);
  bus.broadcastEndOfInterrupt(0x41);
  assert.equal(heard.length, 2);
  set(9, false);
  bus.broadcastEndOfInterrupt(0x41);
  assert.equal(heard.length, 2);
  assert.equal(read(0x22), 0x41 | LEVEL);
});

test('level: unmasking with the line high delivers; going to edge clears remote IRR', () => {
  const { heard, redirect, read, set } = bench();
  redirect(9, 0x41 | LEVEL | MASKED);
  set(9, true);
  assert.equal(heard.length, 0);
  redirect(9, 0x41 | LEVEL);
  assert.equal(heard.length, 1);
  redirect(9, 0x41 | MASKED);
  assert.equal(read(0x22), 0x41 | MASKED);
});

test('logical destinations reach several agents, lowest priority the least busy one', () => {
  const { heard, priorities, redirect, set } = bench(3);
  redirect(1, 0x50 | 0x800, 0x05000000);
  set(1, true);
  assert.deepEqual(
    heard.map(({ agent }) => agent),
    [0, 2],
  );
  heard.length = 0;
  priorities[0] = 0x80;
  priorities[2] = 0x20;
  redirect(5, 0x51 | 0x900, 0x05000000);
  set(5, true);
  assert.deepEqual(
    heard.map(({ agent, vector }) => [agent, vector]),
    [[2, 0x51]],
  );
});

test('physical destination without an agent: a level input does not get stuck', () => {
  const { heard, redirect, read, set } = bench();
  redirect(9, 0x41 | LEVEL, 0x05000000);
  set(9, true);
  assert.equal(heard.length, 0);
  assert.equal(read(0x22) & REMOTE_IRR, 0);
});

test('a restored chip goes on where the other one was', () => {
  const { bus, chip, heard, redirect, set } = bench();
  redirect(9, 0x41 | LEVEL);
  redirect(4, 0x31);
  set(9, true);
  set(4, true);
  const other = bench();
  other.chip.restore(throughJson(chip.state()));
  heard.length = 0;
  for (const each of [{ bus, set }, other]) {
    each.set(4, true);
    each.bus.broadcastEndOfInterrupt(0x41);
    each.set(4, false);
    each.set(4, true);
  }
  assert.equal(heard.length, 2);
  assert.deepEqual(other.heard, heard);
  assert.deepEqual(other.chip.state(), chip.state());
});
