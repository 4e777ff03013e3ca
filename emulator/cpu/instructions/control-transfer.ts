/**
 * Near control transfers: JMP CALL RET Jcc LOOP/LOOPE/LOOPNE JCXZ (SDM vol. 2). Targets come truncated
 * to the operand size from the decoder; indirect ones are truncated here. A target beyond the limit of
 * CS is a fault of the transfer itself. Far forms are in control-far.ts.
 */
import type { Local } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import { type EmittedInstruction } from '../translate/shape.ts';
import { pushCondition } from './flags.ts';

const CX = 1;

/** Checks the target, which is the immediate operand where no local holds it. */
function checkTarget(e: Backend, target: Local | null): void {
  e.checkTarget(() => {
    if (target === null) e.immediate();
    else e.body.get(target);
  });
}

const jmp: EmittedInstruction = {
  patterns: ['j', 'r4', 'm4', 'r2', 'm2'],
  endsBlock: true,
  emit(e, shape) {
    if (shape.operands[0] === 'j') {
      checkTarget(e, null);
      e.jumpStatic();
      return;
    }
    const target = e.temp();
    e.read(0);
    e.body.set(target);
    checkTarget(e, target);
    e.body.get(target);
    e.jumpDynamic();
  },
};

const jcc: EmittedInstruction = {
  patterns: ['j'],
  conditional: true,
  endsBlock: true,
  emit(e, shape) {
    pushCondition(e, shape.condition);
    e.branch();
  },
};

const call: EmittedInstruction = {
  patterns: ['j', 'r4', 'm4', 'r2', 'm2'],
  sized: true,
  usesStack: true,
  endsBlock: true,
  emit(e, shape) {
    const { body } = e;
    const size = shape.operandSize === 2 ? 2 : 4;
    const target = e.temp();
    const from = e.temp();
    if (shape.operands[0] !== 'j') {
      e.read(0);
      body.set(target);
    }
    checkTarget(e, shape.operands[0] === 'j' ? null : target);
    e.nextEip();
    body.set(from);
    e.pushStack(size, from);
    e.addToStackPointer(-size);
    if (shape.operands[0] === 'j') {
      e.jumpStatic();
      return;
    }
    body.get(target);
    e.jumpDynamic();
  },
};

/** RET and RET imm16. */
const ret: EmittedInstruction = {
  patterns: ['', 'i'],
  sized: true,
  usesStack: true,
  endsBlock: true,
  emit(e, shape) {
    const { body } = e;
    const size = shape.operandSize === 2 ? 2 : 4;
    const target = e.temp();
    e.peekStack(size, 0);
    body.set(target);
    checkTarget(e, target);
    if (shape.operands.length === 0) e.addToStackPointer(size);
    else
      e.addToStackPointer(() => {
        e.immediate();
        body.i32(0xffff).op('and').i32(size).op('add');
      });
    body.get(target);
    e.jumpDynamic();
  },
};

/** LOOP, LOOPE (condition Z), LOOPNE (condition NZ): the counter is CX or ECX by the address size. */
function loop(condition: number | null): EmittedInstruction {
  return {
    patterns: ['j'],
    addressed: true,
    endsBlock: true,
    emit(e, shape) {
      const { body } = e;
      const size = shape.addressSize === 2 ? 2 : 4;
      const count = e.temp();
      const taken = e.temp();
      e.getRegister(CX, size);
      body.tee(count).i32(1).op('ne');
      if (condition !== null) {
        pushCondition(e, condition);
        body.op('and');
      }
      body.tee(taken);
      body.if();
      checkTarget(e, null);
      body.end();
      body.get(count).i32(1).op('sub');
      e.setRegister(CX, size);
      body.get(taken);
      e.branch();
    },
  };
}

const jcxz: EmittedInstruction = {
  patterns: ['j'],
  addressed: true,
  endsBlock: true,
  emit(e, shape) {
    e.getRegister(CX, shape.addressSize === 2 ? 2 : 4);
    e.body.op('eqz');
    e.branch();
  },
};

export const controlTransferInstructions: Readonly<Record<string, EmittedInstruction>> = {
  jmp,
  jcc,
  call,
  ret,
  loop: loop(null),
  loope: loop(4),
  loopne: loop(5),
  jcxz,
};
