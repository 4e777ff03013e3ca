/**
 * CLC STC CMC CLD STD, and the common cases of CLI STI PUSHF POPF: those that need no privilege
 * decision beyond CPL <= IOPL in plain protected mode. Every other case is handed to the TypeScript
 * form in system.ts.
 */
import {
  CPL,
  EFLAGS_SYSTEM,
  EVENT_PENDING,
  INTERCEPTED,
  INTERCEPTED_INSTRUCTION,
} from '../layout.ts';
import { FLAG } from '../state.ts';
import type { Backend } from '../translate/backend.ts';
import type { EmittedInstruction } from '../translate/shape.ts';
import {
  pushCarry,
  pushCondition,
  pushLowFlags,
  replaceCarry,
  setFlagsFromImage,
} from './flags.ts';

function carry(push: (e: Backend) => void): EmittedInstruction {
  return {
    patterns: [''],
    emit(e) {
      const value = e.temp();
      push(e);
      e.body.set(value);
      replaceCarry(e, value);
      e.next();
    },
  };
}

function direction(set: boolean): EmittedInstruction {
  return {
    patterns: [''],
    emit(e) {
      e.setState(EFLAGS_SYSTEM, () => {
        e.getState(EFLAGS_SYSTEM);
        if (set) e.body.i32(FLAG.DF).op('or');
        else e.body.i32(~FLAG.DF).op('and');
      });
      e.next();
    },
  };
}

/** Pushes whether CPL <= IOPL outside V86 mode, in which CLI and STI simply change IF. */
function pushMayChangeInterruptFlag(e: Backend): void {
  const { body } = e;
  e.getState(CPL);
  e.getState(EFLAGS_SYSTEM);
  body.i32(12).op('shrU').i32(3).op('and').op('leU');
  e.getState(EFLAGS_SYSTEM);
  body.i32(FLAG.VM).op('and').op('eqz').op('and');
}

const cli: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    const { body } = e;
    pushMayChangeInterruptFlag(e);
    body.if();
    e.setState(EFLAGS_SYSTEM, () => {
      e.getState(EFLAGS_SYSTEM);
      body.i32(~FLAG.IF).op('and');
    });
    e.next();
    body.end();
    e.assist();
  },
};

/**
 * STI that sets IF protects the instruction after it from interrupts; where IF is already set it changes
 * nothing. When something waits for IF the TypeScript form arranges what follows.
 */
const sti: EmittedInstruction = {
  patterns: [''],
  emit(e) {
    const { body } = e;
    pushMayChangeInterruptFlag(e);
    e.getState(EVENT_PENDING);
    body.op('eqz').op('and');
    body.if();
    e.getState(EFLAGS_SYSTEM);
    body.i32(FLAG.IF).op('and').op('eqz');
    body.if();
    e.setState(EFLAGS_SYSTEM, () => {
      e.getState(EFLAGS_SYSTEM);
      body.i32(FLAG.IF).op('or');
    });
    e.inhibitInterrupts();
    body.end();
    e.next();
    body.end();
    e.assist();
  },
};

/** PUSHF outside V86 mode that SVM does not intercept: VM and RF are pushed as zero. */
const pushf: EmittedInstruction = {
  patterns: [''],
  sized: true,
  usesStack: true,
  emit(e, shape) {
    const { body } = e;
    const size = shape.operandSize === 2 ? 2 : 4;
    const value = e.temp();
    e.getState(EFLAGS_SYSTEM);
    body.i32(FLAG.VM).op('and');
    e.getState(INTERCEPTED);
    body.i32(INTERCEPTED_INSTRUCTION.PUSHF).op('and').op('or');
    body.if();
    e.assist();
    body.end();
    pushLowFlags(e);
    pushCondition(e, 0);
    body.i32(11).op('shl').op('or');
    e.getState(EFLAGS_SYSTEM);
    body
      .i32(~(FLAG.VM | FLAG.RF))
      .op('and')
      .op('or')
      .set(value);
    e.pushStack(size, value);
    e.addToStackPointer(-size);
    e.next();
  },
};

/**
 * POPF with 32 bits at CPL 0 outside V86 mode, not intercepted by SVM, that changes neither TF nor AC, which SMAP looks at:
 * everything but VM, VIF, VIP, RF.
 */
const CHANGEABLE = FLAG.IF | FLAG.DF | FLAG.IOPL | FLAG.NT | FLAG.ID;
const popf: EmittedInstruction = {
  patterns: [''],
  sized: true,
  usesStack: true,
  emit(e, shape) {
    const { body } = e;
    if (shape.operandSize === 2 || shape.stack !== 'flat') {
      e.assist();
      return;
    }
    const value = e.temp();
    const overflow = e.temp();
    const flags = e.temp();
    const plain = body.block();
    const general = body.block();
    e.getState(CPL);
    e.getState(EFLAGS_SYSTEM);
    body.i32(FLAG.VM).op('and').op('or');
    e.getState(INTERCEPTED);
    body.i32(INTERCEPTED_INSTRUCTION.POPF).op('and').op('or').brIf(general);
    e.peekStack(4, 0);
    body.tee(value);
    e.getState(EFLAGS_SYSTEM);
    body.tee(flags).op('xor').i32(FLAG.AC).op('and');
    body.get(value).get(flags).op('or').i32(FLAG.TF).op('and').op('or').op('eqz').brIf(plain);
    body.end();
    e.assist();
    body.end();
    e.addToStackPointer(4);
    body.get(value).i32(11).op('shrU').i32(1).op('and').set(overflow);
    setFlagsFromImage(e, value, overflow);
    e.setState(EFLAGS_SYSTEM, () => {
      e.getState(EFLAGS_SYSTEM);
      body
        .i32(~(CHANGEABLE | FLAG.RF))
        .op('and')
        .get(value)
        .i32(CHANGEABLE)
        .op('and')
        .op('or');
    });
    e.nextWithEventCheck();
  },
};

export const flagControlInstructions: Readonly<Record<string, EmittedInstruction>> = {
  clc: carry((e) => void e.body.i32(0)),
  stc: carry((e) => void e.body.i32(1)),
  cmc: carry((e) => {
    pushCarry(e);
    e.body.op('eqz');
  }),
  cld: direction(false),
  std: direction(true),
  cli,
  sti,
  pushf,
  popf,
};
