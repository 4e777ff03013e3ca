/**
 * Packed integer arithmetic, comparison and logic of MMX, SSE and SSE2 (SDM vol. 1, 5.4.3 to 5.4.5,
 * 5.5.2, 5.6.3; vol. 2, PADD to PXOR), and the bitwise operations on floating-point vectors, which are
 * the same (5.5.1.3, 5.6.1.3).
 */
import type { VectorInstruction } from '../../wasm/assembler.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { type Combine, doublewords, packed, runs, XMM_FORMS } from './simd-packed.ts';

/** One instruction of WebAssembly does it. */
function same(name: VectorInstruction, forms?: readonly string[]): EmittedInstruction {
  return packed(({ body }, a, b) => body.get(a).get(b).vector(name), forms);
}

/** NOT destination AND source. */
const andNot: Combine = ({ body }, a, b) => body.get(b).get(a).vector('v128AndNot');

/** The upper words of the products of words. */
function multiplyHigh(low: VectorInstruction, high: VectorInstruction): EmittedInstruction {
  return packed(({ body }, a, b) => {
    body.get(a).get(b).vector(low).get(a).get(b).vector(high);
    body.shuffle([0, 4, 8, 12, 16, 20, 24, 28].flatMap((at) => [at + 2, at + 3]));
  });
}

const EVEN_DOUBLEWORDS = runs([0, 4], [8, 4], [0, 8]);
/** Products of the even doublewords. */
const multiplyDoublewords: Combine = ({ body }, a, b) => {
  body.get(a).get(a).shuffle(EVEN_DOUBLEWORDS);
  body.get(b).get(b).shuffle(EVEN_DOUBLEWORDS);
  body.vector('i64x2ExtmulLowI32x4U');
};

/** Sums of the absolute differences of eight bytes each. */
const sumOfDifferences: Combine = (e, a, b) => {
  const { body } = e;
  const sums = e.tempVector();
  body.get(a).get(b).vector('i8x16SubSatU').get(b).get(a).vector('i8x16SubSatU').vector('v128Or');
  body.vector('i16x8ExtaddPairwiseI8x16U').vector('i32x4ExtaddPairwiseI16x8U').tee(sums);
  body.get(sums).i32(32).vector('i64x2ShrU').vector('i64x2Add');
  body.v128(doublewords(-1, 0, -1, 0)).vector('v128And');
};

const and = same('v128And', XMM_FORMS);
const or = same('v128Or', XMM_FORMS);
const xor = same('v128Xor', XMM_FORMS);
const andNotXmm = packed(andNot, XMM_FORMS);

// prettier-ignore
export const simdArithmeticInstructions = {
  paddb: same('i8x16Add'),       paddw: same('i16x8Add'),       paddd: same('i32x4Add'), paddq: same('i64x2Add'),
  paddsb: same('i8x16AddSatS'),  paddsw: same('i16x8AddSatS'),
  paddusb: same('i8x16AddSatU'), paddusw: same('i16x8AddSatU'),
  psubb: same('i8x16Sub'),       psubw: same('i16x8Sub'),       psubd: same('i32x4Sub'), psubq: same('i64x2Sub'),
  psubsb: same('i8x16SubSatS'),  psubsw: same('i16x8SubSatS'),
  psubusb: same('i8x16SubSatU'), psubusw: same('i16x8SubSatU'),
  pmullw: same('i16x8Mul'),
  pmulhw: multiplyHigh('i32x4ExtmulLowI16x8S', 'i32x4ExtmulHighI16x8S'),
  pmulhuw: multiplyHigh('i32x4ExtmulLowI16x8U', 'i32x4ExtmulHighI16x8U'),
  pmuludq: packed(multiplyDoublewords),
  pmaddwd: same('i32x4DotI16x8S'),
  psadbw: packed(sumOfDifferences),
  pavgb: same('i8x16AvgrU'),     pavgw: same('i16x8AvgrU'),
  pminub: same('i8x16MinU'),     pmaxub: same('i8x16MaxU'),
  pminsw: same('i16x8MinS'),     pmaxsw: same('i16x8MaxS'),

  pcmpeqb: same('i8x16Eq'),      pcmpeqw: same('i16x8Eq'),      pcmpeqd: same('i32x4Eq'),
  pcmpgtb: same('i8x16GtS'),     pcmpgtw: same('i16x8GtS'),     pcmpgtd: same('i32x4GtS'),

  pand: same('v128And'), pandn: packed(andNot), por: same('v128Or'), pxor: same('v128Xor'),
  andps: and, andpd: and, andnps: andNotXmm, andnpd: andNotXmm, orps: or, orpd: or, xorps: xor, xorpd: xor,
} as const satisfies Readonly<Record<string, EmittedInstruction>>;
