/**
 * What keeps the supervisor from the user's pages, and programs from system registers: SMEP, SMAP with
 * CLAC and STAC, UMIP. Expected values: SDM vol. 3, 4.6.1, 4.7 and 2.5; vol. 2, instruction pages.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as L from './layout.ts';
import { CR4, FLAG } from './state.ts';
import { BareCpu } from './testing/bare-cpu.ts';

const DIRECTORY = 0x10000;
const TABLE = 0x11000;
const CODE = 0x1000;
/** A page of the user's; everything else belongs to the supervisor. */
const USER_PAGE = 0x20000;
const [EAX, ECX, EDX, EBX] = [0, 1, 2, 3];
const GP = 13;
const PF = 14;
const UD = 6;
const HLT = 0xf4;

const READ = [0x8b, 0x03]; // mov eax, [ebx]
const WRITE = [0x89, 0x03]; // mov [ebx], eax
const JUMP = [0xff, 0xe3]; // jmp ebx
const CLAC = [0x0f, 0x01, 0xca];
const STAC = [0x0f, 0x01, 0xcb];

function machine(cr4: number): BareCpu {
  const bare = new BareCpu(1 << 20, 'max');
  const { state } = bare.cpu;
  bare.ram32[DIRECTORY >> 2] = TABLE | 7;
  for (let page = 0; page < 256; page++) bare.ram32[(TABLE >> 2) + page] = (page << 12) | 3;
  bare.ram32[(TABLE >> 2) + (USER_PAGE >> 12)] = USER_PAGE | 7;
  bare.load(USER_PAGE, [HLT, HLT, HLT, HLT]);
  state.setCr(3, DIRECTORY);
  state.setCr(4, cr4);
  state.setCr(0, 0x80010011);
  state.setGpr(EBX, 4, USER_PAGE);
  state.setGpr(4, 4, 0x9000);
  bare.cpu.modeChanged();
  return bare;
}

/** Runs code at CPL 0 (or as set); the vector and error code that end it, or null at a HLT. */
function run(
  bare: BareCpu,
  ...code: readonly (readonly number[])[]
): [number, number | null] | null {
  bare.load(CODE, [...code.flat(), HLT]);
  bare.cpu.state.eip = CODE;
  assert.equal(bare.runToExit(1000), 'exit');
  if (bare.event?.kind !== 'exception') return null;
  return [bare.exception.vector, bare.exception.errorCode];
}

test('SMEP: no fetch by the supervisor from a page of the user', () => {
  assert.equal(run(machine(0), JUMP), null);
  // P and I/D, which SMEP alone brings without PAE
  assert.deepEqual(run(machine(CR4.SMEP), JUMP), [PF, 0x11]);
  assert.equal(run(machine(CR4.SMEP), READ), null);
});

test('SMAP: data of the user are out of reach unless EFLAGS.AC is set', () => {
  assert.deepEqual(run(machine(CR4.SMAP), READ), [PF, 1]);
  assert.deepEqual(run(machine(CR4.SMAP), WRITE), [PF, 3]);
  assert.equal(run(machine(CR4.SMAP), JUMP), null, 'fetches are the matter of SMEP');
  assert.equal(run(machine(CR4.SMAP), STAC, READ, WRITE), null);
  // what was read before is not remembered
  assert.deepEqual(run(machine(CR4.SMAP), STAC, READ, CLAC, READ), [PF, 1]);
});

test('SMAP: POPF changes AC as STAC and CLAC do', () => {
  const popf = (flags: number): number[] => [
    0x68,
    flags & 255,
    (flags >> 8) & 255,
    flags >> 16,
    0,
    0x9d,
  ];
  assert.equal(run(machine(CR4.SMAP), popf(FLAG.AC | 2), READ), null);
  assert.deepEqual(run(machine(CR4.SMAP), popf(FLAG.AC | 2), READ, popf(2), READ), [PF, 1]);
});

test('SMAP: the user, and a debugger that looks, are not concerned', () => {
  const bare = machine(CR4.SMAP);
  bare.ram32[(TABLE >> 2) + (CODE >> 12)] = CODE | 7;
  bare.setCpl(3);
  // HLT at CPL 3
  assert.deepEqual(run(bare, READ), [GP, 0]);
  assert.equal(bare.cpu.memory.readBytesPeek(USER_PAGE, 4).length, 4);
});

test('SMAP: what the processor reads for itself does not heed AC', () => {
  const bare = machine(CR4.SMAP);
  const { state } = bare.cpu;
  state.set(L.GDTR, USER_PAGE);
  state.set(L.GDTR + 8, 0xff);
  bare.ram32[(USER_PAGE >> 2) + 2] = 0xffff;
  bare.ram32[(USER_PAGE >> 2) + 3] = 0xcf9200;
  // mov cx, 8; mov ds, cx
  assert.deepEqual(run(bare, STAC, [0x66, 0xb9, 8, 0], [0x8e, 0xd9]), [PF, 1]);
});

test('CLAC and STAC are undefined outside CPL 0 and in models without SMAP', () => {
  const bare = machine(0);
  bare.ram32[(TABLE >> 2) + (CODE >> 12)] = CODE | 7;
  bare.setCpl(3);
  assert.deepEqual(run(bare, STAC), [UD, null]);
  assert.deepEqual(run(new BareCpu(1 << 20, 'pentium3'), STAC), [UD, null]);
});

test('UMIP: SGDT, SIDT, SLDT, STR and SMSW are for CPL 0', () => {
  const stores = [
    [0x0f, 0x01, 0x03],
    [0x0f, 0x01, 0x0b],
    [0x0f, 0x00, 0xc0],
    [0x0f, 0x00, 0xc8],
    [0x0f, 0x01, 0xe0],
  ];
  for (const store of stores) {
    for (const [cr4, level, allowed] of [
      [0, 3, true],
      [CR4.UMIP, 0, true],
      [CR4.UMIP, 3, false],
    ] as const) {
      const bare = machine(cr4);
      bare.ram32[(TABLE >> 2) + (CODE >> 12)] = CODE | 7;
      bare.setCpl(level);
      run(bare, store);
      const atStore = bare.cpu.state.eip === CODE;
      assert.equal(atStore, !allowed, `${String(store)} CPL ${level} CR4 ${cr4}`);
    }
  }
});

test('RDTSCP gives the counter and IA32_TSC_AUX', () => {
  const bare = machine(0);
  const { state } = bare.cpu;
  state.setGpr(ECX, 4, 0xc0000103);
  state.setGpr(EAX, 4, 0x1234);
  state.setGpr(EDX, 4, 0);
  bare.time = 0x500000000;
  assert.equal(run(bare, [0x0f, 0x30], [0x0f, 0x01, 0xf9]), null);
  assert.deepEqual([state.gpr(ECX, 4), state.gpr(EDX, 4)], [0x1234, 5]);
});

test('EFER.NXE makes bit 63 of an entry forbid execution as soon as it is written', () => {
  const bare = machine(CR4.PAE);
  const { state } = bare.cpu;
  const [pointers, directory, table] = [0x12000, 0x13000, 0x14000];
  state.set(L.PDPTE, directory | 1);
  bare.ram32[pointers >> 2] = directory | 1;
  bare.ram32[directory >> 2] = table | 7;
  for (let page = 0; page < 256; page++) bare.ram32[(table >> 2) + 2 * page] = (page << 12) | 7;
  bare.ram32[(table >> 2) + 2 * (USER_PAGE >> 12) + 1] = 0x80000000;
  state.setCr(3, pointers);
  bare.cpu.modeChanged();
  assert.deepEqual(run(bare, READ), [PF, 9], 'a reserved bit as long as it is off');
  state.setGpr(ECX, 4, 0xc0000080);
  state.setGpr(EAX, 4, 0x800);
  assert.deepEqual(run(bare, [0x0f, 0x30], READ, JUMP), [PF, 0x11]);
});
