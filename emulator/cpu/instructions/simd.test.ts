/**
 * What SIMD instructions do beside their results, which test/vectors/simd compares with a processor's:
 * when they may be used, which faults come first, alignment, devices, and what they leave of the x87
 * unit. Expected values are the manual's exception tables; alignment checks are those of a Xeon
 * (natively: MOVUPS at any address, MOVQ and MASKMOVDQU by 8, FXSAVE #AC by 4 and #GP by 16).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setDebugRegister } from '../control-registers.ts';
import { opcodeForms } from '../decode/opcode-map.ts';
import { simdOpcodes } from '../decode/opcodes-simd.ts';
import { fullRegisters, setControlWord, setStatusWord, setTags, statusWord } from '../fpu/register-stack.ts'; // prettier-ignore
import * as L from '../layout.ts';
import { VECTOR } from '../processor.ts';
import { CR0, CR4, FLAG } from '../state.ts';
import { BareCpu } from '../testing/bare-cpu.ts';
import { listHandlers } from '../translate/handlers.ts';
import { simdInstructions } from './simd.ts';

const CODE = 0x1000;
const HLT = 0xf4;
const BASE = CR0.PE | CR0.ET | CR0.NE;

function machine(code: readonly number[], cr0: number = BASE, cr4: number = CR4.OSFXSR): BareCpu {
  const bare = new BareCpu(1 << 20, 'max');
  const { state } = bare.cpu;
  state.setCr(0, cr0);
  state.setCr(4, cr4);
  bare.cpu.modeChanged();
  setTags(state, 0);
  state.eip = CODE;
  bare.load(CODE, [...code, HLT]);
  return bare;
}
/** The exception of the first instruction, or null when HLT is reached. */
function vectorOf(bare: BareCpu): number | null {
  bare.runToExit(1000, 10);
  return bare.event?.kind === 'exception' ? bare.exception.vector : null;
}

// prettier-ignore
const CODES = {
  PADDB_MMX:   [0x0f, 0xfc, 0xc1],
  PADDB_XMM:   [0x66, 0x0f, 0xfc, 0xc1],
  PAVGB_MMX:   [0x0f, 0xe0, 0xc1],
  XORPS:       [0x0f, 0x57, 0xc1],
  EMMS:        [0x0f, 0x77],
  MOVQ2DQ:     [0xf3, 0x0f, 0xd6, 0xc1],
  MASKMOVQ:    [0x0f, 0xf7, 0xc1],
  MASKMOVDQU:  [0x66, 0x0f, 0xf7, 0xc1],
  LDMXCSR:     [0x0f, 0xae, 0x13],             // [ebx]
  STMXCSR:     [0x0f, 0xae, 0x1b],
  MOVNTI:      [0x0f, 0xc3, 0x03],
  SFENCE:      [0x0f, 0xae, 0xf8],
  LFENCE:      [0x0f, 0xae, 0xe8],
  MFENCE:      [0x0f, 0xae, 0xf0],
  CLFLUSH:     [0x0f, 0xae, 0x3b],
  PREFETCHNTA: [0x0f, 0x18, 0x03],
  MOVAPS_LOAD: [0x0f, 0x28, 0x03],
  MOVUPS_LOAD: [0x0f, 0x10, 0x03],
  MOVQ_LOAD:   [0xf3, 0x0f, 0x7e, 0x03],
  MOVSS_LOAD:  [0xf3, 0x0f, 0x10, 0x03],
  PINSRW_LOAD: [0x66, 0x0f, 0xc4, 0x03, 0x01],
  MOVDQA_STORE: [0x66, 0x0f, 0x7f, 0x03],
  MOVQ_MMX_STORE: [0x0f, 0x7f, 0x03],
  FXSAVE:      [0x0f, 0xae, 0x03],
} as const satisfies Record<string, readonly number[]>;
type Name = keyof typeof CODES;

describe('availability of SIMD instructions (SDM vol. 2, exception tables)', () => {
  const { UD, NM } = VECTOR;
  // what CR0.EM, CR0.TS, both, and CR4.OSFXSR = 0 with and without TS raise
  const SSE_LIKE = [UD, NM, UD, UD, UD] as const;
  const MMX_LIKE = [UD, NM, UD, null, NM] as const;
  const ALWAYS = [null, null, null, null, null] as const;
  const ROWS: Readonly<Partial<Record<Name, readonly (number | null)[]>>> = {
    PADDB_XMM: SSE_LIKE, XORPS: SSE_LIKE, MOVQ2DQ: SSE_LIKE, MASKMOVDQU: SSE_LIKE, LDMXCSR: SSE_LIKE, STMXCSR: SSE_LIKE,
    PADDB_MMX: MMX_LIKE, PAVGB_MMX: MMX_LIKE, EMMS: MMX_LIKE, MASKMOVQ: MMX_LIKE, FXSAVE: MMX_LIKE,
    MOVNTI: ALWAYS, SFENCE: ALWAYS, LFENCE: ALWAYS, MFENCE: ALWAYS, CLFLUSH: ALWAYS, PREFETCHNTA: ALWAYS,
  }; // prettier-ignore
  const STATES = [
    [CR0.EM, CR4.OSFXSR], [CR0.TS, CR4.OSFXSR], [CR0.EM | CR0.TS, CR4.OSFXSR], [0, 0], [CR0.TS, 0],
  ] as const; // prettier-ignore
  for (const [name, expected] of Object.entries(ROWS)) {
    it(name, () => {
      const found = STATES.map(([cr0, cr4]) => {
        const bare = machine(CODES[name as Name], BASE | cr0, cr4);
        bare.cpu.state.setGpr(3, 4, 0x2000);
        bare.cpu.state.setGpr(7, 4, 0x2000);
        return vectorOf(bare);
      });
      assert.deepEqual(found, expected);
    });
  }

  it('every row of the tables has a handler for each of its forms', () => {
    const { handlers } = listHandlers();
    const emitted = new Set(handlers.map(({ shape }) => shape.meaning));
    const missing = simdOpcodes.filter(
      ([, , , meaning]) => !emitted.has(meaning) && !meaning.startsWith('maskmov'),
    );
    assert.deepEqual(missing, []);
    const unused = Object.keys(simdInstructions).filter(
      (meaning) => !opcodeForms.some(({ row }) => row.meaning === meaning),
    );
    assert.deepEqual(unused, []);
  });
});

describe('a pending error of the x87 unit', () => {
  /** Invalid operation, unmasked. */
  function pending(code: readonly number[], cr0: number = BASE): BareCpu {
    const bare = machine(code, cr0);
    setControlWord(bare.cpu.state, 0x37e);
    setStatusWord(bare.cpu.state, 0x3801);
    return bare;
  }
  it('raises #MF in MMX instructions, before their memory is looked at', () => {
    for (const name of ['PADDB_MMX', 'EMMS', 'MASKMOVQ', 'MOVQ2DQ', 'MOVQ_MMX_STORE'] as const) {
      const bare = pending(CODES[name]);
      bare.cpu.state.setGpr(3, 4, 0xfffffffe);
      assert.equal(vectorOf(bare), VECTOR.MF, name);
    }
  });
  it('does not concern those of XMM registers', () => {
    for (const name of ['PADDB_XMM', 'XORPS', 'FXSAVE'] as const) {
      const bare = pending(CODES[name]);
      bare.cpu.state.setGpr(3, 4, 0x2000);
      assert.equal(vectorOf(bare), null, name);
    }
  });
  it('with CR0.NE clear lets the instruction go on where no pin stops it', () => {
    const bare = pending([...CODES.PADDB_MMX, ...CODES.PADDB_MMX], CR0.PE | CR0.ET);
    const { state } = bare.cpu;
    state.u8[L.FPU_REGISTERS + 16] = 5;
    assert.equal(vectorOf(bare), null);
    assert.equal(state.u8[L.FPU_REGISTERS], 10, 'each has run once');
    assert.equal(fullRegisters(state), 0xff);
    assert.equal(statusWord(state) & 0x3800, 0, 'TOP');
  });
  it('is waited for once where the operand lies in a device, which a single step reads', () => {
    const bare = pending([0x0f, 0xfc, 0x03], CR0.PE | CR0.ET); // paddb mm0, [ebx]
    const { state } = bare.cpu;
    state.setGpr(3, 4, 0xfee00000);
    state.u8[L.FPU_REGISTERS] = 5;
    assert.equal(vectorOf(bare), null);
    assert.equal(bare.event?.kind, 'hlt');
    assert.ok(bare.cpu.retired < 5, `${bare.cpu.retired} instructions retired`);
    assert.equal(state.u8[L.FPU_REGISTERS], 4, '5 and ff from the device');
  });
  it('is waited for before the trap of TF and behind a breakpoint on the instruction', () => {
    const bare = pending(CODES.PADDB_MMX, CR0.PE | CR0.ET);
    const { state } = bare.cpu;
    state.u8[L.FPU_REGISTERS + 16] = 5;
    setDebugRegister(bare.cpu, 0, CODE);
    setDebugRegister(bare.cpu, 7, 1);
    state.eflags |= FLAG.TF | FLAG.RF;
    assert.equal(vectorOf(bare), VECTOR.DB);
    assert.deepEqual([state.eip, bare.exception.qualification], [CODE + 3, 1 << 14]);
    assert.equal(state.u8[L.FPU_REGISTERS], 5);
    assert.equal(state.eflags & FLAG.RF, 0);
  });
});

describe('memory operands of SIMD instructions', () => {
  function at(name: Name, address: number): BareCpu {
    const bare = machine(CODES[name]);
    bare.cpu.state.setGpr(3, 4, address);
    return bare;
  }

  it('of 16 bytes must be aligned, except in MOVUPS and its like', () => {
    for (const name of ['MOVAPS_LOAD', 'MOVDQA_STORE'] as const) {
      for (const offset of [1, 4, 8]) assert.equal(vectorOf(at(name, 0x2000 + offset)), VECTOR.GP);
      assert.equal(vectorOf(at(name, 0x2010)), null);
    }
    assert.equal(vectorOf(at('MOVUPS_LOAD', 0x2001)), null);
  });

  it('are checked for alignment before the segment: #GP(0) for a misaligned one on the stack', () => {
    const bare = machine([0x36, ...CODES.MOVAPS_LOAD]);
    bare.segment(L.SEGMENT.SS, { rights: 0xc093, limit: 0x2010 });
    bare.cpu.modeChanged();
    bare.cpu.state.setGpr(3, 4, 0x2004);
    assert.equal(vectorOf(bare), VECTOR.GP);
    const aligned = machine([0x36, ...CODES.MOVAPS_LOAD]);
    aligned.segment(L.SEGMENT.SS, { rights: 0xc093, limit: 0x2010 });
    aligned.cpu.modeChanged();
    aligned.cpu.state.setGpr(3, 4, 0x2010);
    assert.equal(vectorOf(aligned), VECTOR.SS);
  });

  it('at CPL 3 with EFLAGS.AC are aligned to their size up to 8 bytes', () => {
    const expected = { MOVUPS_LOAD: null, MOVQ_LOAD: VECTOR.AC, MOVSS_LOAD: VECTOR.AC, PINSRW_LOAD: VECTOR.AC, LDMXCSR: VECTOR.AC, MOVAPS_LOAD: VECTOR.GP, FXSAVE: VECTOR.AC, MOVQ_MMX_STORE: VECTOR.AC, MASKMOVDQU: VECTOR.AC }; // prettier-ignore
    for (const [name, vector] of Object.entries(expected)) {
      const bare = at(name as Name, 0x2001);
      const { state } = bare.cpu;
      state.setGpr(7, 4, 0x2001);
      state.setCr(0, BASE | CR0.AM);
      state.eflags = 2 | FLAG.AC;
      bare.setCpl(3);
      // HLT ends a run without #AC with #GP, behind the instruction
      const found = vectorOf(bare);
      const ended = state.eip === CODE + CODES[name as Name].length;
      assert.equal(ended ? null : found, vector, name);
    }
  });

  it('in a device are read and written by doublewords, once', () => {
    const load = at('MOVUPS_LOAD', 0xfee00000);
    assert.equal(vectorOf(load), null);
    assert.deepEqual(load.devices, ['read4 fee00000', 'read4 fee00004', 'read4 fee00008', 'read4 fee0000c']); // prettier-ignore
    const store = at('MOVQ_MMX_STORE', 0xfee00010);
    store.cpu.state.u8[L.FPU_REGISTERS] = 7;
    assert.equal(vectorOf(store), null);
    assert.deepEqual(store.devices, ['write4 fee00010 7', 'write4 fee00014 0']);
  });

  it('meet breakpoints on data anywhere in them, behind the instruction', () => {
    for (const [watched, expected] of [
      [0x200f, VECTOR.DB],
      [0x2010, null],
    ] as const) {
      const bare = at('MOVDQA_STORE', 0x2000);
      const { state } = bare.cpu;
      state.u8.fill(0x41, L.XMM, L.XMM + 16);
      state.setDr(0, watched);
      state.setDr(7, 0x00010402); // G0, one byte, writes
      bare.cpu.modeChanged();
      assert.equal(vectorOf(bare), expected);
      if (expected !== null) assert.equal(state.eip, CODE + CODES.MOVDQA_STORE.length);
      assert.equal(bare.ram[0x200f], 0x41);
    }
  });

  it('overwrite code that is about to run', () => {
    // movdqa [ebx], xmm0 over the instructions behind it
    const bare = machine([...CODES.MOVDQA_STORE, ...new Array<number>(28).fill(0x40)]);
    const { state } = bare.cpu;
    state.setGpr(3, 4, CODE + 16);
    state.u8.fill(0x41, L.XMM, L.XMM + 16);
    assert.equal(vectorOf(bare), null);
    assert.deepEqual([state.gpr(0, 4), state.gpr(1, 4)], [12, 16]);
  });
});

describe('MXCSR', () => {
  it('refuses reserved bits, and DAZ before SSE2', () => {
    const run = (value: number, model: string): number | null => {
      const bare = new BareCpu(1 << 16, model);
      const { state } = bare.cpu;
      state.setCr(4, CR4.OSFXSR);
      state.setGpr(3, 4, 0x2000);
      state.eip = CODE;
      bare.ram32[0x2000 >> 2] = value;
      bare.load(CODE, [...CODES.LDMXCSR, HLT]);
      return vectorOf(bare);
    };
    assert.equal(run(0xffff, 'max'), null);
    assert.equal(run(0x10000, 'max'), VECTOR.GP);
    assert.equal(run(0xffbf, 'pentium3'), null);
    assert.equal(run(0x1fc0, 'pentium3'), VECTOR.GP);
  });
});
