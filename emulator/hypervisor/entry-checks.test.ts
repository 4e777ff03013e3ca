import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import { CR4, FLAG } from '../cpu/state.ts';
import { BareCpu } from '../cpu/testing/bare-cpu.ts';
import { checkEntry } from './entry-checks.ts';
import { noControls, PRIMARY, SECONDARY } from './execution-controls.ts';

const { CS, SS, DS, TR, LDTR, ES, FS, GS } = L.SEGMENT;

/** Protected mode with flat segments, a busy TSS and an unusable LDT: a state that processors enter. */
function guest(): Cpu {
  const { cpu } = new BareCpu();
  cpu.state.setSegment(TR, { selector: 0x18, rights: 0x8b, base: 0x1000, limit: 0x67 });
  cpu.state.setSegment(LDTR, { selector: 0, rights: 0x10000, base: 0, limit: 0 });
  return cpu;
}
const rights = (cpu: Cpu, index: L.SegmentIndex, value: number): void => {
  cpu.state.setSegment(index, { ...cpu.state.segment(index), rights: value });
};

test('a state that processors enter passes, with paging, in virtual-8086 mode, and halted', () => {
  const cpu = guest();
  assert.equal(checkEntry(cpu, noControls()), null);
  cpu.state.setCr(0, 0x80000011);
  assert.equal(checkEntry(cpu, noControls()), null);
  cpu.state.set(L.ACTIVITY, 1);
  assert.equal(checkEntry(cpu, noControls()), null);
  cpu.state.set(L.ACTIVITY, 0);
  cpu.state.systemFlags |= FLAG.VM;
  for (const index of [ES, CS, SS, DS, FS, GS]) {
    cpu.state.setSegment(index, { selector: 0x1234, rights: 0xf3, base: 0x12340, limit: 0xffff });
  }
  assert.equal(checkEntry(cpu, noControls()), null);
});

test('each check of 27.3.1 names the field and its section', () => {
  // prettier-ignore
  const cases: readonly (readonly [change: (cpu: Cpu) => void, message: RegExp])[] = [
    [({ state }) => { state.setCr(0, 0x80000010); }, /CR0 must have PE set where PG is .*27\.3\.1\.1/],
    [({ state }) => { state.setCr(4, 1 << 25); }, /CR4 must have no bit .*27\.3\.1\.1/],
    [({ state }) => { state.set(L.EFER, 0x100); }, /IA32_EFER .*27\.3\.1\.1/],
    [({ state }) => { state.setSegment(TR, { ...state.segment(TR), selector: 4 }); }, /selector of TR must have TI clear/],
    [(cpu) => { rights(cpu, LDTR, 0x89); }, /access rights of LDTR must be those of an LDT/],
    [(cpu) => { rights(cpu, TR, 0x89); }, /access rights of TR must be those of a busy TSS/],
    [(cpu) => { rights(cpu, CS, 0xc091); }, /access rights of CS must be those of a present, accessed/],
    [(cpu) => { rights(cpu, CS, 0x10000); }, /access rights of CS/],
    [(cpu) => { rights(cpu, SS, 0xc091); }, /access rights of SS/],
    [(cpu) => { rights(cpu, DS, 0xc099); }, /access rights of DS/],
    [(cpu) => { rights(cpu, DS, 0x0093); }, /access rights of DS/],
    [(cpu) => { rights(cpu, CS, 0xc0fb); }, /access rights of CS must have the DPL of SS/],
    [({ state }) => { state.systemFlags |= FLAG.VM; }, /ES must be that of virtual-8086 mode.*27\.3\.1\.2/],
    [({ state }) => { state.set(L.GDTR + 8, 0x10000); }, /limit of GDTR must have bits 31:16 clear .*27\.3\.1\.3/],
    [({ state }) => { state.set(L.IDTR + 8, 0x10000); }, /limit of IDTR/],
    [(cpu) => { rights(cpu, SS, 0xc0f3); rights(cpu, CS, 0xc0fb); cpu.state.set(L.ACTIVITY, 1); }, /activity state must be HLT only at CPL 0 .*27\.3\.1\.5/],
  ];
  for (const [change, message] of cases) {
    const cpu = guest();
    change(cpu);
    const failure = checkEntry(cpu, noControls());
    assert.match(failure?.message ?? 'passes', message);
    assert.equal(failure?.qualification, 0);
  }
});

test('page-directory-pointer entries with reserved bits have an exit qualification of their own', () => {
  const cpu = guest();
  cpu.state.setCr(0, 0x80000011);
  cpu.state.setCr(4, CR4.PAE);
  cpu.state.set(L.PDPTE, 0x2001);
  assert.equal(checkEntry(cpu, noControls()), null);
  cpu.state.set(L.PDPTE, 0x2003);
  assert.equal(checkEntry(cpu, noControls())?.qualification, 2);
});

test('a guest that is not unrestricted must have paging on', () => {
  const controls = noControls();
  controls.primary = PRIMARY.ACTIVATE_SECONDARY_CONTROLS;
  controls.secondary = SECONDARY.ENABLE_EPT;
  const cpu = guest();
  assert.match(checkEntry(cpu, controls)?.message ?? '', /CR0 must have PE and PG set/);
  controls.secondary |= SECONDARY.UNRESTRICTED_GUEST;
  assert.equal(checkEntry(cpu, controls), null);
});
