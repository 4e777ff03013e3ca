/**
 * A program for tests of expressions, written down by hand: types, variables and memory as a compiler for
 * i386 lays them out (System V ABI for i386, 3.1), in the frame of one function.
 *
 *   enum state { IDLE, BUSY = 4 };
 *   struct list { struct list *next; };
 *   struct task {
 *     int pid; char comm[8]; unsigned ready : 1, level : 5; int delta : 4;      // 0, 4, 12.0, 12.1, 12.6
 *     union { unsigned long word; unsigned char half[4]; };                     // 16
 *     struct task *parent; struct list node; enum state state; long long time;  // 20, 24, 28, 32
 *     double load; short grid[2][3];                                            // 40, 48
 *   } init, *current;                                                           // 60 bytes
 *   static int work(int count, struct task *task) { unsigned char cs; { int count; } long long wide; int gone; }
 */
import type { Scope } from '../../../emulator/expressions/evaluator.ts';
import { integerOf } from '../../../emulator/expressions/evaluator.ts';
import { expressionNames, fieldNames } from '../../../emulator/debugger/expression-names.ts';
import type { BaseType, CType, Member, StructType } from '../../symbols/c-types.ts';
import type {
  CodeScope,
  DebugInformation,
  FunctionScope,
  Location,
  Variable,
} from '../../symbols/debug-information.ts';
import { GuestImage } from '../../symbols/guest-image.ts';
import { encodeText } from '../../../emulator/formats/text.ts';
import { SymbolTable } from '../../symbols/symbol-table.ts';
import type { FrameTrees } from '../dwarf-location.ts';
import { frameAt, type Surroundings } from '../program-names.ts';
import { constant } from '../trees.ts';
import { U32 } from '../../../emulator/expressions/integers.ts';

const base = (
  name: string,
  size: number,
  encoding: BaseType['encoding'],
  signed: boolean,
): BaseType => ({ kind: 'base', name, size, encoding, signed });
export const INT = base('int', 4, 'signed', true);
const UNSIGNED = base('unsigned int', 4, 'unsigned', false);
const LONG_UNSIGNED = base('long unsigned int', 4, 'unsigned', false);
const CHAR = base('char', 1, 'character', true);
const UCHAR = base('unsigned char', 1, 'character', false);
const SHORT = base('short int', 2, 'signed', true);
const LONG_LONG = base('long long int', 8, 'signed', true);
const DOUBLE = base('double', 8, 'float', true);
const pointer = (target: () => CType): CType => ({
  kind: 'pointer',
  size: 4,
  get target() {
    return target();
  },
});
const array = (element: CType, count: number | null): CType => ({ kind: 'array', element, count });
const member = (
  name: string | null,
  type: CType,
  offset: number,
  bits: Member['bits'] = null,
): Member => ({ name, type, offset, bits });

export const STATE: CType = {
  kind: 'enum',
  name: 'state',
  size: 4,
  signed: false,
  values: [
    { name: 'IDLE', value: 0n },
    { name: 'BUSY', value: 4n },
  ],
};
const LIST: StructType = {
  kind: 'struct',
  name: 'list',
  size: 4,
  isDeclaration: false,
  get members() {
    return [
      member(
        'next',
        pointer(() => LIST),
        0,
      ),
    ];
  },
};
const EITHER: StructType = {
  kind: 'union',
  name: null,
  size: 4,
  isDeclaration: false,
  members: [member('word', LONG_UNSIGNED, 0), member('half', array(UCHAR, 4), 0)],
};
export const TASK: StructType = {
  kind: 'struct',
  name: 'task',
  size: 60,
  isDeclaration: false,
  get members() {
    return [
      member('pid', INT, 0),
      member('comm', array(CHAR, 8), 4),
      member('ready', UNSIGNED, 12, { first: 0, count: 1 }),
      member('level', UNSIGNED, 12, { first: 1, count: 5 }),
      member('delta', INT, 12, { first: 6, count: 4 }),
      member(null, EITHER, 16),
      member(
        'parent',
        pointer(() => TASK),
        20,
      ),
      member('node', LIST, 24),
      member('state', STATE, 28),
      member('time', LONG_LONG, 32),
      member('load', DOUBLE, 40),
      member('grid', array(array(SHORT, 3), 2), 48),
    ];
  },
};
const TASK_T: CType = { kind: 'typedef', name: 'task_t', target: TASK };
const HIDDEN: CType = { kind: 'struct', name: 'hidden', size: 0, isDeclaration: true, members: [] };

export const INIT = 0x1000;
export const SECOND = 0x1100;
export const CURRENT = 0x1200;
/** CFA of the frame. */
export const CFA = 0x1400;
export const WORK = 0x2000;

const at = (
  operations: readonly number[],
  frameBase: readonly number[] | null = null,
): Location => ({
  operations: Uint8Array.from(operations),
  frameBase: frameBase && Uint8Array.from(frameBase),
  constant: null,
});
const address = (place: number): Location => at([0x03, place & 0xff, place >> 8, 0, 0]);
/** DW_OP_fbreg with DW_OP_call_frame_cfa as the frame's base. */
const inFrame = (offset: number): Location => at([0x91, offset & 0x7f], [0x9c]);
const variable = (
  name: string,
  type: CType,
  location: Location | null,
  isParameter = false,
): Variable => ({ name, type, isParameter, declared: null, locationAt: () => location });

const STATICS = [
  variable('init', TASK, address(INIT)),
  variable(
    'current',
    pointer(() => TASK_T),
    address(CURRENT),
  ),
  variable('port', INT, address(INIT)),
  variable(
    'secret',
    pointer(() => HIDDEN),
    address(CURRENT),
  ),
  variable('jiffies', LONG_UNSIGNED, null),
  variable(
    'letters',
    pointer(() => CHAR),
    address(0x1204),
  ),
  variable('tail', array(INT, null), address(0x1210)),
];
const WORK_TYPE: CType & { kind: 'function' } = {
  kind: 'function',
  result: INT,
  parameters: [INT, pointer(() => TASK)],
  isVariadic: false,
};
const RANGES = [{ start: WORK, end: WORK + 0x100 }];
const FUNCTION: FunctionScope = {
  kind: 'function',
  name: 'work',
  entry: WORK,
  hasPrologue: false,
  declared: null,
  type: WORK_TYPE,
  ranges: RANGES,
  variables: [
    variable('count', INT, inFrame(0x04), true),
    variable(
      'task',
      pointer(() => TASK),
      inFrame(0x08),
      true,
    ),
    variable('cs', UCHAR, at([0x53])), // ebx
    variable('wide', LONG_LONG, at([0x50, 0x93, 4, 0x52, 0x93, 4])), // eax and edx
    variable('gone', INT, null),
    variable('twice', INT, at([0x73, 0, 0x31, 0x24, 0x9f])), // ebx << 1
    variable('seven', INT, { ...at([]), constant: 7n }),
    variable('small', SHORT, inFrame(-8)),
    variable(
      'pair',
      {
        kind: 'struct',
        name: 'pair',
        size: 8,
        isDeclaration: false,
        members: [member('low', INT, 0), member('high', INT, 4)],
      },
      at([0x50, 0x93, 4, 0x91, 4, 0x93, 4], [0x9c]),
    ),
  ],
};
const BLOCK: CodeScope = {
  kind: 'block',
  ranges: RANGES,
  variables: [variable('count', INT, inFrame(-4))],
};
const TYPES: ReadonlyMap<string, CType> = new Map<string, CType>([
  ['struct task', TASK],
  ['task_t', TASK_T],
  ['struct list', LIST],
  ['enum state', STATE],
  ['int', INT],
  ['char', CHAR],
  ['double', DOUBLE],
  ['unsigned long', LONG_UNSIGNED],
]);
const NAMES = [...STATICS.map(({ name }) => name), 'work', 'task_t'];

export const INFORMATION: DebugInformation = {
  image: new GuestImage('sample'),
  functions: (name) => (name === 'work' ? [FUNCTION] : []),
  scopesAt: (place) => (place >= WORK && place < WORK + 0x100 ? [BLOCK, FUNCTION] : []),
  variable: (name) => STATICS.find((each) => each.name === name) ?? null,
  variablesOfUnit: () => STATICS,
  type: (name) => TYPES.get(name) ?? null,
  enumerator: (name) => (name === 'IDLE' ? 0n : name === 'BUSY' ? 4n : null),
  callAt: () => null,
  tailCallsOf: () => null,
  namesFrom: (prefix, most) => NAMES.filter((name) => name.startsWith(prefix)).slice(0, most),
};

/** Registers as in the frame; all memory from 0 to RAM.length. */
export const REGISTERS: { readonly [name: string]: number } = {
  eax: 0x11223344,
  ecx: SECOND,
  edx: 0x55667788,
  ebx: 0x41,
  esp: CFA - 0x40,
  ebp: CFA - 8,
  cs: 0x60,
};
const DWARF_NAMES = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const trees: FrameTrees = {
  register(number) {
    const name = DWARF_NAMES[number];
    return name === undefined ? null : { value: { kind: 'name', at: 0, name }, name };
  },
  cfa: () => constant(CFA, U32),
};

/** The program's memory, as its comments say; changes stay with the caller. */
export function memory(): Uint8Array {
  const bytes = new Uint8Array(0x3000);
  const view = new DataView(bytes.buffer);
  const words = (place: number, ...values: readonly number[]): void => {
    for (const [index, value] of values.entries()) view.setUint32(place + index * 4, value, true);
  };
  const text = (place: number, value: string): void => bytes.set(encodeText(value), place);
  words(INIT, 1);
  text(INIT + 4, 'swapper');
  // ready 1, level 21, delta -3
  words(INIT + 12, 1 | (21 << 1) | (13 << 6), 0x04030201, SECOND, INIT + 24, 4);
  view.setBigInt64(INIT + 32, -2n, true);
  view.setFloat64(INIT + 40, 1.5, true);
  for (let index = 0; index < 6; index++) view.setInt16(INIT + 48 + index * 2, index - 2, true);
  words(SECOND, 42);
  text(SECOND + 4, 'init');
  words(SECOND + 20, INIT);
  words(CURRENT, SECOND, 0x1300);
  text(0x1300, 'hello');
  words(CFA - 8, 0xfffb);
  words(CFA - 4, 3, 5, 9, SECOND);
  words(0x1208, 1234);
  return bytes;
}

export function scopeOf(bytes: Uint8Array): Scope {
  return {
    value: (name) => (Object.hasOwn(REGISTERS, name) ? integerOf(REGISTERS[name] ?? 0, 32) : null),
    read: (_space, start, length) => bytes.subarray(start, start + length),
    translate: (linear) => linear,
    msr: () => null,
  };
}

/** Symbols: jiffies, which is declared alone, and one of an assembler's. */
export const SYMBOLS = new SymbolTable([
  {
    image: INFORMATION.image,
    symbols: [
      { name: 'jiffies', address: 0x1208, size: 4 },
      { name: 'work', address: WORK, size: 0x100 },
      { name: 'entry.cold', address: 0x2800, size: 0 },
    ],
  },
]);

/** Where expressions stand: in work(), or nowhere. */
export function surroundings(inFrameOfWork = true): Surroundings {
  return {
    information: [INFORMATION],
    symbols: SYMBOLS,
    machine: expressionNames(fieldNames()),
    constants: new Map(),
    frame: inFrameOfWork ? frameAt(WORK + 0x10, trees, [INFORMATION]) : null,
  };
}
