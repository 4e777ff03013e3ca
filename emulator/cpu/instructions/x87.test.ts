/**
 * How x87 instructions meet the rest of the processor: #NM, #MF and FERR#, pointers, layouts in memory,
 * faults of memory operands. Their arithmetic is proved by test/vectors/x87. Expectations are the
 * SDM's (vol. 1, chapter 8; vol. 2; vol. 3, 2.5); which instructions wait was also tried on a Xeon.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tagWord } from '../fpu/register-stack.ts';
import * as L from '../layout.ts';
import { GuestFault, VECTOR } from '../processor.ts';
import { CR0, FLAG } from '../state.ts';
import { instructionOf, TestProcessor } from './test-processor.ts';
import { x87Instructions } from './x87.ts';

function execute(cpu: TestProcessor, bytes: readonly number[], defaultSize: 2 | 4 = 4): void {
  const instruction = instructionOf(bytes, defaultSize);
  const meaning = instruction.row.meaning ?? '';
  cpu.nextEip = cpu.state.eip + instruction.length;
  x87Instructions[meaning](cpu.processor, instruction);
}
/** The fault that the instruction raises, or null. */
function faultOf(cpu: TestProcessor, bytes: readonly number[]): GuestFault | null {
  try {
    execute(cpu, bytes);
    return null;
  } catch (error) {
    if (error instanceof GuestFault) return error;
    throw error;
  }
}
function initialized(...platform: ConstructorParameters<typeof TestProcessor>): TestProcessor {
  const cpu = new TestProcessor(...platform);
  execute(cpu, FNINIT);
  return cpu;
}
function status(cpu: TestProcessor): number {
  return cpu.state.u16[L.FPU_STATUS >> 1];
}
/** Leaves an unmasked division by zero pending. */
function withError(cpu: TestProcessor): TestProcessor {
  execute(cpu, FNINIT);
  cpu.state.u16[L.FPU_CONTROL >> 1] = 0x37b;
  for (const bytes of [FLD1, FLDZ, FDIVP]) execute(cpu, bytes);
  assert.equal(status(cpu) & 0x8084, 0x8084);
  return cpu;
}

const FNINIT = [0xdb, 0xe3];
const FNCLEX = [0xdb, 0xe2];
const FLD1 = [0xd9, 0xe8];
const FLDZ = [0xd9, 0xee];
const FLDPI = [0xd9, 0xeb];
const FDIVP = [0xde, 0xf9];
const FNOP = [0xd9, 0xd0];
const FWAIT = [0x9b];
const FNSTSW_AX = [0xdf, 0xe0];
/** With the operand at DS:[EAX]. */
const AT_EAX = {
  FLD_M64: [0xdd, 0x00], FSTP_M64: [0xdd, 0x18], FSTP_M80: [0xdb, 0x38], FADD_M32: [0xd8, 0x00],
  FLDCW: [0xd9, 0x28], FNSTCW: [0xd9, 0x38], FNSTSW: [0xdd, 0x38], FNSTENV: [0xd9, 0x30], FLDENV: [0xd9, 0x20],
  FNSAVE: [0xdd, 0x30], FRSTOR: [0xdd, 0x20], FXSAVE: [0x0f, 0xae, 0x00], FXRSTOR: [0x0f, 0xae, 0x08],
} as const; // prettier-ignore

describe('availability', () => {
  it('raises #NM with CR0.EM or CR0.TS', () => {
    for (const bit of [CR0.EM, CR0.TS]) {
      for (const bytes of [FLD1, FNINIT, FNSTSW_AX, FNOP]) {
        const cpu = new TestProcessor();
        cpu.state.setCr(0, CR0.PE | CR0.NE | bit);
        assert.equal(faultOf(cpu, bytes)?.vector, VECTOR.NM);
      }
    }
  });

  it('FXSAVE raises #UD with CR0.EM and #NM with CR0.TS', () => {
    for (const [bit, vector] of [
      [CR0.EM, VECTOR.UD],
      [CR0.TS, VECTOR.NM],
      [CR0.EM | CR0.TS, VECTOR.UD],
    ] as const) {
      // prettier-ignore
      const cpu = new TestProcessor();
      cpu.state.setCr(0, CR0.PE | CR0.NE | bit);
      assert.equal(faultOf(cpu, AT_EAX.FXSAVE)?.vector, vector);
    }
  });

  it('WAIT raises #NM only with both CR0.MP and CR0.TS', () => {
    const rows = [[CR0.TS, null], [CR0.MP, null], [CR0.EM, null], [CR0.MP | CR0.TS, VECTOR.NM]] as const; // prettier-ignore
    for (const [bits, vector] of rows) {
      const cpu = new TestProcessor();
      cpu.state.setCr(0, CR0.PE | CR0.NE | bits);
      assert.equal(faultOf(cpu, FWAIT)?.vector ?? null, vector);
    }
  });
});

describe('a pending error', () => {
  it('raises #MF at the next instruction that waits', () => {
    for (const bytes of [
      FLD1,
      FNOP,
      FWAIT,
      [0xd9, 0xf7],
      AT_EAX.FLDCW,
      AT_EAX.FLDENV,
      AT_EAX.FRSTOR,
    ]) {
      const cpu = withError(new TestProcessor());
      assert.equal(faultOf(cpu, bytes)?.vector, VECTOR.MF);
    }
  });

  it('lets the control instructions pass', () => {
    const { FNSTCW, FNSTSW, FNSTENV, FNSAVE, FXSAVE, FXRSTOR } = AT_EAX;
    const obsolete = [[0xdb, 0xe0], [0xdb, 0xe1], [0xdb, 0xe4]]; // prettier-ignore
    for (const bytes of [
      FNINIT,
      FNCLEX,
      FNSTSW_AX,
      FNSTCW,
      FNSTSW,
      FNSTENV,
      FNSAVE,
      FXSAVE,
      FXRSTOR,
      ...obsolete,
    ]) {
      assert.equal(faultOf(withError(new TestProcessor()), bytes), null);
    }
  });

  it('goes when cleared or masked, and comes back with FLDCW', () => {
    const cpu = withError(new TestProcessor());
    execute(cpu, AT_EAX.FNSTENV);
    assert.equal(status(cpu) & 0x8084, 4, 'FNSTENV masks all');
    cpu.memory.write16(0x100, 0x37b);
    cpu.state.setGpr(0, 4, 0x100);
    execute(cpu, AT_EAX.FLDCW);
    assert.equal(status(cpu) & 0x8084, 0x8084);
    execute(cpu, FNCLEX);
    assert.equal(status(cpu) & 0x80ff, 0);
  });

  it('with CR0.NE clear asserts FERR# and waits for the interrupt, unless IGNNE# is held', () => {
    const calls: boolean[] = [];
    let ignore = false;
    const floatingPointError = (asserted: boolean): boolean => {
      calls.push(asserted);
      return ignore;
    };
    const cpu = withError(new TestProcessor(0x1000, { floatingPointError }));
    cpu.state.setCr(0, CR0.PE);
    cpu.state.eip = 0x123;
    calls.length = 0;
    execute(cpu, FLD1);
    assert.deepEqual([calls, cpu.halted, cpu.nextEip], [[true], true, 0x123]);
    ignore = true;
    execute(cpu, FLD1);
    assert.equal(cpu.nextEip, 0x125);
    execute(cpu, FNCLEX);
    assert.deepEqual(calls, [true, true, false]);
  });
});

describe('pointers to instruction and operand', () => {
  it('are those of the last instruction that is not a control instruction', () => {
    const cpu = initialized();
    cpu.memory.write32(0x204, 0x3ff00000);
    cpu.state.setGpr(0, 4, 0x200);
    cpu.state.eip = 0x400;
    execute(cpu, AT_EAX.FLD_M64);
    cpu.state.eip = 0x402;
    execute(cpu, AT_EAX.FNSTSW);
    const { state } = cpu;
    assert.equal(state.u32[L.FPU_IP >> 2], 0x400);
    assert.equal(state.u16[L.FPU_CS >> 1], state.selector(L.SEGMENT.CS));
    assert.equal(state.u32[L.FPU_DP >> 2], 0x200);
    assert.equal(state.u16[L.FPU_DS >> 1], state.selector(L.SEGMENT.DS));
    assert.equal(state.u16[L.FPU_OPCODE >> 1], 0x500);
    state.eip = 0x404;
    execute(cpu, FLDPI);
    assert.equal(state.u32[L.FPU_IP >> 2], 0x404);
    assert.equal(state.u32[L.FPU_DP >> 2], 0x200, 'stays without a memory operand');
    assert.equal(state.u16[L.FPU_OPCODE >> 1], 0x1eb);
  });
});

describe('memory operands', () => {
  it('that fault leave the unit and memory as they were', () => {
    const size = 0x1000;
    for (const bytes of [
      AT_EAX.FSTP_M64,
      AT_EAX.FSTP_M80,
      AT_EAX.FLD_M64,
      AT_EAX.FNSAVE,
      AT_EAX.FRSTOR,
    ]) {
      const cpu = initialized(size);
      execute(cpu, FLDPI);
      const before = cpu.state.u8.slice();
      // the first bytes are in memory, the last are not
      cpu.state.setGpr(0, 4, size - 6);
      before.set(cpu.state.u8.subarray(L.GPR, L.GPR + 4), L.GPR);
      assert.equal(faultOf(cpu, bytes)?.vector, VECTOR.PF);
      assert.deepEqual(cpu.state.u8, before);
      assert.ok(cpu.memory.bytes.every((byte) => byte === 0));
    }
  });

  it('beyond the segment raise #GP(0)', () => {
    const cpu = initialized();
    cpu.state.setSegment(L.SEGMENT.DS, { selector: 8, rights: 0x4093, base: 0, limit: 0xff });
    cpu.state.setGpr(0, 4, 0xf9);
    const fault = faultOf(cpu, AT_EAX.FLD_M64);
    assert.deepEqual([fault?.vector, fault?.errorCode], [VECTOR.GP, 0]);
  });

  it('of an unmasked invalid store are not written', () => {
    const cpu = initialized();
    cpu.state.u16[L.FPU_CONTROL >> 1] = 0x37e;
    cpu.memory.write32(0x100, 0x11223344);
    cpu.state.setGpr(0, 4, 0x100);
    execute(cpu, AT_EAX.FSTP_M64);
    assert.equal(cpu.memory.read32(0x100), 0x11223344);
    assert.equal(status(cpu), 0x80c1, '#IS, underflow, TOP unmoved');
  });
});

describe('the environment', () => {
  /** FNSTENV of known pointers; returns the image as hexadecimal words. */
  function image(size: 2 | 4, real: boolean): string[] {
    const cpu = initialized();
    if (real) cpu.state.setCr(0, CR0.NE);
    execute(cpu, FLD1);
    cpu.state.u16[L.FPU_OPCODE >> 1] = 0x5a5;
    cpu.state.u32[L.FPU_IP >> 2] = 0x12345;
    cpu.state.u16[L.FPU_CS >> 1] = 0x1000;
    cpu.state.u32[L.FPU_DP >> 2] = 0x6789a;
    cpu.state.u16[L.FPU_DS >> 1] = 0x2000;
    cpu.state.setGpr(0, 4, 0x100);
    execute(cpu, size === 4 ? AT_EAX.FNSTENV : [0x66, ...AT_EAX.FNSTENV]);
    return Array.from({ length: 7 }, (_, i) =>
      size === 4
        ? cpu.memory.read32(0x100 + 4 * i).toString(16)
        : cpu.memory.read16(0x100 + 2 * i).toString(16),
    );
  }

  it('has the layouts of figures 8-9 to 8-12', () => {
    const words = ['ffff037f', 'ffff3800', 'ffff3fff'];
    assert.deepEqual(image(4, false), [...words, '12345', '5a51000', '6789a', 'ffff2000']);
    assert.deepEqual(image(4, true), [...words, 'ffff2345', '25a5', 'ffff789a', '8000']);
    assert.deepEqual(image(2, false), ['37f', '3800', '3fff', '2345', '1000', '789a', '2000']);
    assert.deepEqual(image(2, true), ['37f', '3800', '3fff', '2345', '25a5', '789a', '8000']);
  });

  it('comes back by FRSTOR as FNSAVE saved it, with tags by contents', () => {
    const cpu = initialized();
    for (const bytes of [FLD1, FLDZ, FLDPI]) execute(cpu, bytes);
    cpu.state.setGpr(0, 4, 0x100);
    const before = cpu.state.u8.slice(L.FPU_REGISTERS, L.MXCSR);
    execute(cpu, AT_EAX.FNSAVE);
    assert.equal(tagWord(cpu.state), 0xffff);
    assert.equal(status(cpu), 0);
    // whatever but "empty" is said of a register counts as full
    cpu.memory.write16(0x108, cpu.memory.read16(0x108) & ~0xc000);
    execute(cpu, AT_EAX.FRSTOR);
    assert.deepEqual(cpu.state.u8.slice(L.FPU_REGISTERS, L.MXCSR), before);
    assert.equal(tagWord(cpu.state), 0x13ff, '1.0 valid, 0 zero, pi valid');
  });
});

describe('FXSAVE and FXRSTOR', () => {
  it('write 288 bytes in the layout of table 10-2 and read them back', () => {
    const cpu = initialized();
    for (const bytes of [FLD1, FLDPI]) execute(cpu, bytes);
    cpu.state.set(L.MXCSR, 0x1f80);
    cpu.state.set(L.XMM + 16 * 7 + 12, 0xcafe1234);
    cpu.memory.bytes.fill(0xee, 0x200, 0x400);
    cpu.state.setGpr(0, 4, 0x200);
    const before = cpu.state.u8.slice();
    execute(cpu, AT_EAX.FXSAVE);
    assert.deepEqual(cpu.state.u8, before, 'nothing is changed');
    const word = (at: number): number => cpu.memory.read32(0x200 + at);
    assert.deepEqual([word(0), word(4) & 0xffff], [0x3000037f, 0xc0]);
    assert.deepEqual([word(24), word(28)], [0x1f80, 0xffff]);
    assert.deepEqual([word(32), word(36), word(40), word(44)], [0x2168c235, 0xc90fdaa2, 0x4000, 0]);
    assert.equal(word(160 + 16 * 7 + 12), 0xcafe1234);
    assert.equal(word(288), 0xeeeeeeee);
    execute(cpu, FNINIT);
    cpu.state.u8.fill(0, L.FPU_REGISTERS, L.FPU_CONTROL);
    cpu.state.set(L.XMM + 16 * 7 + 12, 0);
    execute(cpu, AT_EAX.FXRSTOR);
    assert.deepEqual(cpu.state.u8, before);
  });

  it('raise #GP(0) for a misaligned operand or reserved bits of MXCSR', () => {
    const cpu = initialized();
    cpu.state.setGpr(0, 4, 0x208);
    assert.equal(faultOf(cpu, AT_EAX.FXSAVE)?.vector, VECTOR.GP);
    cpu.state.setGpr(0, 4, 0x200);
    cpu.memory.write32(0x218, 0x10000);
    assert.equal(faultOf(cpu, AT_EAX.FXRSTOR)?.vector, VECTOR.GP);
  });
});

it('FCOMI clears OF, SF and AF', () => {
  const cpu = initialized();
  for (const bytes of [FLD1, FLDPI]) execute(cpu, bytes);
  cpu.state.eflags = FLAG.OF | FLAG.SF | FLAG.AF | FLAG.IF;
  execute(cpu, [0xdb, 0xf1]);
  assert.equal(cpu.state.eflags, FLAG.IF | 2, 'pi is greater than 1');
});

it('every x87 row of the opcode tables has its instruction', () => {
  for (let opcode = 0xd8; opcode <= 0xdf; opcode++) {
    for (let modrm = 0; modrm < 0x100; modrm++) {
      let meaning: string | null;
      try {
        ({ meaning } = instructionOf([opcode, modrm]).row);
      } catch {
        // no such opcode
        continue;
      }
      assert.ok(meaning !== null && meaning in x87Instructions, meaning ?? '');
    }
  }
});
