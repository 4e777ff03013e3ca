/**
 * A small WebAssembly assembler (WebAssembly Core Specification 2.0, chapter 5 "Binary format"):
 * function bodies instruction by instruction, and the module around them. Labels are the nesting depth
 * at which a block was opened, so that a branch names its target wherever it stands. Only what the
 * emulator emits is here.
 */

export const I32 = 0x7f;
export const I64 = 0x7e;
const VOID = 0x40;

export type ValueType = typeof I32 | typeof I64;
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
  #memory(opcode: number, offset: number): this {
    this.#code.byte(opcode);
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
    sink.unsigned(parts.table.length);
  });
  const exported = parts.functions.flatMap((item, at) =>
    item.export === undefined ? [] : [{ name: item.export, index: parts.imports.length + at }],
  );
  section(7, (sink) => {
    sink.unsigned(exported.length);
    for (const { name, index } of exported) {
      sink.name(name);
      sink.byte(0);
      sink.unsigned(index);
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
