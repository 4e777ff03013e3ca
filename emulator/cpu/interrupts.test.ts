/**
 * The way to a handler and back. Expected frames: SDM vol. 3, figure 6-4 "Stack usage on transfers to
 * interrupt and exception-handling routines" and figure 20-4 "Privilege level 0 stack after interrupt
 * or exception in virtual-8086 mode"; faults and error codes: vol. 2, "INT n", and vol. 3, 6.13.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { interruptReturn } from './interrupt-return.ts';
import { enterHandler } from './interrupts.ts';
import type { Delivery } from './interrupts.ts';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import { CR4, FLAG, RIGHTS } from './state.ts';
import { FakeProcessor } from './testing/fake-processor.ts';
import type { RaisedFault } from './testing/fake-processor.ts';
import {
  ACCESS,
  IDT,
  ProtectedMachine,
  SELECTOR,
  TSS,
  gate,
  segmentDescriptor,
} from './testing/protected-machine.ts';

const { CS, SS, DS, ES, FS, GS } = L.SEGMENT;
const S = SELECTOR;
const ESP = 4;
const INTERRUPT32 = 14;
const TRAP32 = 15;
const INTERRUPT16 = 6;

const refused = (vector: number, errorCode: number): RaisedFault => ({ vector, errorCode });
const event = (changes: Partial<Delivery> = {}): Delivery => ({
  vector: 0x40,
  errorCode: null,
  ext: 1,
  checkDpl: false,
  returnEip: 0x123,
  flags: 0x302,
  ...changes,
});

/** A machine whose vector 0x40 leads to `selector`:0x5678. */
function machine(type: number, selector: number = S.CODE0, dpl = 0): ProtectedMachine {
  const cpu = new ProtectedMachine();
  cpu.setGate(0x40, gate(type, selector, 0x45678, dpl));
  cpu.state.eflags = 0x302;
  return cpu;
}

describe('an interrupt in real-address mode', () => {
  it('pushes FLAGS, CS, IP and clears IF, TF, AC', () => {
    const cpu = new FakeProcessor();
    const { state } = cpu;
    cpu.memory.write32(0x40 * 4, 0xf000_1234);
    state.setSegment(CS, { ...state.segment(CS), selector: 0x100, base: 0x1000 });
    state.setGpr(ESP, 4, 0x12340800);
    state.eflags = 0x40000 | 0x302;
    enterHandler(cpu, event({ errorCode: 7 }));
    assert.equal(state.gpr(ESP, 4), 0x123407fa);
    assert.deepEqual(
      [0x7fa, 0x7fc, 0x7fe].map((at) => cpu.memory.read16(at)),
      [0x123, 0x100, 0x302],
    );
    assert.equal(state.eip, 0x1234);
    assert.equal(state.segmentBase(CS), 0xf0000);
    assert.equal(state.eflags & (FLAG.IF | FLAG.TF | FLAG.AC), 0);
  });

  it('ends the wait for an error of the x87 unit: the handler waits for its own', () => {
    const cpu = new FakeProcessor();
    cpu.state.set(L.ERROR_AWAITED, 1);
    enterHandler(cpu, event());
    assert.equal(cpu.state.get(L.ERROR_AWAITED), 0);
  });

  it('beyond the table raises #GP', () => {
    const cpu = new FakeProcessor();
    cpu.state.set(L.IDTR + 8, 0x102);
    assert.equal(cpu.faultOf(() => enterHandler(cpu, event()))?.vector, VECTOR.GP);
  });
});

describe('an interrupt in protected mode', () => {
  it('of the same level pushes EFLAGS, CS, EIP and the error code', () => {
    const cpu = machine(INTERRUPT32);
    enterHandler(cpu, event({ errorCode: 0x18 }));
    assert.deepEqual(cpu.frame(4), [0x18, 0x123, S.CODE0, 0x302]);
    assert.equal(cpu.state.gpr(ESP, 4), 0x5000 - 16);
    assert.equal(cpu.state.eip, 0x45678);
    assert.equal(cpu.state.systemFlags & (FLAG.IF | FLAG.TF), 0);
  });

  it('through a trap gate keeps IF', () => {
    const cpu = machine(TRAP32);
    enterHandler(cpu, event());
    assert.equal(cpu.state.systemFlags & (FLAG.IF | FLAG.TF), FLAG.IF);
  });

  it('from an outer level switches to the stack of the TSS', () => {
    const cpu = machine(INTERRUPT32);
    cpu.atLevel(3);
    cpu.memory.supervisor.add(4);
    enterHandler(cpu, event({ errorCode: 4 }));
    assert.equal(cpu.state.cpl, 0);
    assert.equal(cpu.state.selector(SS), S.DATA0);
    assert.deepEqual(cpu.frame(6), [4, 0x123, S.CODE3 | 3, 0x302, 0x8000, S.DATA3 | 3]);
    assert.equal(cpu.state.gpr(ESP, 4), 0x5000 - 24);
    assert.equal(cpu.state.selector(DS), S.DATA3 | 3, 'data segments stay');
  });

  it('through a 16-bit gate pushes words and takes 16 bits of offset', () => {
    const cpu = machine(INTERRUPT16);
    cpu.atLevel(3);
    enterHandler(cpu, event());
    assert.deepEqual(cpu.frame(5, 2), [0x123, S.CODE3 | 3, 0x302, 0x8000, S.DATA3 | 3]);
    assert.equal(cpu.state.eip, 0x5678);
  });

  it('to conforming code stays at its level', () => {
    const cpu = machine(INTERRUPT32, S.CONFORMING0);
    cpu.atLevel(3);
    enterHandler(cpu, event());
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.state.selector(CS), S.CONFORMING0 | 3);
    assert.deepEqual(cpu.frame(3), [0x123, S.CODE3 | 3, 0x302]);
  });

  it('clears TF, NT and RF but not in the pushed image', () => {
    const cpu = machine(TRAP32);
    const flags = FLAG.NT | FLAG.RF | FLAG.TF | 2;
    cpu.state.eflags = flags;
    enterHandler(cpu, event({ flags }));
    assert.equal(cpu.frame(3)[2], flags);
    assert.equal(cpu.state.systemFlags & (FLAG.NT | FLAG.RF | FLAG.TF), 0);
  });

  // vector 0x40 × 8 + IDT bit + EXT
  const idt = 0x202;
  const cases = [
    { name: 'a vector beyond the IDT',       limit: 0x206, gate: gate(14, S.CODE0, 0),                   checkDpl: false, fault: refused(VECTOR.GP, idt | 1) },
    { name: 'a call gate',                   limit: 0x7ff, gate: gate(12, S.CODE0, 0),                   checkDpl: false, fault: refused(VECTOR.GP, idt | 1) },
    { name: 'a code segment in the IDT',     limit: 0x7ff, gate: segmentDescriptor(0, 1, ACCESS.CODE32), checkDpl: false, fault: refused(VECTOR.GP, idt | 1) },
    { name: 'an absent gate',                limit: 0x7ff, gate: gate(14, S.CODE0, 0, 0, 0, false),      checkDpl: false, fault: refused(VECTOR.NP, idt | 1) },
    { name: 'INT n through a DPL 0 gate',    limit: 0x7ff, gate: gate(14, S.CODE0, 0),                   checkDpl: true,  fault: refused(VECTOR.GP, idt) },
    { name: 'a null code selector',          limit: 0x7ff, gate: gate(14, 0, 0),                         checkDpl: false, fault: refused(VECTOR.GP, 1) },
    { name: 'a selector outside the GDT',    limit: 0x7ff, gate: gate(14, 0x80, 0),                      checkDpl: false, fault: refused(VECTOR.GP, 0x81) },
    { name: 'a data segment',                limit: 0x7ff, gate: gate(14, S.DATA0, 0),                   checkDpl: false, fault: refused(VECTOR.GP, S.DATA0 | 1) },
    { name: 'a task gate with TI',           limit: 0x7ff, gate: gate(5, S.OTHER_TSS | 4, 0),            checkDpl: false, fault: refused(VECTOR.GP, S.OTHER_TSS | 4 | 1) },
    { name: 'a task gate to a busy TSS',     limit: 0x7ff, gate: gate(5, S.TSS, 0),                      checkDpl: false, fault: refused(VECTOR.GP, S.TSS | 1) },
  ] as const; // prettier-ignore
  for (const { name, limit, gate: descriptor, checkDpl, fault } of cases) {
    it(`refuses ${name}`, () => {
      const cpu = new ProtectedMachine();
      cpu.setGate(0x40, descriptor);
      cpu.state.set(L.IDTR + 8, limit);
      cpu.atLevel(3);
      const delivery = event({ checkDpl, ext: checkDpl ? 0 : 1 });
      assert.deepEqual(
        cpu.faultOf(() => enterHandler(cpu, delivery)),
        fault,
      );
      assert.equal(cpu.state.eip, 0x100);
    });
  }

  it('refuses less privileged code, and absent code after it', () => {
    const cpu = machine(INTERRUPT32, S.CODE3);
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.GP, S.CODE3 | 1),
    );
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfffff, ACCESS.CODE32 & ~0x80));
    cpu.setGate(0x40, gate(INTERRUPT32, S.SPARE, 0));
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.NP, S.SPARE | 1),
    );
  });

  it('commits nothing when the inner stack is not mapped', () => {
    const cpu = machine(INTERRUPT32);
    cpu.atLevel(3);
    cpu.memory.missing.add(4);
    const before = Uint8Array.from(cpu.state.u8);
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.PF, 2),
    );
    assert.deepEqual(cpu.state.u8, before);
  });

  it('reports a frame that does not fit with EXT, an offset beyond the limit after it', () => {
    const cpu = machine(INTERRUPT32);
    cpu.state.setGpr(ESP, 4, 2);
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.SS, 1),
    );
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfff, ACCESS.CODE16));
    cpu.setGate(0x40, gate(INTERRUPT32, S.SPARE, 0x1000));
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.SS, 1),
    );
    cpu.state.setGpr(ESP, 4, 0x5000);
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.GP, 1),
    );
  });
});

/** A machine in virtual-8086 mode at 0x100:0x20 with SS:SP 0x800:0x100 and flags besides VM. */
function v86Machine(flags: number): ProtectedMachine {
  const cpu = new ProtectedMachine();
  const { state } = cpu;
  state.set(L.CPL, 3);
  state.eflags = FLAG.VM | flags | 2;
  const selectors = [0x200, 0x100, 0x800, 0x300, 0x400, 0x500];
  selectors.forEach((selector, index) => {
    const segment = { selector, rights: 0xf3, base: selector << 4, limit: 0xffff };
    state.setSegment(index as L.SegmentIndex, segment);
  });
  state.setGpr(ESP, 4, 0x100);
  state.eip = 0x20;
  return cpu;
}

describe('an interrupt in virtual-8086 mode', () => {
  it('pushes the data segments too and empties them', () => {
    const cpu = v86Machine(FLAG.IF);
    const flags = cpu.state.eflags;
    cpu.setGate(0x40, gate(INTERRUPT32, S.CODE0, 0x45678));
    enterHandler(cpu, event({ flags, errorCode: 2 }));
    const expected = [2, 0x123, 0x100, flags, 0x100, 0x800, 0x200, 0x300, 0x400, 0x500];
    assert.deepEqual(cpu.frame(10), expected);
    assert.equal(cpu.state.v86, false);
    assert.equal(cpu.state.cpl, 0);
    for (const index of [ES, DS, FS, GS]) {
      assert.notEqual(cpu.state.segment(index).rights & RIGHTS.UNUSABLE, 0);
    }
    // and IRETD leads back
    cpu.state.setGpr(ESP, 4, cpu.state.gpr(ESP, 4) + 4);
    interruptReturn(cpu, 4);
    assert.equal(cpu.state.v86, true);
    assert.equal(cpu.nextEip, 0x123);
    assert.deepEqual(
      [ES, CS, SS, DS, FS, GS].map((index) => cpu.state.selector(index)),
      [0x200, 0x100, 0x800, 0x300, 0x400, 0x500],
    );
    assert.equal(cpu.state.gpr(ESP, 4), 0x100);
  });

  it('must lead to level 0', () => {
    const cpu = v86Machine(FLAG.IF);
    cpu.setGate(0x40, gate(INTERRUPT32, S.CODE1, 0));
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.GP, S.CODE1 | 1),
    );
    cpu.setGate(0x40, gate(INTERRUPT32, S.CONFORMING0, 0));
    assert.deepEqual(
      cpu.faultOf(() => enterHandler(cpu, event())),
      refused(VECTOR.GP, S.CONFORMING0 | 1),
    );
  });

  it('by INT n needs IOPL 3, by INT3 does not', () => {
    const cpu = v86Machine(2 << 12);
    cpu.setGate(0x40, gate(INTERRUPT32, S.CODE0, 0x45678, 3));
    cpu.setGate(VECTOR.BP, gate(INTERRUPT32, S.CODE0, 0x3333, 3));
    assert.deepEqual(cpu.execute([0xcd, 0x40]), refused(VECTOR.GP, 0));
    assert.equal(cpu.execute([0xcc]), null);
    assert.equal(cpu.state.eip, 0x3333);
    const privileged = v86Machine(FLAG.IOPL);
    privileged.setGate(0x40, gate(INTERRUPT32, S.CODE0, 0x45678, 3));
    assert.equal(privileged.execute([0xcd, 0x40]), null);
    assert.equal(privileged.state.eip, 0x45678);
    assert.equal(privileged.frame(1)[0], 0x22, 'returns after INT n');
  });

  /** VME with the redirection map at TSS + 0x68, the I/O map after it. */
  function vmeMachine(flags: number): ProtectedMachine {
    const cpu = v86Machine(flags);
    cpu.state.setCr(4, CR4.VME);
    cpu.poke16(TSS + 0x66, 0x88);
    cpu.memory.write32(0x40 * 4, 0x0700_0042);
    return cpu;
  }

  it('goes to the program itself where the redirection bit is clear', () => {
    const cpu = vmeMachine(FLAG.VIF);
    assert.equal(cpu.execute([0xcd, 0x40]), null);
    assert.equal(cpu.state.v86, true);
    assert.equal(cpu.state.selector(CS), 0x700);
    assert.equal(cpu.state.eip, 0x42);
    // IF shows VIF, IOPL shows 3
    assert.deepEqual(cpu.frame(3, 2), [0x22, 0x100, FLAG.IF | FLAG.IOPL | 2]);
    assert.equal(cpu.state.systemFlags & FLAG.VIF, 0);
  });

  it('goes to the monitor where it is set and IOPL is below 3', () => {
    const cpu = vmeMachine(FLAG.VIF);
    cpu.memory.bytes[TSS + 0x68 + 8] = 1;
    assert.deepEqual(cpu.execute([0xcd, 0x40]), refused(VECTOR.GP, 0));
  });

  it('is returned from with VIF in the place of IF', () => {
    const cpu = vmeMachine(0);
    for (const [i, word] of [0x77, 0x110, FLAG.IF | 2].entries()) cpu.poke16(0x80fa + 2 * i, word);
    cpu.state.setGpr(ESP, 4, 0xfa);
    interruptReturn(cpu, 2);
    assert.equal(cpu.nextEip, 0x77);
    assert.equal(cpu.state.systemFlags & (FLAG.VIF | FLAG.IF), FLAG.VIF);
    cpu.state.setGpr(ESP, 4, 0xfa);
    cpu.state.systemFlags |= FLAG.VIP;
    assert.deepEqual(
      cpu.faultOf(() => interruptReturn(cpu, 2)),
      refused(VECTOR.GP, 0),
    );
    assert.deepEqual(
      cpu.faultOf(() => interruptReturn(cpu, 4)),
      refused(VECTOR.GP, 0),
    );
  });
});

describe('IRET', () => {
  function returning(level: 0 | 1 | 3, frame: readonly number[]): ProtectedMachine {
    const cpu = new ProtectedMachine();
    cpu.atLevel(level);
    const top = cpu.state.gpr(ESP, 4) - frame.length * 4;
    frame.forEach((value, i) => cpu.poke32(top + i * 4, value));
    cpu.state.setGpr(ESP, 4, top);
    return cpu;
  }
  const ALL = 0x3f7fd7;

  it('at level 0 pops everything but VM', () => {
    const cpu = returning(0, [0x50, S.CODE0, ALL & ~FLAG.VM]);
    interruptReturn(cpu, 4);
    assert.equal(cpu.state.eflags, ALL & ~FLAG.VM);
    assert.equal(cpu.state.gpr(ESP, 4), 0x5000);
  });

  it('above IOPL leaves IF, IOPL, VIF, VIP and ignores VM', () => {
    const cpu = returning(3, [0x50, S.CODE3 | 3, ALL]);
    interruptReturn(cpu, 4);
    const kept = FLAG.IF | FLAG.IOPL | FLAG.VIF | FLAG.VIP | FLAG.VM;
    assert.equal(cpu.state.eflags, ALL & ~kept);
    assert.equal(cpu.nextEip, 0x50);
  });

  it('to an outer level judges flags by the level that it leaves', () => {
    const cpu = returning(0, [0x50, S.CODE3 | 3, 0x3202, 0x7ff0, S.DATA3 | 3]);
    interruptReturn(cpu, 4);
    assert.equal(cpu.state.eflags, 0x3202);
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.state.gpr(ESP, 4), 0x7ff0);
    assert.notEqual(cpu.state.segment(DS).rights & RIGHTS.UNUSABLE, 0);
  });

  it('with 16 bits leaves the upper half of EFLAGS', () => {
    const cpu = new ProtectedMachine();
    cpu.state.eflags = FLAG.AC | FLAG.ID | 2;
    for (const [i, word] of [0x50, S.CODE0, 0x202].entries()) cpu.poke16(0x4ffa + 2 * i, word);
    cpu.state.setGpr(ESP, 4, 0x4ffa);
    interruptReturn(cpu, 2);
    assert.equal(cpu.state.eflags, FLAG.AC | FLAG.ID | 0x202);
  });

  it('in real-address mode leaves VM, VIF and VIP', () => {
    const cpu = new FakeProcessor();
    for (const [i, value] of [0x50, 0x700, ALL].entries()) cpu.memory.write32(0x800 + 4 * i, value);
    cpu.state.setGpr(ESP, 4, 0x800);
    interruptReturn(cpu, 4);
    assert.equal(cpu.state.eflags, ALL & ~(FLAG.VM | FLAG.VIF | FLAG.VIP));
  });

  it('to virtual-8086 mode needs an offset within 64 KiB and the whole frame', () => {
    const cpu = returning(0, [0x10000, 0x100, FLAG.VM, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(
      cpu.faultOf(() => interruptReturn(cpu, 4)),
      refused(VECTOR.GP, 0),
    );
    cpu.setDescriptor(S.DATA0, segmentDescriptor(0, 0x4ff7, ACCESS.DATA32 & 0x7ff));
    cpu.cache(SS, S.DATA0);
    assert.deepEqual(
      cpu.faultOf(() => interruptReturn(cpu, 4)),
      refused(VECTOR.SS, 0),
    );
    assert.equal(cpu.state.v86, false);
  });

  it('reads gates afresh, so the IDT may move', () => {
    const cpu = machine(INTERRUPT32);
    cpu.state.set(L.IDTR, IDT + 0x100);
    cpu.poke32(IDT + 0x100 + 0x200, 0);
    cpu.poke32(IDT + 0x100 + 0x204, 0);
    assert.equal(cpu.faultOf(() => enterHandler(cpu, event()))?.vector, VECTOR.GP);
  });
});
