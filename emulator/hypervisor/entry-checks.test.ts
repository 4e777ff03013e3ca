import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cpu } from '../cpu/cpu.ts';
import * as L from '../cpu/layout.ts';
import { CR4, FLAG } from '../cpu/state.ts';
import { BareCpu } from '../cpu/testing/bare-cpu.ts';
import { checkEntry, type EntryFailure } from './entry-checks.ts';
import { noControls, PRIMARY, SECONDARY } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';

const { CS, SS, DS, TR, LDTR, ES, FS, GS } = L.SEGMENT;

/** Protected mode with flat segments, a busy TSS and an unusable LDT: a state that processors enter. */
function guest(): Cpu {
  const { cpu } = new BareCpu();
  cpu.state.setSegment(TR, { selector: 0x18, rights: 0x8b, base: 0x1000, limit: 0x67 });
  cpu.state.setSegment(LDTR, { selector: 0, rights: 0x10000, base: 0, limit: 0 });
  return cpu;
}
/** Entry of the CPU, with non-register state (tables 25-3 and 25-4) in place of its own. */
function enter(
  cpu: Cpu,
  controls: ExecutionControls = noControls(),
  blocking = cpu.interruptibility,
  pendingDebug = cpu.pendingDebug,
): EntryFailure | null {
  const vcpu = {
    processor: cpu,
    interruptibility: () => blocking,
    pendingDebug: () => pendingDebug,
  };
  return checkEntry(vcpu, controls);
}
/** EPT without unrestricted guest. */
function restricted(): ExecutionControls {
  const controls = noControls();
  controls.primary = PRIMARY.ACTIVATE_SECONDARY_CONTROLS;
  controls.secondary = SECONDARY.ENABLE_EPT;
  return controls;
}
const rights = (cpu: Cpu, index: L.SegmentIndex, value: number): void => {
  cpu.state.setSegment(index, { ...cpu.state.segment(index), rights: value });
};

test('a state that processors enter passes, with paging, in virtual-8086 mode, and halted', () => {
  const cpu = guest();
  assert.equal(enter(cpu), null);
  cpu.state.setCr(0, 0x80000011);
  assert.equal(enter(cpu), null);
  cpu.state.set(L.ACTIVITY, 1);
  assert.equal(enter(cpu), null);
  cpu.state.set(L.ACTIVITY, 0);
  cpu.state.systemFlags |= FLAG.VM;
  for (const index of [ES, CS, SS, DS, FS, GS]) {
    cpu.state.setSegment(index, { selector: 0x1234, rights: 0xf3, base: 0x12340, limit: 0xffff });
  }
  assert.equal(enter(cpu), null);
});

test('each check of 27.3.1 names the field and its section', () => {
  // prettier-ignore
  const cases: readonly (readonly [change: (cpu: Cpu) => void, message: RegExp])[] = [
    [({ state }) => { state.setCr(0, 0x80000010); }, /CR0 must have PE set where PG is .*27\.3\.1\.1/],
    [({ state }) => { state.setCr(4, 1 << 25); }, /CR4 must have no bit .*27\.3\.1\.1/],
    [({ state }) => { state.set(L.EFER, 0x100); }, /IA32_EFER .*27\.3\.1\.1/],
    [({ state }) => { state.setSegment(TR, { ...state.segment(TR), selector: 4 }); }, /selector of TR must have TI clear/],
    [({ state }) => { state.setSegment(LDTR, { selector: 4, rights: 0x82, base: 0, limit: 7 }); }, /selector of LDTR must have TI clear .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, CS, 0x1c09b); }, /access rights of CS must be usable .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, CS, 0xc09a); }, /access rights of CS must have a type that is accessed and of its kind .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, CS, 0xc091); }, /access rights of CS must have a type/],
    [(cpu) => { rights(cpu, SS, 0xc091); }, /access rights of SS must have a type/],
    [(cpu) => { rights(cpu, SS, 0xc09b); }, /access rights of SS must have a type/],
    [(cpu) => { rights(cpu, DS, 0xc092); }, /access rights of DS must have a type/],
    [(cpu) => { rights(cpu, ES, 0xc099); }, /access rights of ES must have a type/],
    [(cpu) => { rights(cpu, FS, 0xc083); }, /access rights of FS must have S set, for code or data .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, GS, 0xc013); }, /access rights of GS must have P set .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, DS, 0xc193); }, /access rights of DS must have no reserved bit .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, DS, 0x2c093); }, /access rights of DS must have no reserved bit/],
    [(cpu) => { rights(cpu, DS, 0x4093); }, /access rights of DS must have G as the limit needs it .*27\.3\.1\.2/],
    [({ state }) => { state.setSegment(DS, { ...state.segment(DS), limit: 0x1000 }); }, /access rights of DS must have G/],
    [(cpu) => { rights(cpu, CS, 0xc0fb); }, /access rights of CS must have the DPL of SS.*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, CS, 0xc0ff); }, /access rights of CS must have the DPL of SS, or at most that if it is conforming/],
    [(cpu) => { rights(cpu, CS, 0xc0f3); }, /access rights of CS .* or 0 if it is data/],
    [(cpu) => { rights(cpu, CS, 0xc093); rights(cpu, SS, 0xc0f3); }, /access rights of SS must have the DPL of its RPL, and 0 in real-address mode .*27\.3\.1\.2/],
    [(cpu) => { cpu.state.setCr(0, 0x10); rights(cpu, CS, 0xc0fb); rights(cpu, SS, 0xc0f3); }, /access rights of SS must have the DPL/],
    [(cpu) => { rights(cpu, TR, 0x1008b); }, /access rights of TR must be usable .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, TR, 0x89); }, /access rights of TR must be those of a busy TSS .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, TR, 0x9b); }, /access rights of TR must be those of a busy TSS/],
    [(cpu) => { rights(cpu, TR, 0x0b); }, /access rights of TR must have P set/],
    [(cpu) => { rights(cpu, TR, 0x48b); }, /access rights of TR must have no reserved bit/],
    [(cpu) => { rights(cpu, TR, 0x808b); }, /access rights of TR must have G as the limit needs it/],
    [(cpu) => { rights(cpu, LDTR, 0x89); }, /access rights of LDTR must be those of an LDT .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, LDTR, 0x02); }, /access rights of LDTR must have P set/],
    [(cpu) => { rights(cpu, LDTR, 0x882); }, /access rights of LDTR must have no reserved bit/],
    [(cpu) => { rights(cpu, LDTR, 0x8082); }, /access rights of LDTR must have G as the limit needs it/],
    [({ state }) => { state.systemFlags |= FLAG.VM; }, /CS must be that of virtual-8086 mode.*27\.3\.1\.2/],
    [({ state }) => { state.set(L.GDTR + 8, 0x10000); }, /limit of GDTR must have bits 31:16 clear .*27\.3\.1\.3/],
    [({ state }) => { state.set(L.IDTR + 8, 0x10000); }, /limit of IDTR/],
    [({ state }) => { state.set(L.EFLAGS_SYSTEM, 0x8002); }, /RFLAGS must have bits 31:22, 15, 5 and 3 clear and bit 1 set .*27\.3\.1\.4/],
    [({ state }) => { state.set(L.EFLAGS_SYSTEM, 0); }, /RFLAGS must have bits .* bit 1 set/],
    [({ state }) => { state.set(L.ACTIVITY, 4); }, /activity state must be one of .*27\.3\.1\.5/],
    [(cpu) => { rights(cpu, SS, 0xc0f3); rights(cpu, CS, 0xc0fb); cpu.state.set(L.ACTIVITY, 1); }, /activity state must be HLT only at CPL 0 .*27\.3\.1\.5/],
  ];
  for (const [change, message] of cases) {
    const cpu = guest();
    change(cpu);
    const failure = enter(cpu);
    assert.match(failure?.message ?? 'passes', message);
    assert.equal(failure?.qualification, 0);
  }
});

test('virtual-8086 mode needs protected mode (27.3.1.4)', () => {
  const cpu = guest();
  cpu.state.setCr(0, 0x10);
  cpu.state.systemFlags |= FLAG.VM;
  for (const index of [ES, CS, SS, DS, FS, GS]) {
    cpu.state.setSegment(index, { selector: 0, rights: 0xf3, base: 0, limit: 0xffff });
  }
  assert.match(
    enter(cpu)?.message ?? '',
    /RFLAGS must have VM clear where CR0\.PE is .*27\.3\.1\.4/,
  );
});

test('what blocks events goes with RFLAGS and the activity state (27.3.1.5)', () => {
  const [STI, MOV_SS, SMI, NMI, BS] = [1, 2, 4, 8, 1 << 14];
  const IF_TF = FLAG.IF | FLAG.TF;
  // prettier-ignore
  const cases: readonly (readonly [flags: number, activity: number, blocking: number, pendingDebug: number, message: RegExp])[] = [
    [0,       0, 0,            0,  /passes/],
    [FLAG.IF, 0, STI,          0,  /passes/],
    [0,       0, MOV_SS | NMI, 0,  /passes/],
    [FLAG.TF, 0, MOV_SS,       BS, /passes/],
    [FLAG.IF, 1, 0,            0,  /passes/],
    [FLAG.TF, 0, 0,            0,  /passes/],
    [0,       0, STI,          0,  /interruptibility state must have blocking by STI only where RFLAGS\.IF is set .*27\.3\.1\.5/],
    [FLAG.IF, 0, STI | MOV_SS, 0,  /interruptibility state must not have blocking by both STI and MOV SS .*27\.3\.1\.5/],
    [0,       0, SMI,          0,  /interruptibility state must have no bit but those of STI, MOV SS and NMI .*27\.3\.1\.5/],
    [0,       0, 1 << 5,       0,  /interruptibility state must have no bit/],
    [FLAG.IF, 1, STI,          0,  /activity state must be active where STI or MOV SS blocks .*27\.3\.1\.5/],
    [0,       3, MOV_SS,       0,  /activity state must be active where STI or MOV SS blocks/],
    [IF_TF,   0, STI,          0,  /pending debug exceptions must have BS set .*27\.3\.1\.5/],
    [FLAG.TF, 0, MOV_SS,       0,  /pending debug exceptions must have BS set/],
    [IF_TF,   1, 0,            0,  /pending debug exceptions must have BS set/],
  ];
  for (const [flags, activity, blocking, pendingDebug, message] of cases) {
    const cpu = guest();
    cpu.state.systemFlags = flags;
    cpu.state.set(L.ACTIVITY, activity);
    assert.match(enter(cpu, noControls(), blocking, pendingDebug)?.message ?? 'passes', message);
  }
});

test('page-directory-pointer entries with reserved bits have an exit qualification of their own', () => {
  const cpu = guest();
  cpu.state.setCr(0, 0x80000011);
  cpu.state.setCr(4, CR4.PAE);
  cpu.state.set(L.PDPTE, 0x2001);
  assert.equal(enter(cpu), null);
  cpu.state.set(L.PDPTE, 0x2003);
  assert.equal(enter(cpu)?.qualification, 2);
});

test('a guest that is not unrestricted must have paging on', () => {
  const controls = restricted();
  const cpu = guest();
  assert.match(enter(cpu, controls)?.message ?? '', /CR0 must have PE and PG set/);
  controls.secondary |= SECONDARY.UNRESTRICTED_GUEST;
  assert.equal(enter(cpu, controls), null);
});

test('privilege levels of selectors count where the guest is not unrestricted (27.3.1.2)', () => {
  // prettier-ignore
  const cases: readonly (readonly [change: (cpu: Cpu) => void, message: RegExp])[] = [
    [({ state }) => { state.setSegment(SS, { ...state.segment(SS), selector: 0x13 }); }, /selector of SS must have the RPL of CS, since the guest is not unrestricted .*27\.3\.1\.2/],
    [(cpu) => { rights(cpu, SS, 0xc0f3); rights(cpu, CS, 0xc0fb); }, /access rights of SS must have the DPL of its RPL.*27\.3\.1\.2/],
    [({ state }) => { state.setSegment(DS, { ...state.segment(DS), selector: 0x13 }); }, /access rights of DS must have a DPL that is not below the RPL of its selector.*27\.3\.1\.2/],
    [({ state }) => { state.setSegment(GS, { ...state.segment(GS), rights: 0xc09b, selector: 0x13 }); }, /access rights of GS must have a DPL/],
  ];
  for (const [change, message] of cases) {
    const cpu = guest();
    cpu.state.setCr(0, 0x80000011);
    assert.equal(enter(cpu, restricted()), null);
    change(cpu);
    assert.match(enter(cpu, restricted())?.message ?? 'passes', message);
    assert.equal(enter(cpu), null, 'an unrestricted guest may');
  }
  const cpu = guest();
  cpu.state.setCr(0, 0x80000011);
  cpu.state.setSegment(FS, { ...cpu.state.segment(FS), rights: 0xc09f, selector: 0x13 });
  assert.equal(enter(cpu, restricted()), null, 'conforming code of any level');
  rights(cpu, CS, 0xc093);
  assert.equal(enter(cpu), null);
  assert.match(enter(cpu, restricted())?.message ?? '', /access rights of CS must have a type/);
});
