/**
 * Shifts and rotates: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD (SDM vol. 2). Counts are taken modulo 32;
 * a count of zero changes no flag. Where the SDM leaves OF undefined (counts above one) it is what a
 * count of one would have given, and AF is cleared: so a Xeon does (test/vectors/integer). Rotates by an
 * immediate are the exception: theirs follows from the result, as on an 80386.
 */
import type { Local } from '../../wasm/assembler.ts';
import type { Backend, Size } from '../translate/backend.ts';
import { eachSize, wordSizes, type EmittedInstruction } from '../translate/shape.ts';
import {
  pushAuxOf,
  pushCarry,
  pushCondition,
  replaceCarryAndOverflow,
  signExtend,
} from './flags.ts';

const PATTERNS = eachSize('r#,i', 'r#,c', 'm#,i', 'm#,c');

interface Work {
  readonly size: Size;
  readonly bits: number;
  /** The operand, zero-extended, and the count, 1 to 31. */
  readonly a: Local;
  readonly count: Local;
  /** To be set. */
  readonly result: Local;
  readonly carry: Local;
  readonly overflow: Local;
}

const OVERFLOW = 0;

function pushTopBit(e: Backend, { bits }: Pick<Work, 'bits'>, value: Local): void {
  e.body
    .get(value)
    .i32(bits - 1)
    .op('shrU')
    .i32(1)
    .op('and');
}

/** Pushes whether a value's two highest bits differ: a move to the left by one changes the sign. */
function pushTopBitsDiffer(e: Backend, { bits, a }: Pick<Work, 'bits' | 'a'>): void {
  const { body } = e;
  body.get(a).get(a).i32(1).op('shl').op('xor');
  body
    .i32(bits - 1)
    .op('shrU')
    .i32(1)
    .op('and');
}

/**
 * Pushes OF of a rotate by its result, which for a count of one is what the manual says: to the left the
 * highest bit differs from CF, to the right from the bit below it.
 */
function pushOverflowOfResult(e: Backend, { bits, result, carry }: Work, left: boolean): void {
  if (!left) {
    pushTopBitsDiffer(e, { bits, a: result });
    return;
  }
  pushTopBit(e, { bits }, result);
  e.body.get(carry).op('xor');
}

/** Keeps OF where the condition that is pushed says so. */
function keepOverflow(e: Backend, { overflow }: Work, pushKeeps: () => void): void {
  pushCondition(e, OVERFLOW);
  e.body.get(overflow);
  pushKeeps();
  e.body.op('select').set(overflow);
}

/** The frame that all have in common: operand, count, nothing at all for count zero, result, flags. */
function shift(
  compute: (e: Backend, work: Work) => void,
  { rotates = false } = {},
): EmittedInstruction {
  return {
    patterns: PATTERNS,
    emit(e) {
      const { body } = e;
      const size = e.size(0);
      const work: Work = {
        size, bits: size * 8, a: e.temp(), count: e.temp(), result: e.temp(), carry: e.temp(), overflow: e.temp(),
      }; // prettier-ignore
      e.readForWrite(0);
      body.set(work.a);
      e.read(1);
      body.i32(31).op('and').tee(work.count);
      body.if();
      compute(e, work);
      e.write(0, work.result);
      if (rotates) {
        replaceCarryAndOverflow(e, work.carry, work.overflow);
      } else {
        e.setFlags(
          () => {
            body.get(work.result);
            signExtend(e, size);
          },
          () => {
            pushAuxOf(e, work.carry, work.overflow);
          },
        );
      }
      body.end();
      e.next();
    },
  };
}

const shl = shift((e, work) => {
  const { body } = e;
  body.get(work.a).get(work.count).op('shl').set(work.result);
  if (work.size === 4) body.get(work.a).i32(32).get(work.count).op('sub').op('shrU');
  else body.get(work.result).i32(work.bits).op('shrU');
  body.i32(1).op('and').set(work.carry);
  pushTopBitsDiffer(e, work);
  body.set(work.overflow);
});

const shr = shift((e, work) => {
  const { body } = e;
  body.get(work.a).get(work.count).op('shrU').set(work.result);
  body.get(work.a).get(work.count).i32(1).op('sub').op('shrU').i32(1).op('and').set(work.carry);
  pushTopBit(e, work, work.a);
  body.set(work.overflow);
});

const sar = shift((e, work) => {
  const { body } = e;
  const extended = e.temp();
  body.get(work.a);
  signExtend(e, work.size);
  body.tee(extended).get(work.count).op('shrS').set(work.result);
  body.get(extended).get(work.count).i32(1).op('sub').op('shrS').i32(1).op('and').set(work.carry);
  body.i32(0).set(work.overflow);
});

/** ROL and ROR: 8- and 16-bit operands are repeated over 32 bits, so that the rotate is wasm's own. */
function rotate(left: boolean): EmittedInstruction {
  return shift(
    (e, work) => {
      const { body } = e;
      body.get(work.a);
      if (work.size === 1) body.i32(0x01010101).op('mul');
      if (work.size === 2) body.i32(0x00010001).op('mul');
      body
        .get(work.count)
        .op(left ? 'rotl' : 'rotr')
        .set(work.result);
      if (left) body.get(work.result).i32(1).op('and').set(work.carry);
      else {
        pushTopBit(e, work, work.result);
        body.set(work.carry);
      }
      if (e.isImmediate(1)) {
        pushOverflowOfResult(e, work, left);
      } else if (left) {
        pushTopBitsDiffer(e, work);
      } else {
        pushTopBit(e, work, work.a);
        body.get(work.a).i32(1).op('and').op('xor');
      }
      body.set(work.overflow);
    },
    { rotates: true },
  );
}

/**
 * RCL and RCR: a rotate of bits + 1 with CF on top, in 64 bits; the count is taken modulo bits + 1, and
 * when that is zero all flags stay.
 */
function rotateThroughCarry(left: boolean): EmittedInstruction {
  return shift(
    (e, work) => {
      const { body } = e;
      const wide = e.temp64();
      const width = work.bits + 1;
      if (work.size !== 4) body.get(work.count).i32(width).op('remU').set(work.count);
      pushCarry(e);
      body.tee(work.carry).op('extendU').i64(BigInt(work.bits)).op('shl64');
      body.get(work.a).op('extendU').op('or64').set(wide);
      const push = (amount: () => void, op: 'shl64' | 'shrU64'): void => {
        body.get(wide);
        amount();
        body.op('extendU').op(op);
      };
      const by = (): void => void body.get(work.count);
      const rest = (): void => void body.i32(width).get(work.count).op('sub');
      push(by, left ? 'shl64' : 'shrU64');
      push(rest, left ? 'shrU64' : 'shl64');
      body.op('or64').set(wide);
      body.get(wide).op('wrap').set(work.result);
      if (left) {
        pushTopBitsDiffer(e, work);
      } else {
        pushTopBit(e, work, work.a);
        body.get(work.carry).op('xor');
      }
      body.set(work.overflow);
      body
        .get(wide)
        .i64(BigInt(work.bits))
        .op('shrU64')
        .op('wrap')
        .i32(1)
        .op('and')
        .set(work.carry);
      if (e.isImmediate(1)) {
        pushOverflowOfResult(e, work, left);
        body.set(work.overflow);
      }
      if (work.size !== 4) keepOverflow(e, work, () => body.get(work.count).op('eqz'));
    },
    { rotates: true },
  );
}

/** SHLD and SHRD: destination and source as one number of twice the size. */
function doubleShift(left: boolean): EmittedInstruction {
  return {
    patterns: wordSizes('r#,r#,i', 'r#,r#,c', 'm#,r#,i', 'm#,r#,c'),
    emit(e) {
      const { body } = e;
      const size = e.size(0);
      const bits = size * 8;
      const a = e.temp();
      const count = e.temp();
      const result = e.temp();
      const carry = e.temp();
      const overflow = e.temp();
      const wide = e.temp64();
      e.readForWrite(0);
      body.set(a);
      e.read(2);
      body.i32(31).op('and').tee(count);
      body.if();
      // left: a:source, result on top; right: source:a, result below. 16-bit counts above 16 take
      // their further bits from a again, as Intel processors do
      const pushA = (shiftBy: number): void => {
        body.get(a).op('extendU').i64(BigInt(shiftBy)).op('shl64');
      };
      const pushSource = (shiftBy: number): void => {
        e.read(1);
        body.op('extendU').i64(BigInt(shiftBy)).op('shl64');
      };
      if (size === 2) {
        pushA(left ? 32 : 0);
        pushSource(16);
        body.op('or64');
        pushA(left ? 0 : 32);
        body.op('or64').set(wide);
      } else {
        pushA(left ? 32 : 0);
        pushSource(left ? 0 : 32);
        body.op('or64').set(wide);
      }
      if (left) {
        body
          .get(wide)
          .get(count)
          .op('extendU')
          .op('shl64')
          .i64(32n)
          .op('shrU64')
          .op('wrap')
          .set(result);
        body
          .get(wide)
          .i32(32 + bits)
          .get(count)
          .op('sub')
          .op('extendU')
          .op('shrU64');
      } else {
        body.get(wide).get(count).op('extendU').op('shrU64').op('wrap').set(result);
        body.get(wide).get(count).i32(1).op('sub').op('extendU').op('shrU64');
      }
      body.op('wrap').i32(1).op('and').set(carry);
      if (left) {
        pushTopBitsDiffer(e, { bits, a });
      } else {
        pushTopBit(e, { bits }, a);
        e.read(1);
        body.i32(1).op('and').op('xor');
      }
      body.set(overflow);
      e.write(0, result);
      e.setFlags(
        () => {
          body.get(result);
          signExtend(e, size);
        },
        () => {
          pushAuxOf(e, carry, overflow);
        },
      );
      body.end();
      e.next();
    },
  };
}

export const shiftInstructions: Readonly<Record<string, EmittedInstruction>> = {
  shl,
  shr,
  sar,
  rol: rotate(true),
  ror: rotate(false),
  rcl: rotateThroughCarry(true),
  rcr: rotateThroughCarry(false),
  shld: doubleShift(true),
  shrd: doubleShift(false),
};
