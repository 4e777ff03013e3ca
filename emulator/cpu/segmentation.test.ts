/**
 * Loading of segment registers: expected faults and caches are those of SDM vol. 2, "MOV" (protected
 * mode exceptions), vol. 3, 5.6 and table 3-1.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as L from './layout.ts';
import { VECTOR } from './processor.ts';
import { loadSegment } from './segmentation.ts';
import { FLAG, RIGHTS } from './state.ts';
import { FakeProcessor } from './testing/fake-processor.ts';
import {
  ACCESS,
  GDT,
  ProtectedMachine,
  SELECTOR,
  gate,
  segmentDescriptor,
} from './testing/protected-machine.ts';

const { DS, ES, SS } = L.SEGMENT;
const S = SELECTOR;

describe('a data segment register', () => {
  it('takes base, scaled limit and rights and sets the accessed bit in the table', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, segmentDescriptor(0x12345678, 0xabcde, ACCESS.DATA32, 2));
    assert.equal(
      cpu.faultOf(() => loadSegment(cpu, DS, S.SPARE | 1)),
      null,
    );
    assert.deepEqual(cpu.state.segment(DS), {
      selector: S.SPARE | 1,
      rights: 0xc0d3,
      base: 0x12345678,
      limit: 0xabcdefff,
    });
    assert.equal(cpu.peek32(GDT + S.SPARE + 4) & 0x100, 0x100);
  });

  it('becomes unusable with a null selector', () => {
    const cpu = new ProtectedMachine();
    loadSegment(cpu, ES, 3);
    assert.equal(cpu.state.selector(ES), 3);
    assert.notEqual(cpu.state.segment(ES).rights & RIGHTS.UNUSABLE, 0);
    assert.deepEqual(
      cpu.faultOf(() => cpu.readSegment(ES, 0, 1)),
      {
        vector: VECTOR.GP,
        errorCode: 0,
      },
    );
  });

  const cases = [
    { name: 'outside the table',            level: 0, selector: 0x80,        access: ACCESS.DATA32,         dpl: 0, fault: VECTOR.GP },
    { name: 'in a missing LDT slot',        level: 0, selector: 0x44,        access: ACCESS.DATA32,         dpl: 0, fault: VECTOR.GP },
    { name: 'of execute-only code',         level: 0, selector: S.SPARE,     access: ACCESS.EXECUTE_ONLY32, dpl: 0, fault: VECTOR.GP },
    { name: 'of a TSS',                     level: 0, selector: S.SPARE,     access: ACCESS.TSS32,          dpl: 0, fault: VECTOR.GP },
    { name: 'with DPL below CPL',           level: 3, selector: S.SPARE,     access: ACCESS.DATA32,         dpl: 2, fault: VECTOR.GP },
    { name: 'with DPL below RPL',           level: 0, selector: S.SPARE | 3, access: ACCESS.DATA32,         dpl: 2, fault: VECTOR.GP },
    { name: 'of readable code above DPL',   level: 3, selector: S.SPARE | 3, access: ACCESS.CODE32,         dpl: 0, fault: VECTOR.GP },
    { name: 'of conforming code',           level: 3, selector: S.SPARE | 3, access: ACCESS.CONFORMING32,   dpl: 0, fault: null },
    { name: 'that is not present',          level: 0, selector: S.SPARE,     access: ACCESS.DATA32 & ~0x80, dpl: 0, fault: VECTOR.NP },
    { name: 'with DPL at CPL and RPL',      level: 3, selector: S.SPARE | 3, access: ACCESS.DATA32,         dpl: 3, fault: null },
  ] as const; // prettier-ignore
  for (const { name, level, selector, access, dpl, fault } of cases) {
    it(`${fault === null ? 'accepts' : 'refuses'} a selector ${name}`, () => {
      const cpu = new ProtectedMachine();
      cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfffff, access, dpl));
      cpu.atLevel(level);
      const raised = cpu.faultOf(() => loadSegment(cpu, DS, selector));
      const expected = fault === null ? null : { vector: fault, errorCode: selector & 0xfffc };
      assert.deepEqual(raised, expected);
    });
  }

  it('is read from the LDT with TI set', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(0x0c, segmentDescriptor(0x400, 0xff, ACCESS.DATA16));
    loadSegment(cpu, DS, 0x0c);
    assert.equal(cpu.state.segmentBase(DS), 0x400);
  });

  it('ends at the last whole descriptor within the limit', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(0x80, segmentDescriptor(0, 0xfffff, ACCESS.DATA32));
    const load = (): void => loadSegment(cpu, DS, 0x80);
    assert.deepEqual(cpu.faultOf(load), { vector: VECTOR.GP, errorCode: 0x80 });
    cpu.state.set(L.GDTR + 8, 0x86);
    assert.deepEqual(cpu.faultOf(load), { vector: VECTOR.GP, errorCode: 0x80 });
    cpu.state.set(L.GDTR + 8, 0x87);
    assert.equal(cpu.faultOf(load), null);
  });

  it('stays as it was when the accessed bit cannot be written', () => {
    const cpu = new ProtectedMachine();
    cpu.memory.readOnly.add(GDT >> 12);
    const before = cpu.state.segment(DS);
    const raised = cpu.faultOf(() => loadSegment(cpu, DS, S.DATA0_16));
    assert.deepEqual(raised, { vector: VECTOR.PF, errorCode: 3 });
    assert.deepEqual(cpu.state.segment(DS), before);
  });
});

describe('SS', () => {
  const cases = [
    { name: 'null',               level: 0, selector: 0,                access: ACCESS.DATA32,         dpl: 0, vector: VECTOR.GP, error: 0 },
    { name: 'RPL other than CPL', level: 0, selector: S.SPARE | 1,      access: ACCESS.DATA32,         dpl: 0, vector: VECTOR.GP, error: S.SPARE },
    { name: 'DPL other than CPL', level: 0, selector: S.SPARE,          access: ACCESS.DATA32,         dpl: 3, vector: VECTOR.GP, error: S.SPARE },
    { name: 'read-only data',     level: 0, selector: S.SPARE,          access: ACCESS.READ_ONLY32,    dpl: 0, vector: VECTOR.GP, error: S.SPARE },
    { name: 'code',               level: 0, selector: S.SPARE,          access: ACCESS.CODE32,         dpl: 0, vector: VECTOR.GP, error: S.SPARE },
    { name: 'absent',             level: 3, selector: S.SPARE | 3,      access: ACCESS.DATA32 & ~0x80, dpl: 3, vector: VECTOR.SS, error: S.SPARE },
  ] as const; // prettier-ignore
  for (const { name, level, selector, access, dpl, vector, error } of cases) {
    it(`refuses a selector that is ${name}`, () => {
      const cpu = new ProtectedMachine();
      cpu.setDescriptor(S.SPARE, segmentDescriptor(0, 0xfffff, access, dpl));
      cpu.atLevel(level);
      const raised = cpu.faultOf(() => loadSegment(cpu, SS, selector));
      assert.deepEqual(raised, { vector, errorCode: error });
    });
  }

  it('does not take a gate for data', () => {
    const cpu = new ProtectedMachine();
    cpu.setDescriptor(S.SPARE, gate(12, S.CODE0, 0));
    assert.equal(cpu.faultOf(() => loadSegment(cpu, SS, S.SPARE))?.vector, VECTOR.GP);
  });
});

describe('without protection', () => {
  it('real-address mode sets the base and keeps the limit of unreal mode', () => {
    const cpu = new FakeProcessor();
    const { state } = cpu;
    state.setSegment(DS, { selector: 8, rights: 0xc093, base: 0, limit: 0xffffffff });
    loadSegment(cpu, DS, 0xb800);
    assert.deepEqual(state.segment(DS), {
      selector: 0xb800,
      rights: 0xc093,
      base: 0xb8000,
      limit: 0xffffffff,
    });
  });

  it('virtual-8086 mode makes 64 KiB of writable data at level 3', () => {
    const cpu = new ProtectedMachine();
    cpu.state.set(L.CPL, 3);
    cpu.state.systemFlags |= FLAG.VM;
    loadSegment(cpu, SS, 0x1234);
    assert.deepEqual(cpu.state.segment(SS), {
      selector: 0x1234,
      rights: 0xf3,
      base: 0x12340,
      limit: 0xffff,
    });
  });
});
