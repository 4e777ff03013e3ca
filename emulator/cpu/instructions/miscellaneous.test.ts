/**
 * ENTER, CMPXCHG8B, BOUND, INTO and the segment-register instructions. Results by the pseudo-code of
 * SDM vol. 2.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import { FLAG } from '../state.ts';
import { ProtectedMachine, SELECTOR, gate } from '../testing/protected-machine.ts';

const S = SELECTOR;
const [EAX, ECX, EDX, EBX, ESP, EBP] = [0, 1, 2, 3, 4, 5];

describe('ENTER', () => {
  it('copies the display of the outer frames', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    state.setGpr(EBP, 4, 0x9010);
    cpu.poke32(0x900c, 0xaaaa);
    cpu.poke32(0x9008, 0xbbbb);
    assert.equal(cpu.execute([0xc8, 0x20, 0, 3]), null);
    assert.equal(state.gpr(EBP, 4), 0x4ffc);
    assert.equal(state.gpr(ESP, 4), 0x4ffc - 12 - 0x20);
    const pushed = [0x4ffc, 0x4ff8, 0x4ff4, 0x4ff0].map((at) => cpu.peek32(at));
    assert.deepEqual(pushed, [0x9010, 0xaaaa, 0xbbbb, 0x4ffc]);
  });

  it('changes nothing when a write at the final ESP would fault', () => {
    const cpu = new ProtectedMachine();
    cpu.memory.missing.add(3);
    cpu.state.setGpr(EBP, 4, 0x9010);
    assert.deepEqual(cpu.execute([0xc8, 0, 0x10, 0]), { vector: VECTOR.PF, errorCode: 2 });
    assert.deepEqual([cpu.state.gpr(ESP, 4), cpu.state.gpr(EBP, 4)], [0x5000, 0x9010]);
  });
});

describe('CMPXCHG8B', () => {
  function machine(low: number, high: number): ProtectedMachine {
    const cpu = new ProtectedMachine();
    cpu.poke32(0x9000, low);
    cpu.poke32(0x9004, high);
    const values = [0x11111111, 0x44444444, 0x22222222, 0x33333333];
    values.forEach((value, register) => cpu.state.setGpr(register, 4, value));
    return cpu;
  }
  const atEsi = [0x0f, 0xc7, 0x0e];

  it('stores ECX:EBX when EDX:EAX is equal', () => {
    const cpu = machine(0x11111111, 0x22222222);
    cpu.state.setGpr(6, 4, 0x9000);
    cpu.state.eflags = FLAG.CF | 2;
    assert.equal(cpu.execute(atEsi), null);
    assert.deepEqual([cpu.peek32(0x9000), cpu.peek32(0x9004)], [0x33333333, 0x44444444]);
    assert.equal(cpu.state.eflags, FLAG.ZF | FLAG.CF | 2);
  });

  it('else loads EDX:EAX, and needs a writable destination even so', () => {
    const cpu = machine(0x11111111, 0x99999999);
    cpu.state.setGpr(6, 4, 0x9000);
    assert.equal(cpu.execute(atEsi), null);
    assert.deepEqual([cpu.state.gpr(EAX, 4), cpu.state.gpr(EDX, 4)], [0x11111111, 0x99999999]);
    assert.equal(cpu.state.eflags & FLAG.ZF, 0);
    cpu.memory.readOnly.add(9);
    assert.deepEqual(cpu.execute(atEsi), { vector: VECTOR.PF, errorCode: 3 });
  });
});

describe('BOUND and INTO', () => {
  it('BOUND compares signed, with the limits included', () => {
    const cpu = new ProtectedMachine();
    cpu.poke32(0x9000, -5 >>> 0);
    cpu.poke32(0x9004, 7);
    cpu.state.setGpr(EBX, 4, 0x9000);
    const outcome = (index: number): number | undefined => {
      cpu.state.setGpr(EAX, 4, index >>> 0);
      return cpu.execute([0x62, 0x03])?.vector;
    };
    assert.deepEqual([-6, -5, 7, 8].map(outcome), [VECTOR.BR, undefined, undefined, VECTOR.BR]);
  });

  it('INTO is a trap to vector 4 when OF is set', () => {
    const cpu = new ProtectedMachine();
    cpu.setGate(4, gate(15, S.CODE0, 0x4444));
    assert.equal(cpu.execute([0xce]), null);
    assert.equal(cpu.state.eip, 0x101);
    cpu.state.eflags = FLAG.OF | 2;
    assert.equal(cpu.execute([0xce]), null);
    assert.equal(cpu.state.eip, 0x4444);
    assert.equal(cpu.frame(1)[0], 0x102);
  });
});

describe('segment registers', () => {
  it('MOV from one zero-extends to a register and stores a word in memory', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EAX, 4, 0xffffffff);
    cpu.execute([0x8c, 0xd8]);
    assert.equal(cpu.state.gpr(EAX, 4), S.DATA0);
    cpu.poke32(0x9000, 0xffffffff);
    cpu.state.setGpr(EBX, 4, 0x9000);
    cpu.execute([0x8c, 0x1b]);
    assert.equal(cpu.peek32(0x9000), 0xffff0000 + S.DATA0);
  });

  it('MOV and POP to SS hold interrupts back for one instruction', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(EAX, 4, S.DATA0_16);
    cpu.execute([0x8e, 0xd0]);
    assert.deepEqual(cpu.log, ['inhibit']);
    cpu.state.setGpr(ESP, 4, 0xffff4ffc);
    cpu.poke32(0x4ffc, S.DATA0);
    assert.equal(cpu.execute([0x17]), null);
    assert.equal(cpu.state.gpr(ESP, 4), 0xffff5000, 'moved by the old 16-bit stack');
    assert.equal(cpu.state.selector(L.SEGMENT.SS), S.DATA0);
  });

  it('PUSH writes a word even where it takes a dword', () => {
    const cpu = new ProtectedMachine();
    cpu.poke32(0x4ffc, 0xdeadbeef);
    cpu.execute([0x1e]);
    assert.equal(cpu.peek32(0x4ffc), 0xdead0000 + S.DATA0);
    assert.equal(cpu.state.gpr(ESP, 4), 0x4ffc);
  });

  it('LES loads nothing when the selector is bad', () => {
    const cpu = new ProtectedMachine();
    cpu.poke32(0x9000, 0x12345678);
    cpu.poke16(0x9004, 0x80);
    cpu.state.setGpr(EBX, 4, 0x9000);
    cpu.state.setGpr(ECX, 4, 1);
    assert.deepEqual(cpu.execute([0xc4, 0x0b]), { vector: VECTOR.GP, errorCode: 0x80 });
    assert.equal(cpu.state.gpr(ECX, 4), 1);
    cpu.poke16(0x9004, S.DATA3 | 3);
    assert.equal(cpu.execute([0xc4, 0x0b]), null);
    assert.equal(cpu.state.gpr(ECX, 4), 0x12345678);
    assert.equal(cpu.state.selector(L.SEGMENT.ES), S.DATA3 | 3);
  });
});
