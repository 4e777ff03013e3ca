/** Registers by name: every one can be read, writes go the architectural way, refusals are sentences. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RegisterValue } from '../debug-port.ts';
import { integerOf } from '../expressions/evaluator.ts';
import { registerNames, registerValue } from './registers.ts';
import { listing, protectedGuest, realModeGuest, type TestGuest } from './testing/test-guest.ts';

const HALTED = listing(`
  start:
  100040  bc 00 00 09 00            mov esp, 0x90000
  100045  db e3                     fninit
  100047  d9 eb                     fldpi
  100049  d9 e8                     fld1
  halt:
  10004b  f4                        hlt
  10004c  40                        inc eax
  10004d  eb fc                     jmp halt
`);
const REAL = listing(`
  start:
  007c00  f4                        hlt
`);

function find(guest: TestGuest, name: string): RegisterValue {
  const all = guest.port.registers().flatMap(({ registers }) => registers);
  const found = [...all, ...all.flatMap(({ children }) => children ?? [])];
  return found.find((register) => register.name === name) ?? assert.fail(`no ${name}`);
}
function refusal(name: string, value: number): string {
  const guest = protectedGuest(HALTED);
  const before = guest.port.registers();
  let message = '';
  try {
    guest.port.writeRegister(name, value);
  } catch (error) {
    assert.ok(error instanceof RangeError, String(error));
    ({ message } = error);
  }
  assert.deepEqual(guest.port.registers(), before, 'a refused write changes nothing');
  return message;
}

test('every name can be evaluated, and is unsigned and within its bits', () => {
  const guest = protectedGuest(HALTED);
  for (const name of registerNames.list()) {
    // floating-point numbers, and more than 32 bits
    if (/^(st\d|x?mm\d|xmm\d\.[fd]\d)$/.test(name)) continue;
    // model-specific registers, which msr-access.test.ts is about
    if (name !== name.toLowerCase()) continue;
    const value = guest.register(name);
    assert.deepEqual(guest.port.evaluate(name), registerValue(guest.machine.cpu, name));
    assert.ok(value >= 0 && value <= 0xffffffff, name);
  }
  const names = new Set(registerNames.list());
  for (const name of [
    'eax',
    'sp',
    'ch',
    'eip',
    'cf',
    'eflags.iopl',
    'cs.base',
    'tr.limit',
    'cr0.pg',
    'dr7',
    'idtr.limit',
    'fcw',
  ]) {
    assert.ok(names.has(name), name);
  }
});

test('the groups show names, values, named bits and what can be written', () => {
  const guest = protectedGuest(HALTED);
  const groups = guest.port.registers();
  assert.deepEqual(
    groups.map(({ name }) => name),
    [
      'General',
      'Flags',
      'Segments',
      'Control',
      'Descriptor tables',
      'Debug',
      'FPU',
      'SIMD',
      'MSRs',
    ],
  );
  // multiboot 0.6.96, 3.2: the magic value, protected mode, flat segments
  assert.equal(find(guest, 'eax').value, 0x2badb002);
  assert.equal(find(guest, 'cr0').text, 'PE ET');
  assert.equal(find(guest, 'cr0.pe').value, 1);
  assert.equal(find(guest, 'cs.limit').value, 0xffffffff);
  assert.equal(find(guest, 'cs.base').writable, false);
  assert.equal(find(guest, 'cr3').addressOf, 'physical');
  assert.equal(find(guest, 'IA32_APIC_BASE').text, '0x00000000fee00900');
});

describe('writes', () => {
  test('of general registers and their parts', () => {
    const guest = protectedGuest(HALTED);
    guest.port.writeRegister('eax', 0x11223344);
    guest.port.writeRegister('AH', 0xaa);
    guest.port.writeRegister('al', -1);
    assert.equal(guest.register('eax'), 0x1122aaff);
    guest.port.writeRegister('ax', 0x8000);
    assert.equal(guest.register('eax'), 0x11228000);
    guest.port.writeRegister('ebx', -2);
    assert.equal(guest.register('ebx'), 0xfffffffe);
  });

  test('of flags, whole and one by one', () => {
    const guest = protectedGuest(HALTED);
    guest.port.writeRegister('eflags', 0x8d5);
    assert.equal(guest.register('eflags'), 0x8d7, 'bit 1 is always one');
    guest.port.writeRegister('zf', 0);
    guest.port.writeRegister('eflags.iopl', 3);
    assert.equal(guest.register('eflags'), 0x3897);
    assert.equal(find(guest, 'eflags').text, 'CF PF AF SF OF IOPL=3');
  });

  test('of MMX and XMM registers, whole and in parts', () => {
    const guest = protectedGuest(HALTED);
    guest.port.writeRegister('xmm2', -1);
    guest.port.writeRegister('xmm2.i3', 0x12345678);
    guest.port.writeRegister('xmm2.f0', 1.5);
    assert.equal(find(guest, 'xmm2').text, '0x12345678ffffffffffffffff3fc00000');
    assert.deepEqual(guest.port.evaluate('xmm2.f0'), { kind: 'real', value: 1.5 });
    guest.port.writeRegister('xmm2.d1', -2);
    assert.equal(find(guest, 'xmm2').text, '0xc000000000000000ffffffff3fc00000');
    guest.port.assign('mm7', '0x123456789abcdef0');
    assert.equal(find(guest, 'mm7').text, '0x123456789abcdef0');
    assert.deepEqual(guest.port.evaluate('mm7'), integerOf(0x123456789abcdef0n, 64));
    guest.port.writeRegister('mxcsr', 0x1f80);
    guest.port.writeRegister('mxcsr.rc', 3);
    assert.equal(guest.register('mxcsr'), 0x7f80);
  });

  test('of EIP, which wakes a halted processor', () => {
    const guest = protectedGuest(HALTED);
    assert.equal(guest.go('continue').kind, 'halted-forever');
    guest.port.writeRegister('eip', HALTED.at('halt') + 1);
    const eax = guest.register('eax');
    guest.step();
    assert.equal(guest.register('eax'), eax + 1);
  });

  test('of the interrupt flag take effect', () => {
    const guest = protectedGuest(HALTED);
    guest.go('continue');
    guest.port.writeRegister('if', 1);
    // nothing is set up to interrupt, but something could
    assert.deepEqual(guest.go('continue'), { kind: 'idle', wakeAt: Infinity });
  });

  test('of segment registers load them with all checks', () => {
    const guest = protectedGuest(HALTED);
    guest.port.writeRegister('fs', 0);
    assert.equal(guest.register('fs.limit'), 0, 'null');
    guest.port.writeRegister('fs', 0x18);
    assert.equal(guest.register('fs.limit'), 0xffffffff);
    const real = realModeGuest(REAL);
    real.port.writeRegister('es', 0xb800);
    assert.equal(real.register('es.base'), 0xb8000);
  });

  test('of control registers: paging goes on and off', () => {
    const guest = protectedGuest(HALTED);
    // 4 MiB pages: all at its place, and 1 MiB again at 400000h + 100000h (SDM vol. 3, 4.3)
    const directory = new Uint32Array(1024);
    directory[0] = 0x83;
    directory[1] = 0x83;
    guest.port.writeMemory('physical', 0x8000, new Uint8Array(directory.buffer));
    guest.port.writeRegister('cr3', 0x8000);
    guest.port.writeRegister('cr4', 0x10);
    guest.port.writeRegister('cr0', 0x80000011);
    assert.equal(guest.port.position().paging, '32-bit');
    assert.equal(guest.port.translate(0x500040), 0x100040);
    assert.equal(guest.port.translate(0x900000), null);
    guest.port.writeRegister('eip', HALTED.origin + 0x400000);
    assert.equal(guest.step(), HALTED.origin + 0x400005);
    guest.port.writeRegister('eip', HALTED.origin + 5);
    guest.port.writeRegister('cr0.pg', 0);
    assert.equal(guest.port.position().paging, 'off');
    assert.equal(guest.step(), HALTED.origin + 7);
  });

  test('of debug registers and descriptor tables', () => {
    const guest = protectedGuest(HALTED);
    guest.port.writeRegister('dr0', 0x1234);
    guest.port.writeRegister('dr7', 0xffffffff);
    assert.equal(guest.register('dr0'), 0x1234);
    // SDM vol. 3, 17.2.4: bits 11, 12, 14 and 15 are zero
    assert.equal(guest.register('dr7'), 0xffff27ff);
    guest.port.writeRegister('idtr.base', 0x1000);
    guest.port.writeRegister('idtr.limit', 0x7ff);
    assert.equal(guest.register('idtr.base'), 0x1000);
    assert.equal(guest.register('idtr.limit'), 0x7ff);
  });

  test('of the x87 unit', () => {
    const guest = protectedGuest(HALTED);
    guest.go('continue');
    assert.deepEqual(
      ['st0', 'st1'].map((name) => find(guest, name).text),
      ['1', '3.141592653589793'],
    );
    guest.port.writeRegister('st1', -2.5);
    assert.equal(find(guest, 'st1').text, '-2.5');
    guest.port.writeRegister('ftw', 0xffff);
    assert.equal(find(guest, 'st0').text, 'empty');
    guest.port.writeRegister('st5', 7);
    assert.equal(find(guest, 'st5').text, '7');
    guest.port.writeRegister('fcw', 0x37f);
    assert.equal(guest.register('fcw'), 0x37f);
    guest.port.writeRegister('fsw', 1);
    assert.equal(guest.register('fsw'), 1);
    guest.port.writeRegister('fcw', 0x37e);
    // an exception that is not masked is summarized (SDM vol. 1, 8.1.3.3)
    assert.equal(guest.register('fsw'), 0x8081);
  });
});

test('what cannot be written is refused with a sentence', () => {
  for (const [name, value, sentence] of [
    ['eaxx', 1, "There is no register 'eaxx'. Did you mean 'eax'?"],
    ['al', 256, 'al has 8 bits; 256 does not fit.'],
    ['al', -129, 'al has 8 bits; -129 does not fit.'],
    ['eax', 1.5, 'eax has 32 bits; 1.5 does not fit.'],
    ['eax', NaN, 'eax has 32 bits; NaN does not fit.'],
    ['eax', 2 ** 32, 'eax has 32 bits; 4294967296 does not fit.'],
    ['cf', 2, 'cf has 1 bit; 2 does not fit.'],
    ['cs', 8, 'cs cannot be written: it changes with far jumps and returns; write eip instead.'],
    ['cs.base', 8, 'cs.base cannot be written: it comes with the selector, cs.'],
    ['tr', 8, 'tr cannot be written: let the guest execute LTR.'],
    ['cpl', 3, 'cpl cannot be written: it follows from cs.'],
    [
      'eflags.vm',
      1,
      'eflags.vm changes only with IRET or an interrupt: the segment registers change with it.',
    ],
    ['ds', 0x1000, 'The processor refuses 0x1000 for ds: it would be #GP.'],
    ['ss', 0, 'The processor refuses 0x0 for ss: it would be #GP.'],
    ['cr0', 0x80000010, 'The processor refuses 0x80000010 for cr0: it would be #GP.'],
    ['mxcsr', 0x1fc0, 'The processor refuses 0x1fc0 for mxcsr: it would be #GP.'],
    ['mm0', 2 ** 64, 'mm0 has 64 bits; 18446744073709552000 does not fit.'],
    ['cr4', 0x80000000, 'The processor refuses 0x80000000 for cr4: it would be #GP.'],
  ] as const) {
    assert.equal(refusal(name, value), sentence);
  }
});
