/**
 * Packing, unpacking and shuffling of MMX, SSE, SSE2 and SSE3 vectors, and single words of them (SDM
 * vol. 1, 5.4.2, 5.5.1.4, 5.5.2, 5.6.1.4, 5.6.3; vol. 2, PACKSSWB, PUNPCKLBW, SHUFPS, PSHUFD, PINSRW,
 * PMOVMSKB). A shuffle by an immediate works out the byte numbers for i8x16.swizzle.
 */
import type { VectorInstruction } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { BOTH_FORMS, type Combine, doublewords, isMmx, packed, require, runs, XMM_FORMS } from './simd-packed.ts'; // prettier-ignore

const LOW_QUADWORDS = runs([0, 8], [16, 8]);

/** Narrows the elements of both operands; with MMX they are one vector. */
function pack(narrow: VectorInstruction): EmittedInstruction {
  return packed((e, a, b) => {
    const { body } = e;
    body.get(a).get(b);
    if (isMmx(e)) body.shuffle(LOW_QUADWORDS).tee(a).get(a);
    body.vector(narrow);
  });
}

/** Elements of `size` bytes of the low or high halves, one of each operand in turn. */
function interleave(size: number, high: boolean): Combine {
  return (e, a, b) => {
    const half = isMmx(e) ? 4 : 8;
    const start = high ? half : 0;
    const pattern: number[] = [];
    for (let at = start; at < start + half; at += size) {
      pattern.push(...runs([at, size], [16 + at, size]));
    }
    while (pattern.length < 16) pattern.push(0);
    e.body.get(a).get(b).shuffle(pattern);
  };
}
/** The memory operand of MMX is a doubleword where only the low half is used. */
function unpackLow(size: number): EmittedInstruction {
  return packed(interleave(size, false), ['q,q', 'q,g4', ...XMM_FORMS]);
}
function unpackHigh(size: number): EmittedInstruction {
  return packed(interleave(size, true), BOTH_FORMS);
}
function unpackXmm(size: number, high: boolean): EmittedInstruction {
  return packed(interleave(size, high), XMM_FORMS);
}

/**
 * Pushes byte numbers for a shuffle: element j of the result is the element whose number is in bits of
 * the immediate, "(imm * multiplier) >> shift & mask".
 */
interface Selection {
  /** Pushes the immediate in every element, and the instructions for elements of this size. */
  readonly splat: (e: Backend) => void;
  readonly multiply: VectorInstruction;
  readonly shift: VectorInstruction;
  readonly add: VectorInstruction;
  readonly multipliers: readonly number[];
  readonly bits: number;
  readonly mask: readonly number[];
  /** Times an element's number, plus `base`: its bytes' numbers. */
  readonly scale: readonly number[];
  readonly base: readonly number[];
}
function pushSelection(e: Backend, selection: Selection): void {
  const { body } = e;
  selection.splat(e);
  body.v128(selection.multipliers).vector(selection.multiply);
  body.i32(selection.bits).vector(selection.shift).v128(selection.mask).vector('v128And');
  body.v128(selection.scale).vector(selection.multiply).v128(selection.base).vector(selection.add);
}

function words(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value & 0xff, (value >> 8) & 0xff]);
}
function splatWords(e: Backend): void {
  e.immediate();
  e.body.vector('i16x8Splat');
}
function splatDoublewords(e: Backend): void {
  e.immediate();
  e.body.vector('i32x4Splat');
}

/** PSHUFD, SHUFPS. */
const DOUBLEWORDS: Selection = {
  splat: splatDoublewords,
  multiply: 'i32x4Mul',
  shift: 'i32x4ShrU',
  add: 'i32x4Add',
  multipliers: doublewords(64, 16, 4, 1),
  bits: 6,
  mask: doublewords(3, 3, 3, 3),
  scale: doublewords(0x04040404, 0x04040404, 0x04040404, 0x04040404),
  base: doublewords(0x03020100, 0x03020100, 0x03020100, 0x03020100),
};
/** SHUFPD: quadword j by bit j, worked out in both of its doublewords. */
const QUADWORDS: Selection = {
  ...DOUBLEWORDS,
  multipliers: doublewords(2, 2, 1, 1),
  bits: 1,
  mask: doublewords(1, 1, 1, 1),
  scale: doublewords(0x08080808, 0x08080808, 0x08080808, 0x08080808),
  base: doublewords(0x03020100, 0x07060504, 0x03020100, 0x07060504),
};
const FOUR_WORDS = [0x0202, 0x0202, 0x0202, 0x0202];
const FOUR_MULTIPLIERS = [64, 16, 4, 1];
const NONE = [0, 0, 0, 0];
const WORD_SELECTION = {
  splat: splatWords,
  multiply: 'i16x8Mul',
  shift: 'i16x8ShrU',
  add: 'i16x8Add',
  bits: 6,
  mask: words(3, 3, 3, 3, 3, 3, 3, 3),
} as const;
/** PSHUFW and PSHUFLW: the upper words stay. */
const LOW_WORDS: Selection = {
  ...WORD_SELECTION,
  multipliers: words(...FOUR_MULTIPLIERS, ...NONE),
  scale: words(...FOUR_WORDS, ...NONE),
  base: words(0x0100, 0x0100, 0x0100, 0x0100, 0x0908, 0x0b0a, 0x0d0c, 0x0f0e),
};
const HIGH_WORDS: Selection = {
  ...WORD_SELECTION,
  multipliers: words(...NONE, ...FOUR_MULTIPLIERS),
  scale: words(...NONE, ...FOUR_WORDS),
  base: words(0x0100, 0x0302, 0x0504, 0x0706, 0x0908, 0x0908, 0x0908, 0x0908),
};

/** Elements of the source alone. */
function shuffle(selection: Selection, forms: readonly string[]): EmittedInstruction {
  return packed((e, _a, b) => {
    e.body.get(b);
    pushSelection(e, selection);
    e.body.vector('i8x16Swizzle');
  }, forms);
}
/** The low half from the destination, the high half from the source. */
function shuffleBoth(selection: Selection): EmittedInstruction {
  return packed(
    (e, a, b) => {
      const { body } = e;
      const numbers = e.tempVector();
      pushSelection(e, selection);
      body.set(numbers);
      body.get(a).get(numbers).vector('i8x16Swizzle');
      body.get(b).get(numbers).vector('i8x16Swizzle');
      body.shuffle(runs([0, 8], [24, 8]));
    },
    XMM_FORMS.map((form) => `${form},i`),
  );
}
const XMM_IMMEDIATE = XMM_FORMS.map((form) => `${form},i`);

/** Number of the word in the immediate. */
function laneMask(e: Backend, n: number): number {
  return isMmx(e, n) ? 3 : 7;
}

const pinsrw: EmittedInstruction = {
  vector: true,
  patterns: ['q,r4,i', 'q,g2,i', 'v,r4,i', 'v,g2,i'],
  emit(e) {
    require(e);
    const value = e.temp();
    e.readWord(1);
    e.body.set(value);
    if (isMmx(e)) e.enterMmx();
    e.writeLane16(0, laneMask(e, 0), value);
    e.next();
  },
};

const pextrw: EmittedInstruction = {
  vector: true,
  patterns: ['r4,q,i', 'r4,v,i'],
  emit(e) {
    require(e, 1);
    const value = e.temp();
    e.readLane16(1, laneMask(e, 1));
    e.body.set(value);
    if (isMmx(e, 1)) e.enterMmx();
    e.write(0, value);
    e.next();
  },
};

/** The sign bits of all elements. */
function moveMask(bitmask: VectorInstruction, forms: readonly string[]): EmittedInstruction {
  return {
    vector: true,
    patterns: forms,
    emit(e) {
      require(e, 1);
      const value = e.temp();
      e.readVector(1);
      e.body.vector(bitmask).set(value);
      if (isMmx(e, 1)) e.enterMmx();
      e.write(0, value);
      e.next();
    },
  };
}

export const simdShuffleInstructions = {
  packsswb: pack('i8x16NarrowI16x8S'),
  packssdw: pack('i16x8NarrowI32x4S'),
  packuswb: pack('i8x16NarrowI16x8U'),
  punpcklbw: unpackLow(1),
  punpcklwd: unpackLow(2),
  punpckldq: unpackLow(4),
  punpcklqdq: unpackXmm(8, false),
  punpckhbw: unpackHigh(1),
  punpckhwd: unpackHigh(2),
  punpckhdq: unpackHigh(4),
  punpckhqdq: unpackXmm(8, true),
  unpcklps: unpackXmm(4, false),
  unpckhps: unpackXmm(4, true),
  unpcklpd: unpackXmm(8, false),
  unpckhpd: unpackXmm(8, true),

  pshufw: shuffle(LOW_WORDS, ['q,q,i', 'q,g8,i']),
  pshuflw: shuffle(LOW_WORDS, XMM_IMMEDIATE),
  pshufhw: shuffle(HIGH_WORDS, XMM_IMMEDIATE),
  pshufd: shuffle(DOUBLEWORDS, XMM_IMMEDIATE),
  shufps: shuffleBoth(DOUBLEWORDS),
  shufpd: shuffleBoth(QUADWORDS),

  pinsrw,
  pextrw,
  pmovmskb: moveMask('i8x16Bitmask', ['r4,q', 'r4,v']),
  movmskps: moveMask('i32x4Bitmask', ['r4,v']),
  movmskpd: moveMask('i64x2Bitmask', ['r4,v']),
} as const satisfies Readonly<Record<string, EmittedInstruction>>;
