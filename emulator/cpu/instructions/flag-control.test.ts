/**
 * CLI, STI and POPF with interrupts waiting, in blocks and in steps: privilege (SDM vol. 3, 6.8.1 and
 * 20.2.5, table 20-2 without VME) and the instruction after STI that no interrupt precedes (6.8.1).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as L from '../layout.ts';
import { FLAG } from '../state.ts';
import { BareCpu } from '../testing/bare-cpu.ts';

const CODE = 0x4000;
const HANDLER = 0x5000;
const VECTOR = 0x20;
const EBX = 3;
const ESP = 4;
const SLICES = [1000, 1] as const;

/** An interrupt handler that ends the run: the frame on the stack tells where it came from. */
function interruptible(): BareCpu {
  const bare = new BareCpu();
  const { cpu, ram32 } = bare;
  const { state } = cpu;
  // GDT: null and flat code; an interrupt gate for the vector
  ram32[0x1008 >> 2] = 0x0000ffff;
  ram32[0x100c >> 2] = 0x00cf9b00;
  ram32[(0x2000 + 8 * VECTOR) >> 2] = 0x00080000 | HANDLER;
  ram32[(0x2004 + 8 * VECTOR) >> 2] = 0x00008e00;
  state.set(L.GDTR, 0x1000);
  state.set(L.GDTR + 8, 0xf);
  state.set(L.IDTR, 0x2000);
  state.set(L.IDTR + 8, 0x7ff);
  bare.load(HANDLER, [0xf4]);
  return bare;
}

/** Runs code with an interrupt waiting; the offset in it at which the interrupt came, -1 if none did. */
function interruptedAt(
  bare: BareCpu,
  code: readonly number[],
  flags: number,
  slice: number,
): number {
  const { cpu, ram32 } = bare;
  const { state } = cpu;
  bare.load(CODE, [...code, 0x90, 0xf4]);
  bare.interrupt = VECTOR;
  state.eip = CODE;
  state.eflags = 2 | flags;
  state.setGpr(ESP, 4, 0x7000);
  state.set(L.ACTIVITY, 0);
  assert.equal(bare.runToExit(slice), 'exit');
  assert.equal(bare.event?.kind, 'hlt');
  return state.eip === HANDLER ? (ram32[state.gpr(ESP, 4) >> 2] ?? 0) - CODE : -1;
}

test('an interrupt waits for the end of the instruction after STI, but not where IF was set', () => {
  const bare = interruptible();
  for (const slice of SLICES) {
    const at = (code: readonly number[], flags = 0): number =>
      interruptedAt(bare, code, flags, slice);
    assert.equal(at([0x90, 0x90]), -1, 'IF is clear');
    assert.equal(at([0x90, 0xfb, 0x43, 0x43]), 3, 'nop; sti; inc ebx; inc ebx');
    assert.equal(at([0xfb, 0xfa, 0x43]), -1, 'sti; cli');
    assert.equal(at([0xfb, 0xfb, 0x43]), 2, 'sti; sti: only the first protects');
    assert.equal(at([0xfb, 0x43], FLAG.IF), 0, 'at once');
  }
});

test('POPF that sets IF lets an interrupt in at once', () => {
  const bare = interruptible();
  for (const slice of SLICES) {
    // push 0x202; popfd; inc ebx
    assert.equal(interruptedAt(bare, [0x68, 2, 2, 0, 0, 0x9d, 0x43], 0, slice), 6);
    // push 2; popfd: IF stays clear
    assert.equal(interruptedAt(bare, [0x68, 2, 0, 0, 0, 0x9d, 0x43], 0, slice), -1);
  }
});

test('CLI and STI need CPL <= IOPL', () => {
  const bare = new BareCpu();
  const { cpu } = bare;
  const { state } = cpu;
  for (const cpl of [0, 1, 3]) {
    for (const iopl of [0, 1, 3]) {
      for (const [opcode, before, after] of [
        [0xfa, FLAG.IF, 0],
        [0xfb, 0, FLAG.IF],
      ] as const) {
        // prettier-ignore
        for (const slice of SLICES) {
          bare.load(CODE, [opcode, 0x43, 0xf4]);
          state.eip = CODE;
          state.eflags = 2 | before | (iopl << 12);
          state.setGpr(EBX, 4, 0);
          state.set(L.ACTIVITY, 0);
          bare.setCpl(cpl);
          assert.equal(bare.runToExit(slice), 'exit');
          const allowed = cpl <= iopl;
          const name = `${opcode.toString(16)} CPL ${String(cpl)} IOPL ${String(iopl)}`;
          assert.equal(state.gpr(EBX, 4), allowed ? 1 : 0, name);
          assert.equal(state.systemFlags & FLAG.IF, allowed ? after : before, name);
          if (allowed) continue;
          assert.equal(bare.exception.vector, 13, name);
          assert.equal(bare.exception.errorCode, 0, name);
          assert.equal(state.eip, CODE, name);
        }
      }
    }
  }
});
