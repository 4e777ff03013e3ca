/** The time-stamp counter: virtual time plus TSC_OFFSET, modulo 2^64 (SDM vol. 3, 17.17, 25.6.5). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as L from './layout.ts';
import { BareCpu } from './testing/bare-cpu.ts';
import { CR4 } from './state.ts';

const TIMES = [0, 1, 0x7fffffff, 0xffffffff, 0x100000000, 0x123456789ab, 2 ** 52];
const OFFSETS = [0n, 1n, -1n, 0xffffffffn, 0x100000000n, -0x100000000n, -(2n ** 63n), 2n ** 63n - 1n]; // prettier-ignore

const EAX = 0;
const ECX = 1;
const EDX = 2;
const ESI = 6;
const EDI = 7;

/** What two RDTSC, the second four instructions after the first, have left in EDI:ESI and EDX:EAX. */
function twoReadings(bare: BareCpu, slice: number): [bigint, bigint] {
  const { state } = bare.cpu;
  // nop; rdtsc; mov esi, eax; mov edi, edx; nop; rdtsc; hlt
  bare.load(0x100, [0x90, 0x0f, 0x31, 0x89, 0xc6, 0x89, 0xd7, 0x90, 0x0f, 0x31, 0xf4]);
  state.eip = 0x100;
  assert.equal(bare.runToExit(slice), 'exit');
  assert.equal(bare.event?.kind, 'hlt');
  const wide = (high: number, low: number): bigint =>
    BigInt(state.gpr(high, 4)) * 2n ** 32n + BigInt(state.gpr(low, 4));
  return [wide(EDI, ESI), wide(EDX, EAX)];
}

describe('the time-stamp counter', () => {
  for (const [how, offersAll, slice] of [
    ['in emitted code', false, 1000],
    ['in emitted code, single-stepped', false, 1],
    ['in TypeScript', true, 1000],
  ] as const) {
    it(`is time plus a signed 64-bit offset ${how}`, () => {
      for (const time of TIMES) {
        for (const offset of OFFSETS) {
          const bare = new BareCpu();
          bare.time = time;
          bare.offersAll = offersAll;
          bare.cpu.state.view.setBigInt64(L.TSC_OFFSET, offset, true);
          const expected = (n: bigint): bigint => BigInt.asUintN(64, BigInt(time) + offset + n);
          // one instruction before the first, five before the second
          assert.deepEqual(twoReadings(bare, slice), [expected(1n), expected(5n)]);
        }
      }
    });
  }

  it('is offered where it may leave, by RDTSC and PAUSE', () => {
    const bare = new BareCpu();
    bare.leaves = ({ kind }) => kind === 'rdtsc' || kind === 'pause';
    bare.load(0x100, [0x90, 0x0f, 0x31, 0x90, 0xf3, 0x90]);
    bare.cpu.state.eip = 0x100;
    assert.equal(bare.runToExit(1000), 'exit');
    assert.deepEqual([bare.event, bare.cpu.state.eip], [{ kind: 'rdtsc' }, 0x101]);
    bare.cpu.state.eip = 0x103;
    assert.equal(bare.runToExit(1000), 'exit');
    assert.deepEqual([bare.event, bare.cpu.state.eip], [{ kind: 'pause' }, 0x104]);
  });

  it('is #GP(0) for programs while CR4.TSD is set (SDM vol. 2, "RDTSC")', () => {
    const bare = new BareCpu();
    const { state } = bare.cpu;
    bare.load(0x100, [0x90, 0x0f, 0x31, 0xf4]);
    state.setCr(4, CR4.TSD);
    bare.cpu.modeChanged();
    state.eip = 0x100;
    assert.equal(bare.runToExit(1000), 'exit');
    assert.equal(bare.event?.kind, 'hlt', 'not at CPL 0');
    bare.setCpl(3);
    state.eip = 0x100;
    state.setGpr(ECX, 4, 0);
    assert.equal(bare.runToExit(1000), 'exit');
    assert.deepEqual([bare.exception.vector, bare.exception.errorCode, state.eip], [13, 0, 0x101]);
  });
});
