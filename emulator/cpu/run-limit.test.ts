/**
 * The count of retired instructions: run(n) executes exactly n, wherever the blocks are, and a machine
 * that runs in slices of any length goes through the same states. Long repeated string instructions
 * count one more at each multiple of 16384 elements (instructions/string.ts); there interrupts are
 * taken. Expected values come from single steps, and are counted by hand for the string instructions.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BareCpu } from './testing/bare-cpu.ts';
import * as L from './layout.ts';
import { FLAG } from './state.ts';

const CODE = 0x4000;
const EAX = 0;
const ECX = 1;
const ESP = 4;
const ESI = 6;
const EDI = 7;

/**
 * An endless loop of many kinds of instructions: memory, calls, strings, ones that run in TypeScript
 * (AAM, ENTER, CPUID), both ways of branches, and more than 64 instructions without a branch.
 */
// prettier-ignore
const LOOP = [
  0xb9, 5, 0, 0, 0,                   // mov ecx, 5
  0xbe, 0, 0x80, 0, 0,                // mov esi, 0x8000
  0xbf, 3, 0x80, 0, 0,                // mov edi, 0x8003
  0xf3, 0xa4,                         // rep movsb
  0xe8, 2, 0, 0, 0,                   // call f
  0xeb, 6,                            // jmp over f
  0x83, 0xc0, 0x11, 0xd4, 0x0a, 0xc3, // f: add eax, 17; aam; ret
  0xc8, 8, 0, 1,                      // enter 8, 1
  0x01, 0x45, 0xfc,                   // add [ebp-4], eax
  0xc9,                               // leave
  0xa8, 1,                            // test al, 1
  0x75, 2,                            // jnz +2
  0x0f, 0xa2,                         // cpuid
  0x31, 0xc3,                         // xor ebx, eax
  ...Array<number>(80).fill(0x43),    // inc ebx, 80 times
  0xe9, 0, 0, 0, 0,                   // jmp to the start, filled in below
];

function looping(): BareCpu {
  const bare = new BareCpu();
  const code = [...LOOP];
  const back = -code.length;
  for (let byte = 0; byte < 4; byte++) code[code.length - 4 + byte] = (back >> (8 * byte)) & 0xff;
  bare.load(CODE, code);
  bare.cpu.state.setGpr(ESP, 4, 0x7000);
  bare.cpu.state.eip = CODE;
  return bare;
}
function stateOf({ cpu }: BareCpu): string {
  const { state } = cpu;
  const registers = Array.from({ length: 8 }, (_, number) => state.gpr(number, 4));
  return [state.eip, state.eflags, ...registers].map((value) => value.toString(16)).join(' ');
}

test('run(n) retires exactly n instructions for every n', () => {
  const longest = 200;
  const total = (longest * (longest + 1)) / 2;
  const stepped = looping();
  const states = [stateOf(stepped)];
  for (let n = 0; n < total; n++) {
    assert.equal(stepped.cpu.run(1), 'limit');
    assert.equal(stepped.cpu.retired, n + 1);
    states.push(stateOf(stepped));
  }
  // the loop does go round
  assert.ok(states.filter((state) => state.startsWith(`${CODE.toString(16)} `)).length > 100);

  const sliced = looping();
  let retired = 0;
  for (let n = 1; n <= longest; n++) {
    assert.equal(sliced.cpu.run(n), 'limit');
    retired += n;
    assert.equal(sliced.cpu.retired, retired, `run(${String(n)})`);
    assert.equal(stateOf(sliced), states[retired], `after run(${String(n)})`);
  }
  const once = looping();
  assert.equal(once.cpu.run(total), 'limit');
  assert.equal(once.cpu.retired, total);
  assert.equal(stateOf(once), states[total]);
  assert.deepEqual(once.ram.subarray(0x6000, 0x9000), stepped.ram.subarray(0x6000, 0x9000));
});

test('run(0) does nothing', () => {
  const bare = looping();
  const before = stateOf(bare);
  assert.equal(bare.cpu.run(0), 'limit');
  assert.equal(bare.cpu.retired, 0);
  assert.equal(stateOf(bare), before);
});

const ELEMENTS = 50000;
/** At ECX 49152, 32768 and 16384, and at the end. */
const RETIRED = 4;

interface StringRow {
  readonly name: string;
  readonly code: readonly number[];
  readonly down?: true;
  readonly size: number;
  /** ESI and EDI move. */
  readonly moves: readonly [boolean, boolean];
}
// prettier-ignore
const STRINGS: readonly StringRow[] = [
  { name: 'rep movsb',       code: [0xf3, 0xa4],       size: 1, moves: [true, true] },
  { name: 'rep movsd',       code: [0xf3, 0xa5],       size: 4, moves: [true, true] },
  { name: 'rep movsd, down', code: [0xf3, 0xa5],       size: 4, moves: [true, true], down: true },
  { name: 'rep stosw',       code: [0xf3, 0x66, 0xab], size: 2, moves: [false, true] },
  { name: 'rep lodsd',       code: [0xf3, 0xad],       size: 4, moves: [true, false] },
  { name: 'repe scasb',      code: [0xf3, 0xae],       size: 1, moves: [false, true] },
  { name: 'repe cmpsb',      code: [0xf3, 0xa6],       size: 1, moves: [true, true] },
];

test('a string instruction of 50000 elements counts four times, in blocks and in steps', () => {
  const bare = new BareCpu(2 << 20);
  const { cpu, ram } = bare;
  const { state } = cpu;
  for (const { name, code, down, size, moves } of STRINGS) {
    for (const slice of [100000, 1]) {
      bare.load(CODE, [...code, 0xf4]);
      ram.fill(0x41, 0x80000);
      // pages that are not aligned with each other
      const from = 0x80123 + (down ? (ELEMENTS - 1) * size : 0);
      const to = 0x100456 + (down ? (ELEMENTS - 1) * size : 0);
      state.eip = CODE;
      state.eflags = 2 | (down ? FLAG.DF : 0);
      state.setGpr(EAX, 4, 0x41414141);
      state.setGpr(ECX, 4, ELEMENTS);
      state.setGpr(ESI, 4, from);
      state.setGpr(EDI, 4, to);
      if (moves[0] && moves[1] && !name.includes('cmps')) ram.fill(0x42, 0x80123, 0x80123 + ELEMENTS * size); // prettier-ignore
      const before = cpu.retired;
      assert.equal(bare.runToExit(slice), 'exit', name);
      assert.equal(cpu.retired - before, RETIRED, name);
      assert.equal(state.gpr(ECX, 4), 0, name);
      const distance = ELEMENTS * size * (down ? -1 : 1);
      assert.equal(state.gpr(ESI, 4), from + (moves[0] ? distance : 0), name);
      assert.equal(state.gpr(EDI, 4), to + (moves[1] ? distance : 0), name);
      if (name.includes('movs')) {
        const copied = ram.subarray(0x100456, 0x100456 + ELEMENTS * size);
        assert.ok(copied.every((byte) => byte === 0x42), name); // prettier-ignore
        assert.equal(ram[0x100455], 0x41);
        assert.equal(ram[0x100456 + ELEMENTS * size], 0x41);
      }
    }
  }
});

test('an interrupt is taken between elements and the instruction resumes', () => {
  const bare = new BareCpu(2 << 20);
  const { cpu, ram, ram32 } = bare;
  const { state } = cpu;
  // GDT: null, code; IDT: vector 0x20 at 0x5000, which counts and returns
  ram32[0x1008 >> 2] = 0x0000ffff;
  ram32[0x100c >> 2] = 0x00cf9b00;
  state.set(L.GDTR, 0x1000);
  state.set(L.GDTR + 8, 0xf);
  state.set(L.IDTR, 0x2000);
  state.set(L.IDTR + 8, 0x7ff);
  ram32[0x2100 >> 2] = 0x00085000;
  ram32[0x2104 >> 2] = 0x00008e00;
  // inc ebx; mov edx, ecx; iret
  bare.load(0x5000, [0x43, 0x89, 0xca, 0xcf]);
  bare.load(CODE, [0xf3, 0xaa, 0xf4]);
  state.setGpr(3, 4, 0);
  state.setGpr(ESP, 4, 0x7000);
  state.setGpr(EAX, 4, 0x55);
  state.setGpr(ECX, 4, 40000);
  state.setGpr(EDI, 4, 0x100000);
  state.eip = CODE;
  state.eflags = 2 | FLAG.IF;
  assert.equal(cpu.run(1), 'limit');
  assert.equal(state.eip, CODE);
  assert.equal(state.gpr(ECX, 4), 32768);
  bare.interrupt = 0x20;
  assert.equal(bare.runToExit(1000), 'exit');
  assert.equal(state.gpr(3, 4), 1);
  assert.equal(state.gpr(2, 4), 32768);
  assert.equal(state.gpr(ECX, 4), 0);
  assert.ok(ram.subarray(0x100000, 0x100000 + 40000).every((byte) => byte === 0x55));
  assert.equal(ram[0x100000 + 40000], 0);
});

test('with TF set a trap follows every instruction and every element of a repeated one', () => {
  // as single steps of a user program on an Intel Xeon
  const bare = new BareCpu();
  const { cpu } = bare;
  const { state } = cpu;
  // rep stosb; nop; xor ecx, ecx; rep stosb; nop
  bare.load(CODE, [0xf3, 0xaa, 0x90, 0x31, 0xc9, 0xf3, 0xaa, 0x90]);
  state.eip = CODE;
  state.eflags = 2 | FLAG.TF;
  state.setGpr(ECX, 4, 3);
  state.setGpr(EDI, 4, 0x8000);
  const seen: string[] = [];
  for (let n = 0; n < 7; n++) {
    assert.equal(cpu.run(1000), 'exit');
    const { vector, type, qualification } = bare.exception;
    assert.deepEqual([vector, type, qualification], [1, 'trap', 1 << 14]);
    seen.push(`+${String(state.eip - CODE)} ecx ${String(state.gpr(ECX, 4))}`);
  }
  assert.deepEqual(seen, ['+0 ecx 2', '+0 ecx 1', '+2 ecx 0', '+3 ecx 0', '+5 ecx 0', '+7 ecx 0', '+8 ecx 0']); // prettier-ignore
});
