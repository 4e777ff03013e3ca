/**
 * The hardware task switch. Layout of the images: SDM vol. 3, figure 7-2 (32-bit TSS) and figure 7-10
 * (16-bit TSS); busy flag, NT flag and link: table 7-2; faults: table 7-1.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { farCall, farJump } from './far-transfers.ts';
import { interruptReturn } from './interrupt-return.ts';
import * as L from './layout.ts';
import { VECTOR, VmExitSignal } from './processor.ts';
import { CR0, FLAG } from './state.ts';
import type { RaisedFault } from './testing/fake-processor.ts';
import {
  ACCESS,
  GDT,
  OTHER_TSS,
  ProtectedMachine,
  SELECTOR,
  TSS,
  gate,
  segmentDescriptor,
} from './testing/protected-machine.ts';

const { CS, SS, DS, ES, TR, LDTR } = L.SEGMENT;
const S = SELECTOR;
const BUSY = 0x200;
const refused = (vector: number, errorCode: number): RaisedFault => ({ vector, errorCode });

/** Offsets of figure 7-2. */
const AT = { LINK: 0, CR3: 0x1c, EIP: 0x20, EFLAGS: 0x24, EAX: 0x28, ESP: 0x38, EDI: 0x44, ES: 0x48, CS: 0x4c, SS: 0x50, DS: 0x54, FS: 0x58, GS: 0x5c, LDT: 0x60, TRAP: 0x64 } as const; // prettier-ignore

/** A machine at level 0 with a second task at level 3: EIP 0x9000, ESP 0x7800, EAX 0xa0 … EDI 0xa7. */
function machine(): ProtectedMachine {
  const cpu = new ProtectedMachine();
  for (let i = 0; i < 8; i++) {
    cpu.poke32(OTHER_TSS + AT.EAX + 4 * i, 0xa0 + i);
    cpu.state.setGpr(i, 4, i === 4 ? 0x5000 : 0xb0 + i);
  }
  const fields = {
    [AT.CR3]: 0xc000, [AT.EIP]: 0x9000, [AT.EFLAGS]: 0x202, [AT.ESP]: 0x7800, [AT.ES]: S.DATA3 | 3,
    [AT.CS]: S.CODE3 | 3, [AT.SS]: S.DATA3 | 3, [AT.DS]: S.DATA3 | 3, [AT.FS]: 0, [AT.GS]: 0, [AT.LDT]: 0,
  }; // prettier-ignore
  for (const [offset, value] of Object.entries(fields)) {
    cpu.poke32(OTHER_TSS + Number(offset), value);
  }
  cpu.state.eflags = 0x246;
  cpu.nextEip = 0x107;
  return cpu;
}
const busy = (cpu: ProtectedMachine, selector: number): boolean =>
  (cpu.peek32(GDT + selector + 4) & BUSY) !== 0;

describe('JMP to a TSS', () => {
  it('saves the old task, loads the new one and moves the busy bit', () => {
    const cpu = machine();
    const { state } = cpu;
    farJump(cpu, S.OTHER_TSS, 0x1234);

    assert.equal(cpu.peek32(TSS + AT.EIP), 0x107);
    assert.equal(cpu.peek32(TSS + AT.EFLAGS), 0x246);
    assert.equal(cpu.peek32(TSS + AT.EAX), 0xb0);
    assert.equal(cpu.peek32(TSS + AT.ESP), 0x5000);
    assert.equal(cpu.peek32(TSS + AT.EDI), 0xb7);
    assert.equal(cpu.peek16(TSS + AT.CS), S.CODE0);
    assert.equal(cpu.peek16(TSS + AT.SS), S.DATA0);

    assert.equal(cpu.nextEip, 0x9000);
    assert.equal(state.eip, 0x9000);
    assert.equal(state.eflags, 0x202);
    assert.equal(state.gpr(0, 4), 0xa0);
    assert.equal(state.gpr(4, 4), 0x7800);
    assert.equal(state.gpr(7, 4), 0xa7);
    assert.equal(state.cpl, 3);
    assert.equal(state.selector(CS), S.CODE3 | 3);
    assert.equal(state.segment(SS).limit, 0xffffffff);
    assert.equal(state.selector(TR), S.OTHER_TSS);
    assert.equal(state.segment(TR).rights, 0x8b);
    assert.notEqual(state.cr(0) & CR0.TS, 0);
    assert.equal(state.cr(3), 0, 'without paging CR3 stays');
    assert.deepEqual([busy(cpu, S.TSS), busy(cpu, S.OTHER_TSS)], [false, true]);
    assert.equal(cpu.peek16(OTHER_TSS + AT.LINK), 0);
  });

  it('loads CR3 under paging', () => {
    const cpu = machine();
    cpu.state.setCr(0, cpu.state.cr(0) | CR0.PG);
    farJump(cpu, S.OTHER_TSS, 0);
    assert.equal(cpu.state.cr(3), 0xc000);
    assert.ok(cpu.log.includes('flush'));
  });

  it('through a task gate checks the gate and not the TSS for privilege', () => {
    const cpu = machine();
    cpu.setDescriptor(S.SPARE, gate(5, S.OTHER_TSS, 0, 3));
    cpu.atLevel(3);
    farJump(cpu, S.SPARE | 3, 0);
    assert.equal(cpu.state.selector(TR), S.OTHER_TSS);
  });

  it('is offered with selector and source, and an exit leaves no trace', () => {
    const cpu = machine();
    cpu.intercepts = ({ kind }) => kind === 'task-switch';
    const memory = Uint8Array.from(cpu.memory.bytes);
    const state = Uint8Array.from(cpu.state.u8);
    assert.throws(() => farJump(cpu, S.OTHER_TSS, 0), VmExitSignal);
    assert.deepEqual(cpu.offered, [
      {
        event: {
          kind: 'task-switch',
          selector: S.OTHER_TSS,
          source: 'jmp',
          errorCode: null,
          flags: 0x246,
        },
        length: 7,
      },
    ]);
    assert.deepEqual(cpu.memory.bytes, memory);
    assert.deepEqual(cpu.state.u8, state);
  });

  it('leaves no trace when the old TSS cannot be written', () => {
    const cpu = machine();
    cpu.memory.readOnly.add(TSS >> 12);
    const before = Uint8Array.from(cpu.state.u8);
    assert.equal(cpu.faultOf(() => farJump(cpu, S.OTHER_TSS, 0))?.vector, VECTOR.PF);
    assert.deepEqual(cpu.state.u8, before);
    assert.equal(busy(cpu, S.OTHER_TSS), false);
  });
});

describe('an old TSS across two pages', () => {
  it('is not half written when the second page is missing', () => {
    const cpu = machine();
    const tss = cpu.state.segment(TR);
    cpu.state.setSegment(TR, { ...tss, base: 0x9fc0 });
    cpu.memory.missing.add(0xa);
    const memory = Uint8Array.from(cpu.memory.bytes);
    const raised = cpu.faultOf(() => farJump(cpu, S.OTHER_TSS, 0));
    assert.equal(raised?.vector, VECTOR.PF);
    assert.deepEqual(cpu.memory.bytes, memory);
  });
});

describe('CALL to a TSS and IRET', () => {
  it('nest: link, NT and both busy, then back', () => {
    const cpu = machine();
    const { state } = cpu;
    farCall(cpu, S.OTHER_TSS, 0, 4);
    assert.equal(cpu.peek16(OTHER_TSS + AT.LINK), S.TSS);
    assert.equal(state.eflags, 0x202 | FLAG.NT);
    assert.deepEqual([busy(cpu, S.TSS), busy(cpu, S.OTHER_TSS)], [true, true]);

    state.eip = 0x9000;
    cpu.nextEip = 0x9001;
    interruptReturn(cpu, 4);
    assert.equal(state.selector(TR), S.TSS);
    assert.equal(cpu.nextEip, 0x107);
    assert.equal(state.gpr(0, 4), 0xb0);
    assert.equal(state.cpl, 0);
    assert.equal(state.eflags, 0x246);
    assert.equal(cpu.peek32(OTHER_TSS + AT.EFLAGS), 0x202, 'NT is saved clear');
    assert.equal(cpu.peek32(OTHER_TSS + AT.EIP), 0x9001);
    assert.deepEqual([busy(cpu, S.TSS), busy(cpu, S.OTHER_TSS)], [true, false]);
  });

  it('IRET wants a busy TSS in the GDT: #TS', () => {
    const cpu = machine();
    cpu.state.systemFlags |= FLAG.NT;
    cpu.poke16(TSS + AT.LINK, S.OTHER_TSS);
    const attempt = (): RaisedFault | null => cpu.faultOf(() => interruptReturn(cpu, 4));
    assert.deepEqual(attempt(), refused(VECTOR.TS, S.OTHER_TSS));
    cpu.poke16(TSS + AT.LINK, S.OTHER_TSS | 4);
    assert.deepEqual(attempt(), refused(VECTOR.TS, S.OTHER_TSS | 4));
  });
});

describe('a 16-bit TSS', () => {
  it('has words, no CR3, FS, GS, and ones in the upper halves', () => {
    const cpu = machine();
    const { state } = cpu;
    cpu.setDescriptor(S.OTHER_TSS, segmentDescriptor(OTHER_TSS, 0x2b, ACCESS.TSS16));
    // figure 7-10: IP, FLAGS, AX CX DX BX SP BP SI DI, ES CS SS DS, LDT from offset 0x0e
    const words = [0x900, 0x202, 1, 2, 3, 4, 0x7800, 6, 7, 8, S.DATA3 | 3, S.CODE3 | 3, S.DATA3_16 | 3, S.DATA3 | 3, 0]; // prettier-ignore
    words.forEach((word, i) => cpu.poke16(OTHER_TSS + 0x0e + 2 * i, word));
    farCall(cpu, S.OTHER_TSS, 0, 4);
    assert.equal(cpu.nextEip, 0x900);
    assert.equal(state.gpr(0, 4), 0xffff0001);
    assert.equal(state.gpr(7, 4), 0xffff0008);
    assert.equal(state.selector(SS), S.DATA3_16 | 3);
    assert.equal(state.selector(L.SEGMENT.FS), 0);

    state.eip = 0x900;
    cpu.nextEip = 0x902;
    state.setGpr(0, 4, 0x12345678);
    interruptReturn(cpu, 4);
    assert.equal(cpu.peek16(OTHER_TSS + 0x0e), 0x902);
    assert.equal(cpu.peek16(OTHER_TSS + 0x12), 0x5678);
    assert.equal(cpu.peek16(OTHER_TSS + 0x14), 2);
    assert.equal(cpu.peek16(OTHER_TSS + 0x24), S.CODE3 | 3);
    assert.equal(state.selector(CS), S.CODE0);
  });
});

describe('an interrupt through a task gate', () => {
  it('pushes the error code on the new stack and saves RF', () => {
    const cpu = machine();
    cpu.setGate(VECTOR.GP, gate(5, S.OTHER_TSS, 0));
    cpu.raise(VECTOR.GP, 0x58);
    assert.equal(cpu.state.selector(TR), S.OTHER_TSS);
    assert.equal(cpu.state.eip, 0x9000);
    assert.equal(cpu.state.gpr(4, 4), 0x7800 - 4);
    assert.deepEqual(cpu.frame(1), [0x58]);
    assert.equal(cpu.peek32(TSS + AT.EIP), 0x100);
    assert.equal(cpu.peek32(TSS + AT.EFLAGS), 0x246 | FLAG.RF);
    assert.equal(cpu.peek16(OTHER_TSS + AT.LINK), S.TSS);
    assert.notEqual(cpu.state.systemFlags & FLAG.NT, 0);
  });

  it('is offered while the event is the one being delivered', () => {
    const cpu = machine();
    cpu.setGate(0x80, gate(5, S.OTHER_TSS, 0, 3));
    let vectoring: unknown = null;
    cpu.intercepts = ({ kind }) => {
      if (kind === 'task-switch') vectoring = cpu.vectoring;
      return false;
    };
    assert.equal(cpu.execute([0xcd, 0x80]), null);
    assert.deepEqual(vectoring, { vector: 0x80, type: 'software', errorCode: null, length: 2 });
    assert.deepEqual(cpu.offered, [
      {
        event: {
          kind: 'task-switch',
          selector: S.OTHER_TSS,
          source: 'gate',
          errorCode: null,
          flags: 0x246,
        },
        length: 2,
      },
    ]);
    assert.equal(cpu.peek32(TSS + AT.EIP), 0x102);
  });
});

describe('faults of the new task', () => {
  const cases = [
    { name: 'a short TSS',                field: null,   value: 0,              fault: refused(VECTOR.TS, S.OTHER_TSS), inside: false },
    { name: 'an LDT in the LDT',          field: AT.LDT, value: S.LDT | 4,      fault: refused(VECTOR.TS, S.LDT | 4),   inside: true },
    { name: 'a data segment as LDT',      field: AT.LDT, value: S.DATA0,        fault: refused(VECTOR.TS, S.DATA0),     inside: true },
    { name: 'a null CS',                  field: AT.CS,  value: 0,              fault: refused(VECTOR.TS, 0),           inside: true },
    { name: 'CS whose DPL is not RPL',    field: AT.CS,  value: S.CODE0 | 3,    fault: refused(VECTOR.TS, S.CODE0),     inside: true },
    { name: 'a null SS',                  field: AT.SS,  value: 0,              fault: refused(VECTOR.TS, 0),           inside: true },
    { name: 'SS of another level',        field: AT.SS,  value: S.DATA0,        fault: refused(VECTOR.TS, S.DATA0),     inside: true },
    { name: 'DS outside the GDT',         field: AT.DS,  value: 0x80,           fault: refused(VECTOR.TS, 0x80),        inside: true },
    { name: 'ES of an inner level',       field: AT.ES,  value: S.DATA0,        fault: refused(VECTOR.TS, S.DATA0),     inside: true },
    { name: 'EIP beyond the code limit',  field: AT.CS,  value: S.SPARE | 3,    fault: refused(VECTOR.GP, 0),           inside: true },
    { name: 'an absent CS',               field: AT.CS,  value: S.SPARE2 | 3,   fault: refused(VECTOR.NP, S.SPARE2),    inside: true },
  ] as const; // prettier-ignore
  for (const { name, field, value, fault, inside } of cases) {
    it(`${name} is reported ${inside ? 'in the new task' : 'before the switch'}`, () => {
      const cpu = machine();
      cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfff, ACCESS.CODE16, 3));
      cpu.setDescriptor(S.SPARE2, segmentDescriptor(0, 0xfff, ACCESS.CODE16 & ~0x80, 3));
      if (field === null) {
        cpu.setDescriptor(S.OTHER_TSS, segmentDescriptor(OTHER_TSS, 0x66, ACCESS.TSS32));
      } else {
        cpu.poke32(OTHER_TSS + field, value);
      }
      assert.deepEqual(
        cpu.faultOf(() => farJump(cpu, S.OTHER_TSS, 0)),
        fault,
      );
      assert.equal(cpu.state.selector(TR), inside ? S.OTHER_TSS : S.TSS);
      assert.equal(cpu.state.eip, inside ? 0x9000 : 0x100);
    });
  }

  it('the T flag raises #DB with BT before the first instruction', () => {
    const cpu = machine();
    cpu.poke16(OTHER_TSS + AT.TRAP, 1);
    const raised = cpu.faultOf(() => farJump(cpu, S.OTHER_TSS, 0));
    assert.deepEqual(raised, { vector: VECTOR.DB, errorCode: null });
    assert.equal(cpu.state.eip, 0x9000);
    assert.equal(cpu.state.selector(DS), S.DATA3 | 3);
  });

  it('a task may run in virtual-8086 mode', () => {
    const cpu = machine();
    cpu.poke32(OTHER_TSS + AT.EFLAGS, FLAG.VM | 0x202);
    cpu.poke32(OTHER_TSS + AT.CS, 0x1000);
    cpu.poke32(OTHER_TSS + AT.ES, 0xb800);
    cpu.poke32(OTHER_TSS + AT.LDT, S.LDT);
    farJump(cpu, S.OTHER_TSS, 0);
    assert.equal(cpu.state.v86, true);
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.state.segmentBase(CS), 0x10000);
    assert.equal(cpu.state.segmentBase(ES), 0xb8000);
    assert.equal(cpu.state.selector(LDTR), S.LDT);
  });
});
