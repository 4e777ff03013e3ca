/** Processor models: what CPUID says of them, and that the decoder agrees. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CPU_MODEL_NAMES,
  cpuModel,
  FEATURE_BITS,
  LATER_FEATURE_BITS,
  type CpuModel,
} from './cpu-model.ts';
import { VECTOR } from './processor.ts';
import { BareCpu } from './testing/bare-cpu.ts';

function model(name: string): CpuModel {
  return cpuModel(name) ?? assert.fail(`no model ${name}`);
}

/** Names of the bits that are one. */
function namesOf(word: number, bits: Readonly<Record<string, number>>): string[] {
  return Object.entries(bits)
    .filter(([, bit]) => ((word >>> bit) & 1) !== 0)
    .map(([name]) => name);
}

/** Features with an instruction of theirs that does nothing harmful at CPL 0 with registers of zero. */
// prettier-ignore
const SAMPLES: readonly (readonly [feature: string, bytes: readonly number[]])[] = [
  ['fpu',     [0xd9, 0xd0]],             // fnop
  ['tsc',     [0x0f, 0x31]],             // rdtsc
  ['cx8',     [0x0f, 0xc7, 0x08]],       // cmpxchg8b [eax]
  ['cmov',    [0x0f, 0x44, 0xc0]],       // cmovz eax, eax
  ['cmov',    [0x0f, 0x1f, 0x00]],       // nop [eax]
  ['cmov',    [0x0f, 0x18, 0x00]],       // prefetchnta [eax]
  ['clflush', [0x0f, 0xae, 0x38]],       // clflush [eax]
  ['mmx',     [0x0f, 0x77]],             // emms
  ['fxsr',    [0x0f, 0xae, 0x00]],       // fxsave [eax]
  ['sse',     [0x0f, 0x57, 0xc0]],       // xorps xmm0, xmm0
  ['sse2',    [0x66, 0x0f, 0xef, 0xc0]], // pxor xmm0, xmm0
  ['sse3',    [0xf2, 0x0f, 0x12, 0xc0]], // movddup xmm0, xmm0
];
const HLT = 0xf4;
const OSFXSR = 0x200;

describe('processor models', () => {
  it('have family, model and stepping of the processors they are named after', () => {
    const signatures = CPU_MODEL_NAMES.map((name) => [name, model(name).cpuid(1, 0).eax.toString(16)]); // prettier-ignore
    assert.deepEqual(Object.fromEntries(signatures), {
      '486': '480',
      pentium: '524',
      pentium3: '683',
      'pentium-m': '6d8',
      max: '6e8',
    });
  });

  for (const name of CPU_MODEL_NAMES) {
    it(`${name} names exactly its features`, () => {
      const { features } = model(name);
      const cpuid = (leaf: number) => model(name).cpuid(leaf, 0);
      const extended = cpuid(0x80000000).eax > 0x80000000 ? cpuid(0x80000001).edx : 0;
      const structured = cpuid(0).eax >= 7 ? cpuid(7) : { ebx: 0, ecx: 0 };
      assert.deepEqual(
        new Set([
          ...namesOf(cpuid(1).edx, FEATURE_BITS),
          ...namesOf(cpuid(1).ecx, LATER_FEATURE_BITS.ecx1),
          ...namesOf(structured.ebx, LATER_FEATURE_BITS.ebx7),
          ...namesOf(structured.ecx, LATER_FEATURE_BITS.ecx7),
          ...namesOf(extended, LATER_FEATURE_BITS.extended),
        ]),
        features,
      );
    });

    it(`${name} raises #UD for what it does not name, and for nothing else`, () => {
      for (const [feature, bytes] of SAMPLES) {
        const bare = new BareCpu(1 << 16, name);
        const { state } = bare.cpu;
        state.setCr(4, OSFXSR);
        state.setGpr(0, 4, 0x4000);
        state.eip = 0x1000;
        bare.load(0x1000, [...bytes, HLT]);
        bare.runToExit(1000, 10);
        const undefined_ = bare.event?.kind === 'exception' && bare.exception.vector === VECTOR.UD;
        assert.equal(undefined_, !model(name).features.has(feature), feature);
        if (!undefined_) assert.equal(bare.event?.kind, 'hlt', feature);
      }
    });
  }

  it('pentium3 and pentium-m say what those processors said, as far as it is emulated', () => {
    // Coppermine: 0383fbff without the serial number (18)
    assert.equal(model('pentium3').cpuid(1, 0).edx, 0x0383fbff & ~(1 << 18));
    // Dothan: afe9fbff without debug store (21), ACPI (22), self snoop (27), thermal monitor (29), PBE (31)
    const { edx } = model('pentium-m').cpuid(1, 0);
    assert.equal(edx, (0xafe9fbff & ~0xa8600000) >>> 0);
    assert.equal(model('pentium-m').cpuid(1, 0).ebx, 8 << 8, 'CLFLUSH flushes 64 bytes');
  });

  it('answer a leaf that they do not have with the last basic one', () => {
    const pentium3 = model('pentium3');
    assert.deepEqual(pentium3.cpuid(0x40000000, 0), pentium3.cpuid(2, 0));
    assert.equal(model('pentium').cpuid(0, 0).eax, 1);
    assert.equal(cpuModel('8086'), null);
  });

  it('max describes its caches in leaf 4, subleaf by subleaf', () => {
    const max = model('max');
    const sizes = [0, 1, 2].map((subleaf) => {
      const { ebx, ecx } = max.cpuid(4, subleaf);
      return ((ebx >>> 22) + 1) * (((ebx >>> 12) & 0x3ff) + 1) * ((ebx & 0xfff) + 1) * (ecx + 1);
    });
    assert.deepEqual(sizes, [32 << 10, 32 << 10, 2 << 20]);
    assert.equal(max.cpuid(4, 3).eax & 0x1f, 0, 'no more caches');
  });

  it('spell a brand in the extended leaves', () => {
    const pentium3 = model('pentium3');
    const bytes: number[] = [];
    for (const leaf of [0x80000002, 0x80000003, 0x80000004]) {
      const { eax, ebx, ecx, edx } = pentium3.cpuid(leaf, 0);
      for (const word of [eax, ebx, ecx, edx]) {
        for (let shift = 0; shift < 32; shift += 8) bytes.push((word >>> shift) & 0xff);
      }
    }
    assert.equal(String.fromCharCode(...bytes).replace(/\0+$/, ''), 'Guestscope Pentium III');
  });
});
