/**
 * Packed shifts of MMX and SSE2 (SDM vol. 1, 5.4.6 and 5.6.3; vol. 2, PSLLW to PSRLDQ). A count beyond
 * the element's width shifts everything out, in arithmetic shifts all but the sign.
 */
import type { VectorInstruction } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import { BOTH_FORMS, isMmx, require, runs } from './simd-packed.ts';

/** Pushes the count as an i64: all of the source's low quadword counts. */
function pushCount(e: Backend): void {
  if (e.isImmediate(1)) {
    e.immediate();
    e.body.op('extendU');
    return;
  }
  e.readVector(1);
  e.body.extract64(0);
}

function shift(name: VectorInstruction, width: number, arithmetic = false): EmittedInstruction {
  return {
    vector: true,
    patterns: [...BOTH_FORMS, 'q,i', 'v,i'],
    emit(e) {
      const { body } = e;
      require(e);
      const wide = e.temp64();
      const count = e.temp();
      const small = e.temp();
      const value = e.tempVector();
      pushCount(e);
      body.tee(wide).op('wrap').set(count);
      body.get(wide).i64(BigInt(width)).op('ltU64').set(small);
      if (arithmetic) {
        body
          .get(count)
          .i32(width - 1)
          .get(small)
          .op('select')
          .set(count);
      }
      e.readVector(0);
      body.get(count).vector(name);
      if (!arithmetic) body.v128(ZEROS).get(small).op('select');
      body.set(value);
      if (isMmx(e)) e.enterMmx();
      e.writeVector(0, value);
      e.next();
    },
  };
}

const ZEROS = new Array<number>(16).fill(0);
const BYTES = runs([0, 16]);

/** By whole bytes; the index of a byte that comes from outside is beyond 15, which gives zero. */
function shiftBytes(direction: 'i8x16Add' | 'i8x16Sub'): EmittedInstruction {
  return {
    vector: true,
    patterns: ['v,i'],
    emit(e) {
      const { body } = e;
      e.requireXmm();
      const value = e.tempVector();
      const count = e.temp();
      e.immediate();
      body.tee(count).i32(16).get(count).i32(16).op('ltU').op('select').set(count);
      e.readVector(0);
      body.v128(BYTES).get(count).vector('i8x16Splat').vector(direction).vector('i8x16Swizzle');
      body.set(value);
      e.writeVector(0, value);
      e.next();
    },
  };
}

export const simdShiftInstructions = {
  psllw: shift('i16x8Shl', 16),
  pslld: shift('i32x4Shl', 32),
  psllq: shift('i64x2Shl', 64),
  psrlw: shift('i16x8ShrU', 16),
  psrld: shift('i32x4ShrU', 32),
  psrlq: shift('i64x2ShrU', 64),
  psraw: shift('i16x8ShrS', 16, true),
  psrad: shift('i32x4ShrS', 32, true),
  psrldq: shiftBytes('i8x16Add'),
  pslldq: shiftBytes('i8x16Sub'),
} as const satisfies Readonly<Record<string, EmittedInstruction>>;
