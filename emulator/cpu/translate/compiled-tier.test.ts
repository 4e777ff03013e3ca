/**
 * Compiled code beside the interpreter: the same registers, flags and memory at each count of
 * instructions, and all that can happen to code while it is compiled. Expected values: the interpreter's
 * state at the same count, and the arithmetic of the loops.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as L from '../layout.ts';
import { BareCpu } from '../testing/bare-cpu.ts';

const CODE = 0x4000;
const DATA = 0x8000;
/** Whatever is met twice is compiled. */
const EAGER = { interval: 130, times: 2 };
const EAX = 0;
const ECX = 1;
const ESI = 6;

/** add [esi], eax; inc eax; adc ebx, eax; cmp eax, 7; sbb edx, 0; dec ecx; jnz CODE; hlt */
const LOOP = [0x01, 0x06, 0x40, 0x11, 0xc3, 0x83, 0xf8, 7, 0x83, 0xda, 0, 0x49, 0x75, 0xf2, 0xf4];
const TURN = 7;

function loaded(code: readonly number[], hotness: typeof EAGER | null): BareCpu {
  const bare = new BareCpu(1 << 20, 'pentium3', hotness);
  bare.load(CODE, [...code]);
  const { state } = bare.cpu;
  state.eip = CODE;
  state.setGpr(ECX, 4, 100_000);
  state.setGpr(ESI, 4, DATA);
  state.setGpr(4, 4, 0x9000);
  return bare;
}
function stateOf({ cpu, ram32 }: BareCpu): readonly number[] {
  const general = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => cpu.state.gpr(n, 4));
  return [cpu.retired, cpu.state.eip, cpu.state.eflags, ...general, ram32[DATA >> 2] ?? 0];
}
/** Runs slices of all lengths; both processors are in the same state after each. */
function together(compiled: BareCpu, interpreted: BareCpu, slices: number): void {
  for (let slice = 0; slice < slices; slice++) {
    const length = 1 + ((slice * 7919) % 1500);
    for (const { cpu } of [compiled, interpreted]) cpu.run(length);
    assert.deepEqual(stateOf(compiled), stateOf(interpreted), `slice ${String(slice)}`);
  }
}

test('a loop is compiled and the same at every limit', () => {
  const compiled = loaded(LOOP, EAGER);
  together(compiled, loaded(LOOP, null), 300);
  assert.equal(compiled.cpu.compiledRegions, 1);
  assert.ok(compiled.cpu.retired > 200_000);
});

test('the instructions of a compiled loop are counted to the last one', () => {
  const { cpu } = loaded(LOOP, EAGER);
  assert.equal(cpu.run(1_000_000), 'exit');
  assert.equal(cpu.retired, 100_000 * TURN);
  assert.equal(cpu.state.eip, CODE + LOOP.length - 1);
  assert.equal(cpu.state.gpr(EAX, 4), 100_000);
});

test('a breakpoint that is set into a compiled loop stops it there, and the loop is compiled anew without', () => {
  const { cpu } = loaded(LOOP, EAGER);
  cpu.run(10_000);
  const middle = CODE + 3;
  cpu.setBreakpoints(new Set([middle]));
  assert.equal(cpu.run(10_000), 'breakpoint');
  assert.equal(cpu.state.eip, middle);
  assert.equal(cpu.retired % TURN, 2);
  cpu.skipBreakpoint();
  assert.equal(cpu.run(10_000), 'breakpoint');
  cpu.setBreakpoints(new Set());
  assert.equal(cpu.run(10_000), 'limit');
});

test('an idle breakpoint elsewhere leaves compiled code as it is', () => {
  const { cpu } = loaded(LOOP, EAGER);
  cpu.run(10_000);
  cpu.setBreakpoints(new Set([0x20000]));
  cpu.run(10_000);
  assert.equal(cpu.compiledRegions, 1);
});

test('a watched place stops a compiled loop after the access', () => {
  const { cpu } = loaded(LOOP, EAGER);
  cpu.run(7 * 2000);
  cpu.setWatchpoints([{ space: 'linear', address: DATA, length: 4, access: 'write' }]);
  assert.equal(cpu.run(10_000), 'leave');
  assert.ok(cpu.hasWatchHits);
  assert.equal(cpu.retired % TURN, 1);
});

test('code that is written to while compiled is executed as written', () => {
  // mov [CODE + 9], cl; then mov eax, 0 whose immediate that changes; add esi, eax; dec ecx; jnz; hlt
  const code = [0x88, 0x0d, 0x09, 0x40, 0, 0, 0x90, 0x90, 0xb8, 0, 0, 0, 0, 0x01, 0xc6, 0x49, 0x75, 0xee, 0xf4]; // prettier-ignore
  const compiled = loaded(code, EAGER);
  together(compiled, loaded(code, null), 60);
});

test('a debugger that writes into a compiled loop changes it', () => {
  const [compiled, interpreted] = [EAGER, null].map((hotness) => loaded(LOOP, hotness));
  assert.ok(compiled && interpreted);
  together(compiled, interpreted, 30);
  for (const { ram, cpu } of [compiled, interpreted]) {
    // inc eax becomes dec eax
    ram[CODE + 2] = 0x48;
    cpu.memoryWritten(CODE + 2, 1);
  }
  together(compiled, interpreted, 30);
});

test('a fault in compiled code is raised by its instruction, with nothing done of it', () => {
  // add eax, [esi]; add esi, 4; jmp CODE: to the end of RAM and beyond DS
  const code = [0x03, 0x06, 0x83, 0xc6, 0x04, 0xeb, 0xf9];
  const runs = [EAGER, null].map((hotness) => {
    const bare = loaded(code, hotness);
    const ds = { selector: 8, rights: 0x4093, base: 0, limit: 0xbfff };
    bare.cpu.state.setSegment(L.SEGMENT.DS, ds);
    bare.cpu.modeChanged();
    assert.equal(bare.cpu.run(100_000), 'exit');
    assert.equal(bare.cpu.state.gpr(ESI, 4), 0xc000);
    return stateOf(bare);
  });
  assert.deepEqual(runs[0], runs[1]);
});

test('calls, returns, strings and indirect jumps of compiled code', () => {
  // call f; push eax; pushf; popf; pop edx; rep stosb of 40; lea ebx, [CODE + 0x16 …]
  const code = [
    0xe8, 0x1b, 0, 0, 0, // call f
    0x50, 0x9c, 0x9d, 0x5a, // push eax; pushf; popf; pop edx
    0x51, 0xb9, 0x28, 0, 0, 0, 0x89, 0xf7, 0xf3, 0xaa, 0x59, // push ecx; mov ecx, 40; mov edi, esi; rep stosb; pop ecx
    0xbb, 0x1c, 0x40, 0, 0, 0xff, 0xe3, 0x90, // mov ebx, CODE + 1ch; jmp ebx; nop
    0x49, 0x75, 0xe1, 0xf4, // dec ecx; jnz CODE; hlt
    0x8d, 0x44, 0x48, 0x03, 0xd1, 0xc0, 0x0f, 0x92, 0xc4, 0xc3, // f: lea eax, [eax + 2 ecx + 3]; rol eax, 1; setc ah; ret
  ]; // prettier-ignore
  const compiled = loaded(code, EAGER);
  together(compiled, loaded(code, null), 120);
  assert.ok(compiled.cpu.compiledRegions > 0);
});

test('pages that the TLB cannot hold all at once are read by compiled code that refills it', () => {
  const PAGES = 200;
  const runs = [EAGER, null].map((hotness) => {
    const bare = loaded(LOOP, hotness);
    const { cpu, ram32 } = bare;
    // add [esi], eax; add esi, 4096; cmp esi, end; jb CODE; mov esi, DATA; jmp CODE, each time from a flushed TLB
    const end = DATA + PAGES * 4096;
    bare.load(CODE, [0x01, 0x06, 0x81, 0xc6, 0, 0x10, 0, 0, 0x81, 0xfe, end & 0xff, (end >> 8) & 0xff, end >> 16, 0, 0x72, 0xf0, 0xbe, 0, 0x80, 0, 0, 0xeb, 0xe9]); // prettier-ignore
    for (let slice = 0; slice < 40; slice++) {
      cpu.flushTlb(true);
      cpu.run(777);
      cpu.state.setGpr(EAX, 4, slice);
    }
    const words = Array.from({ length: PAGES }, (_, n) => ram32[(DATA + n * 4096) >> 2]);
    return { state: stateOf(bare), words };
  });
  assert.deepEqual(runs[0]?.state, runs[1]?.state);
  assert.deepEqual(runs[0]?.words, runs[1]?.words);
});
