/** INVLPG makes code be looked up anew exactly where code was found through the mapping (SDM vol. 3, 4.10.4). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FetchedPages } from './fetched-pages.ts';
import { BareCpu } from './testing/bare-cpu.ts';
import { CR0, CR4 } from './state.ts';

it('pages are remembered for one generation, large ones as a whole', () => {
  const pages = new FetchedPages();
  pages.note(0x401234, false, 7);
  assert.equal(pages.has(0x401fff, 7), true);
  assert.equal(pages.has(0x402000, 7), false);
  assert.equal(pages.has(0x401000, 8), false, 'the next generation');
  pages.note(0xc0801000, true, 8);
  assert.equal(pages.has(0xc0bff000, 8), true, 'the same 4 MiB');
  assert.equal(pages.has(0xc0c00000, 8), false);
});

/**
 * A guest at 0x1000 calls code through the linear page 0x400000, which maps physical page 0x3000, then
 * remaps it to 0x4000, executes INVLPG, and calls again. Each page sets BL to its own value.
 */
function callsTwice(large: boolean, invalidated: number): number[] {
  const bare = new BareCpu(8 << 20);
  const { state } = bare.cpu;
  const [PD, PT, PT2] = [0x100000, 0x101000, 0x102000];
  for (let page = 0; page < 1024; page++) bare.ram32[(PT >> 2) + page] = (page << 12) | 3;
  bare.ram32[PD >> 2] = PT | 3;
  bare.ram32[(PD >> 2) + 1] = large ? 0x400083 : PT2 | 3;
  bare.ram32[PT2 >> 2] = 0x3000 | 3;
  for (const [physical, value] of [[0x3000, 1], [0x4000, 2], [0x400000, 1], [0x0, 2]] as const) {
    bare.load(physical, [0xb3, value, 0xc3]); // mov bl, value; ret
  } // prettier-ignore
  const u32 = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  const entry = large ? PD + 4 : PT2;
  bare.load(0x1000, [
    0xb8, ...u32(0x400000), 0xff, 0xd0, // mov eax, 0x400000; call eax
    0x88, 0xdf, // mov bh, bl
    0xc7, 0x05, ...u32(entry), ...u32(large ? 0x83 : 0x4003), // mov dword [entry], other
    0x0f, 0x01, 0x3d, ...u32(invalidated), // invlpg [invalidated]
    0xff, 0xd0, 0xf4, // call eax; hlt
  ]); // prettier-ignore
  state.setCr(3, PD);
  state.setCr(4, CR4.PSE);
  state.setCr(0, CR0.PE | CR0.ET | CR0.PG);
  bare.cpu.modeChanged();
  state.setGpr(4, 4, 0x9000);
  state.eip = 0x1000;
  assert.equal(bare.runToExit(1000), 'exit');
  assert.equal(bare.event?.kind, 'hlt');
  return [state.gpr(3, 1), state.gpr(7, 1)];
}

describe('after INVLPG of a page from which code was executed', () => {
  it('its new mapping is executed', () => {
    assert.deepEqual(callsTwice(false, 0x400000), [2, 1]);
    assert.deepEqual(callsTwice(false, 0x400fff), [2, 1], 'any address in the page');
  });
  it('a large page is invalidated by any address in it', () => {
    assert.deepEqual(callsTwice(true, 0x7ff000), [2, 1]);
  });
});
