/** The time-stamp counter: virtual time plus TSC_OFFSET, modulo 2^64 (SDM vol. 3, 17.17, 25.6.5). */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as L from './layout.ts';
import { BareCpu } from './testing/bare-cpu.ts';

it('TSC is time plus a signed 64-bit offset', () => {
  const bare = new BareCpu();
  const times = [0, 1, 0x7fffffff, 0xffffffff, 0x100000000, 0x123456789ab, 2 ** 53 - 1];
  const offsets = [0n, 1n, -1n, 0xffffffffn, 0x100000000n, -0x100000000n, -(2n ** 63n), 2n ** 63n - 1n]; // prettier-ignore
  for (const time of times) {
    for (const offset of offsets) {
      bare.time = time;
      bare.cpu.state.view.setBigInt64(L.TSC_OFFSET, offset, true);
      const { low, high } = bare.cpu.timestamp();
      const expected = BigInt.asUintN(64, BigInt(time) + offset);
      assert.equal(BigInt(high) * 2n ** 32n + BigInt(low), expected, `${time} + ${offset}`);
    }
  }
});
