/** Single steps reuse a record only for the bytes, place and mode that it was made for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BareCpu } from '../testing/bare-cpu.ts';
import { KEPT_STEPS, KeptSteps } from './kept-steps.ts';

const fetch = (...bytes: number[]): { bytes: Uint8Array; start: number; end: number } => ({
  bytes: Uint8Array.from([0xcc, ...bytes]),
  start: 1,
  end: 1 + bytes.length,
});

describe('records kept for single steps', () => {
  it('serve the same bytes at the same place in the same mode', () => {
    const steps = new KeptSteps();
    steps.note(fetch(0xb0, 0x01, 0x90), 0x100, 1, 2);
    assert.equal(steps.has(fetch(0xb0, 0x01), 0x100, 1, 0xffff), true);
    assert.equal(steps.has(fetch(0xb0, 0x02), 0x100, 1, 0xffff), false, 'another byte');
    assert.equal(steps.has(fetch(0xb0), 0x100, 1, 0xffff), false, 'the page ends before');
    assert.equal(steps.has(fetch(0xb0, 0x01), 0x100, 0, 0xffff), false, 'another mode');
    assert.equal(steps.has(fetch(0xb0, 0x01), 0x100, 1, 0x100), false, 'the limit of CS cuts it');
    const sameSlot = Array.from({ length: 1 << 14 }, (_, at) => 0x101 + at).find(
      (eip) => steps.slot(eip) === steps.slot(0x100),
    );
    assert.ok(sameSlot !== undefined && steps.slot(sameSlot) < KEPT_STEPS);
    assert.equal(steps.has(fetch(0xb0, 0x01), sameSlot, 1, 0xffff), false, 'another place');
    steps.note(fetch(0x0f), 0x100, 1, 0);
    assert.equal(steps.has(fetch(0xb0, 0x01), 0x100, 1, 0xffff), false, 'overwritten by none');
  });

  it('are not used for an instruction that the guest has overwritten meanwhile', () => {
    const bare = new BareCpu();
    // the immediate of MOV AL is increased by the guest each time; BL adds up what was executed
    bare.load(0x100, [
      0xb0, 0x01, // mov al, 1
      0x00, 0xc3, // add bl, al
      0xfe, 0x05, 0x01, 0x01, 0x00, 0x00, // inc byte [0x101]
      0x49, // dec ecx
      0x75, 0xf3, // jnz 0x100
      0xf4, // hlt
    ]); // prettier-ignore
    const { state } = bare.cpu;
    state.eip = 0x100;
    state.setGpr(1, 4, 10);
    // a slice of one instruction steps every one of them
    assert.equal(bare.runToExit(1), 'exit');
    assert.equal(state.gpr(3, 1), 55, '1 + 2 + … + 10');
  });
});
