/**
 * Far JMP, CALL and RET, SYSENTER and SYSEXIT. Expected frames: SDM vol. 3, figure 5-13 "Stack
 * switching during an interprivilege-level call"; faults: vol. 2, "JMP", "CALL", "RET".
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { farCall, farJump, farReturn, systemEnter, systemExit } from './far-transfers.ts';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import { RIGHTS } from './state.ts';
import { FakeProcessor } from './testing/fake-processor.ts';
import type { RaisedFault } from './testing/fake-processor.ts';
import {
  ACCESS,
  GDT,
  ProtectedMachine,
  SELECTOR,
  gate,
  segmentDescriptor,
} from './testing/protected-machine.ts';

const { CS, SS, DS, ES, FS, GS } = L.SEGMENT;
const S = SELECTOR;
const ESP = 4;

const refused = (vector: number, errorCode: number): RaisedFault => ({ vector, errorCode });

describe('far JMP', () => {
  it('to code of the same level takes CPL as RPL', () => {
    const cpu = new ProtectedMachine();
    cpu.atLevel(3);
    farJump(cpu, S.CODE3, 0x1234);
    assert.equal(cpu.nextEip, 0x1234);
    assert.equal(cpu.state.selector(CS), S.CODE3 | 3);
    assert.equal(cpu.peek32(GDT + S.CODE3 + 4) & 0x100, 0x100, 'accessed bit');
  });

  it('to conforming code of a more privileged level keeps the level', () => {
    const cpu = new ProtectedMachine();
    cpu.atLevel(3);
    farJump(cpu, S.CONFORMING0, 0x10);
    assert.equal(cpu.state.selector(CS), S.CONFORMING0 | 3);
    assert.equal(cpu.state.cpl, 3);
  });

  it('in real-address mode takes a paragraph and faults beyond the limit', () => {
    const cpu = new FakeProcessor();
    farJump(cpu, 0xf000, 0xfff0);
    assert.equal(cpu.state.segmentBase(CS), 0xf0000);
    assert.equal(cpu.nextEip, 0xfff0);
    const raised = cpu.faultOf(() => farJump(cpu, 0, 0x10000));
    assert.deepEqual(raised, refused(VECTOR.GP, 0));
  });

  const cases = [
    { name: 'null',                      level: 0, selector: 2,             fault: refused(VECTOR.GP, 0) },
    { name: 'outside the GDT',           level: 0, selector: 0x80,          fault: refused(VECTOR.GP, 0x80) },
    { name: 'data',                      level: 0, selector: S.DATA0,       fault: refused(VECTOR.GP, S.DATA0) },
    { name: 'inner code',                level: 3, selector: S.CODE0,       fault: refused(VECTOR.GP, S.CODE0) },
    { name: 'outer code',                level: 0, selector: S.CODE3 | 3,   fault: refused(VECTOR.GP, S.CODE3) },
    { name: 'code with RPL above CPL',   level: 0, selector: S.CODE0 | 1,   fault: refused(VECTOR.GP, S.CODE0) },
    { name: 'an LDT',                    level: 0, selector: S.LDT,         fault: refused(VECTOR.GP, S.LDT) },
    { name: 'a busy TSS',                level: 0, selector: S.TSS,         fault: refused(VECTOR.GP, S.TSS) },
    { name: 'a TSS above its DPL',       level: 3, selector: S.OTHER_TSS,   fault: refused(VECTOR.GP, S.OTHER_TSS) },
  ] as const; // prettier-ignore
  for (const { name, level, selector, fault } of cases) {
    it(`refuses ${name}`, () => {
      const cpu = new ProtectedMachine();
      cpu.atLevel(level);
      const before = cpu.state.segment(CS);
      assert.deepEqual(
        cpu.faultOf(() => farJump(cpu, selector, 0)),
        fault,
      );
      assert.deepEqual(cpu.state.segment(CS), before);
    });
  }

  it('refuses absent code with #NP and an offset beyond the limit with #GP(0)', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfff, ACCESS.CODE16 & ~0x80));
    assert.deepEqual(
      cpu.faultOf(() => farJump(cpu, S.SPARE, 0)),
      refused(VECTOR.NP, S.SPARE),
    );
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfff, ACCESS.CODE16));
    assert.equal(
      cpu.faultOf(() => farJump(cpu, S.SPARE, 0xfff)),
      null,
    );
    assert.deepEqual(
      cpu.faultOf(() => farJump(cpu, S.SPARE, 0x1000)),
      refused(VECTOR.GP, 0),
    );
  });

  it('through a call gate ignores the offset of the instruction', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0x12345));
    farJump(cpu, S.SPARE, 0x999);
    assert.equal(cpu.nextEip, 0x12345);
    cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0x12345, 3));
    cpu.atLevel(3);
    const raised = cpu.faultOf(() => farJump(cpu, S.SPARE | 3, 0));
    assert.deepEqual(raised, refused(VECTOR.GP, S.CODE0), 'JMP cannot change the level');
  });
});

describe('far CALL', () => {
  it('of the same level pushes CS and the next EIP with the operand size', () => {
    const cpu = new ProtectedMachine();
    cpu.nextEip = 0x107;
    farCall(cpu, S.CODE0, 0x2000, 4);
    assert.deepEqual(cpu.frame(2), [0x107, S.CODE0]);
    cpu.nextEip = 0x2005;
    farCall(cpu, S.CODE0, 0x3000, 2);
    assert.equal(cpu.state.gpr(ESP, 4), 0x5000 - 12);
    assert.deepEqual(cpu.frame(2, 2), [0x2005, S.CODE0]);
  });

  it('leaves everything when the frame does not fit', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0x4fff, ACCESS.DATA32 & 0x7ff));
    cpu.cache(SS, S.SPARE);
    cpu.state.setGpr(ESP, 4, 0x5004);
    assert.deepEqual(
      cpu.faultOf(() => farCall(cpu, S.CODE0, 0, 4)),
      refused(VECTOR.SS, 0),
    );
    assert.equal(cpu.state.gpr(ESP, 4), 0x5004);
  });

  it('checks the room for the frame before the limit of the target', () => {
    const cpu = new ProtectedMachine();
    cpu.state.setGpr(ESP, 4, 2);
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfff, ACCESS.CODE16));
    const call = (): void => farCall(cpu, S.SPARE, 0x1000, 4);
    assert.deepEqual(cpu.faultOf(call), refused(VECTOR.SS, 0));
    cpu.state.setGpr(ESP, 4, 0x5000);
    assert.deepEqual(cpu.faultOf(call), refused(VECTOR.GP, 0));
  });

  /** CALL from level 3 through a gate of `type` to CODE0 with two parameters. */
  function callGate(type: 4 | 12): ProtectedMachine {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, gate(type, S.CODE0, 0xabcd, 3, 2));
    cpu.atLevel(3);
    cpu.nextEip = 0x107;
    const size = type === 12 ? 4 : 2;
    cpu.state.setGpr(ESP, 4, 0x8000 - 2 * size);
    for (const [i, value] of [0x1111, 0x2222].entries()) {
      cpu.memory.write16(0x8000 - 2 * size + i * size, value);
    }
    // the inner stack is the supervisor's alone
    cpu.memory.supervisor.add(4);
    farCall(cpu, S.SPARE | 3, 0x999, 4);
    return cpu;
  }

  it('through a 32-bit gate switches the stack and copies parameters in order', () => {
    const cpu = callGate(12);
    assert.equal(cpu.state.cpl, 0);
    assert.equal(cpu.state.selector(CS), S.CODE0);
    assert.equal(cpu.state.selector(SS), S.DATA0);
    assert.equal(cpu.nextEip, 0xabcd);
    const expected = [0x107, S.CODE3 | 3, 0x1111, 0x2222, 0x8000 - 8, S.DATA3 | 3];
    assert.deepEqual(cpu.frame(6), expected);
    assert.equal(cpu.state.gpr(ESP, 4), 0x5000 - 24);
  });

  it('through a 16-bit gate pushes words', () => {
    const cpu = callGate(4);
    const expected = [0x107, S.CODE3 | 3, 0x1111, 0x2222, 0x8000 - 4, S.DATA3 | 3];
    assert.deepEqual(cpu.frame(6, 2), expected);
    assert.equal(cpu.state.gpr(ESP, 4), 0x5000 - 12);
  });

  const stacks = [
    { name: 'null',                 selector: 0,            limit: 0xfffff, access: ACCESS.DATA32,         fault: refused(VECTOR.TS, 0) },
    { name: 'outside its table',    selector: 0x80,         limit: 0xfffff, access: ACCESS.DATA32,         fault: refused(VECTOR.TS, 0x80) },
    { name: 'of another RPL',       selector: S.SPARE2 | 1, limit: 0xfffff, access: ACCESS.DATA32,         fault: refused(VECTOR.TS, S.SPARE2) },
    { name: 'of another DPL',       selector: S.DATA3,      limit: 0xfffff, access: ACCESS.DATA32,         fault: refused(VECTOR.TS, S.DATA3) },
    { name: 'read-only',            selector: S.SPARE2,     limit: 0xfffff, access: ACCESS.READ_ONLY32,    fault: refused(VECTOR.TS, S.SPARE2) },
    { name: 'absent',               selector: S.SPARE2,     limit: 0xfffff, access: ACCESS.DATA32 & ~0x80, fault: refused(VECTOR.SS, S.SPARE2) },
    { name: 'without room',         selector: S.SPARE2,     limit: 0x4fe,   access: ACCESS.DATA32 & 0x7ff, fault: refused(VECTOR.SS, S.SPARE2) },
    { name: 'expand-down, with its limit in the frame', selector: S.SPARE2, limit: 0x4ff0, access: ACCESS.EXPAND_DOWN32 & 0x7ff, fault: refused(VECTOR.SS, S.SPARE2) },
    { name: 'expand-down, full',    selector: S.SPARE2,     limit: 0x4,     access: ACCESS.EXPAND_DOWN32,  fault: refused(VECTOR.SS, S.SPARE2) },
  ] as const; // prettier-ignore
  for (const { name, selector, limit, access, fault } of stacks) {
    it(`names the inner stack when it is ${name}`, () => {
      const cpu = new ProtectedMachine();
      cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0, 3));
      cpu.setDescriptor(S.SPARE2, segmentDescriptor(0, limit, access));
      cpu.setTssStack(0, selector, 0x5000);
      cpu.atLevel(3);
      const raised = cpu.faultOf(() => farCall(cpu, S.SPARE | 3, 0, 4));
      assert.deepEqual(raised, fault);
      assert.equal(cpu.state.cpl, 3);
    });
  }

  it('takes null for null whatever the first descriptor says', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0, 3));
    cpu.setDescriptor(0, segmentDescriptor(0, 0xfffff, ACCESS.DATA32));
    cpu.setTssStack(0, 0, 0x5000);
    cpu.atLevel(3);
    const raised = cpu.faultOf(() => farCall(cpu, S.SPARE | 3, 0, 4));
    assert.deepEqual(raised, refused(VECTOR.TS, 0));
  });

  it('names the TSS when it is too short for the inner stack', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0, 3));
    const tss = cpu.state.segment(L.SEGMENT.TR);
    cpu.state.setSegment(L.SEGMENT.TR, { ...tss, limit: 8 });
    cpu.atLevel(3);
    const raised = cpu.faultOf(() => farCall(cpu, S.SPARE | 3, 0, 4));
    assert.deepEqual(raised, refused(VECTOR.TS, S.TSS));
  });

  it('checks the gate before what it leads to', () => {
    const cpu = new ProtectedMachine();
    cpu.atLevel(3);
    const attempt = (descriptor: readonly [number, number]): RaisedFault | null => {
      cpu.setDescriptor(S.SPARE, descriptor);
      return cpu.faultOf(() => farCall(cpu, S.SPARE | 3, 0, 4));
    };
    const to = S.CODE0;
    assert.deepEqual(attempt(gate(12, to, 0, 2)), refused(VECTOR.GP, S.SPARE), 'DPL');
    assert.deepEqual(attempt(gate(12, to, 0, 3, 0, false)), refused(VECTOR.NP, S.SPARE), 'P');
    assert.deepEqual(attempt(gate(12, 0, 0, 3)), refused(VECTOR.GP, 0), 'null target');
    assert.deepEqual(attempt(gate(12, S.DATA0, 0, 3)), refused(VECTOR.GP, S.DATA0), 'data');
    assert.deepEqual(attempt(gate(12, 0x200, 0, 3)), refused(VECTOR.GP, 0x200), 'outside');
  });
});

describe('far RET', () => {
  function returning(frame: readonly number[], stackLevel: 0 | 1 | 3 = 0): ProtectedMachine {
    const cpu = new ProtectedMachine();
    cpu.atLevel(stackLevel);
    const top = cpu.state.gpr(ESP, 4) - frame.length * 4;
    frame.forEach((value, i) => cpu.poke32(top + i * 4, value));
    cpu.state.setGpr(ESP, 4, top);
    return cpu;
  }

  it('to an outer level releases parameters on both stacks and empties forbidden segments', () => {
    // 8 bytes of parameters between CS and ESP
    const cpu = returning([0x4321, S.CODE3 | 3, 0, 0, 0x7000, S.DATA3 | 3]);
    cpu.cache(ES, S.DATA3 | 3);
    cpu.cache(FS, S.CONFORMING0);
    farReturn(cpu, 4, 8);
    const { state } = cpu;
    assert.equal(state.cpl, 3);
    assert.equal(cpu.nextEip, 0x4321);
    assert.equal(state.selector(SS), S.DATA3 | 3);
    assert.equal(state.gpr(ESP, 4), 0x7008);
    assert.equal(state.selector(ES), S.DATA3 | 3);
    assert.equal(state.selector(FS), S.CONFORMING0, 'conforming code may be read at any level');
    for (const index of [DS, GS]) {
      assert.equal(state.selector(index), 0);
      assert.notEqual(state.segment(index).rights & RIGHTS.UNUSABLE, 0);
    }
  });

  it('to a 16-bit stack changes only SP', () => {
    const cpu = returning([0x4321, S.CODE3 | 3, 0x17000, S.DATA3_16 | 3]);
    cpu.state.setGpr(ESP, 4, cpu.state.gpr(ESP, 4));
    cpu.setDescriptor(S.DATA0, segmentDescriptor(0xfffe0000, 0xfffff, ACCESS.DATA32));
    cpu.cache(SS, S.DATA0);
    cpu.state.setGpr(ESP, 4, 0x20000 + cpu.state.gpr(ESP, 4));
    farReturn(cpu, 4, 0);
    assert.equal(cpu.state.gpr(ESP, 4), 0x27000);
  });

  const cases = [
    { name: 'a null CS',               frame: [0, 0],                                 fault: refused(VECTOR.GP, 0) },
    { name: 'a CS outside the table',  frame: [0, 0x80],                              fault: refused(VECTOR.GP, 0x80) },
    { name: 'data as CS',              frame: [0, S.DATA0],                           fault: refused(VECTOR.GP, S.DATA0) },
    { name: 'CS with DPL below RPL',   frame: [0, S.CODE0 | 3],                       fault: refused(VECTOR.GP, S.CODE0) },
    { name: 'a null outer SS',         frame: [0, S.CODE3 | 3, 0x7000, 0],            fault: refused(VECTOR.GP, 0) },
    { name: 'outer SS of other RPL',   frame: [0, S.CODE3 | 3, 0x7000, S.DATA3],      fault: refused(VECTOR.GP, S.DATA3) },
    { name: 'outer SS of other DPL',   frame: [0, S.CODE3 | 3, 0x7000, S.DATA1 | 3],  fault: refused(VECTOR.GP, S.DATA1) },
  ] as const; // prettier-ignore
  for (const { name, frame, fault } of cases) {
    it(`refuses ${name}`, () => {
      const cpu = returning(frame);
      const esp = cpu.state.gpr(ESP, 4);
      assert.deepEqual(
        cpu.faultOf(() => farReturn(cpu, 4, 0)),
        fault,
      );
      assert.equal(cpu.state.gpr(ESP, 4), esp);
      assert.equal(cpu.state.cpl, 0);
    });
  }

  it('cannot go to an inner level', () => {
    const cpu = returning([0, S.CODE0], 3);
    assert.deepEqual(
      cpu.faultOf(() => farReturn(cpu, 4, 0)),
      refused(VECTOR.GP, S.CODE0),
    );
  });
});

describe('SYSENTER and SYSEXIT', () => {
  it('make flat segments around IA32_SYSENTER_CS', () => {
    const cpu = new ProtectedMachine();
    const { state } = cpu;
    cpu.atLevel(3);
    state.set(L.SYSENTER_CS, 0x63);
    state.set(L.SYSENTER_ESP, 0xc0001000);
    state.set(L.SYSENTER_EIP, 0xc0100000);
    state.systemFlags |= 0x200;
    systemEnter(cpu);
    assert.deepEqual(state.segment(CS), {
      selector: 0x60,
      rights: 0xc09b,
      base: 0,
      limit: 0xffffffff,
    });
    assert.deepEqual(state.segment(SS), {
      selector: 0x68,
      rights: 0xc093,
      base: 0,
      limit: 0xffffffff,
    });
    assert.equal(state.cpl, 0);
    assert.equal(state.gpr(ESP, 4), 0xc0001000);
    assert.equal(cpu.nextEip, 0xc0100000);
    assert.equal(state.systemFlags & 0x200, 0);

    state.setGpr(1, 4, 0xbffff000);
    state.setGpr(2, 4, 0x08048000);
    systemExit(cpu);
    assert.deepEqual(state.segment(CS), {
      selector: 0x73,
      rights: 0xc0fb,
      base: 0,
      limit: 0xffffffff,
    });
    assert.deepEqual(state.segment(SS), {
      selector: 0x7b,
      rights: 0xc0f3,
      base: 0,
      limit: 0xffffffff,
    });
    assert.equal(state.cpl, 3);
    assert.equal(cpu.nextEip, 0x08048000);
    assert.equal(state.gpr(ESP, 4), 0xbffff000);
  });

  it('are refused without a code segment, and SYSEXIT outside level 0', () => {
    const cpu = new ProtectedMachine();
    cpu.state.set(L.SYSENTER_CS, 3);
    assert.deepEqual(
      cpu.faultOf(() => systemEnter(cpu)),
      refused(VECTOR.GP, 0),
    );
    cpu.state.set(L.SYSENTER_CS, 0x60);
    cpu.atLevel(3);
    assert.deepEqual(
      cpu.faultOf(() => systemExit(cpu)),
      refused(VECTOR.GP, 0),
    );
  });
});
