/** Model-specific registers and hidden parts of segments as a debugger names and writes them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listing, protectedGuest } from './testing/test-guest.ts';

/** RDMSR of SYSENTER_CS; a load through FS; HLT. */
const PROGRAM = listing(`
  start:
  100040  b9 74 01 00 00            mov ecx, 0x174
  100045  0f 32                     rdmsr
  100047  64 8b 1d 10 00 00 00      mov ebx, fs:[0x10]
  10004e  f4                        hlt
`);

const guest = () => protectedGuest(PROGRAM);

describe('model-specific registers', () => {
  test('have the same value by every name', () => {
    const { port } = guest();
    port.writeRegister('IA32_SYSENTER_CS', 0x60);
    for (const name of ['IA32_SYSENTER_CS', 'ia32_sysenter_cs', 'msr.sysenter_cs', 'msr[0x174]', 'msr_174']) {
      const value = port.evaluate(name);
      assert.ok(value.kind === 'integer', name);
      assert.equal(value.value, 0x60n, name);
    } // prettier-ignore
  });

  test('are what the guest reads after a write', () => {
    const tested = guest();
    tested.port.assign('msr[0x174]', '0x1234');
    assert.equal(tested.go('continue').kind, 'halted-forever');
    const value = tested.port.evaluate('eax');
    assert.ok(value.kind === 'integer');
    assert.equal(value.value, 0x1234n);
  });

  test('are shown as writable where WRMSR can write them', () => {
    const { port } = guest();
    const msrs = port.registers().find(({ name }) => name === 'MSRs')?.registers ?? [];
    const writable = (name: string) => msrs.find((each) => each.name === name)?.writable;
    assert.equal(writable('IA32_SYSENTER_CS'), true);
    assert.equal(writable('IA32_MTRRCAP'), false);
  });

  test('refuse what WRMSR refuses, and what does not fit', () => {
    const { port } = guest();
    assert.throws(() => port.writeRegister('IA32_PAT', 2), /WRMSR would be #GP/);
    assert.throws(() => port.writeRegister('IA32_MTRRCAP', 0), /WRMSR would be #GP/);
    assert.throws(() => port.writeRegister('IA32_PAT', 1n << 64n), /64 bits/);
    assert.throws(
      () => port.evaluate('msr.nothing'),
      /This processor has no model-specific register 'nothing'/,
    );
    port.writeRegister('IA32_PAT', 0x0606060606060606n);
    const value = port.evaluate('IA32_PAT');
    assert.ok(value.kind === 'integer');
    assert.equal(value.value, 0x0606060606060606n);
  });
});

describe('hidden parts of a segment', () => {
  test('have their effect: a base is added, a limit is checked', () => {
    const moved = guest();
    moved.port.writeMemory('physical', 0x30010, Uint8Array.of(0x78, 0x56, 0x34, 0x12));
    moved.port.writeRegister('fs.base', 0x30000);
    assert.equal(moved.go('continue').kind, 'halted-forever');
    const value = moved.port.evaluate('ebx');
    assert.ok(value.kind === 'integer');
    assert.equal(value.value, 0x12345678n);
    const limited = guest();
    limited.port.writeRegister('fs.limit', 0xf);
    // the load is outside: #GP, and without an IDT a triple fault
    assert.equal(limited.go('continue').kind, 'triple-fault');
  });

  test('take limits that a descriptor can have', () => {
    const { port } = guest();
    assert.throws(() => port.writeRegister('fs.limit', 0x123456), /ends with a page/);
    port.writeRegister('fs.limit', 0x123fff);
    port.writeRegister('fs.limit', 0x1234);
    const value = port.evaluate('fs.limit');
    assert.ok(value.kind === 'integer');
    assert.equal(value.value, 0x1234n);
  });
});
