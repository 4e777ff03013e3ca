/**
 * What debugging information tells about a guest's program beside its lines: functions, what was inlined
 * into them, variables with where they are, types by name. Every file of symbols that has some is one of
 * these; all addresses are those that the file was linked to (guest-image.ts knows how far it has moved).
 */
import type { CType, FunctionType } from './c-types.ts';
import type { GuestImage } from './guest-image.ts';
import type { CodeRange, SourceLine } from './line-list.ts';

export interface DebugInformation {
  readonly image: GuestImage;
  /** Functions of this name with code of their own; several where files have static ones. */
  functions(name: string): readonly FunctionScope[];
  /**
   * Scopes that an address lies in, innermost first: blocks and inlined functions, and the function
   * that holds them last. Empty outside functions.
   */
  scopesAt(address: number): readonly CodeScope[];
  /** A variable with static storage: the one that everybody sees, else of the unit of `address`, else any. */
  variable(name: string, address?: number): Variable | null;
  /** The call that returns to an address; null where the file does not tell of one. */
  callAt(returnAddress: number): CallSite | null;
  /**
   * What the function that is entered at an address may leave by a jump to (tail calls); null where the
   * file does not tell.
   */
  tailCallsOf(entry: number): readonly Callee[] | null;
  /** All variables with static storage of the unit of an address, in the order of the source. */
  variablesOfUnit(address: number): readonly Variable[];
  /** "struct task_struct", "union thread_union", "enum zone_type", "pgd_t", "unsigned long"; complete where one is. */
  type(name: string): CType | null;
  /** An enumerator, of any enumeration. */
  enumerator(name: string): bigint | null;
  /** Names that begin so, for completion: of functions, variables and typedefs. */
  namesFrom(prefix: string, most: number): readonly string[];
}

export type CodeScope = FunctionScope | InlinedScope | BlockScope;

interface Scope {
  readonly ranges: readonly CodeRange[];
  /** Declared directly in this scope, in the order of the source, parameters first. */
  readonly variables: readonly Variable[];
}

export interface FunctionScope extends Scope {
  readonly kind: 'function';
  readonly name: string;
  /** Where it is entered. */
  readonly entry: number;
  readonly declared: SourceLine | null;
  readonly type: FunctionType;
  /**
   * Compiled without optimization: its variables are where they are said to be only behind the code that
   * makes its frame.
   */
  readonly hasPrologue: boolean;
}

/** A function that was put into another one at a call (DW_TAG_inlined_subroutine). */
export interface InlinedScope extends Scope {
  readonly kind: 'inlined';
  readonly name: string;
  readonly declared: SourceLine | null;
  /** The call, in the function around it. */
  readonly call: SourceLine | null;
}

export interface BlockScope extends Scope {
  readonly kind: 'block';
}

export interface Variable {
  readonly name: string;
  readonly isParameter: boolean;
  readonly type: CType;
  readonly declared: SourceLine | null;
  /**
   * How its place or value is computed while execution is at an address (DWARF 5, 2.6), null where it has
   * none there: it was optimized out.
   */
  locationAt(address: number): Location | null;
}

export interface Location {
  /** A DWARF expression (2.5), its addresses as linked. */
  readonly operations: Uint8Array;
  /** DW_AT_frame_base of the function around, for DW_OP_fbreg. */
  readonly frameBase: Uint8Array | null;
  /** The type that an operation names (2.5.1.1, DW_OP_convert and its like) by its place in the unit. */
  readonly typeAt?: ((place: number) => CType) | undefined;
  /** Set instead of operations for one with a constant value (DW_AT_const_value). */
  readonly constant: bigint | Uint8Array | null;
}

/** A call as the compiler made it (DWARF 5, 3.4). */
export interface CallSite {
  readonly callee: Callee;
  /** What is known to be passed in registers. */
  readonly parameters: readonly CallParameter[];
}

export interface CallParameter {
  /** DWARF's number. */
  readonly register: number;
  /** Computes what was in the register when the function was entered, in the frame of the caller. */
  readonly value: Location;
}

/**
 * What a call leads to: a function of the file, by where it is entered (several where it was compiled
 * several times); a function of another file, by its name; or what an expression in the frame of the
 * caller computes, null where nobody knows.
 */
export type Callee =
  | { readonly kind: 'functions'; readonly entries: readonly number[] }
  | { readonly kind: 'external'; readonly name: string }
  | { readonly kind: 'computed'; readonly target: Location | null };
