/**
 * What stands at call sites. The bytes are what the GNU assembler makes of the instructions named beside
 * them (objdump -d -M intel), as kernels of several releases compile and patch them.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { behindThunk, siteState, slotsCalled, type SiteState } from './site-state.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (digits) => parseInt(digits, 16)); // prettier-ignore

const ADDRESS = 0xc1000100;
const SLOT = 0xc1c51684;
const OTHER_SLOT = 0xc1c51680;

function state(hex: string, members: readonly string[] = ['irq_disable'], slots = [SLOT]): SiteState {
  const alternative = { bytes: bytes('0f0938c3'), text: 'an alternative' };
  return siteState(bytes(hex), { address: ADDRESS, members, slots, replacements: [alternative] });
} // prettier-ignore

describe('the state of a call site', () => {
  test('is a call through the table, as releases compile it', () => {
    const table = { kind: 'table', slots: [SLOT] };
    for (const hex of [
      'ff158416c5c1', // call [slot]
      '2eff158416c5c1', // call cs:[slot]
      '2eff258416c5c1', // jmp cs:[slot]
      '5152ff158416c5c15a59', // push ecx; push edx; call [slot]; pop edx; pop ecx
      'ff158416c5c18d7426 00'.replace(' ', ''), // and lea esi, [esi] with a displacement of 0
    ])
      assert.deepEqual(state(hex), table, hex);
    // push ecx; push edx; call [save_fl]; push eax; call [irq_disable]; pop eax; pop edx; pop ecx
    assert.deepEqual(state('5152ff158016c5c150ff158416c5c1585a59', ['save_fl', 'irq_disable'], [OTHER_SLOT, SLOT]), { kind: 'table', slots: [OTHER_SLOT, SLOT] }); // prettier-ignore
    assert.deepEqual(slotsCalled(bytes('5152ff158016c5c150ff158416c5c1585a59')), [OTHER_SLOT, SLOT]); // prettier-ignore
  });

  test('is other where the call goes through another pointer', () => {
    assert.deepEqual(state('ff158016c5c1'), { kind: 'other' });
  });

  test('is a direct call or jump with its target', () => {
    assert.deepEqual(state('e8fb00000090'), { kind: 'direct', target: 0xc1000200 });
    assert.deepEqual(state('e9fbfeffff6690'), { kind: 'direct', target: 0xc1000000 });
    assert.deepEqual(state('5152e8f90000005a5990'), { kind: 'direct', target: 0xc1000200 });
  });

  test('is native where the operation’s own instructions stand', () => {
    const native = (text: string): SiteState => ({ kind: 'native', text });
    assert.deepEqual(state('fa8d742600'), native('cli'));
    assert.deepEqual(state('9c58fa3e8db42600000000', ['save_fl', 'irq_disable']), native('pushf; pop eax; cli')); // prettier-ignore
    assert.deepEqual(state('509d90909090', ['restore_fl']), native('push eax; popf'));
    assert.deepEqual(state('c600008d7600', ['queued_spin_unlock']), native('mov byte [eax], 0'));
    assert.deepEqual(state('fa9090909090', ['irq_enable']), { kind: 'other' });
    assert.deepEqual(state('0f0938c39090', ['load_tls']), native('an alternative'));
  });

  test('is removed where nothing is left, by every filling', () => {
    for (const hex of [
      '909090909090',
      '8db600000000',
      '660f1f440000',
      '3e8d7426006690',
      '8d8000000000',
      'eb04cccccccc',
      '',
    ])
      assert.deepEqual(state(hex), { kind: 'removed' }, hex);
  });

  test('is other for anything else, and never an error', () => {
    for (const hex of [
      'cc15',
      'ff15',
      'ff158416',
      'e8',
      'e8000000',
      '0f1f',
      '51',
      'eb02ccccf4',
      'e800000000e800000000',
    ])
      // prettier-ignore
      assert.deepEqual(state(hex), { kind: 'other' }, hex);
    assert.deepEqual(siteState(null, { address: 0, members: [], slots: [], replacements: [] }), { kind: 'unreadable' }); // prettier-ignore
    // a linear congruential generator (Numerical Recipes), so that a failure comes again
    let seed = 1;
    const next = (): number => (seed = (seed * 1664525 + 1013904223) >>> 0) >>> 24;
    for (let round = 0; round < 20_000; round++) {
      const random = Uint8Array.from({ length: next() % 20 }, next);
      siteState(random, { address: next(), members: ['cli'], slots: [0], replacements: [] });
      behindThunk(random, next());
    }
  });
});

test('a thunk that saves registers leads to its function', () => {
  // push ecx; push edx; call +0x10; pop edx; pop ecx; ret
  assert.equal(behindThunk(bytes('5152e8100000005a59c3'), 0x1000), 0x1017);
  // push ebp; mov ebp, esp; push ecx; call +0x17; pop ecx; pop ebp; ret, as 6.1 has it with frame pointers
  assert.equal(behindThunk(bytes('5589e551e817000000595dc3'), 0xc105eb80), 0xc105eba0);
  // endbr32; push ecx; call; pop ecx; jmp __x86_return_thunk
  assert.equal(behindThunk(bytes('f30f1efb51e80000000059e900000000'), 0x2000), 0x200a);
  // push ebx; call; mov eax, ebx: a function
  assert.equal(behindThunk(bytes('53e80000000089d85bc3'), 0x1000), null);
});
