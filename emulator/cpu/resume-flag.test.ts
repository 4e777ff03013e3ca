/**
 * EFLAGS.RF (SDM vol. 3, 17.3.1.1): IRETD sets it from the stack, and it is clear again after the next
 * instruction, whether that is executed in a block or alone.
 * Run: node --import tsx --test emulator/cpu/resume-flag.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as L from './layout.ts';
import { FLAG } from './state.ts';
import { BareCpu } from './testing/bare-cpu.ts';

const CODE = 0x4000;
const STACK = 0x7000;
const ESP = 4;
const IRETD = 0xcf;
const NOP = 0x90;
const HLT = 0xf4;
const UD2 = [0x0f, 0x0b];
const SELECTOR = 0x08;

/** IRETD to the address right behind it, with RF in the image, then `code`. */
function resuming(code: readonly number[]): BareCpu {
  const bare = new BareCpu();
  bare.load(CODE, [IRETD, ...code]);
  // a flat code segment of ring 0 for IRETD to find
  bare.load(0x800 + SELECTOR, [0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0]);
  const { state } = bare.cpu;
  state.set(L.GDTR, 0x800);
  state.set(L.GDTR + 8, 0x0f);
  const frame = new Uint32Array([CODE + 1, SELECTOR, 2 | FLAG.RF]);
  bare.load(STACK, new Uint8Array(frame.buffer));
  state.setGpr(ESP, 4, STACK);
  state.eip = CODE;
  return bare;
}
const resumeFlag = ({ cpu }: BareCpu): boolean => (cpu.state.eflags & FLAG.RF) !== 0;

test('RF is set after IRETD and clear after the next instruction', () => {
  const bare = resuming([NOP, NOP, HLT]);
  bare.cpu.run(1);
  assert.equal(bare.cpu.state.eip, CODE + 1);
  assert.equal(resumeFlag(bare), true);
  bare.cpu.run(1);
  assert.equal(resumeFlag(bare), false);
});

test('in a block too', () => {
  const bare = resuming([...Array<number>(200).fill(NOP), HLT]);
  assert.equal(bare.cpu.run(1000), 'exit');
  assert.equal(bare.event?.kind, 'hlt');
  assert.equal(resumeFlag(bare), false);
});

test('an instruction that leaves the guest has not been executed: RF stays', () => {
  for (const [code, kind] of [
    [[HLT], 'hlt'],
    [UD2, 'exception'],
  ] as const) {
    const bare = resuming(code);
    assert.equal(bare.cpu.run(1000), 'exit');
    assert.equal(bare.event?.kind, kind);
    assert.equal(resumeFlag(bare), true);
  }
});
