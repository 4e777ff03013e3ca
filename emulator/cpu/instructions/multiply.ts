/**
 * MUL, IMUL in all forms, DIV, IDIV (SDM vol. 2). Flags that the manual leaves undefined are those of
 * a Xeon (test/vectors/integer): after a multiplication SF and PF follow the low half, ZF and AF are
 * clear; a division changes none.
 */
import type { Backend, Size } from '../translate/backend.ts';
import { eachSize, wordSizes, type EmittedInstruction } from '../translate/shape.ts';
import { pushAuxOf, signExtend } from './flags.ts';
import type { Local } from '../../wasm/assembler.ts';

const DIVIDE_ERROR = 0;
const AX = 0;
const DX = 2;
const AH = 4;

function flagsOfProduct(e: Backend, size: Size, low: Local, significant: Local): void {
  e.setFlags(
    () => {
      e.body.get(low);
      signExtend(e, size);
      // neither SF nor PF, but never zero
      e.body.i32(0x100).op('or');
    },
    () => {
      pushAuxOf(e, significant, significant);
    },
  );
}

/** Pushes the accumulator pair's half: DX:AX, or AH:AL for bytes. */
function writeHalves(e: Backend, size: Size, low: Local, high: Local): void {
  e.body.get(low);
  e.setRegister(AX, size);
  e.body.get(high);
  e.setRegister(size === 1 ? AH : DX, size);
}

function multiplyAccumulator(signed: boolean): EmittedInstruction {
  return {
    patterns: eachSize('r#', 'm#'),
    emit(e) {
      const { body } = e;
      const size = e.size(0);
      const bits = size * 8;
      const product = e.temp64();
      const low = e.temp();
      const high = e.temp();
      const significant = e.temp();
      const widen = (): void => {
        if (signed) signExtend(e, size);
        body.op(signed ? 'extendS' : 'extendU');
      };
      e.read(0);
      widen();
      e.getRegister(AX, size);
      widen();
      body.op('mul64').set(product);
      body.get(product).op('wrap').set(low);
      body.get(product).i64(BigInt(bits)).op('shrU64').op('wrap').set(high);
      if (signed) {
        body.get(low);
        signExtend(e, size);
        body.op('extendS').get(product).op('ne64').set(significant);
      } else {
        body.get(product).i64(BigInt(bits)).op('shrU64').op('eqz64').op('eqz').set(significant);
      }
      writeHalves(e, size, low, high);
      flagsOfProduct(e, size, low, significant);
      e.next();
    },
  };
}

/** IMUL r, r/m and IMUL r, r/m, imm. */
const imul: EmittedInstruction = {
  patterns: wordSizes('r#,r#', 'r#,m#', 'r#,r#,i', 'r#,m#,i'),
  emit(e, shape) {
    const { body } = e;
    const size = e.size(0);
    const product = e.temp64();
    const low = e.temp();
    const significant = e.temp();
    e.read(1);
    signExtend(e, size);
    body.op('extendS');
    if (shape.operands.length === 3) e.read(2);
    else e.read(0);
    signExtend(e, size);
    body.op('extendS').op('mul64').set(product);
    body.get(product).op('wrap').set(low);
    body.get(low);
    signExtend(e, size);
    body.op('extendS').get(product).op('ne64').set(significant);
    e.write(0, low);
    flagsOfProduct(e, size, low, significant);
    e.next();
  },
};

function divide(signed: boolean): EmittedInstruction {
  return {
    patterns: eachSize('r#', 'm#'),
    emit(e) {
      const { body } = e;
      const size = e.size(0);
      const bits = BigInt(size * 8);
      const divisor = e.temp64();
      const dividend = e.temp64();
      const quotient = e.temp64();
      const low = e.temp();
      const high = e.temp();
      e.read(0);
      if (signed) signExtend(e, size);
      body.op(signed ? 'extendS' : 'extendU').set(divisor);
      if (size === 1) {
        e.getRegister(AX, 2);
        if (signed) signExtend(e, 2);
        body.op(signed ? 'extendS' : 'extendU');
      } else {
        e.getRegister(DX, size);
        if (signed) signExtend(e, size);
        body
          .op(signed ? 'extendS' : 'extendU')
          .i64(bits)
          .op('shl64');
        e.getRegister(AX, size);
        body.op('extendU').op('or64');
      }
      body.set(dividend);
      body.get(divisor).op('eqz64');
      if (signed && size === 4) {
        // the only case in which wasm's own division overflows
        body
          .get(dividend)
          .i64(-(2n ** 63n))
          .op('eq64')
          .get(divisor)
          .i64(-1n)
          .op('eq64')
          .op('and')
          .op('or');
      }
      body.if();
      e.raise(DIVIDE_ERROR, -1);
      body.end();
      body
        .get(dividend)
        .get(divisor)
        .op(signed ? 'divS64' : 'divU64')
        .set(quotient);
      body.get(quotient);
      if (signed) {
        body
          .get(quotient)
          .i64(64n - bits)
          .op('shl64')
          .i64(64n - bits)
          .op('shrS64')
          .op('ne64');
      } else {
        body.i64(bits).op('shrU64').op('eqz64').op('eqz');
      }
      body.if();
      e.raise(DIVIDE_ERROR, -1);
      body.end();
      body.get(quotient).op('wrap').set(low);
      body
        .get(dividend)
        .get(divisor)
        .op(signed ? 'remS64' : 'remU64')
        .op('wrap')
        .set(high);
      writeHalves(e, size, low, high);
      e.next();
    },
  };
}

export const multiplyInstructions: Readonly<Record<string, EmittedInstruction>> = {
  mul: multiplyAccumulator(false),
  imul1: multiplyAccumulator(true),
  imul,
  div: divide(false),
  idiv: divide(true),
};
