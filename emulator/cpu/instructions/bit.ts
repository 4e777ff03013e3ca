/**
 * Bit instructions: BT BTS BTR BTC with register and immediate indices, BSF BSR (SDM vol. 2). A memory
 * operand indexed by a register reaches outside itself: the signed index moves the address.
 */
import type { Backend } from '../translate/backend.ts';
import { wordSizes, type EmittedInstruction } from '../translate/shape.ts';
import { replaceCarry } from './flags.ts';

type Change = 'test' | 'set' | 'reset' | 'complement';

function bitTest(change: Change): EmittedInstruction {
  return {
    patterns: wordSizes('r#,r#', 'r#,i', 'm#,r#', 'm#,i'),
    emit(e) {
      const { body } = e;
      const size = e.size(0);
      const index = e.temp();
      const mask = e.temp();
      const value = e.temp();
      const carry = e.temp();
      e.read(1);
      if (size === 2) body.op('extend16S');
      body.set(index);
      if (e.isMemory(0) && !e.isImmediate(1)) {
        body
          .get(index)
          .i32(size === 4 ? 5 : 4)
          .op('shrS')
          .i32(size === 4 ? 2 : 1)
          .op('shl');
        e.displace(0);
      }
      body
        .get(index)
        .i32(size * 8 - 1)
        .op('and')
        .set(index);
      if (change === 'test') e.read(0);
      else e.readForWrite(0);
      body.tee(value).get(index).op('shrU').i32(1).op('and').set(carry);
      if (change !== 'test') {
        body.i32(1).get(index).op('shl').set(mask);
        pushChanged(
          e,
          change,
          () => body.get(value),
          () => body.get(mask),
        );
        body.set(value);
        e.write(0, value);
      }
      replaceCarry(e, carry);
      e.next();
    },
  };
}

function pushChanged(
  e: Backend,
  change: Exclude<Change, 'test'>,
  value: () => void,
  mask: () => void,
): void {
  const { body } = e;
  value();
  mask();
  switch (change) {
    case 'set':
      body.op('or');
      break;
    case 'reset':
      body.i32(-1).op('xor').op('and');
      break;
    case 'complement':
      body.op('xor');
      break;
  }
}

/**
 * Destination unchanged when the source is zero, as processors do (the SDM says undefined); the undefined
 * flags are those of a Xeon (test/vectors/integer).
 */
function scan(forward: boolean): EmittedInstruction {
  return {
    patterns: wordSizes('r#,r#', 'r#,m#'),
    emit(e) {
      const { body } = e;
      const source = e.temp();
      const index = e.temp();
      const found = e.temp();
      e.read(1);
      body.tee(source);
      if (forward) body.op('ctz');
      else body.op('clz').i32(31).op('xor');
      body.tee(index);
      e.read(0);
      body.get(source).op('select').set(found);
      e.write(0, found);
      // ZF tells that the source is zero; PF is that of the index, CF OF SF AF are clear
      e.setFlags(
        () => body.get(index).i32(0x100).op('or').i32(0).get(source).op('select'),
        () => body.i32(0),
      );
      e.next();
    },
  };
}

export const bitInstructions: Readonly<Record<string, EmittedInstruction>> = {
  bt: bitTest('test'),
  bts: bitTest('set'),
  btr: bitTest('reset'),
  btc: bitTest('complement'),
  bsf: scan(true),
  bsr: scan(false),
};
