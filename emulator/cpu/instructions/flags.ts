/**
 * The arithmetic flags of emitted instructions (SDM vol. 1, 3.4.3.1) in their two-word form
 * (layout.ts FLAGS_RESULT and FLAGS_AUX): the last result, and the carries that came out of bits 31,
 * 30 and 3. Nothing here branches; a reader evaluates only the flag that it asks for.
 */
import type { Local } from '../../wasm/assembler.ts';
import type { Backend, Size } from '../translate/backend.ts';

/** Sign-extends the value on the stack from `size` bytes. */
export function signExtend(e: Backend, size: Size): void {
  if (size === 1) e.body.op('extend8S');
  else if (size === 2) e.body.op('extend16S');
}

/** Turns a vector of carries out of every bit of a `size`-byte operation into AUX. */
function auxFromCarries(e: Backend, size: Size): void {
  const { body } = e;
  if (size === 4) {
    body.i32(0xc0000008 | 0).op('and');
    return;
  }
  const carries = e.temp();
  body.tee(carries).i32(8).op('and');
  body
    .get(carries)
    .i32(size === 1 ? 24 : 16)
    .op('shl')
    .i32(0xc0000000 | 0)
    .op('and')
    .op('or');
}

/** result = a + b (+ carry). */
export function flagsOfAdd(e: Backend, size: Size, a: Local, b: Local, result: Local): void {
  const { body } = e;
  e.setFlags(
    () => {
      body.get(result);
      signExtend(e, size);
    },
    () => {
      body.get(a).get(b).op('and');
      body.get(a).get(b).op('or').get(result).i32(-1).op('xor').op('and').op('or');
      auxFromCarries(e, size);
    },
  );
}

/** result = a - b (- borrow). */
export function flagsOfSub(e: Backend, size: Size, a: Local, b: Local, result: Local): void {
  const { body } = e;
  e.setFlags(
    () => {
      body.get(result);
      signExtend(e, size);
    },
    () => {
      body.get(a).i32(-1).op('xor').get(b).op('and');
      body.get(a).get(b).op('xor').i32(-1).op('xor').get(result).op('and').op('or');
      auxFromCarries(e, size);
    },
  );
}

/** AND, OR, XOR, TEST: CF = OF = AF = 0. */
export function flagsOfLogic(e: Backend, size: Size, result: Local): void {
  const { body } = e;
  e.setFlags(
    () => {
      body.get(result);
      signExtend(e, size);
    },
    () => body.i32(0),
  );
}

/** INC (a + 1) and DEC (a - 1): as ADD and SUB, but CF stays. */
export function flagsOfCount(e: Backend, size: Size, a: Local, result: Local, up: boolean): void {
  const { body } = e;
  const carries = e.temp();
  const kept = e.temp();
  // carries of a + 1 and borrows of a - 1 out of every bit but the lowest
  if (up) body.get(a).get(result).i32(-1).op('xor').op('and');
  else body.get(a).i32(-1).op('xor').get(result).op('and');
  auxFromCarries(e, size);
  body.set(carries);
  e.getFlagAux();
  body
    .i32(0x80000000 | 0)
    .op('and')
    .set(kept);
  e.setFlags(
    () => {
      body.get(result);
      signExtend(e, size);
    },
    () => {
      // bit 30 = CF ^ OF, with OF = carry 31 ^ carry 30
      body
        .get(carries)
        .get(carries)
        .i32(1)
        .op('shl')
        .op('xor')
        .i32(0x80000000 | 0)
        .op('and');
      body.get(kept).op('xor').i32(1).op('shrU');
      body.get(kept).op('or').get(carries).i32(8).op('and').op('or');
    },
  );
}

/** Pushes AUX for a CF and an OF given as 0 or 1 in locals, AF = 0. */
export function pushAuxOf(e: Backend, carry: Local, overflow: Local): void {
  const { body } = e;
  body.get(carry).i32(31).op('shl');
  body.get(carry).get(overflow).op('xor').i32(30).op('shl').op('or');
}

/** Replaces CF and OF (0 or 1 in locals) and keeps the other four: the rotates. */
export function replaceCarryAndOverflow(e: Backend, carry: Local, overflow: Local): void {
  const { body } = e;
  const kept = e.temp();
  e.getFlagAux();
  body.i32(0x3fffffff).op('and').set(kept);
  e.setFlags(null, () => {
    pushAuxOf(e, carry, overflow);
    body.get(kept).op('or');
  });
}

/** Pushes CF as 0 or 1. */
export function pushCarry(e: Backend): void {
  e.getFlagAux();
  e.body.i32(31).op('shrU');
}

/** Replaces CF by the 0 or 1 in a local and keeps OF and the rest. */
export function replaceCarry(e: Backend, carry: Local): void {
  const { body } = e;
  const aux = e.temp();
  const overflow = e.temp();
  e.getFlagAux();
  body.tee(aux).get(aux).i32(1).op('shl').op('xor').i32(31).op('shrU').set(overflow);
  replaceCarryAndOverflow(e, carry, overflow);
}

/** Pushes 1 when condition `code` (SDM vol. 2, appendix B.1.4.7 "tttn") holds, else 0. */
export function pushCondition(e: Backend, code: number): void {
  const { body } = e;
  const overflow = (): void => {
    const aux = e.temp();
    e.getFlagAux();
    body.tee(aux).get(aux).i32(1).op('shl').op('xor').i32(31).op('shrU');
  };
  const sign = (): void => {
    e.getFlagResult();
    body.i32(31).op('shrU');
    e.getFlagAux();
    body.i32(1).op('and').op('xor');
  };
  const zero = (): void => {
    e.getFlagResult();
    body.op('eqz');
  };
  const less = (): void => {
    const aux = e.temp();
    e.getFlagAux();
    body.tee(aux).get(aux).i32(1).op('shl').op('xor').get(aux).i32(31).op('shl').op('xor');
    e.getFlagResult();
    body.op('xor').i32(31).op('shrU');
  };
  switch (code >> 1) {
    case 0:
      overflow();
      break;
    case 1:
      pushCarry(e);
      break;
    case 2:
      e.getFlagResult();
      if ((code & 1) !== 0) body.i32(0).op('ne');
      else body.op('eqz');
      return;
    case 3:
      pushCarry(e);
      zero();
      body.op('or');
      break;
    case 4:
      sign();
      break;
    case 5:
      e.getFlagResult();
      e.getFlagAux();
      body.i32(8).op('shrU').op('xor').i32(0xff).op('and').op('popcnt').i32(1).op('and').op('eqz');
      break;
    case 6:
      less();
      break;
    case 7:
      less();
      zero();
      body.op('or');
      break;
  }
  if ((code & 1) !== 0) body.op('eqz');
}

/** Pushes the low byte of EFLAGS: SF ZF 0 AF 0 PF 1 CF (LAHF, PUSHF). */
export function pushLowFlags(e: Backend): void {
  const { body } = e;
  pushCarry(e);
  pushCondition(e, 10);
  body.i32(2).op('shl').op('or');
  e.getFlagAux();
  body.i32(8).op('and').i32(1).op('shl').op('or');
  pushCondition(e, 4);
  body.i32(6).op('shl').op('or');
  pushCondition(e, 8);
  body.i32(7).op('shl').op('or').i32(2).op('or');
}

/** Sets the six arithmetic flags from an EFLAGS image in a local; OF as given in a second one (0, 1). */
export function setFlagsFromImage(e: Backend, image: Local, overflow: Local): void {
  const { body } = e;
  const bit = (number: number): void => {
    body.get(image).i32(number).op('shrU').i32(1).op('and');
  };
  e.setFlags(
    () => {
      bit(6);
      body.op('eqz');
    },
    () => {
      body.get(image).i32(31).op('shl');
      bit(0);
      body.get(overflow).op('xor').i32(30).op('shl').op('or');
      bit(4);
      body.i32(3).op('shl').op('or');
      bit(7);
      body.op('or');
      // parity of RESULT is even exactly when ZF: flip it by bit 8 where PF says otherwise
      bit(2);
      bit(6);
      body.op('xor').i32(8).op('shl').op('or');
    },
  );
}
