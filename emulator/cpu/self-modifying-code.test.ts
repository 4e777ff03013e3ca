/**
 * Code that changes while it runs, and instructions that lie in two pages. The emulated processors see
 * every change at once, as SDM vol. 3, 12.1.3 ("Handling self- and cross-modifying code") promises for
 * a store and the execution of its target through the same linear address; through an alias, and for
 * code changed by a debugger, this processor promises the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BareCpu } from './testing/bare-cpu.ts';
import * as L from './layout.ts';

const CODE = 0x4000;
const DIRECTORY = 0x10000;
const TABLE = 0x11000;
/** Linear page that maps to the page of CODE too. */
const ALIAS = 0x80000;
const ALL = 7;
const HLT = 0xf4;
const EAX = 0;
const ECX = 1;
const EBX = 3;
const ESP = 4;
const EDI = 7;

class Paged {
  readonly bare = new BareCpu();
  readonly state = this.bare.cpu.state;

  constructor() {
    const { bare, state } = this;
    bare.ram32[DIRECTORY >> 2] = TABLE | ALL;
    for (let page = 0; page < 256; page++) this.map(page << 12, page << 12);
    this.map(ALIAS, CODE);
    state.setCr(3, DIRECTORY);
    state.setCr(0, 0x80000011);
    bare.cpu.modeChanged();
    state.setGpr(ESP, 4, 0x9000);
  }
  /** Maps one page, or takes it away (null). */
  map(linear: number, physical: number | null): void {
    this.bare.ram32[(TABLE >> 2) + (linear >> 12)] = physical === null ? 0 : physical | ALL;
    this.bare.cpu.flushTlb(true);
  }
  run(slice: number, eip = CODE): void {
    const { bare, state } = this;
    state.eip = eip;
    state.set(L.ACTIVITY, 0);
    assert.equal(bare.runToExit(slice), 'exit');
  }
}

/** In a block and in single steps. */
const SLICES = [1000, 1] as const;

test('a store to the next instruction changes it', () => {
  const paged = new Paged();
  for (const slice of SLICES) {
    // mov byte [CODE + 8], 2; mov al, 1
    paged.bare.load(CODE, [0xc6, 0x05, 0x08, 0x40, 0, 0, 2, 0xb0, 1, HLT]);
    paged.run(slice);
    assert.equal(paged.state.gpr(EAX, 1), 2);
    assert.equal(paged.state.eip, CODE + 9);
  }
});

test('a store through another linear address changes it too', () => {
  const paged = new Paged();
  for (const slice of SLICES) {
    // mov byte [ALIAS + 8], 2; mov al, 1
    paged.bare.load(CODE, [0xc6, 0x05, 0x08, 0x00, 0x08, 0, 2, 0xb0, 1, HLT]);
    paged.run(slice);
    assert.equal(paged.state.gpr(EAX, 1), 2);
  }
});

test('code that has run, and is linked to, can be changed between two calls', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  for (const slice of SLICES) {
    // the function: mov al, N; ret
    bare.load(CODE + 0x80, [0xb0, 1, 0xc3]);
    // ten times: call it, add its result, increment N through the alias
    // l: call f; movzx eax, al; add ebx, eax; inc byte [ALIAS + 0x81]; dec ecx; jnz l
    bare.load(CODE, [
      0xe8, 0x7b, 0, 0, 0, 0x0f, 0xb6, 0xc0, 0x01, 0xc3, 0xfe, 0x05, 0x81, 0x00, 0x08, 0, 0x49, 0x75, 0xed, HLT,
    ]); // prettier-ignore
    state.setGpr(ECX, 4, 10);
    state.setGpr(EBX, 4, 0);
    paged.run(slice);
    assert.equal(state.gpr(EBX, 4), 55);
  }
});

test('a loop that rewrites its own body runs the new one from then on', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  for (const slice of SLICES) {
    // l: inc eax (becomes inc ebx after 200 rounds); cmp ecx, 100; jne +7; mov byte [CODE], 0x43; dec ecx; jnz l
    bare.load(CODE, [
      0x40, 0x83, 0xf9, 100, 0x75, 0x07, 0xc6, 0x05, 0x00, 0x40, 0, 0, 0x43, 0x49, 0x75, 0xf0, HLT,
    ]); // prettier-ignore
    state.setGpr(ECX, 4, 300);
    state.setGpr(EAX, 4, 0);
    state.setGpr(EBX, 4, 0);
    const before = bare.cpu.retired;
    paged.run(slice);
    assert.deepEqual([state.gpr(EAX, 4), state.gpr(EBX, 4)], [201, 99]);
    assert.equal(bare.cpu.retired - before, 300 * 5 + 1);
  }
});

test('a string store over code in front of it, and over itself', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  for (const slice of SLICES) {
    // rep stosb writes INC EDX over eight NOPs behind it
    bare.load(CODE, [0xf3, 0xaa, ...Array<number>(8).fill(0x90), HLT]);
    state.setGpr(EAX, 4, 0x42);
    state.setGpr(ECX, 4, 8);
    state.setGpr(EDI, 4, CODE + 2);
    state.setGpr(2, 4, 0);
    paged.run(slice);
    assert.equal(state.gpr(2, 4), 8);
    // and HLT over itself: the repetition goes on, the next fetch sees it
    bare.load(CODE, [0xf3, 0xaa, 0x90, 0x90]);
    state.setGpr(EAX, 4, HLT);
    state.setGpr(ECX, 4, 4);
    state.setGpr(EDI, 4, CODE);
    paged.run(slice);
    assert.equal(state.gpr(ECX, 4), 0);
    assert.equal(state.eip, CODE + 2);
  }
});

test('data beside code in one page is written without end to the code', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  // l: inc dword [CODE + 0x800]; dec ecx; jnz l
  bare.load(CODE, [0xff, 0x05, 0x00, 0x48, 0, 0, 0x49, 0x75, 0xf7, HLT]);
  state.setGpr(ECX, 4, 1000);
  paged.run(100000);
  assert.equal(bare.ram32[(CODE + 0x800) >> 2], 1000);
});

test('a store is seen wherever it meets a long block', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  // a block of 60 MOV EDX, 1 of five bytes, more than two of the pieces that stores are looked up by
  const block = CODE + 0x100;
  const count = 60;
  const run = (store: readonly number[]): number => {
    for (let n = 0; n < count; n++) bare.load(block + 5 * n, [0xba, 1, 0, 0, 0]);
    bare.load(block + 5 * count, [HLT]);
    paged.run(1000, block);
    // the store, then the block again
    bare.load(0x6000, [...store, 0x68, block, block >> 8, 0, 0, 0xc3]);
    paged.run(1000, 0x6000);
    return state.gpr(2, 4);
  };
  state.setGpr(EAX, 4, 0x07ba0000);
  for (const n of [0, 25, 26, 50, 59]) {
    // mov byte [immediate of the MOV], 7, with nothing after it that sets EDX
    const at = block + 5 * n + 1;
    const rest = block + 5 * (n + 1);
    const hlt = [0xc6, 0x05, rest, rest >> 8, 0, 0, HLT];
    assert.equal(run([0xc6, 0x05, at, at >> 8, 0, 0, 7, ...hlt]), 7, String(n));
  }
  // mov [block - 2], eax: begins before the code and ends in it
  const before = block - 2;
  bare.load(block, [0xba, 1, 0, 0, 0, HLT]);
  paged.run(1000, block);
  bare.load(0x6000, [0xa3, before, before >> 8, 0, 0, 0x68, block, block >> 8, 0, 0, 0xc3]);
  paged.run(1000, 0x6000);
  assert.equal(state.gpr(2, 4), 7);
});

test('code written from outside the guest is seen at once', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  bare.load(CODE, [0xb0, 1, HLT]);
  paged.run(1000);
  assert.ok(bare.cpu.memory.writeRam(CODE + 1, Uint8Array.of(7)));
  paged.run(1000);
  assert.equal(state.gpr(EAX, 1), 7);
});

// ---- instructions in two pages

/** MOV EAX, imm32 of which the last `inSecond` bytes lie in the page after CODE's, then HLT. */
function loadAcross(paged: Paged, inSecond: number): number {
  const eip = CODE + 0x1000 - (5 - inSecond);
  paged.bare.load(eip, [0xb8, 0x11, 0x22, 0x33, 0x44, HLT]);
  return eip;
}

test('an instruction may lie in two pages', () => {
  const paged = new Paged();
  for (const slice of SLICES) {
    for (const inSecond of [1, 2, 3, 4]) {
      const eip = loadAcross(paged, inSecond);
      // nops before it, so that a block leads there
      paged.bare.load(eip - 3, [0x90, 0x90, 0x90]);
      paged.state.setGpr(EAX, 4, 0);
      paged.run(slice, eip - 3);
      assert.equal(paged.state.gpr(EAX, 4), 0x44332211);
      assert.equal(paged.state.eip, eip + 5);
    }
  }
});

test('a missing second page faults with its address, at the instruction (vol. 3, 4.7)', () => {
  const paged = new Paged();
  for (const slice of SLICES) {
    const eip = loadAcross(paged, 2);
    paged.map(CODE + 0x1000, null);
    paged.bare.load(eip - 3, [0x90, 0x90, 0x90]);
    const before = paged.bare.cpu.retired;
    paged.run(slice, eip - 3);
    const { vector, errorCode, qualification } = paged.bare.exception;
    assert.deepEqual([vector, errorCode, qualification], [14, 0, CODE + 0x1000]);
    assert.equal(paged.state.eip, eip);
    assert.equal(paged.bare.cpu.retired - before, 3);
    // mapped, it can be done again
    paged.map(CODE + 0x1000, CODE + 0x1000);
    paged.run(slice, eip);
    assert.equal(paged.state.gpr(EAX, 4), 0x44332211);
  }
});

test('the second page may be another one the next time, or be written to', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  for (const slice of SLICES) {
    paged.map(CODE + 0x1000, CODE + 0x1000);
    const eip = loadAcross(paged, 2);
    paged.run(slice, eip);
    assert.equal(state.gpr(EAX, 4), 0x44332211);
    bare.load(0x20000, [0x55, 0x66, HLT]);
    paged.map(CODE + 0x1000, 0x20000);
    paged.run(slice, eip);
    assert.equal(state.gpr(EAX, 4), 0x66552211);
    // a store of the guest to the part in the second page, then through it again
    // mov byte [CODE + 0x1001], 0x77; jmp eip
    const back = eip - 0x600c;
    bare.load(0x6000, [0xc6, 0x05, 0x01, 0x50, 0, 0, 0x77, 0xe9, back, back >> 8, back >> 16, back >> 24]); // prettier-ignore
    paged.run(slice, 0x6000);
    assert.equal(state.gpr(EAX, 4), 0x77552211);
  }
});

/** A JMP rel32 with its last two bytes in the page after CODE's, and HLT at both of its targets. */
function jumpAcross(paged: Paged): { readonly eip: number; readonly targets: readonly number[] } {
  const eip = CODE + 0xffd;
  const targets = [eip + 5 + 0x10000, eip + 5 + 0x20000];
  paged.bare.load(eip, [0xe9, 0, 0, 1, 0]);
  for (const target of targets) paged.bare.load(target, [HLT]);
  return { eip, targets };
}

test('a store to the second page of an instruction is seen although no other code lies there', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  const { eip, targets } = jumpAcross(paged);
  // mov byte [CODE + 0x1000], 1; push eip; ret: the page is in the TLB before it is known to hold code
  bare.load(0x6000, [0xc6, 0x05, 0, 0x50, 0, 0, 1, 0x68, eip, eip >> 8, 0, 0, 0xc3]);
  paged.run(1000, 0x6000);
  assert.equal(state.eip, targets[0]);
  // the same with 2, without a new translation of anything else
  bare.ram[0x6006] = 2;
  bare.cpu.memoryWritten(0x6006, 1);
  paged.run(1000, 0x6000);
  assert.equal(state.eip, targets[1]);
});

test('a jump within the page to an instruction in two pages follows a new second page', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  const { eip, targets } = jumpAcross(paged);
  // jmp eip, from the same page
  const from = CODE + 0xf00;
  const distance = eip - from - 5;
  bare.load(from, [0xe9, distance, 0, 0, 0]);
  bare.load(0x30000, [2, 0]);
  for (let round = 0; round < 3; round++) {
    paged.run(1000, from);
    assert.equal(state.eip, targets[0]);
    paged.map(CODE + 0x1000, 0x30000);
    paged.run(1000, from);
    assert.equal(state.eip, targets[1]);
    paged.map(CODE + 0x1000, CODE + 0x1000);
  }
});

test('the same code at two linear addresses keeps its own branch targets', () => {
  const paged = new Paged();
  const { bare, state } = paged;
  // call +0; pop eax; jmp +1; hlt; hlt
  bare.load(CODE, [0xe8, 0, 0, 0, 0, 0x58, 0xeb, 0x01, HLT, HLT]);
  for (let round = 0; round < 3; round++) {
    for (const eip of [CODE, ALIAS]) {
      paged.run(1000, eip);
      assert.equal(state.gpr(EAX, 4), eip + 5);
      assert.equal(state.eip, eip + 9);
    }
  }
});

test('code that is patched for each run always runs as patched, and later without patches', () => {
  const paged = new Paged();
  for (const slice of SLICES) {
    // mov [CODE + 20h], cl; 10 bytes on: add eax, imm32 whose first byte is at CODE + 20h
    const code = [0x88, 0x0d, 0x20, 0x40, 0, 0, 0xeb, 0x17];
    // add eax, imm32; dec ecx; jnz CODE; then a loop of 5000 without a patch: inc ebx; add eax, ecx …
    const loop = [0x05, 0, 0, 0, 0, 0x49, 0x75, 0xd9, 0xb9, 0x88, 0x13, 0, 0, 0xeb, 0x00];
    const rest = [0x81, 0xc3, 1, 0, 0, 0, 0x49, 0x75, 0xf7, HLT];
    paged.bare.load(CODE, code);
    paged.bare.load(CODE + 0x1f, [...loop, ...rest]);
    paged.state.setGpr(EAX, 4, 0);
    paged.state.setGpr(EBX, 4, 0);
    paged.state.setGpr(ECX, 4, 100);
    paged.run(slice);
    assert.equal(paged.state.gpr(EAX, 4), 5050);
    assert.equal(paged.state.gpr(EBX, 4), 5000);
  }
});

test('data in the middle of code is written without an end to the code', () => {
  const paged = new Paged();
  for (const slice of SLICES) {
    // inc dword [CODE + 9]; dec ecx; jmp over 4 bytes of data; jnz CODE; hlt
    paged.bare.load(CODE, [
      0xff,
      0x05,
      0x09,
      0x40,
      0,
      0,
      0x49,
      0xeb,
      4,
      0,
      0,
      0,
      0,
      0x75,
      0xf1,
      HLT,
    ]);
    paged.state.setGpr(ECX, 4, 1000);
    paged.run(slice);
    assert.equal(paged.bare.ram32[(CODE + 8) >> 2] >>> 8, 1000);
  }
});
