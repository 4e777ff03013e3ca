/**
 * Ports: the I/O permission map (SDM vol. 1, 19.5.2), offers (vol. 3, 26.1.3) and the string forms.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as L from '../layout.ts';
import { VECTOR, VmExitSignal } from '../processor.ts';
import { FLAG } from '../state.ts';
import { ProtectedMachine, TSS } from '../testing/protected-machine.ts';

const GP0 = { vector: VECTOR.GP, errorCode: 0 };
const [EAX, ECX, EDX, , , , ESI, EDI] = [0, 1, 2, 3, 4, 5, 6, 7];
const MAP = 0x100;

/** At level 3 with IOPL 0 and an I/O map at TSS + 0x100. */
function program(): ProtectedMachine {
  const cpu = new ProtectedMachine();
  cpu.poke16(TSS + 0x66, MAP);
  cpu.atLevel(3);
  return cpu;
}

describe('port permission', () => {
  it('needs every bit of the access clear, across a byte too', () => {
    const cpu = program();
    cpu.memory.bytes[TSS + MAP + 1] = 0x01;
    cpu.state.setGpr(EDX, 4, 7);
    assert.equal(cpu.execute([0xec]), null, 'port 7');
    assert.deepEqual(cpu.execute([0x66, 0xed]), GP0, 'ports 7 and 8');
    cpu.state.setGpr(EDX, 4, 9);
    assert.equal(cpu.execute([0xed]), null, 'ports 9 to 12');
  });

  it('needs two bytes of the map within the TSS', () => {
    const cpu = program();
    // the limit is 0x2ff: the last port with two bytes is that of byte 0x2fe
    cpu.state.setGpr(EDX, 4, (0x2fe - MAP) * 8);
    assert.equal(cpu.execute([0xec]), null);
    cpu.state.setGpr(EDX, 4, (0x2ff - MAP) * 8);
    assert.deepEqual(cpu.execute([0xec]), GP0);
  });

  it('is not asked when CPL is within IOPL, and always in virtual-8086 mode', () => {
    const cpu = program();
    cpu.memory.bytes.fill(0xff, TSS + MAP, TSS + MAP + 0x100);
    assert.deepEqual(cpu.execute([0xec]), GP0);
    cpu.state.eflags = 0x3002;
    assert.equal(cpu.execute([0xec]), null);
    cpu.state.eflags = 0x3002 | FLAG.VM;
    assert.deepEqual(cpu.execute([0xec]), GP0);
    assert.deepEqual(cpu.offered.length, 1, 'a refused access is not offered');
  });

  it('is refused by a 16-bit TSS', () => {
    const cpu = program();
    const tss = cpu.state.segment(L.SEGMENT.TR);
    cpu.state.setSegment(L.SEGMENT.TR, { ...tss, rights: 0x83 });
    assert.deepEqual(cpu.execute([0xec]), GP0);
  });
});

describe('IN and OUT', () => {
  it('move AL, AX, EAX and are offered with port, size, direction and value', () => {
    const cpu = new ProtectedMachine();
    cpu.portValue = 0x11223344;
    cpu.execute([0xe5, 0x60]);
    assert.equal(cpu.state.gpr(EAX, 4), 0x11223344);
    cpu.state.setGpr(EDX, 4, 0x103f8);
    cpu.execute([0xee]);
    assert.deepEqual(cpu.log, ['in4 60', 'out1 3f8 44']);
    const common = { kind: 'io', string: false, repeat: false, linear: 0, addressSize: 4 } as const;
    assert.deepEqual(cpu.offered, [
      { event: { ...common, port: 0x60, size: 4, direction: 'in', immediate: true, value: 0 }, length: 2 },
      { event: { ...common, port: 0x3f8, size: 1, direction: 'out', immediate: false, value: 0x44 }, length: 1 },
    ]); // prettier-ignore
  });

  it('touch no port when they leave the guest', () => {
    const cpu = new ProtectedMachine();
    cpu.intercepts = ({ kind }) => kind === 'io';
    assert.throws(() => cpu.execute([0xec]), VmExitSignal);
    assert.deepEqual(cpu.log, []);
  });
});

describe('INS and OUTS', () => {
  it('repeat by ECX and step by DF', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    cpu.poke32(0x9000, 0x44332211);
    state.setGpr(ECX, 4, 3);
    state.setGpr(ESI, 4, 0x9000);
    state.setGpr(EDX, 4, 0x3f8);
    assert.equal(cpu.execute([0xf3, 0x6e]), null);
    assert.deepEqual(cpu.log, ['out1 3f8 11', 'out1 3f8 22', 'out1 3f8 33']);
    assert.deepEqual([state.gpr(ECX, 4), state.gpr(ESI, 4)], [0, 0x9003]);
    state.systemFlags |= FLAG.DF;
    state.setGpr(EDI, 4, 0x9010);
    cpu.portValue = 0xbeef;
    assert.equal(cpu.execute([0x66, 0x6d]), null);
    assert.equal(cpu.peek16(0x9010), 0xbeef);
    assert.equal(state.gpr(EDI, 4), 0x900e);
  });

  it('with ECX 0 ask for permission all the same, and do nothing', () => {
    const cpu = program();
    cpu.memory.bytes.fill(0, TSS + MAP, TSS + MAP + 0x100);
    assert.equal(cpu.execute([0xf3, 0x6c]), null);
    // native execution: a program without permission is told so
    cpu.memory.bytes.fill(0xff, TSS + MAP, TSS + MAP + 0x100);
    assert.equal(cpu.execute([0xf3, 0x6c])?.vector, VECTOR.GP);
    assert.deepEqual(cpu.offered, []);
  });

  it('run in pieces that begin again at their own address', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(ECX, 4, 5000);
    cpu.state.setGpr(EDI, 4, 0x10000);
    assert.equal(cpu.execute([0xf3, 0x6c]), null);
    assert.equal(cpu.state.eip, 0x100);
    assert.equal(cpu.state.gpr(ECX, 4), 904);
    assert.equal(cpu.execute([0xf3, 0x6c]), null);
    assert.equal(cpu.state.eip, 0x102);
    assert.equal(cpu.log.length, 5000);
  });

  it('move one element at a time when single-stepped', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(ECX, 4, 3);
    cpu.state.systemFlags |= FLAG.TF;
    assert.equal(cpu.execute([0xf3, 0x6e]), null);
    assert.deepEqual([cpu.state.eip, cpu.state.gpr(ECX, 4)], [0x100, 2]);
  });

  it('fault in the middle with registers at the element that failed, its port unread', () => {
    const cpu = new ProtectedMachine();
    cpu.memory.missing.add(0xa);
    cpu.state.setGpr(ECX, 4, 10);
    cpu.state.setGpr(EDI, 4, 0x9ffe);
    assert.deepEqual(cpu.execute([0xf3, 0x6c]), { vector: VECTOR.PF, errorCode: 2 });
    assert.deepEqual([cpu.state.gpr(ECX, 4), cpu.state.gpr(EDI, 4)], [8, 0xa000]);
    assert.equal(cpu.log.length, 2);
  });

  it('use 16-bit registers with address size 16', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(ECX, 4, 0x10001);
    cpu.state.setGpr(ESI, 4, 0x1ffff);
    assert.equal(cpu.execute([0xf3, 0x67, 0x6e]), null);
    assert.deepEqual([cpu.state.gpr(ECX, 4), cpu.state.gpr(ESI, 4)], [0x10000, 0x10000]);
  });
});
