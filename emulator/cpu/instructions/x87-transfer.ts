/**
 * Loads, stores, constants and exchanges of the x87 unit (SDM vol. 1, 8.3.3 and 8.3.4; vol. 2, FLD,
 * FST, FILD, FIST, FISTTP, FBLD, FBSTP, FLD1 ..., FXCH). A store first makes sure that it can write,
 * then reports its exceptions, and writes and pops only if none of them forbids it.
 */
import type { Instruction } from '../decode/instruction.ts';
import { indefinite, one, zero } from '../fpu/float80.ts';
import type { Float80 } from '../fpu/float80.ts';
import {
  fromBcd,
  fromDouble,
  fromInt32,
  fromInt64,
  fromSingle,
  loaded,
  toBcd,
  toDouble,
  toInteger,
  toSingle,
} from '../fpu/formats.ts';
import {
  controlWord,
  isEmpty,
  pop,
  push,
  readRegister,
  report,
  setConditions,
  stackFault,
  writeRegister,
} from '../fpu/register-stack.ts';
import { Context, EXTENDED, STATUS, round } from '../fpu/rounding.ts';
import type { Processor, TypescriptInstruction } from '../processor.ts';
import type { CpuState } from '../state.ts';
import {
  after,
  fromBytes10,
  isMemoryForm,
  locate,
  readBytes10,
  recordAccess,
  recordInstruction,
  toBytes10,
  waiting,
  writeBytes10,
} from './x87-access.ts';
import type { Located } from './x87-access.ts';

/** Pushes unless the register above is in use. */
function load(state: CpuState, context: Context, x: Float80): void {
  if (!isEmpty(state, 7)) {
    if (stackFault(state, 'overflow')) push(state, indefinite());
    return;
  }
  report(state, context);
  // unlike in arithmetic, a denormal is loaded though #D is unmasked
  if (!context.unmasked(context.flags & STATUS.IE)) push(state, x);
}

const fld = waiting((cpu, instruction) => {
  const { state } = cpu;
  const context = new Context(controlWord(state));
  if (isMemoryForm(instruction)) {
    const at = locate(cpu, instruction, false);
    const x = readFloat(cpu, at, context);
    recordAccess(cpu, instruction, at);
    load(state, context, x);
    return;
  }
  recordInstruction(cpu, instruction);
  const i = instruction.modrm & 7;
  if (isEmpty(state, i)) {
    if (stackFault(state, 'underflow')) push(state, indefinite());
    return;
  }
  load(state, context, readRegister(state, i));
});

function readFloat(cpu: Processor, at: Located, context: Context): Float80 {
  const { memory } = cpu;
  if (at.operand.size === 10) return fromBytes10(readBytes10(cpu, at.linear));
  const low = memory.read32(at.linear);
  if (at.operand.size === 4) return loaded(context, fromSingle(context, low));
  return loaded(context, fromDouble(context, low, memory.read32(after(at.linear, 4))));
}

const fild = waiting((cpu, instruction) => {
  const at = locate(cpu, instruction, false);
  const x = readInteger(cpu, at);
  recordAccess(cpu, instruction, at);
  load(cpu.state, new Context(controlWord(cpu.state)), x);
});

function readInteger({ memory }: Processor, at: Located): Float80 {
  if (at.operand.size === 2) return fromInt32((memory.read16(at.linear) << 16) >> 16);
  const low = memory.read32(at.linear) | 0;
  if (at.operand.size === 4) return fromInt32(low);
  return fromInt64(low, memory.read32(after(at.linear, 4)) | 0);
}

const fbld = waiting((cpu, instruction) => {
  const at = locate(cpu, instruction, false);
  const x = fromBcd(readBytes10(cpu, at.linear));
  recordAccess(cpu, instruction, at);
  load(cpu.state, new Context(controlWord(cpu.state)), x);
});

/** What a store writes: computes it from ST(0), or from nothing when that is empty. */
type Conversion = (context: Context, x: Float80) => Words;
/** Up to ten bytes, lowest word first. */
interface Words {
  readonly low: number;
  readonly high: number;
  readonly top?: number;
}

/**
 * Converts ST(0), writes it and pops. An exception that is not masked and forbids the store comes before
 * memory is looked at, as on processors.
 */
function store(cpu: Processor, instruction: Instruction, convert: Conversion, pops: boolean): void {
  const { state } = cpu;
  const context = new Context(controlWord(state));
  if (isEmpty(state, 0)) {
    if (!context.unmasked(STATUS.IE)) {
      const at = locateForWrite(cpu, instruction);
      stackFault(state, 'underflow');
      // the indefinite converts to that of each format, raising at most what is raised already
      writeWords(cpu, at, convert(new Context(0x37f), indefinite()));
    } else {
      recordInstruction(cpu, instruction);
      stackFault(state, 'underflow');
      return;
    }
  } else {
    const words = convert(context, readRegister(state, 0));
    const forbidden = context.unmasked(context.flags & (STATUS.IE | STATUS.OE | STATUS.UE));
    if (forbidden) {
      context.flags &= ~STATUS.PE;
      context.roundedUp = false;
      recordInstruction(cpu, instruction);
    } else {
      writeWords(cpu, locateForWrite(cpu, instruction), words);
    }
    report(state, context);
    if (forbidden) return;
  }
  if (pops) pop(state);
}

/** The place of a store that is known to succeed; the pointers are those of the instruction. */
function locateForWrite(cpu: Processor, instruction: Instruction): Located {
  const at = locate(cpu, instruction, true);
  cpu.memory.probeWrite(at.linear, at.operand.size);
  recordAccess(cpu, instruction, at);
  return at;
}

function writeWords(cpu: Processor, at: Located, { low, high, top = 0 }: Words): void {
  const { memory } = cpu;
  switch (at.operand.size) {
    case 2:
      memory.write16(at.linear, low & 0xffff);
      return;
    case 4:
      memory.write32(at.linear, low >>> 0);
      return;
    case 8:
      memory.write32(at.linear, low >>> 0);
      memory.write32(after(at.linear, 4), high >>> 0);
      return;
    default:
      writeBytes10(cpu, at.linear, { low, high, top });
  }
}

/** FST and FSTP. */
function storeReal(pops: boolean): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    if (isMemoryForm(instruction)) {
      const operand = instruction.operands[0];
      const size = operand.kind === 'memory' ? operand.size : 0;
      const convert = size === 4 ? singleOf : size === 8 ? toDouble : extendedOf;
      store(cpu, instruction, convert, pops);
      return;
    }
    recordInstruction(cpu, instruction);
    copyTo(cpu.state, instruction.modrm & 7, pops, instruction.opcode !== FSTPNCE);
  });
}

function singleOf(context: Context, x: Float80): Words {
  return { low: toSingle(context, x), high: 0 };
}
function extendedOf(_: Context, x: Float80): Words {
  return toBytes10(x);
}

/** First byte of FSTP1, which processors also call FSTPNCE: it pops an empty register without an exception. */
const FSTPNCE = 0xd9;

/** FST ST(i): any contents are copied as they are. */
function copyTo(state: CpuState, i: number, pops: boolean, checks: boolean): void {
  if (isEmpty(state, 0)) {
    if (checks && !stackFault(state, 'underflow')) return;
    if (checks) writeRegister(state, i, indefinite());
    else setConditions(state, STATUS.C1, 0);
  } else {
    setConditions(state, STATUS.C1, 0);
    writeRegister(state, i, readRegister(state, 0));
  }
  if (pops) pop(state);
}

/** FIST, FISTP and FISTTP. */
function storeInteger(pops: boolean, chop: boolean): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    const operand = instruction.operands[0];
    const size = operand.kind === 'memory' ? operand.size : 0;
    const bits = size === 2 ? 16 : size === 4 ? 32 : 64;
    store(cpu, instruction, (context, x) => toInteger(context, x, bits, chop), pops);
  });
}

const fbstp = waiting((cpu, instruction) => store(cpu, instruction, toBcd, true));

const fxch = waiting((cpu, instruction) => {
  recordInstruction(cpu, instruction);
  const { state } = cpu;
  const i = instruction.modrm & 7;
  const emptyTop = isEmpty(state, 0);
  const emptyOther = isEmpty(state, i);
  let x = readRegister(state, 0);
  let y = readRegister(state, i);
  if (emptyTop || emptyOther) {
    if (!stackFault(state, 'underflow')) return;
    if (emptyTop) x = indefinite();
    if (emptyOther) y = indefinite();
  } else {
    setConditions(state, STATUS.C1, 0);
  }
  writeRegister(state, 0, y);
  writeRegister(state, i, x);
});

/** A constant of 67 bits or more, rounded as RC says (SDM vol. 1, 8.3.8); #P is not raised. */
function constant(
  exponent: number,
  high: number,
  low: number,
  extra: number,
): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    const context = new Context(controlWord(cpu.state));
    const x = round(context, EXTENDED, 0, exponent, high | 0, low | 0, extra | 0);
    load(cpu.state, new Context(controlWord(cpu.state)), x);
  });
}

function exactConstant(x: Float80): TypescriptInstruction {
  return waiting((cpu, instruction) => {
    recordInstruction(cpu, instruction);
    load(cpu.state, new Context(controlWord(cpu.state)), x);
  });
}

// prettier-ignore
export const x87Transfer = {
  fld,  fst: storeReal(false),  fstp: storeReal(true),
  fild, fist: storeInteger(false, false), fistp: storeInteger(true, false), fisttp: storeInteger(true, true),
  fbld, fbstp,
  fxch,
  fld1: exactConstant(one(0)),
  fldz: exactConstant(zero(0)),
  //               exponent  significand, and what follows it
  fldl2t: constant(0x4000, 0xd49a784b, 0xcd1b8afe, 0x492bf6ff), // log2 10
  fldl2e: constant(0x3fff, 0xb8aa3b29, 0x5c17f0bb, 0xbe87fed0), // log2 e
  fldpi:  constant(0x4000, 0xc90fdaa2, 0x2168c234, 0xc4c6628b),
  fldlg2: constant(0x3ffd, 0x9a209a84, 0xfbcff798, 0x8f8959ac), // log10 2
  fldln2: constant(0x3ffe, 0xb17217f7, 0xd1cf79ab, 0xc9e3b398), // ln 2
} as const satisfies Record<string, TypescriptInstruction>;
