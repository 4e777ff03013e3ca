/**
 * A small WebAssembly assembler (WebAssembly Core Specification 2.0, chapter 5 "Binary format"):
 * function bodies instruction by instruction, and the module around them. Labels are the nesting depth
 * at which a block was opened, so that a branch names its target wherever it stands. Only what the
 * emulator emits is here.
 */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
const VOID = 0x40;

export type ValueType = typeof I32 | typeof I64 | typeof V128;
/** Returned by block(), loop() and if(); the argument of br(). */
export type Label = number & { readonly label: unique symbol };
/** Index of a local. */
export type Local = number & { readonly local: unique symbol };

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Instructions without immediates, by the name of the method that emits them. */
// prettier-ignore
const PLAIN = {
  eqz: 0x45, eq: 0x46, ne: 0x47, ltS: 0x48, ltU: 0x49, gtS: 0x4a, gtU: 0x4b, leS: 0x4c, leU: 0x4d, geS: 0x4e, geU: 0x4f,
  eqz64: 0x50, eq64: 0x51, ne64: 0x52, ltS64: 0x53, ltU64: 0x54, gtS64: 0x55, gtU64: 0x56, geU64: 0x5a,
  clz: 0x67, ctz: 0x68, popcnt: 0x69, add: 0x6a, sub: 0x6b, mul: 0x6c, divS: 0x6d, divU: 0x6e, remS: 0x6f, remU: 0x70,
  and: 0x71, or: 0x72, xor: 0x73, shl: 0x74, shrS: 0x75, shrU: 0x76, rotl: 0x77, rotr: 0x78,
  add64: 0x7c, sub64: 0x7d, mul64: 0x7e, divS64: 0x7f, divU64: 0x80, remS64: 0x81, remU64: 0x82, and64: 0x83, or64: 0x84, xor64: 0x85, shl64: 0x86, shrS64: 0x87, shrU64: 0x88,
  wrap: 0xa7, extendS: 0xac, extendU: 0xad, extend8S: 0xc0, extend16S: 0xc1,
  unreachable: 0x00, return: 0x0f, drop: 0x1a, select: 0x1b,
} as const;

export type PlainInstruction = keyof typeof PLAIN;

/** Vector instructions without immediates (5.4.8), by their names with the shape in front. */
// prettier-ignore
const VECTOR = {
  i8x16Swizzle: 0x0e, i8x16Splat: 0x0f, i16x8Splat: 0x10, i32x4Splat: 0x11, i64x2Splat: 0x12,
  i8x16Eq: 0x23, i8x16GtS: 0x27, i16x8Eq: 0x2d, i16x8GtS: 0x31, i32x4Eq: 0x37, i32x4GtS: 0x3b,
  v128And: 0x4e, v128AndNot: 0x4f, v128Or: 0x50, v128Xor: 0x51,
  i8x16Bitmask: 0x64, i8x16NarrowI16x8S: 0x65, i8x16NarrowI16x8U: 0x66,
  i8x16Add: 0x6e, i8x16AddSatS: 0x6f, i8x16AddSatU: 0x70, i8x16Sub: 0x71, i8x16SubSatS: 0x72, i8x16SubSatU: 0x73,
  i8x16MinU: 0x77, i8x16MaxU: 0x79, i8x16AvgrU: 0x7b, i16x8ExtaddPairwiseI8x16U: 0x7d, i32x4ExtaddPairwiseI16x8U: 0x7f,
  i16x8NarrowI32x4S: 0x85, i16x8Shl: 0x8b, i16x8ShrS: 0x8c, i16x8ShrU: 0x8d,
  i16x8Add: 0x8e, i16x8AddSatS: 0x8f, i16x8AddSatU: 0x90, i16x8Sub: 0x91, i16x8SubSatS: 0x92, i16x8SubSatU: 0x93,
  i16x8Mul: 0x95, i16x8MinS: 0x96, i16x8MaxS: 0x98, i16x8AvgrU: 0x9b,
  i32x4Bitmask: 0xa4, i32x4Shl: 0xab, i32x4ShrS: 0xac, i32x4ShrU: 0xad, i32x4Add: 0xae, i32x4Sub: 0xb1, i32x4Mul: 0xb5,
  i32x4DotI16x8S: 0xba, i32x4ExtmulLowI16x8S: 0xbc, i32x4ExtmulHighI16x8S: 0xbd, i32x4ExtmulLowI16x8U: 0xbe, i32x4ExtmulHighI16x8U: 0xbf,
  i64x2Bitmask: 0xc4, i64x2Shl: 0xcb, i64x2ShrU: 0xcd, i64x2Add: 0xce, i64x2Sub: 0xd1, i64x2Mul: 0xd5, i64x2ExtmulLowI32x4U: 0xde,
  v128Bitselect: 0x52, i32x4AllTrue: 0xa3,
  f32x4Eq: 0x41, f32x4Lt: 0x43, f32x4Gt: 0x44, f32x4Le: 0x45, f32x4Ge: 0x46, f64x2Eq: 0x47, f64x2Lt: 0x49, f64x2Gt: 0x4a, f64x2Le: 0x4b, f64x2Ge: 0x4c,
  f32x4DemoteF64x2Zero: 0x5e, f64x2PromoteLowF32x4: 0x5f, f32x4Nearest: 0x6a, f64x2Nearest: 0x94,
  f32x4Abs: 0xe0, f32x4Sqrt: 0xe3, f32x4Add: 0xe4, f32x4Sub: 0xe5, f32x4Mul: 0xe6, f32x4Div: 0xe7, f32x4Pmin: 0xea, f32x4Pmax: 0xeb,
  f64x2Abs: 0xec, f64x2Sqrt: 0xef, f64x2Add: 0xf0, f64x2Sub: 0xf1, f64x2Mul: 0xf2, f64x2Div: 0xf3, f64x2Pmin: 0xf6, f64x2Pmax: 0xf7,
  i32x4TruncSatF32x4S: 0xf8, f32x4ConvertI32x4S: 0xfa, i32x4TruncSatF64x2SZero: 0xfc, f64x2ConvertLowI32x4S: 0xfe,
} as const;

export type VectorInstruction = keyof typeof VECTOR;

class ByteSink {
  bytes = new Uint8Array(256);
  length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(this.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = value;
  }
  append(bytes: Uint8Array): void {
    for (const byte of bytes) this.byte(byte);
  }
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }
  name(text: string): void {
    this.unsigned(text.length);
    for (let at = 0; at < text.length; at++) this.byte(text.charCodeAt(at));
  }
  result(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Body of one function. Methods return the body, so that a sequence reads as one line of stack code. */
export class FunctionBody {
  readonly #code = new ByteSink();
  readonly #locals: ValueType[] = [];
  readonly #parameters: number;
  #depth = 0;

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  local(type: ValueType = I32): Local {
    this.#locals.push(type);
    return (this.#parameters + this.#locals.length - 1) as Local;
  }
  parameter(index: number): Local {
    return index as Local;
  }

  op(name: PlainInstruction): this {
    this.#code.byte(PLAIN[name]);
    return this;
  }
  i32(value: number): this {
    this.#code.byte(0x41);
    this.#code.signed(value);
    return this;
  }
  i64(value: bigint): this {
    this.#code.byte(0x42);
    this.#code.signed64(value);
    return this;
  }
  get(local: Local): this {
    return this.#indexed(0x20, local);
  }
  set(local: Local): this {
    return this.#indexed(0x21, local);
  }
  tee(local: Local): this {
    return this.#indexed(0x22, local);
  }
  /** Loads and stores; alignment hints are the smallest, guest accesses may be misaligned. */
  load(offset: number): this {
    return this.#memory(0x28, offset);
  }
  load8U(offset: number): this {
    return this.#memory(0x2d, offset);
  }
  load16U(offset: number): this {
    return this.#memory(0x2f, offset);
  }
  load64(offset: number): this {
    return this.#memory(0x29, offset);
  }
  store(offset: number): this {
    return this.#memory(0x36, offset);
  }
  store8(offset: number): this {
    return this.#memory(0x3a, offset);
  }
  store16(offset: number): this {
    return this.#memory(0x3b, offset);
  }
  store64(offset: number): this {
    return this.#memory(0x37, offset);
  }
  /** Vector instructions. */
  vector(name: VectorInstruction): this {
    return this.#prefixed(VECTOR[name]);
  }
  /** v128.const, lowest byte first. */
  v128(bytes: readonly number[]): this {
    this.#prefixed(0x0c);
    return this.#sixteen(bytes);
  }
  /** i8x16.shuffle: each byte names one of the 32 bytes of both operands. */
  shuffle(bytes: readonly number[]): this {
    this.#prefixed(0x0d);
    return this.#sixteen(bytes);
  }
  /** i64x2.extract_lane. */
  extract64(lane: 0 | 1): this {
    this.#prefixed(0x1d);
    this.#code.byte(lane);
    return this;
  }
  load128(offset: number): this {
    return this.#prefixed(0x00).#memoryArgument(offset);
  }
  /** v128.load32_zero, v128.load64_zero: the rest of the vector is zero. */
  load32Zero(offset: number): this {
    return this.#prefixed(0x5c).#memoryArgument(offset);
  }
  load64Zero(offset: number): this {
    return this.#prefixed(0x5d).#memoryArgument(offset);
  }
  store128(offset: number): this {
    return this.#prefixed(0x0b).#memoryArgument(offset);
  }
  /** v128.store64_lane, lane 0. */
  store64Lane(offset: number): this {
    this.#prefixed(0x5b).#memoryArgument(offset);
    this.#code.byte(0);
    return this;
  }
  /** memory.copy: destination, source, length on the stack. */
  copy(): this {
    for (const byte of [0xfc, 10, 0, 0]) this.#code.byte(byte);
    return this;
  }
  /** memory.fill: destination, value, length on the stack. */
  fill(): this {
    for (const byte of [0xfc, 11, 0]) this.#code.byte(byte);
    return this;
  }

  block(result?: ValueType): Label {
    return this.#open(0x02, result);
  }
  loop(): Label {
    return this.#open(0x03, undefined);
  }
  if(result?: ValueType): Label {
    return this.#open(0x04, result);
  }
  else(): this {
    this.#code.byte(0x05);
    return this;
  }
  end(): this {
    this.#code.byte(0x0b);
    this.#depth--;
    return this;
  }
  br(label: Label): this {
    return this.#indexed(0x0c, this.#depth - label);
  }
  brIf(label: Label): this {
    return this.#indexed(0x0d, this.#depth - label);
  }
  brTable(labels: readonly Label[], otherwise: Label): this {
    this.#indexed(0x0e, labels.length);
    for (const label of labels) this.#code.unsigned(this.#depth - label);
    this.#code.unsigned(this.#depth - otherwise);
    return this;
  }
  call(functionIndex: number): this {
    return this.#indexed(0x10, functionIndex);
  }
  callIndirect(typeIndex: number): this {
    this.#indexed(0x11, typeIndex);
    this.#code.byte(0);
    return this;
  }

  #open(opcode: number, result: ValueType | undefined): Label {
    this.#code.byte(opcode);
    this.#code.byte(result ?? VOID);
    return ++this.#depth as Label;
  }
  #indexed(opcode: number, index: number): this {
    this.#code.byte(opcode);
    this.#code.unsigned(index);
    return this;
  }
  #prefixed(opcode: number): this {
    return this.#indexed(0xfd, opcode);
  }
  #sixteen(bytes: readonly number[]): this {
    if (bytes.length !== 16) throw new RangeError('a vector has 16 bytes');
    for (const byte of bytes) this.#code.byte(byte & 0xff);
    return this;
  }
  #memory(opcode: number, offset: number): this {
    this.#code.byte(opcode);
    return this.#memoryArgument(offset);
  }
  #memoryArgument(offset: number): this {
    this.#code.byte(0);
    this.#code.unsigned(offset);
    return this;
  }

  /** The code entry: size, locals, code. */
  encode(): Uint8Array {
    const entry = new ByteSink();
    entry.unsigned(this.#locals.length);
    for (const type of this.#locals) {
      entry.unsigned(1);
      entry.byte(type);
    }
    entry.append(this.#code.result());
    entry.byte(0x0b);
    return entry.result();
  }
}

export interface ModuleParts {
  readonly types: readonly FunctionType[];
  /** Imported functions of module "env"; they take the first function indices. */
  readonly imports: readonly { readonly name: string; readonly type: number }[];
  /** Imported memory "env.memory" in pages of 64 KiB. */
  readonly memory: { readonly pages: number; readonly shared: boolean };
  readonly functions: readonly {
    readonly type: number;
    readonly body: FunctionBody;
    readonly export?: string;
  }[];
  /** Function indices placed into the module's own table from 0. */
  readonly table: readonly number[];
  /** Further entries of the table, empty at first, and its name as an export. */
  readonly tableRoom?: { readonly entries: number; readonly export: string };
}

export function buildModule(parts: ModuleParts): Uint8Array {
  const module = new ByteSink();
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) module.byte(byte);
  const section = (id: number, write: (sink: ByteSink) => void): void => {
    const content = new ByteSink();
    write(content);
    module.byte(id);
    module.unsigned(content.length);
    module.append(content.result());
  };
  section(1, (sink) => {
    sink.unsigned(parts.types.length);
    for (const type of parts.types) {
      sink.byte(0x60);
      sink.unsigned(type.parameters.length);
      for (const value of type.parameters) sink.byte(value);
      sink.unsigned(type.results.length);
      for (const value of type.results) sink.byte(value);
    }
  });
  section(2, (sink) => {
    sink.unsigned(parts.imports.length + 1);
    for (const { name, type } of parts.imports) {
      sink.name('env');
      sink.name(name);
      sink.byte(0);
      sink.unsigned(type);
    }
    sink.name('env');
    sink.name('memory');
    sink.byte(2);
    sink.byte(parts.memory.shared ? 3 : 1);
    sink.unsigned(parts.memory.pages);
    sink.unsigned(parts.memory.pages);
  });
  section(3, (sink) => {
    sink.unsigned(parts.functions.length);
    for (const { type } of parts.functions) sink.unsigned(type);
  });
  section(4, (sink) => {
    sink.unsigned(1);
    sink.byte(0x70);
    sink.byte(0);
    sink.unsigned(parts.table.length + (parts.tableRoom?.entries ?? 0));
  });
  const exported = parts.functions.flatMap((item, at) =>
    item.export === undefined ? [] : [{ name: item.export, index: parts.imports.length + at }],
  );
  section(7, (sink) => {
    sink.unsigned(exported.length + (parts.tableRoom === undefined ? 0 : 1));
    for (const { name, index } of exported) {
      sink.name(name);
      sink.byte(0);
      sink.unsigned(index);
    }
    if (parts.tableRoom !== undefined) {
      sink.name(parts.tableRoom.export);
      sink.byte(1);
      sink.byte(0);
    }
  });
  if (parts.table.length > 0) {
    section(9, (sink) => {
      sink.unsigned(1);
      sink.unsigned(0);
      sink.byte(0x41);
      sink.signed(0);
      sink.byte(0x0b);
      sink.unsigned(parts.table.length);
      for (const index of parts.table) sink.unsigned(index);
    });
  }
  section(10, (sink) => {
    sink.unsigned(parts.functions.length);
    for (const { body } of parts.functions) {
      const entry = body.encode();
      sink.unsigned(entry.length);
      sink.append(entry);
    }
  });
  return module.result().slice();
}
