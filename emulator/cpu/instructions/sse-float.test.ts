/**
 * How floating-point SSE instructions meet the rest of the processor: availability, #XM and #UD,
 * memory operands, the x87 unit. Their arithmetic is proved by test/vectors/sse. Expectations are the
 * SDM's (vol. 1, 11.5; vol. 2, 2.4 and the instruction pages; vol. 3, 2.5); what CVTPI2PS does to the
 * x87 unit was also tried on a Xeon.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statusWord, tagWord } from '../fpu/register-stack.ts';
import * as L from '../layout.ts';
import { GuestFault, VECTOR } from '../processor.ts';
import { CR0, CR4, FLAG } from '../state.ts';
import { BareCpu } from '../testing/bare-cpu.ts';
import { sseArithmeticInstructions } from './sse-arithmetic.ts';
import { sseCompareInstructions } from './sse-compare.ts';
import { sseConvertInstructions } from './sse-convert.ts';
import { instructionOf, TestProcessor } from './test-processor.ts';

const INSTRUCTIONS = {
  ...sseArithmeticInstructions,
  ...sseCompareInstructions,
  ...sseConvertInstructions,
};

const DIVSD = [0xf2, 0x0f, 0x5e, 0xc1]; // xmm0, xmm1
const DIVPD = [0x66, 0x0f, 0x5e, 0xc1];
const COMISD = [0x66, 0x0f, 0x2f, 0xc1];
const ADDPS_EAX = [0x0f, 0x58, 0x00]; // xmm0, [eax]
const ADDSS_EAX = [0xf3, 0x0f, 0x58, 0x00];
const CVTPI2PS = [0x0f, 0x2a, 0xc1]; // xmm0, mm1
const CVTPI2PS_EAX = [0x0f, 0x2a, 0x00];
const CVTPS2PI = [0x0f, 0x2d, 0xc1]; // mm0, xmm1
const CVTPS2PI_EAX = [0x0f, 0x2d, 0x00];

const MASKED = 0x1f80;
const UNMASKED = 0;

/** A processor whose operating system uses SSE, x87 unit initialized, with TOP 3. */
function prepared(mxcsr: number, cr4 = CR4.OSFXSR | CR4.OSXMMEXCPT): TestProcessor {
  const cpu = new TestProcessor();
  const { state } = cpu;
  state.setCr(4, cr4);
  state.set(L.MXCSR, mxcsr);
  state.u16[L.FPU_CONTROL >> 1] = 0x37f;
  state.u16[L.FPU_STATUS >> 1] = 3 << 11;
  state.u16[L.FPU_TAGS >> 1] = 0xffff;
  return cpu;
}

/** The vector that the instruction raises, or null. */
function vectorOf(cpu: TestProcessor, bytes: readonly number[]): number | null {
  const instruction = instructionOf(bytes);
  const { meaning } = instruction.row;
  const execute = Object.entries(INSTRUCTIONS).find(([name]) => name === meaning)?.[1];
  assert.ok(execute !== undefined, instruction.row.mnemonic);
  try {
    execute(cpu.processor, instruction);
    return null;
  } catch (error) {
    if (error instanceof GuestFault) return error.vector;
    throw error;
  }
}

function setDoubles(cpu: TestProcessor, register: number, low: number, high: number): void {
  const at = (L.XMM + 16 * register) >> 3;
  cpu.state.f64[at] = low;
  cpu.state.f64[at + 1] = high;
}
function doubles(cpu: TestProcessor, register: number): readonly number[] {
  return [...cpu.state.f64.subarray((L.XMM + 16 * register) >> 3).subarray(0, 2)];
}

describe('availability', () => {
  it('raises #UD with CR0.EM or without CR4.OSFXSR, #NM with CR0.TS', () => {
    for (const bytes of [DIVSD, COMISD, CVTPI2PS, CVTPS2PI]) {
      assert.equal(vectorOf(prepared(MASKED, 0), bytes), VECTOR.UD);
      const emulating = prepared(MASKED);
      emulating.state.setCr(0, CR0.PE | CR0.EM);
      assert.equal(vectorOf(emulating, bytes), VECTOR.UD);
      const switching = prepared(MASKED);
      switching.state.setCr(0, CR0.PE | CR0.TS);
      assert.equal(vectorOf(switching, bytes), VECTOR.NM);
    }
  });
});

describe('exceptions', () => {
  it('gives the masked answer and sets the flag', () => {
    const cpu = prepared(MASKED);
    setDoubles(cpu, 0, 1, 7);
    setDoubles(cpu, 1, 0, 3);
    assert.equal(vectorOf(cpu, DIVSD), null);
    assert.deepEqual(doubles(cpu, 0), [Infinity, 7]);
    assert.equal(cpu.state.get(L.MXCSR), MASKED | 4);
  });

  it('raises #XM, or #UD without CR4.OSXMMEXCPT, and writes nothing but flags', () => {
    for (const [cr4, vector] of [
      [CR4.OSFXSR | CR4.OSXMMEXCPT, VECTOR.XM],
      [CR4.OSFXSR, VECTOR.UD],
    ] as const) {
      const cpu = prepared(UNMASKED, cr4);
      setDoubles(cpu, 0, 1, 7);
      setDoubles(cpu, 1, 0, 3);
      assert.equal(vectorOf(cpu, DIVPD), vector);
      assert.deepEqual(doubles(cpu, 0), [1, 7]);
      // the upper lane's inexact result is not computed (SDM vol. 1, 11.5.3)
      assert.equal(cpu.state.get(L.MXCSR), 4);
    }
  });

  it('leaves EFLAGS when COMISD raises #XM', () => {
    const cpu = prepared(UNMASKED);
    setDoubles(cpu, 0, NaN, 0);
    cpu.state.eflags = 2 | FLAG.OF | FLAG.AF;
    assert.equal(vectorOf(cpu, COMISD), VECTOR.XM);
    assert.equal(cpu.state.eflags, 2 | FLAG.OF | FLAG.AF);
    cpu.state.set(L.MXCSR, MASKED);
    assert.equal(vectorOf(cpu, COMISD), null);
    assert.equal(cpu.state.eflags, 2 | FLAG.ZF | FLAG.PF | FLAG.CF);
  });
});

describe('memory operands', () => {
  it('must be aligned if they are of 16 bytes', () => {
    const cpu = prepared(MASKED);
    cpu.state.setGpr(0, 4, 0x1008);
    assert.equal(vectorOf(cpu, ADDPS_EAX), VECTOR.GP);
    cpu.state.setGpr(0, 4, 0x1001);
    assert.equal(vectorOf(cpu, ADDSS_EAX), null);
    assert.equal(vectorOf(cpu, CVTPS2PI_EAX), null);
  });

  it('are only as long as the operand says', () => {
    const cpu = prepared(MASKED);
    const end = cpu.memory.bytes.length;
    cpu.state.setGpr(0, 4, end - 4);
    assert.equal(vectorOf(cpu, ADDSS_EAX), null);
    assert.equal(vectorOf(cpu, CVTPS2PI_EAX), VECTOR.PF);
    cpu.state.setGpr(0, 4, end - 8);
    assert.equal(vectorOf(cpu, CVTPS2PI_EAX), null);
  });
});

describe('conversions with MMX registers', () => {
  const isMmx = (cpu: TestProcessor): boolean => {
    const valid = tagWord(cpu.state) !== 0xffff;
    assert.equal((statusWord(cpu.state) & 0x3800) === 0, valid);
    return valid;
  };

  it('go over to MMX, except from memory', () => {
    for (const [bytes, goes] of [
      [CVTPI2PS, true],
      [CVTPI2PS_EAX, false],
      [CVTPS2PI, true],
      [CVTPS2PI_EAX, true],
    ] as const) {
      const cpu = prepared(MASKED);
      cpu.state.setGpr(0, 4, 0x1000);
      assert.equal(vectorOf(cpu, bytes), null);
      assert.equal(isMmx(cpu), goes);
    }
  });

  it('have gone over when they raise #XM', () => {
    const cpu = prepared(UNMASKED);
    cpu.state.i32[(L.FPU_REGISTERS + 16) >> 2] = 0x1000001;
    assert.equal(vectorOf(cpu, CVTPI2PS), VECTOR.XM);
    assert.ok(isMmx(cpu));
  });

  it('raise #MF for an x87 error, except from memory', () => {
    for (const [bytes, vector] of [
      [CVTPI2PS, VECTOR.MF],
      [CVTPI2PS_EAX, null],
      [CVTPS2PI, VECTOR.MF],
      [DIVSD, null],
    ] as const) {
      const cpu = prepared(MASKED);
      cpu.state.u16[L.FPU_STATUS >> 1] = 0x8081;
      cpu.state.setGpr(0, 4, 0x1000);
      assert.equal(vectorOf(cpu, bytes), vector);
    }
  });
});

describe('on a whole processor', () => {
  it('raises #XM at the instruction, which succeeds once the exception is masked', () => {
    const bare = new BareCpu(1 << 16, 'max');
    const { state } = bare.cpu;
    state.setCr(4, CR4.OSFXSR | CR4.OSXMMEXCPT);
    bare.cpu.modeChanged();
    state.set(L.MXCSR, UNMASKED);
    state.f64.set([1, 7], L.XMM >> 3);
    bare.load(0x1000, [...DIVSD, 0xf4]);
    state.eip = 0x1000;
    assert.equal(bare.runToExit(100), 'exit');
    assert.equal(bare.exception.vector, VECTOR.XM);
    assert.equal(bare.exception.errorCode, null);
    assert.equal(state.eip, 0x1000);
    assert.equal(state.get(L.MXCSR), 4);

    state.set(L.MXCSR, MASKED | 4);
    assert.equal(bare.runToExit(100), 'exit');
    assert.equal(bare.event?.kind, 'hlt');
    assert.deepEqual([...state.f64.subarray(L.XMM >> 3, (L.XMM >> 3) + 2)], [Infinity, 7]);
  });
});
