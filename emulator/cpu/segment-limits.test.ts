/**
 * What segments forbid, and what it leaves undone: limits, expand-down segments, types and null
 * segments for every kind of access, 16-bit stacks and 16-bit code. Expected values come from SDM vol.
 * 3, 5.3 to 5.5 and vol. 1, 6.2.3 (16-bit stacks), for near transfers also from native execution on an
 * Intel Xeon: a target beyond the limit of CS faults at the transfer.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BareCpu, RIGHTS16, RIGHTS32 } from './testing/bare-cpu.ts';
import * as L from './layout.ts';
import { FLAG } from './state.ts';

const CODE = 0x1000;
const { CS, SS, DS, ES, FS } = L.SEGMENT;
const EAX = 0;
const ECX = 1;
const EBX = 3;
const ESP = 4;
const EBP = 5;
const ESI = 6;
const EDI = 7;
const GP = 13;
const SS_FAULT = 12;
const PLACE = 0x8000;

const EXPAND_DOWN = 4;
const READ_ONLY = ~2;
const UNUSABLE = 1 << 16;

class Segmented {
  readonly bare = new BareCpu();
  readonly state = this.bare.cpu.state;

  /** Runs code in steps or as a block; the vector of the exception, or -1 when it came to its end. */
  run(code: readonly number[], slice = 1000): number {
    const { bare, state } = this;
    bare.load(CODE, [...code, 0xf4]);
    state.eip = CODE;
    state.set(L.ACTIVITY, 0);
    bare.cpu.modeChanged();
    assert.equal(bare.runToExit(slice), 'exit');
    if (bare.event?.kind === 'hlt') return -1;
    assert.equal(bare.exception.errorCode, 0);
    return bare.exception.vector;
  }
  /** The same, in a block and in steps; an exception finds EIP, registers and memory as before. */
  unchanged(code: readonly number[], vector: number, message?: string): void {
    const { bare, state } = this;
    const registers = Array.from({ length: 8 }, (_, number) => state.gpr(number, 4));
    for (const slice of [1000, 1]) {
      const before = bare.ram.slice(PLACE, PLACE + 0x2000);
      assert.equal(this.run(code, slice), vector, message);
      assert.equal(state.eip, CODE, message);
      const after = Array.from({ length: 8 }, (_, number) => state.gpr(number, 4));
      assert.deepEqual(after, registers, message);
      assert.deepEqual(bare.ram.slice(PLACE, PLACE + 0x2000), before, message);
    }
  }
}

interface MemoryForm {
  readonly name: string;
  readonly code: readonly number[];
  readonly size: number;
}
/** Each with EBX as its address; FS: in front makes them look at FS. */
// prettier-ignore
const FORMS: readonly MemoryForm[] = [
  { name: 'mov al, [ebx]',        code: [0x8a, 0x03],             size: 1 },
  { name: 'mov [ebx], ax',        code: [0x66, 0x89, 0x03],       size: 2 },
  { name: 'mov [ebx], eax',       code: [0x89, 0x03],             size: 4 },
  { name: 'add [ebx], eax',       code: [0x01, 0x03],             size: 4 },
  { name: 'xchg [ebx], al',       code: [0x86, 0x03],             size: 1 },
  { name: 'movzx eax, word [ebx]', code: [0x0f, 0xb7, 0x03],      size: 2 },
  { name: 'push dword [ebx]',     code: [0xff, 0x33],             size: 4 },
  { name: 'pop dword [ebx]',      code: [0x8f, 0x03],             size: 4 },
  { name: 'cmpxchg8b [ebx]',      code: [0x0f, 0xc7, 0x0b],       size: 8 },
  { name: 'fld tword [ebx]',      code: [0xdb, 0x2b],             size: 10 },
];
const FS_PREFIX = 0x64;

test('the last byte of an access may be at the limit, not beyond it (5.3)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  const limit = 0x7ff;
  bare.segment(FS, { rights: RIGHTS32.DATA, base: PLACE, limit });
  for (const { name, code, size } of FORMS) {
    state.setGpr(ESP, 4, 0x7000);
    for (const offset of [limit - size + 2, limit, limit + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
      if (size === 1 && offset === limit) continue;
      state.setGpr(EBX, 4, offset);
      segmented.unchanged([FS_PREFIX, ...code], GP, `${name} at ${offset.toString(16)}`);
    }
    state.setGpr(EBX, 4, limit - size + 1);
    assert.equal(segmented.run([FS_PREFIX, ...code]), -1, name);
  }
});

test('an expand-down segment is valid above its limit, to 64 KiB or 4 GiB by its B bit (5.3)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  for (const { name, code, size } of FORMS) {
    for (const big of [false, true]) {
      const rights = (big ? RIGHTS32.DATA : RIGHTS16.DATA) | EXPAND_DOWN;
      // linear addresses wrap round: the offsets from 0xe000 to 0xffff lie at PLACE
      bare.segment(FS, { rights, base: (PLACE - 0xe000) >>> 0, limit: 0xe7ff });
      state.setGpr(ESP, 4, 0x7000);
      const forbidden = [0, 0xe7ff, 0xe800 - size];
      if (!big) forbidden.push(0x10000, 0x10001 - size);
      for (const offset of forbidden) {
        state.setGpr(EBX, 4, offset);
        segmented.unchanged([FS_PREFIX, ...code], GP, `${name} at ${offset.toString(16)}`);
      }
      for (const offset of [0xe800, 0x10000 - size]) {
        state.setGpr(EBX, 4, offset);
        assert.equal(segmented.run([FS_PREFIX, ...code]), -1, name);
      }
    }
  }
});

test('a read-only segment forbids writes, an execute-only one reads too, a null one everything (5.4, 5.5)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  state.setGpr(EBX, 4, 0x10);
  const read = [FS_PREFIX, 0x8b, 0x03];
  const compare = [FS_PREFIX, 0x39, 0x03];
  const write = [FS_PREFIX, 0x89, 0x03];
  const change = [FS_PREFIX, 0xff, 0x03];
  const bitTest = [FS_PREFIX, 0x0f, 0xa3, 0x03];
  // rights, then whether reads and writes are allowed
  const rows = [
    [RIGHTS32.DATA, true, true],
    [RIGHTS32.DATA & READ_ONLY, true, false],
    [RIGHTS32.CODE, true, false],
    [RIGHTS32.CODE & READ_ONLY, false, false],
    [RIGHTS32.DATA | UNUSABLE, false, false],
  ] as const;
  for (const [rights, readable, writable] of rows) {
    bare.segment(FS, { rights, base: PLACE, limit: 0xfff });
    for (const code of [read, compare, bitTest]) {
      if (readable) assert.equal(segmented.run(code), -1);
      else segmented.unchanged(code, GP);
    }
    for (const code of [write, change]) {
      if (writable) assert.equal(segmented.run(code), -1);
      else segmented.unchanged(code, GP);
    }
  }
});

test('each address form uses its segment, and SS raises #SS (vol. 1, 3.7.4)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  const bases = new Map([[DS, 0x10000], [ES, 0x20000], [SS, 0x30000], [FS, 0x40000]]); // prettier-ignore
  for (const [index, base] of bases) {
    bare.segment(index, { rights: RIGHTS32.DATA, base, limit: 0xfff });
    bare.ram32[(base + 0x80) >> 2] = base;
  }
  for (const register of [EBX, EBP, ESP, ESI, EDI]) state.setGpr(register, 4, 0x80);
  const read = (...code: number[]): number => {
    assert.equal(segmented.run(code), -1);
    return state.gpr(EAX, 4);
  };
  assert.equal(read(0x8b, 0x03), 0x10000, 'mov eax, [ebx]');
  assert.equal(read(0x8b, 0x45, 0x00), 0x30000, 'mov eax, [ebp]');
  assert.equal(read(0x8b, 0x04, 0x24), 0x30000, 'mov eax, [esp]');
  assert.equal(read(0x3e, 0x8b, 0x45, 0x00), 0x10000, 'mov eax, ds:[ebp]');
  assert.equal(read(0x26, 0x8b, 0x03), 0x20000, 'mov eax, es:[ebx]');
  assert.equal(read(0x64, 0x8b, 0x04, 0x24), 0x40000, 'mov eax, fs:[esp]');
  assert.equal(read(0x67, 0x8b, 0x46, 0x00), 0x30000, 'mov eax, [bp]');
  assert.equal(read(0x67, 0x8b, 0x07), 0x10000, 'mov eax, [bx]');
  assert.equal(read(0xa1, 0x80, 0, 0, 0), 0x10000, 'mov eax, [0x80]');
  assert.equal(read(0x8b, 0x04, 0x2d, 0, 0, 0, 0), 0x10000, 'mov eax, [ebp*1]');
  assert.equal(read(0xad), 0x10000, 'lodsd');
  state.setGpr(ESI, 4, 0x80);
  assert.equal(read(0x26, 0xad), 0x20000, 'es lodsd');
  state.setGpr(ESI, 4, 0x80);
  // movsd to ES, whatever the override; then mov eax, es:[edi - 4]
  assert.equal(read(0x64, 0xa5, 0x26, 0x8b, 0x47, 0xfc), 0x40000, 'fs movsd');
  assert.equal(bare.ram32[0x20080 >> 2], 0x40000);
  for (const register of [EBX, EBP, ESP, EDI]) state.setGpr(register, 4, 0x1000);
  segmented.unchanged([0x8b, 0x03], GP);
  segmented.unchanged([0x8b, 0x45, 0x00], SS_FAULT);
  segmented.unchanged([0x36, 0x8b, 0x03], SS_FAULT);
  segmented.unchanged([0x3e, 0x8b, 0x45, 0x00], GP);
  segmented.unchanged([0xaa], GP, 'stosb to ES');
});

/** One-byte stack instructions; `down` bytes are below the pointer, `up` above. */
// prettier-ignore
const STACK_FORMS: readonly { readonly name: string; readonly code: readonly number[]; readonly down: number; readonly up: number }[] = [
  { name: 'push eax',  code: [0x50],             down: 4,  up: 0 },
  { name: 'push ax',   code: [0x66, 0x50],       down: 2,  up: 0 },
  { name: 'push 1',    code: [0x6a, 0x01],       down: 4,  up: 0 },
  { name: 'push es',   code: [0x06],             down: 4,  up: 0 },
  { name: 'pushfd',    code: [0x9c],             down: 4,  up: 0 },
  { name: 'call +0',   code: [0xe8, 0, 0, 0, 0], down: 4,  up: 0 },
  { name: 'enter 8,0', code: [0xc8, 8, 0, 0],    down: 4,  up: 0 },
  { name: 'pop eax',   code: [0x58],             down: 0,  up: 4 },
  { name: 'pop ax',    code: [0x66, 0x58],       down: 0,  up: 2 },
  { name: 'popfd',     code: [0x9d],             down: 0,  up: 4 },
  { name: 'ret',       code: [0xc3],             down: 0,  up: 4 },
  { name: 'pusha',     code: [0x66, 0x60],       down: 2,  up: 0 },
];

test('a push or pop that does not fit raises #SS(0) with nothing changed (5.3)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  for (const { name, code, down, up } of STACK_FORMS) {
    for (const wide of [true, false]) {
      const { DATA } = wide ? RIGHTS32 : RIGHTS16;
      bare.segment(SS, { rights: DATA, base: PLACE, limit: 0x7ff });
      // the upper half of ESP is not the stack pointer of a 16-bit stack
      const upper = wide ? 0 : 0xabcd0000;
      const pointers = down > 0 ? [down - 1, 1, 0x800 + down] : [0x800 - up + 1, 0x800, 0x7fff];
      for (const pointer of pointers) {
        state.setGpr(ESP, 4, upper + pointer);
        segmented.unchanged(code, SS_FAULT, `${name} at ${pointer.toString(16)}`);
      }
    }
  }
});

test('a 16-bit stack pointer wraps round at 64 KiB and leaves the upper half of ESP (vol. 1, 6.2.3)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  bare.segment(SS, { rights: RIGHTS16.DATA, base: 0x20000, limit: 0xffff });
  const esp = (): string => state.gpr(ESP, 4).toString(16);
  state.setGpr(EAX, 4, 0x11223344);
  state.setGpr(ESP, 4, 0xabcd0000);
  assert.equal(segmented.run([0x50]), -1);
  assert.equal(esp(), 'abcdfffc');
  assert.equal(bare.ram32[0x2fffc >> 2], 0x11223344);
  assert.equal(segmented.run([0x5b]), -1, 'pop ebx');
  assert.equal(esp(), 'abcd0000');
  assert.equal(state.gpr(EBX, 4), 0x11223344);
  // call and ret
  assert.equal(segmented.run([0xe8, 1, 0, 0, 0, 0xf4, 0xc3]), -1);
  assert.equal(state.eip, CODE + 5);
  assert.equal(esp(), 'abcd0000');
  // pushad, popad
  assert.equal(segmented.run([0x60]), -1);
  assert.equal(esp(), 'abcdffe0');
  assert.equal(segmented.run([0x61]), -1);
  assert.equal(esp(), 'abcd0000');
  // leave takes the pointer from BP alone
  state.setGpr(EBP, 4, 0x1234fffc);
  assert.equal(segmented.run([0xc9]), -1);
  assert.equal(esp(), 'abcd0000');
  assert.equal(state.gpr(EBP, 4), 0x11223344, 'what push eax, then pushad left there');
  // enter 16, 0
  assert.equal(segmented.run([0xc8, 16, 0, 0]), -1);
  assert.equal(esp(), 'abcdffec');
  // a dword that would itself lie across the end
  state.setGpr(ESP, 4, 0xabcd0002);
  segmented.unchanged([0x50], SS_FAULT);
  state.setGpr(ESP, 4, 0xabcdfffe);
  segmented.unchanged([0x58], SS_FAULT);
});

test('a near transfer beyond the limit of CS is #GP(0) at the transfer (vol. 2, JMP, CALL, RET)', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  bare.segment(CS, { rights: RIGHTS32.CODE, limit: 0x1fff });
  bare.ram32[PLACE >> 2] = 0x2000;
  state.setGpr(ESP, 4, PLACE);
  state.setGpr(EBX, 4, 0x2000);
  state.setGpr(ECX, 4, 5);
  state.eflags = 2 | FLAG.ZF;
  const far = [0, 0x10, 0, 0]; // + 0x1000
  segmented.unchanged([0xe9, ...far], GP, 'jmp');
  segmented.unchanged([0x0f, 0x84, ...far], GP, 'jz');
  segmented.unchanged([0xe8, ...far], GP, 'call');
  segmented.unchanged([0xff, 0xe3], GP, 'jmp ebx');
  segmented.unchanged([0xff, 0xd3], GP, 'call ebx');
  segmented.unchanged([0xff, 0x24, 0x24], GP, 'jmp [esp]');
  segmented.unchanged([0xc3], GP, 'ret');
  segmented.unchanged([0xc2, 8, 0], GP, 'ret 8');
  assert.equal(segmented.run([0x0f, 0x85, ...far]), -1, 'jnz is not taken');
  bare.segment(CS, { rights: RIGHTS32.CODE, limit: 0x1040 });
  segmented.unchanged([0xe2, 0x7f], GP, 'loop');
  segmented.unchanged([0xe1, 0x7f], GP, 'loope');
  assert.equal(segmented.run([0xe0, 0x7f]), -1, 'loopne is not taken');
  assert.equal(state.gpr(ECX, 4), 4);
});

test('running past the limit of CS is #GP(0) at the first instruction that does not fit', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  // three NOPs fit, the MOV does not
  bare.segment(CS, { rights: RIGHTS32.CODE, limit: CODE + 6 });
  for (const slice of [1000, 1]) {
    const retired = bare.cpu.retired;
    assert.equal(segmented.run([0x90, 0x90, 0x90, 0xb8, 1, 2, 3, 4], slice), GP);
    assert.equal(state.eip, CODE + 3);
    assert.equal(bare.cpu.retired - retired, 3);
  }
});

test('code translated under a larger limit of CS obeys a smaller one, and the reverse', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  // inc eax; jmp +0x30 to inc eax; hlt
  const code = [0x40, 0xeb, 0x30];
  bare.load(CODE + 0x33, [0x40, 0xf4]);
  const run = (limit: number): number => {
    bare.segment(CS, { rights: RIGHTS32.CODE, limit });
    state.eip = CODE;
    bare.cpu.modeChanged();
    for (let n = 0; n < 3; n++) {
      bare.event = null;
      state.eip = CODE;
      assert.equal(bare.runToExit(1000), 'exit');
    }
    return bare.event === null ? 0 : ((bare.event as { readonly vector?: number }).vector ?? -1);
  };
  bare.load(CODE, code);
  for (const limit of [
    0xffffffff,
    CODE + 0x20,
    CODE + 0x34,
    0xffffffff,
    CODE + 0x33,
    CODE + 1,
    0xffff,
  ]) {
    const fits = limit >= CODE + 0x34;
    assert.equal(run(limit), fits ? -1 : GP, limit.toString(16));
    const eip = fits ? CODE + 0x34 : limit >= CODE + 0x33 ? CODE + 0x34 : CODE + 1;
    assert.equal(state.eip, eip, limit.toString(16));
  }
});

test('16-bit code: addresses, jumps and the instruction pointer stay within 64 KiB', () => {
  const segmented = new Segmented();
  const { bare, state } = segmented;
  bare.segment(CS, { rights: RIGHTS16.CODE, limit: 0xffff });
  // mov eax, 0x12345678 (66); mov [bx+si], ax; hlt
  state.setGpr(EBX, 4, 0xffff_9000);
  state.setGpr(ESI, 4, 0xffff_f000);
  assert.equal(segmented.run([0x66, 0xb8, 0x78, 0x56, 0x34, 0x12, 0x89, 0x00]), -1);
  assert.equal(bare.ram[0x8000], 0x78);
  assert.equal(bare.ram[0x8002], 0);
  // jmp -0x1004 from 0x1000 wraps round to 0xffff, where an INC AX ends the segment
  bare.load(0xffff, [0x40]);
  assert.equal(segmented.run([0xe9, 0xfc, 0xef]), GP);
  assert.equal(state.eip, 0x10000);
  assert.equal(state.gpr(EAX, 2), 0x5679);
});
