/**
 * The operand letters of the opcode tables (SDM vol. 2, appendix A.2), each compiled once to the
 * function that reads such an operand.
 *
 *   A  far pointer in the instruction     M  ModRM, memory only            S  segment register, reg
 *   C  control register, reg              N  MMX register, r/m only        U  XMM register, r/m only
 *   D  debug register, reg                O  offset without ModRM          V  XMM register, reg
 *   E  general register or memory, r/m    P  MMX register, reg             W  XMM register or memory
 *   G  general register, reg              Q  MMX register or memory        X  memory at DS:(E)SI
 *   I  immediate                          R  general register, r/m,        Y  memory at ES:(E)DI
 *   J  relative branch target                whatever mod says             Z  general register, opcode
 *
 *   b w d q   1, 2, 4, 8 bytes            a  two words or doublewords      s  6-byte pseudo-descriptor
 *   v z       2 or 4 by operand size      p  far pointer, 4 or 6 bytes     dq ps pd  16 bytes
 *   ss sd     4 and 8 bytes of 16         pi 8 bytes                       (none) only the address counts
 *
 * Ibs is an imm8 sign-extended to the operand size. Names in capitals are fixed registers (eAX: by
 * operand size); STi is the stack register of r/m; m32fp and the like are x87 memory operands.
 */
import { SEGMENT } from '../layout.ts';
import type { InstructionReader } from './instruction-reader.ts';
import type { ImmediateOperand, MemoryOperand, Operand, OperandSize, RegisterOperand } from './instruction.ts'; // prettier-ignore

/** Reads one operand; null where the SDM calls the encoding invalid. */
export type OperandReader = (reader: InstructionReader, opcode: number) => Operand | null;

type Size = OperandSize | 0;
type Sizes = readonly [operandSize2: Size, operandSize4: Size];

// prettier-ignore
const TYPES = {
  b: [1, 1],    w: [2, 2],    d: [4, 4],    q: [8, 8],    v: [2, 4],    z: [2, 4],
  p: [4, 6],    a: [4, 8],    s: [6, 6],    ss: [4, 4],   sd: [8, 8],   pi: [8, 8],
  dq: [16, 16], ps: [16, 16], pd: [16, 16], '': [0, 0],
} as const satisfies Record<string, Sizes>;

// prettier-ignore
const X87_MEMORY = {
  m32fp: [4, 4],   m64fp: [8, 8],    m80fp: [10, 10],  m16int: [2, 2],  m32int: [4, 4],
  m64int: [8, 8],  m80bcd: [10, 10], m2byte: [2, 2],   'm14/28byte': [14, 28],
  'm94/108byte': [94, 108],          m512byte: [512, 512],
} as const satisfies Record<string, Sizes>;

/** Every register operand exists once. */
function registers(file: RegisterOperand['file'], size: OperandSize, count = 8) {
  return Array.from({ length: count }, (_, number): RegisterOperand =>
    Object.freeze({ kind: 'register', file, number, size }),
  );
}

const GENERAL = { 1: registers('gpr', 1), 2: registers('gpr', 2), 4: registers('gpr', 4) } as const;
const SEGMENTS = registers('segment', 2, 6);
const CONTROL = registers('control', 4);
const DEBUG = registers('debug', 4);
const X87 = registers('x87', 10);
const MMX = registers('mmx', 8);
const XMM = registers('xmm', 16);

/** Control registers that exist outside 64-bit mode. */
const CONTROL_NUMBERS: readonly number[] = [0, 2, 3, 4];

const ONE: ImmediateOperand = Object.freeze({ kind: 'immediate', value: 1, size: 1 });

// prettier-ignore
const FIXED: Readonly<Record<string, Operand>> = {
  AL: GENERAL[1][0], CL: GENERAL[1][1], AX: GENERAL[2][0], DX: GENERAL[2][2],
  ES: SEGMENTS[SEGMENT.ES], CS: SEGMENTS[SEGMENT.CS], SS: SEGMENTS[SEGMENT.SS],
  DS: SEGMENTS[SEGMENT.DS], FS: SEGMENTS[SEGMENT.FS], GS: SEGMENTS[SEGMENT.GS],
  ST0: X87[0], '1': ONE,
};

/** By operand size; the position is the register's number. */
const FIXED_BY_SIZE = ['eAX', 'eCX', 'eDX', 'eBX', 'eSP', 'eBP', 'eSI', 'eDI'] as const;

/** General registers of 1, 2 or 4 bytes at operand sizes 2 and 4. */
function generalBySize(sizes: Sizes): readonly [readonly Operand[], readonly Operand[]] {
  return [GENERAL[registerSize(sizes[0])], GENERAL[registerSize(sizes[1])]];
}

function registerSize(size: Size): 1 | 2 | 4 {
  if (size !== 1 && size !== 2 && size !== 4) throw new Error(`no register of ${size} bytes`);
  return size;
}

function sizeOf(reader: InstructionReader, sizes: Sizes): Size {
  return reader.operandSize === 2 ? sizes[0] : sizes[1];
}

/** XMM or MMX register, or as much memory as the type says. */
function vectorReader(file: readonly Operand[], sizes: Sizes): OperandReader {
  return (reader) =>
    reader.isRegisterForm ? file[reader.rm] : reader.readMemory(sizeOf(reader, sizes));
}

function generalReader(field: 'reg' | 'rm', sizes: Sizes): OperandReader {
  const [at2, at4] = generalBySize(sizes);
  if (field === 'reg') return (reader) => (reader.operandSize === 2 ? at2 : at4)[reader.reg];
  return (reader) => (reader.operandSize === 2 ? at2 : at4)[reader.rm];
}

function generalOrMemoryReader(registerSizes: Sizes, memorySizes: Sizes): OperandReader {
  const [at2, at4] = generalBySize(registerSizes);
  return (reader) =>
    reader.isRegisterForm
      ? (reader.operandSize === 2 ? at2 : at4)[reader.rm]
      : reader.readMemory(sizeOf(reader, memorySizes));
}

function immediateReader(sizes: Sizes): OperandReader {
  return (reader) => {
    const size = registerSize(sizeOf(reader, sizes));
    const value = readImmediate(reader, size);
    return { kind: 'immediate', value, size };
  };
}

function readImmediate(reader: InstructionReader, size: 1 | 2 | 4): number {
  if (size === 1) return reader.readUnsigned8();
  return size === 2 ? reader.readUnsigned16() : reader.readSigned32();
}

function relativeReader(sizes: Sizes): OperandReader {
  return (reader) => {
    const displacement =
      sizeOf(reader, sizes) === 1
        ? reader.readSigned8()
        : reader.operandSize === 2
          ? reader.readSigned16()
          : reader.readSigned32();
    const target = reader.eip + reader.length + displacement;
    return { kind: 'relative', target: reader.operandSize === 2 ? target & 0xffff : target >>> 0 };
  };
}

function readFarPointer(reader: InstructionReader): Operand {
  const offset = reader.operandSize === 2 ? reader.readUnsigned16() : reader.readSigned32() >>> 0;
  return { kind: 'far', selector: reader.readUnsigned16(), offset };
}

/** Memory at a register without ModRM, of string instructions. */
function stringReader(base: number, overridable: boolean, sizes: Sizes): OperandReader {
  return (reader): MemoryOperand => ({
    kind: 'memory',
    segment: overridable ? reader.dataSegment : SEGMENT.ES,
    base,
    index: -1,
    scale: 0,
    displacement: 0,
    addressSize: reader.addressSize,
    size: sizeOf(reader, sizes),
  });
}

function offsetReader(sizes: Sizes): OperandReader {
  return (reader): MemoryOperand => ({
    kind: 'memory',
    segment: reader.dataSegment,
    base: -1,
    index: -1,
    scale: 0,
    displacement: reader.addressSize === 2 ? reader.readSigned16() : reader.readSigned32(),
    addressSize: reader.addressSize,
    size: sizeOf(reader, sizes),
  });
}

const METHODS: Readonly<Record<string, (sizes: Sizes) => OperandReader>> = {
  A: () => readFarPointer,
  C: () => (reader) => (CONTROL_NUMBERS.includes(reader.reg) ? CONTROL[reader.reg] : null),
  D: () => (reader) => DEBUG[reader.reg],
  E: (sizes) => generalOrMemoryReader(sizes, sizes),
  G: (sizes) => generalReader('reg', sizes),
  I: immediateReader,
  J: relativeReader,
  M: (sizes) => (reader) => reader.readMemory(sizeOf(reader, sizes)),
  N: () => (reader) => MMX[reader.rm],
  O: offsetReader,
  P: () => (reader) => MMX[reader.reg],
  Q: (sizes) => vectorReader(MMX, sizes),
  R: (sizes) => generalReader('rm', sizes),
  S: () => (reader) => SEGMENTS[reader.reg] ?? null,
  U: () => (reader) => XMM[reader.rm],
  V: () => (reader) => XMM[reader.reg],
  W: (sizes) => vectorReader(XMM, sizes),
  X: (sizes) => stringReader(6, true, sizes),
  Y: (sizes) => stringReader(7, false, sizes),
  Z: (sizes) => {
    const [at2, at4] = generalBySize(sizes);
    return (reader, opcode) => (reader.operandSize === 2 ? at2 : at4)[opcode & 7];
  },
};

/** "Rv/Mw": a register by operand size, but always as many bytes of memory. */
const REGISTER_OR_MEMORY = /^R([a-z]+)\/M([a-z]+)$/;

/**
 * The reader of one operand code ("Eb", "eAX", "m32fp").
 * @throws Error if the tables use a code that this file does not know.
 */
export function operandReader(code: string): OperandReader {
  const fixed = FIXED[code];
  if (fixed !== undefined) return () => fixed;
  const bySize = (FIXED_BY_SIZE as readonly string[]).indexOf(code);
  if (bySize >= 0) return (reader) => GENERAL[reader.operandSize][bySize];
  if (code === 'STi') return (reader) => X87[reader.rm];
  if (code === 'Ibs') return readSignExtended8;
  const memory = own(X87_MEMORY, code);
  if (memory !== undefined) return (reader) => reader.readMemory(sizeOf(reader, memory));
  const either = REGISTER_OR_MEMORY.exec(code);
  if (either !== null)
    return generalOrMemoryReader(typeOf(either[1], code), typeOf(either[2], code));
  const method = own(METHODS, code.slice(0, 1));
  if (method === undefined) throw new Error(`unknown operand code ${code}`);
  return method(typeOf(code.slice(1), code));
}

/** True if the operand comes from ModRM. */
export function usesModrm(code: string): boolean {
  return /^[CDEGMNPQRSUVWm]/.test(code) ? FIXED[code] === undefined : code === 'STi';
}

/** Whether the operand exists only with mod = 3 or only without. */
export function formOf(code: string): 'memory' | 'register' | 'both' {
  if (/^[Mm]/.test(code)) return 'memory';
  return /^[NU]/.test(code) ? 'register' : 'both';
}

function readSignExtended8(reader: InstructionReader): ImmediateOperand {
  return { kind: 'immediate', value: reader.readSigned8(), size: reader.operandSize };
}

function typeOf(type: string | undefined, code: string): Sizes {
  const sizes = type === undefined ? undefined : own(TYPES, type);
  if (sizes === undefined) throw new Error(`unknown operand type in ${code}`);
  return sizes;
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
