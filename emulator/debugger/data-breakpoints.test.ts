/** Breakpoints on data, on the real machine: by linear and physical address, in every kind of access. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DataBreakpoint } from '../debug-port.ts';
import type { StopReason } from '../stop-reason.ts';
import { listing, protectedGuest, type TestGuest } from './testing/test-guest.ts';

const CODE = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  b8 01 00 00 00            mov eax, 1
  10004a  bb 00 00 20 00            mov ebx, 0x200000
  again:
  10004f  89 43 10                  mov [ebx + 0x10], eax
  100052  8b 53 10                  mov edx, [ebx + 0x10]
  100055  01 43 10                  add [ebx + 0x10], eax
  100058  66 89 43 1f               mov [ebx + 0x1f], ax
  10005c  89 83 fe 0f 00 00         mov [ebx + 0xffe], eax
  push:
  100062  50                        push eax
  100063  59                        pop ecx
  100064  60                        pusha
  100065  61                        popa
  string:
  100066  bf 00 00 21 00            mov edi, 0x210000
  10006b  b9 00 01 00 00            mov ecx, 0x100
  100070  f3 ab                     rep stosd
  100072  40                        inc eax
  end:
  100073  eb da                     jmp again
`);

const VECTORS = listing(`
  start:
  100040  bb 00 00 20 00            mov ebx, 0x200000
  again:
  100045  0f 29 43 10               movaps [ebx + 0x10], xmm0
  100049  0f 28 4b 10               movaps xmm1, [ebx + 0x10]
  10004d  0f 11 83 f8 0f 00 00      movups [ebx + 0xff8], xmm0
  100054  dd 5b 20                  fstp qword ptr [ebx + 0x20]
  100057  eb ec                     jmp again
`);

const set = (guest: TestGuest, ...list: Partial<DataBreakpoint>[]): void => {
  guest.port.setDataBreakpoints(
    list.map((each, index) => ({
      id: index + 1, space: 'linear', address: 0x200010, length: 4, access: 'write', ...each,
    })), // prettier-ignore
  );
};
type Hit = Extract<StopReason, { kind: 'data breakpoint' }>;
function hit(stop: StopReason): Hit {
  assert.equal(stop.kind, 'data breakpoint', JSON.stringify(stop));
  return stop;
}
const at = ({ access }: Hit): string => access.instruction.toString(16);
const bytes = (array: Uint8Array | null): number[] => Array.from(array ?? []);

describe('data breakpoints', () => {
  test('stop after the instruction, with what the memory held before and after', () => {
    const guest = protectedGuest(CODE);
    set(guest, {});
    const first = hit(guest.go('continue'));
    assert.deepEqual(first.ids, [1]);
    assert.equal(at(first), '10004f');
    assert.deepEqual(bytes(first.access.before), [0, 0, 0, 0]);
    assert.deepEqual(bytes(first.access.after), [1, 0, 0, 0]);
    assert.equal(guest.eip, 0x100052, 'the instruction is complete');
    const second = hit(guest.go('continue'));
    assert.equal(at(second), '100055', 'reads do not count');
    assert.deepEqual([bytes(second.access.before), bytes(second.access.after)], [[1, 0, 0, 0], [2, 0, 0, 0]]); // prettier-ignore
  });

  test('see reads, and both', () => {
    const guest = protectedGuest(CODE);
    set(guest, { access: 'read' });
    assert.deepEqual([hit(guest.go('continue')), hit(guest.go('continue'))].map(at), ['100052', '100055']);
    set(guest, { access: 'readWrite' });
    const places = [1, 2, 3].map(() => at(hit(guest.go('continue'))));
    assert.deepEqual(places, ['10004f', '100052', '100055']);
  }); // prettier-ignore

  test('meet accesses that only overlap, also over a page border', () => {
    const guest = protectedGuest(CODE);
    set(guest, { address: 0x200020, length: 1 });
    assert.equal(at(hit(guest.go('continue'))), '100058');
    set(guest, { address: 0x201001, length: 1 });
    assert.equal(at(hit(guest.go('continue'))), '10005c');
    set(guest, { address: 0x201002, length: 1 });
    guest.port.resume({ kind: 'continue' });
    assert.equal(guest.port.run(5000).kind, 'budget', 'the byte behind is not touched');
  });

  test('see the stack, instructions that are not emitted, and string instructions', () => {
    const guest = protectedGuest(CODE);
    set(guest, { address: 0x8fffc, length: 4 });
    assert.deepEqual([1, 2, 3].map(() => at(hit(guest.go('continue')))), ['100062', '100064', '100062']);
    set(guest, { address: 0x210080, length: 2 });
    assert.equal(at(hit(guest.go('continue'))), '100070');
  }); // prettier-ignore

  test('see vectors and the x87 unit', () => {
    const guest = protectedGuest(VECTORS);
    guest.port.writeRegister('cr4', 0x200);
    set(guest, { address: 0x20001e, length: 1, access: 'readWrite' });
    assert.deepEqual([1, 2].map(() => at(hit(guest.go('continue')))), ['100045', '100049']);
    set(guest, { address: 0x201007, length: 1 });
    assert.equal(at(hit(guest.go('continue'))), '10004d');
    set(guest, { address: 0x200027, length: 8 });
    assert.equal(at(hit(guest.go('continue'))), '100054');
  }); // prettier-ignore

  test('by physical address see every mapping of it', () => {
    const guest = protectedGuest(CODE);
    // two mappings of 4 MiB: at 0, and at 8 MiB where the data is accessed
    guest.port.writeMemory('physical', 0x300000, new Uint8Array(Uint32Array.from([0x83, 0, 0x83]).buffer));
    guest.port.writeRegister('cr4', 0x10);
    guest.port.writeRegister('cr3', 0x300000);
    guest.port.writeRegister('cr0', 0x80000011);
    guest.runTo('again');
    guest.port.writeRegister('ebx', 0xa00000);
    set(guest, { space: 'physical' });
    const found = hit(guest.go('continue'));
    assert.deepEqual([at(found), found.access.linear], ['10004f', 0xa00010]);
    set(guest, { space: 'linear' });
    guest.runTo('end');
    set(guest, { space: 'linear', address: 0xa00010 });
    assert.equal(hit(guest.go('continue')).access.linear, 0xa00010);
  }); // prettier-ignore

  test('have conditions, hit counts and messages', () => {
    const guest = protectedGuest(CODE);
    set(guest, { condition: 'eax == 3 && dword[ebx + 0x10] == 6' });
    assert.equal(at(hit(guest.go('continue'))), '100055');
    assert.equal(guest.register('eax'), 3);
    set(guest, { hitCondition: '5' });
    hit(guest.go('continue'));
    assert.equal(guest.register('eax'), 6);
    const message = { text: 'eax', syntax: { kind: 'name', name: 'eax', at: 0 } } as const;
    set(guest, { log: ['value ', message] }, { address: 0x8fffc });
    assert.deepEqual(hit(guest.go('continue')).ids, [2]);
    assert.deepEqual(guest.port.takeLogs().lines, [{ parts: ['value ', '0x6'], after: 0 }]);
    assert.throws(() => set(guest, { condition: 'eaz' }), { name: 'ExpressionError' });
    assert.throws(() => set(guest, { length: 0 }), /1 to 1048576 bytes/);
    assert.throws(() => set(guest, { address: 0xffffffff, length: 2 }), RangeError);
  });

  test('are met by single steps too, and change nothing that the guest can count', () => {
    const run = (watched: boolean): readonly unknown[] => {
      const guest = protectedGuest(CODE);
      if (watched) set(guest, { log: [] }, { log: [], space: 'physical', address: 0x90000 - 64, length: 64, access: 'readWrite' });
      guest.port.resume({ kind: 'continue' });
      while (guest.retired < 200_000) {
        guest.port.run(200_000 - guest.retired);
        // a run waits for the host while too many lines wait for it
        guest.port.takeLogs();
      }
      return [guest.retired, guest.port.position().time, guest.port.registers().slice(0, 2)];
    };
    assert.deepEqual(run(true), run(false));
    const guest = protectedGuest(CODE);
    guest.runTo('again');
    set(guest, {});
    assert.equal(at(hit(guest.go('stepIn'))), '10004f');
    assert.equal(guest.step(), 0x100055);
  }); // prettier-ignore

  test('that are taken away are no longer met', () => {
    const guest = protectedGuest(CODE);
    set(guest, {});
    hit(guest.go('continue'));
    set(guest);
    guest.port.resume({ kind: 'continue' });
    assert.equal(guest.port.run(5000).kind, 'budget');
  });
});
