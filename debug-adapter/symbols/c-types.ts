/**
 * Types of a guest's program, as its debugging information describes them (DWARF 5, chapter 5), in the
 * terms of C. Whoever asks for a member or a target gets it read then: a kernel's types are a graph of
 * tens of thousands with circles, so every `target`, `element` and `members` may be a getter, and two
 * objects can stand for one type.
 */

export type CType =
  | BaseType
  | PointerType
  | ArrayType
  | StructType
  | EnumType
  | TypedefType
  | QualifiedType
  | FunctionType
  | VoidType;

export interface BaseType {
  readonly kind: 'base';
  /** "long unsigned int", as the compiler names it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly encoding: 'boolean' | 'signed' | 'unsigned' | 'character' | 'float' | 'other';
  /** Of a character and of integers: whether values are below zero too. */
  readonly signed: boolean;
}

export interface PointerType {
  readonly kind: 'pointer';
  readonly size: number;
  readonly target: CType;
}

export interface ArrayType {
  readonly kind: 'array';
  /** Of an array of arrays: an array. */
  readonly element: CType;
  /** Null for a flexible array, whose length nobody says. */
  readonly count: number | null;
}

export interface StructType {
  readonly kind: 'struct' | 'union' | 'class';
  /** Without "struct"; null for one without a name. */
  readonly name: string | null;
  readonly size: number;
  /** Only declared in this unit: its members are not known here. */
  readonly isDeclaration: boolean;
  readonly members: readonly Member[];
}

export interface Member {
  /** Null for an anonymous struct or union, whose members count as those of the whole. */
  readonly name: string | null;
  readonly type: CType;
  /** Bytes from the start of the whole; of a bit-field, of the storage unit that `bits` counts in. */
  readonly offset: number;
  /** Of a bit-field: its lowest bit, from bit 0 of the byte at `offset`, and how many. */
  readonly bits: { readonly first: number; readonly count: number } | null;
}

export interface EnumType {
  readonly kind: 'enum';
  readonly name: string | null;
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

export interface TypedefType {
  readonly kind: 'typedef';
  readonly name: string;
  readonly target: CType;
}

export interface QualifiedType {
  readonly kind: 'qualified';
  readonly qualifier: 'const' | 'volatile' | 'restrict' | 'atomic';
  readonly target: CType;
}

export interface FunctionType {
  readonly kind: 'function';
  readonly result: CType;
  readonly parameters: readonly CType[];
  readonly isVariadic: boolean;
}

export interface VoidType {
  readonly kind: 'void';
}
