/**
 * String instructions MOVS STOS LODS CMPS SCAS with REP, REPE and REPNE (SDM vol. 2; vol. 1, 7.3.9).
 * Each element is complete, registers included, before the next is begun, so that a fault in the middle
 * leaves the state from which the instruction resumes. A repeated instruction counts as one, but each
 * time that (E)CX comes to a multiple of BOUNDARY, it counts as one more and interrupts are taken: so
 * the count depends on nothing but registers, however often the instruction was resumed. MOVS and STOS
 * upwards move whole runs at once where both sides are plain RAM.
 */
import type { Local } from '../../wasm/assembler.ts';
import type { Backend, Size } from '../translate/backend.ts';
import { DATA_BREAKPOINTS, EFLAGS_SYSTEM } from '../layout.ts';
import { FLAG } from '../state.ts';
import { eachSize, type EmittedInstruction, type Shape } from '../translate/shape.ts';
import { flagsOfSub } from './flags.ts';

const AX = 0;
const CX = 1;
const SI = 6;
const DI = 7;
/** Elements, a power of two. */
const BOUNDARY = 16384;

interface Iteration {
  readonly size: Size;
  readonly addressSize: 2 | 4;
  readonly source: Local;
  readonly destination: Local;
  /** Elements up to the end or the next boundary. */
  readonly count: Local;
  /** Elements done in this iteration, set by the body. */
  readonly done: Local;
  /** The two elements that CMPS and SCAS compared last, zero-extended. */
  readonly left: Local;
  readonly right: Local;
}

interface StringParts {
  readonly repeats: readonly (0xf2 | 0xf3)[];
  readonly usesSource: boolean;
  readonly usesDestination: boolean;
  /** Emits one element, or one run, and sets `done` if it is not 1. */
  readonly element: (e: Backend, iteration: Iteration, shape: Shape) => void;
  /**
   * The element is compared: the loop also ends on ZF, REPE while set, REPNE while clear. The flags are
   * set at the end, since a page fault on the way must find them as they were (SDM vol. 2, REP).
   */
  readonly compares: boolean;
}

function elementSize(shape: Shape): Size {
  const digit = shape.operands[0]?.[1];
  return digit === '1' ? 1 : digit === '2' ? 2 : 4;
}

function advance(e: Backend, register: number, it: Iteration): void {
  const { body } = e;
  e.getRegister(register, it.addressSize);
  body.get(it.done).i32(it.size).op('mul');
  body.i32(0).get(it.done).i32(it.size).op('mul').op('sub');
  e.getState(EFLAGS_SYSTEM);
  body.i32(FLAG.DF).op('and').op('eqz').op('select').op('add');
  e.setRegister(register, it.addressSize);
}

function string(parts: StringParts): EmittedInstruction {
  return {
    patterns: eachSize('e#'),
    addressed: true,
    repeats: parts.repeats,
    emit(e, shape) {
      const it: Iteration = {
        size: elementSize(shape),
        addressSize: shape.addressSize === 2 ? 2 : 4,
        source: e.temp(), destination: e.temp(), count: e.temp(), done: e.temp(), left: e.temp(), right: e.temp(),
      }; // prettier-ignore
      if (shape.repeat === 0) {
        emitElement(e, it, shape, parts);
        if (parts.compares) flagsOfComparison(e, it);
      } else {
        emitRepeated(e, it, shape, parts);
      }
      e.next();
    },
  };
}

/** One element, or one run of them, and the registers after it. */
function emitElement(e: Backend, it: Iteration, shape: Shape, parts: StringParts): void {
  const { body } = e;
  e.getRegister(SI, it.addressSize);
  body.set(it.source);
  e.getRegister(DI, it.addressSize);
  body.set(it.destination).i32(1).set(it.done);
  parts.element(e, it, shape);
  if (parts.usesSource) advance(e, SI, it);
  if (parts.usesDestination) advance(e, DI, it);
}

function emitRepeated(e: Backend, it: Iteration, shape: Shape, parts: StringParts): void {
  const { body } = e;
  const rest = e.temp();
  const nothing = body.block();
  const finished = body.block();
  const pause = body.block();
  e.getRegister(CX, it.addressSize);
  body.tee(rest).op('eqz').brIf(nothing);
  // to the next boundary; single-stepped (TF) or with breakpoints on data, each element is one
  body.i32(1).get(rest).i32(1).op('sub');
  body
    .i32(BOUNDARY - 1)
    .op('and')
    .i32(1)
    .op('add');
  e.getState(EFLAGS_SYSTEM);
  body.i32(FLAG.TF).op('and');
  e.getState(DATA_BREAKPOINTS);
  body.op('or').op('select').set(it.count);
  const loop = body.loop();
  emitElement(e, it, shape, parts);
  body.get(it.count).get(it.done).op('sub').set(it.count);
  body.get(rest).get(it.done).op('sub').tee(rest);
  e.setRegister(CX, it.addressSize);
  body.get(rest).op('eqz').brIf(finished);
  if (parts.compares) {
    const ends = shape.repeat === 0xf3 ? 'ne' : 'eq';
    body.get(it.left).get(it.right).op(ends).brIf(finished);
  }
  body.get(it.count).op('eqz').brIf(pause);
  body.br(loop);
  body.end();
  body.end();
  if (parts.compares) flagsOfComparison(e, it);
  e.again();
  body.end();
  if (parts.compares) flagsOfComparison(e, it);
  body.end();
}

function flagsOfComparison(e: Backend, { size, left, right }: Iteration): void {
  const result = e.temp();
  e.body.get(left).get(right).op('sub').set(result);
  flagsOfSub(e, size, left, right, result);
}

const movs = string({
  repeats: [0xf3],
  usesSource: true,
  usesDestination: true,
  compares: false,
  element(e, it, shape) {
    const { body } = e;
    const value = e.temp();
    const one = (): void => {
      e.readString('source', it.source, it.size);
      body.set(value);
      e.writeString(it.destination, it.size, value);
    };
    if (shape.repeat === 0 || it.addressSize === 2) {
      one();
      return;
    }
    const from = e.temp();
    const to = e.temp();
    e.bulk({
      size: it.size,
      count: it.count,
      source: { offset: it.source, host: from },
      destination: { offset: it.destination, host: to },
    });
    body.tee(it.done).i32(0).op('ne');
    // a destination within the run after its source would have to see its own writes
    body.get(to).get(from).op('sub').get(it.done).i32(it.size).op('mul').op('geU').op('and');
    body.if();
    body.get(to).get(from).get(it.done).i32(it.size).op('mul').copy();
    body.else();
    body.i32(1).set(it.done);
    one();
    body.end();
  },
});

const stos = string({
  repeats: [0xf3],
  usesSource: false,
  usesDestination: true,
  compares: false,
  element(e, it, shape) {
    const { body } = e;
    const value = e.temp();
    e.getRegister(AX, it.size);
    body.set(value);
    if (shape.repeat === 0 || it.addressSize === 2) {
      e.writeString(it.destination, it.size, value);
      return;
    }
    const to = e.temp();
    const at = e.temp();
    const end = e.temp();
    e.bulk({
      size: it.size,
      count: it.count,
      source: null,
      destination: { offset: it.destination, host: to },
    });
    body.tee(it.done);
    body.if();
    // a value of equal bytes is a fill; others are stored one by one
    body.get(value);
    if (it.size === 1) body.i32(1).op('mul');
    body
      .get(value)
      .i32(0xff)
      .op('and')
      .i32(it.size === 4 ? 0x01010101 : it.size === 2 ? 0x0101 : 1);
    body.op('mul').op('eq');
    body.if();
    body.get(to).get(value).i32(0xff).op('and').get(it.done).i32(it.size).op('mul').fill();
    body.else();
    body.get(to).set(at).get(to).get(it.done).i32(it.size).op('mul').op('add').set(end);
    const loop = body.loop();
    body.get(at).get(value);
    if (it.size === 4) body.store(0);
    else if (it.size === 2) body.store16(0);
    else body.store8(0);
    body.get(at).i32(it.size).op('add').tee(at).get(end).op('ltU').brIf(loop);
    body.end();
    body.end();
    body.else();
    body.i32(1).set(it.done);
    e.writeString(it.destination, it.size, value);
    body.end();
  },
});

const lods = string({
  repeats: [0xf3],
  usesSource: true,
  usesDestination: false,
  compares: false,
  element(e, it) {
    e.readString('source', it.source, it.size);
    e.setRegister(AX, it.size);
  },
});

/** CMPS compares the source with the destination, SCAS the accumulator. */
function compare(usesSource: boolean): EmittedInstruction {
  return string({
    repeats: [0xf2, 0xf3],
    usesSource,
    usesDestination: true,
    compares: true,
    element(e, it) {
      // processors read ES:(E)DI first: where both would fault, it is what faults
      e.readString('destination', it.destination, it.size);
      e.body.set(it.right);
      if (usesSource) e.readString('source', it.source, it.size);
      else e.getRegister(AX, it.size);
      e.body.set(it.left);
    },
  });
}

export const stringInstructions: Readonly<Record<string, EmittedInstruction>> = {
  movs,
  stos,
  lods,
  cmps: compare(true),
  scas: compare(false),
};
