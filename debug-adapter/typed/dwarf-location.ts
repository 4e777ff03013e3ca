/**
 * DWARF expressions (DWARF 5, 2.5 and 2.6) as trees of the machine's language. The stack holds trees
 * instead of numbers, so one walk serves the frame at which the guest stands, a caller's, and a condition
 * that the machine evaluates later: where the expression branches, both ways are walked, and the tree
 * chooses between them. Not there: floating-point numbers, thread-local storage, and of entry values (2.5.1.7)
 * all but those of registers.
 */
import { type IntegerType, S32, U16, U32, U8 } from '../../emulator/expressions/integers.ts';
import { operandsOf, type Syntax } from '../../emulator/expressions/syntax.ts';
import { DwarfReader } from '../../emulator/formats/dwarf/dwarf-reader.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import type { CType } from '../symbols/c-types.ts';
import { lost, type Piece, type Storage, storageOfBytes } from './storage.ts';
import { advanced, binary, cast, constant, memoryAt } from './trees.ts';
import { integerOfType } from './types.ts';

/** Where a frame's registers come from. */
export interface FrameTrees {
  /** By DWARF's number; `name` where it is a register of the machine, to be written. Null: not known. */
  register(number: number): { readonly value: Syntax; readonly name: string | null } | null;
  /** Null where call frame information is missing. */
  cfa(): Syntax | null;
  /** What a register held when the function was entered; null where that is not known. */
  entry?(register: number): Syntax | null;
}

export interface LocationContext {
  /** Null outside all frames: only what is always at one place can be found. */
  readonly frame: FrameTrees | null;
  readonly frameBase: Uint8Array | null;
  /** Bytes by which the file has moved since it was linked. */
  readonly slide: number;
  /** Types that operations name; without it those operations are not supported. */
  readonly typeAt?: ((place: number) => CType) | undefined;
}

/** Says why a place cannot be told. */
class Lost extends Error {}

/** Operations at most: it bounds the trees that a file can make us build. */
const MOST_OPERATIONS = 500;
const DEEPEST = 4;
/** Nodes of a tree at most: what `dup` and `plus` by turns make of a few bytes has no other bound. */
const MOST_NODES = 2000;
/** Branches on one way through an expression: each doubles the ways. */
const MOST_BRANCHES = 6;

/** Where the operations say that an object lies; a piece that is lost says why. */
export function locate(operations: Uint8Array, context: LocationContext): Storage {
  try {
    return new Walk(context, 0).storage(operations);
  } catch (cause) {
    if (cause instanceof Lost) return lost(cause.message);
    if (cause instanceof FormatError) return lost('its debugging information is damaged');
    throw cause;
  }
}

/** The value that the operations compute, as for the CFA; null where it is not known. */
export function computed(operations: Uint8Array, context: LocationContext): Syntax | null {
  const [piece] = locate(operations, context);
  return piece?.kind === 'memory' ? piece.address : null;
}

/** What one place is before it is told how many bytes of the object are there. */
type Place =
  | { readonly kind: 'memory'; readonly address: Syntax }
  | { readonly kind: 'value'; readonly value: Syntax; readonly register: { readonly name: string; readonly byte: number } | null }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }; // prettier-ignore

// prettier-ignore
const BINARY: ReadonlyMap<number, string> = new Map([
  [0x1a, '&'], [0x1c, '-'], [0x1d, '%'], [0x1e, '*'], [0x21, '|'], [0x22, '+'], [0x24, '<<'], [0x25, '>>'], [0x27, '^'],
]);
/** On signed numbers. */
// prettier-ignore
const SIGNED: ReadonlyMap<number, string> = new Map([
  [0x1b, '/'], [0x26, '>>'], [0x29, '=='], [0x2a, '>='], [0x2b, '>'], [0x2c, '<='], [0x2d, '<'], [0x2e, '!='],
]);

/** An entry of the stack: its type is of 32 bits without a sign (the generic type), or one that is named. */
interface Value {
  readonly tree: Syntax;
  readonly type: IntegerType;
}

class Walk {
  private readonly context: LocationContext;
  private readonly depth: number;
  private readonly branches: number;
  private readonly stack: Value[];
  private place: Place | null = null;
  /** Sizes of the trees so far: parts of one are parts of many. */
  private readonly sizes = new WeakMap<Syntax, number>();

  constructor(context: LocationContext, depth: number, branches = 0, stack: readonly Value[] = []) {
    if (depth > DEEPEST) throw new Lost('its debugging information goes in a circle');
    this.context = context;
    this.depth = depth;
    this.branches = branches;
    this.stack = [...stack];
  }

  /** @param start where in the operations to begin */
  storage(operations: Uint8Array, start = 0): Storage {
    const reader = new DwarfReader('.debug_loclists', operations, start);
    const pieces: Piece[] = [];
    let isWhole = true;
    for (let count = 0; reader.left > 0; count++) {
      if (count > MOST_OPERATIONS) throw new Lost('its debugging information is too long');
      const operation = reader.u8();
      if (operation === 0x28 /* DW_OP_bra */)
        return [...pieces, ...this.branch(operations, reader)];
      if (operation !== 0x93 /* DW_OP_piece */) {
        this.step(operation, reader);
        continue;
      }
      isWhole = false;
      pieces.push(this.piece(reader.uleb()));
      this.stack.length = 0;
      this.place = null;
    }
    return isWhole ? wholes(this.result()) : pieces;
  }

  /** Both ways from here to the end. */
  private branch(operations: Uint8Array, reader: DwarfReader): Storage {
    if (this.branches >= MOST_BRANCHES)
      throw new Lost('its debugging information branches too often');
    const test = this.pop();
    const [no, yes] = [reader.at + 2, jumped(reader)].map((start) =>
      new Walk(this.context, this.depth, this.branches + 1, this.stack).storage(operations, start),
    );
    return chosen(test, yes ?? [], no ?? []);
  }

  private piece(bytes: number): Piece {
    if (this.place === null && this.stack.length === 0) return { kind: 'lost', bytes, reason: OUT };
    const [piece] = wholes(this.result());
    return piece === undefined ? { kind: 'lost', bytes, reason: OUT } : { ...piece, bytes };
  }

  private result(): Place {
    return this.place ?? { kind: 'memory', address: this.pop() };
  }

  private popValue(): Value {
    const value = this.stack.pop();
    if (value === undefined) throw new Lost('its debugging information is damaged');
    return value;
  }
  private pop(): Syntax {
    return this.popValue().tree;
  }
  private push(tree: Syntax, type: IntegerType = U32): void {
    if (this.sizeOf(tree) > MOST_NODES) throw new Lost('its debugging information is too long');
    this.stack.push({ tree, type });
  }
  /** How many nodes whoever walks a tree comes by. */
  private sizeOf(tree: Syntax): number {
    const known = this.sizes.get(tree);
    if (known !== undefined) return known;
    const size = operandsOf(tree).reduce((sum, operand) => sum + this.sizeOf(operand), 1);
    this.sizes.set(tree, size);
    return size;
  }
  private number(value: number): void {
    this.push(constant(value, U32));
  }

  private register(number: number): Place & { readonly kind: 'value' } {
    const { frame } = this.context;
    const found = frame?.register(number) ?? null;
    if (found === null) throw new Lost(frame === null ? NO_FRAME : NO_REGISTER);
    const { value, name } = found;
    return { kind: 'value', value, register: name === null ? null : { name, byte: 0 } };
  }

  private step(operation: number, reader: DwarfReader): void {
    const simple = BINARY.get(operation);
    const signed = SIGNED.get(operation);
    if (operation >= 0x30 && operation <= 0x4f) this.number(operation - 0x30);
    else if (operation >= 0x50 && operation <= 0x6f) this.place = this.register(operation - 0x50);
    else if (operation >= 0x70 && operation <= 0x8f)
      this.push(advanced(this.register(operation - 0x70).value, reader.sleb()));
    else if (simple !== undefined) this.operate(simple);
    else if (signed !== undefined) this.operate(signed, true);
    else this.other(operation, reader);
  }

  private operate(operator: string, isSigned = false): void {
    const right = this.pop();
    const { tree, type } = this.popValue();
    if (type.bits === 32 && !type.signed && !isSigned)
      return this.push(binary(operator, tree, right));
    // a comparison gives the generic type
    const result = isSigned && /[<>]?=|^[<>]$/.test(operator) ? U32 : type;
    const working = isSigned && type === U32 ? S32 : type;
    this.push(cast(binary(operator, cast(tree, working), cast(right, working)), result), result);
  }

  private other(operation: number, reader: DwarfReader): void {
    // prettier-ignore
    switch (operation) {
      case 0x03: /* addr */ this.number(reader.u32() + this.context.slide); break;
      case 0x06: /* deref */ this.push(memoryAt(this.pop(), U32)); break;
      case 0x08: this.number(reader.u8()); break;
      case 0x09: this.number(reader.i8()); break;
      case 0x0a: this.number(reader.u16()); break;
      case 0x0b: this.number((reader.u16() << 16) >> 16); break;
      case 0x0c: case 0x0d: this.number(reader.u32()); break;
      case 0x0e: case 0x0f: /* const8: its low half */ this.number(reader.address(8)); break;
      case 0x10: this.number(reader.uleb()); break;
      case 0x11: this.number(reader.sleb()); break;
      case 0x12: /* dup */ this.pick(0); break;
      case 0x13: /* drop */ this.pop(); break;
      case 0x14: /* over */ this.pick(1); break;
      case 0x15: this.pick(reader.u8()); break;
      case 0x16: /* swap */ this.rotate(2); break;
      case 0x17: /* rot */ this.rotate(3); break;
      case 0x19: this.absolute(); break;
      case 0x1f: /* neg */ this.unary((tree, type) => binary('-', constant(0, type), tree)); break;
      case 0x20: /* not */ this.unary((tree, type) => binary('^', tree, constant(-1, type))); break;
      case 0x23: /* plus_uconst */ this.push(advanced(this.pop(), reader.uleb())); break;
      case 0x2f: /* skip */ reader.at = jumped(reader); break;
      case 0x90: /* regx */ this.place = this.register(reader.uleb()); break;
      case 0x91: /* fbreg */ this.push(advanced(this.frameBase(), reader.sleb())); break;
      case 0x92: /* bregx */ this.push(advanced(this.register(reader.uleb()).value, reader.sleb())); break;
      case 0x94: /* deref_size */ this.push(this.sized(reader.u8())); break;
      case 0x96: case 0xf0: /* nop, GNU_uninit */ break;
      case 0x9c: this.push(this.cfa()); break;
      case 0x9e: /* implicit_value */ this.place = { kind: 'bytes', bytes: taken(reader, reader.uleb()) }; break;
      case 0x9f: /* stack_value */ this.place = { kind: 'value', value: this.pop(), register: null }; break;
      case 0xa0: case 0xf2: throw new Lost('the object that it points to has been optimized out');
      case 0xa3: case 0xf3: /* entry_value */ this.push(this.entryValue(taken(reader, reader.uleb()))); break;
      case 0x9b: case 0xe0: throw new Lost('it is thread-local');
      case 0xa4: case 0xf4: /* const_type */ this.typedConstant(reader); break;
      case 0xa5: case 0xf5: /* regval_type */ this.convert(this.register(reader.uleb()).value, reader); break;
      case 0xa6: case 0xf6: /* deref_type */ reader.u8(); this.typedMemory(reader); break;
      case 0xa8: case 0xf7: case 0xa9: case 0xf9: /* convert, reinterpret */ this.convert(this.pop(), reader); break;
      case 0xfa: throw new Lost('it is a parameter of the function at its call, which is not known');
      default: throw new Lost(`how it is computed is not supported (DW_OP 0x${operation.toString(16)})`);
    }
  }

  private unary(compute: (tree: Syntax, type: IntegerType) => Syntax): void {
    const { tree, type } = this.popValue();
    this.push(cast(compute(tree, type), type), type);
  }

  /** The type that an operation names: 0 is the generic one. */
  private named(reader: DwarfReader): IntegerType {
    const place = reader.uleb();
    if (place === 0) return U32;
    const type = this.context.typeAt?.(place);
    const integer = type === undefined ? null : integerOfType(type);
    if (integer === null) throw new Lost('it is computed with numbers that are no integers');
    return integer;
  }
  private convert(tree: Syntax, reader: DwarfReader): void {
    const type = this.named(reader);
    this.push(cast(tree, type), type);
  }
  private typedMemory(reader: DwarfReader): void {
    const type = this.named(reader);
    this.push(memoryAt(this.pop(), type), type);
  }
  private typedConstant(reader: DwarfReader): void {
    const type = this.named(reader);
    const bytes = taken(reader, reader.u8());
    const value = bytes.reduceRight((high, byte) => (high << 8n) | BigInt(byte), 0n);
    this.push(constant(value, type), type);
  }

  private pick(index: number): void {
    const value = this.stack.at(-1 - index);
    if (value === undefined) throw new Lost('its debugging information is damaged');
    this.stack.push(value);
  }
  /** The top entry goes below `count - 1` others. */
  private rotate(count: number): void {
    if (this.stack.length < count) throw new Lost('its debugging information is damaged');
    this.stack.splice(-count, 0, this.popValue());
  }
  private absolute(): void {
    this.unary((tree, type) => {
      const value = cast(tree, type === U32 ? S32 : type);
      return { kind: 'call', at: value.at, name: 'abs', operands: [value] };
    });
  }
  private sized(size: number): Syntax {
    const type = size === 1 ? U8 : size === 2 ? U16 : U32;
    return cast(memoryAt(this.pop(), type), U32);
  }

  private cfa(): Syntax {
    const { frame } = this.context;
    const cfa = frame?.cfa() ?? null;
    if (cfa === null) throw new Lost(frame === null ? NO_FRAME : 'call frame information is missing here');
    return cfa;
  } // prettier-ignore

  /** Of a register, by the operation that names it. */
  private entryValue(operations: Uint8Array): Syntax {
    const reader = new DwarfReader('.debug_loclists', operations);
    const operation = reader.u8();
    const isNumbered = operation >= 0x50 && operation <= 0x6f;
    if (!isNumbered && operation !== 0x90 /* regx */) throw new Lost(NO_ENTRY);
    const register = isNumbered ? operation - 0x50 : reader.uleb();
    const value = reader.left === 0 ? this.context.frame?.entry?.(register) : null;
    if (value === null || value === undefined) throw new Lost(NO_ENTRY);
    return value;
  }

  private frameBase(): Syntax {
    const { frameBase } = this.context;
    if (frameBase === null) throw new Lost('its function has no frame base');
    const [piece] = new Walk({ ...this.context, frameBase: null }, this.depth + 1).storage(
      frameBase,
    );
    // of a frame base in a register, that is the address
    if (piece?.kind === 'memory') return piece.address;
    if (piece?.kind === 'value') return piece.value;
    throw new Lost('its function has no frame base');
  }
}

const OUT = 'it has been optimized out';
const NO_FRAME = 'it is a local variable, and no frame is selected';
const DIFFERENT = 'its debugging information gives it different kinds of places';
const NO_ENTRY = 'it is what a register was at the call of the function, which is not known';
const NO_REGISTER = 'the register that holds it is not known in this frame';

/** Where a branch leads, which is counted from behind its operand. */
function jumped(reader: DwarfReader): number {
  const distance = (reader.u16() << 16) >> 16;
  const target = reader.at + distance;
  if (target < 0 || target > reader.end) throw new Lost('its debugging information is damaged');
  return target;
}

/** One of two places by a test, where they differ only in what is there. */
function chosen(test: Syntax, yes: Storage, no: Storage): Storage {
  if (yes.length !== no.length) throw new Lost(DIFFERENT);
  const choice = (left: Syntax, right: Syntax): Syntax => ({ kind: 'conditional', at: test.at, test, yes: left, no: right }); // prettier-ignore
  return yes.map((piece, index) => {
    const other = no[index];
    if (other === undefined || other.bytes !== piece.bytes) throw new Lost(DIFFERENT);
    if (piece.kind === 'memory' && other.kind === 'memory')
      return { ...piece, address: choice(piece.address, other.address) };
    if (piece.kind === 'value' && other.kind === 'value')
      return { ...piece, value: choice(piece.value, other.value), register: null };
    if (piece.kind === 'lost') return piece;
    if (other.kind === 'lost') return other;
    throw new Lost(DIFFERENT);
  });
}

function taken(reader: DwarfReader, count: number): Uint8Array {
  if (count > reader.left) throw new Lost('its debugging information is damaged');
  return Uint8Array.from({ length: count }, () => reader.u8());
}

/** One place that holds all of an object. */
function wholes(place: Place): Storage {
  return place.kind === 'bytes' ? storageOfBytes(place.bytes) : [{ ...place, bytes: Infinity }];
}
