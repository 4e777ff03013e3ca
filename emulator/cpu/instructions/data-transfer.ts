/**
 * Moves without arithmetic: MOV MOVZX MOVSX LEA XCHG BSWAP CMOVcc SETcc CBW/CWDE CWD/CDQ LAHF SAHF NOP
 * (SDM vol. 2).
 */
import type { Local } from '../../wasm/assembler.ts';
import type { Backend } from '../translate/backend.ts';
import { eachSize, wordSizes, type EmittedInstruction } from '../translate/shape.ts';
import { pushCondition, pushLowFlags, setFlagsFromImage, signExtend } from './flags.ts';

const mov: EmittedInstruction = {
  patterns: eachSize('r#,r#', 'r#,i', 'r#,m#', 'm#,r#', 'm#,i'),
  emit(e) {
    const value = e.temp();
    e.read(1);
    e.body.set(value);
    e.write(0, value);
    e.next();
  },
};

function extend(signed: boolean): EmittedInstruction {
  return {
    patterns: ['r2,r1', 'r2,m1', 'r4,r1', 'r4,m1', 'r4,r2', 'r4,m2', 'r2,r2', 'r2,m2'],
    emit(e) {
      const value = e.temp();
      e.read(1);
      if (signed) signExtend(e, e.size(1));
      e.body.set(value);
      e.write(0, value);
      e.next();
    },
  };
}

const lea: EmittedInstruction = {
  // no access, hence no segment check
  patterns: ['r2,b4', 'r2,x4', 'r2,w4', 'r4,b4', 'r4,x4', 'r4,w4'],
  emit(e) {
    const value = e.temp();
    e.offset(1);
    e.body.set(value);
    e.write(0, value);
    e.next();
  },
};

const xchg: EmittedInstruction = {
  patterns: eachSize('r#,r#', 'm#,r#'),
  emit(e) {
    const { body } = e;
    const first = e.temp();
    const second = e.temp();
    e.readForWrite(0);
    body.set(first);
    e.read(1);
    body.set(second);
    e.write(0, second);
    e.write(1, first);
    e.next();
  },
};

const bswap: EmittedInstruction = {
  // the 16-bit form is undefined (SDM vol. 2, BSWAP); processors give zero
  patterns: ['r4', 'r2'],
  emit(e) {
    const { body } = e;
    const a = e.temp();
    e.read(0);
    body.set(a);
    if (e.size(0) === 2) body.i32(0).set(a);
    else {
      body.get(a).i32(8).op('rotl').i32(0x00ff00ff).op('and');
      body
        .get(a)
        .i32(8)
        .op('rotr')
        .i32(0xff00ff00 | 0)
        .op('and')
        .op('or')
        .set(a);
    }
    e.write(0, a);
    e.next();
  },
};

const cmovcc: EmittedInstruction = {
  patterns: wordSizes('r#,r#', 'r#,m#'),
  conditional: true,
  emit(e, shape) {
    const { body } = e;
    const value = e.temp();
    // the source is read, and may fault, whatever the condition
    e.read(1);
    body.set(value).get(value);
    e.read(0);
    pushCondition(e, shape.condition);
    body.op('select').set(value);
    e.write(0, value);
    e.next();
  },
};

const setcc: EmittedInstruction = {
  patterns: ['r1', 'm1'],
  conditional: true,
  emit(e, shape) {
    const value = e.temp();
    pushCondition(e, shape.condition);
    e.body.set(value);
    e.write(0, value);
    e.next();
  },
};

/** CBW AX←AL, CWDE EAX←AX. */
const cbw: EmittedInstruction = {
  patterns: [''],
  sized: true,
  emit(e, shape) {
    const half = shape.operandSize === 2 ? 1 : 2;
    e.getRegister(0, half);
    signExtend(e, half);
    e.setRegister(0, shape.operandSize === 2 ? 2 : 4);
    e.next();
  },
};

/** CWD DX:AX←AX, CDQ EDX:EAX←EAX. */
const cwd: EmittedInstruction = {
  patterns: [''],
  sized: true,
  emit(e, shape) {
    const size = shape.operandSize === 2 ? 2 : 4;
    e.getRegister(0, size);
    signExtend(e, size);
    e.body.i32(31).op('shrS');
    e.setRegister(2, size);
    e.next();
  },
};

const lahf: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    pushLowFlags(e);
    e.setRegister(4, 1);
    e.next();
  },
};

const sahf: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    const { body } = e;
    const image: Local = e.temp();
    const overflow: Local = e.temp();
    e.getRegister(4, 1);
    body.set(image);
    pushCondition(e, 0);
    body.set(overflow);
    setFlagsFromImage(e, image, overflow);
    e.next();
  },
};

const doNothing = (e: Backend): void => {
  e.next();
};

export const dataTransferInstructions: Readonly<Record<string, EmittedInstruction>> = {
  mov,
  movzx: extend(false),
  movsx: extend(true),
  lea,
  xchg,
  bswap,
  cmovcc,
  setcc,
  cbw,
  cwd,
  lahf,
  sahf,
  nop: { patterns: [''], emit: doNothing },
  'hint-nop': {
    patterns: ['', 'm1', ...wordSizes('r#', 'm#')],
    emit: doNothing,
  },
};
