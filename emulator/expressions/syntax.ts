/**
 * What an expression of a debugger is: the tree that the parser makes of a text. It is plain data, so
 * that the adapter can parse, put symbols in and send it to the machine, which evaluates it. Every node
 * knows where in the text it begins, for errors that point at the character.
 */
import type { IntegerType } from './integers.ts';

/** What is wrong with an expression: one sentence, and the place. */
export class ExpressionError extends Error {
  /** Offset in the text, from 0. */
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.name = 'ExpressionError';
    this.position = position;
  }
}

export type Space = 'linear' | 'physical';

/** A type that the language itself knows: an integer, or a pointer to one. */
export interface TypeName {
  readonly integer: IntegerType;
  /** Pointers to what `integer` says: 0 for the integer itself. */
  readonly pointers: number;
}

export type Syntax = { readonly at: number } & (
  | { readonly kind: 'integer'; readonly value: bigint; readonly type: IntegerType }
  | { readonly kind: 'real'; readonly value: number }
  | { readonly kind: 'string'; readonly text: string }
  /** A register, a field of an exit, a constant: the scope knows. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Syntax }
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly left: Syntax;
      readonly right: Syntax;
    }
  | {
      readonly kind: 'conditional';
      readonly test: Syntax;
      readonly yes: Syntax;
      readonly no: Syntax;
    }
  | { readonly kind: 'cast'; readonly type: TypeName; readonly operand: Syntax }
  /** The IEEE 754 value whose representation an integer of 32 or 64 bits is. */
  | { readonly kind: 'float'; readonly bits: 32 | 64; readonly operand: Syntax }
  /** `dword[esp]`, `phys:u16[0x472]`, `byte[ds:esi]`, `word[0x40:0x17]`. */
  | {
      readonly kind: 'memory';
      readonly space: Space;
      readonly type: IntegerType;
      readonly segment: Syntax | null;
      readonly address: Syntax;
    }
  /** `*p`. */
  | { readonly kind: 'target'; readonly pointer: Syntax }
  /** `p[i]`. */
  | { readonly kind: 'element'; readonly pointer: Syntax; readonly index: Syntax }
  | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Syntax[] }
);

export type Node<Kind extends Syntax['kind']> = Extract<Syntax, { kind: Kind }>;

/** The nodes directly below. */
export function operandsOf(node: Syntax): readonly Syntax[] {
  // prettier-ignore
  switch (node.kind) {
    case 'integer': case 'real': case 'string': case 'name': return [];
    case 'unary': case 'cast': case 'float': return [node.operand];
    case 'binary': return [node.left, node.right];
    case 'conditional': return [node.test, node.yes, node.no];
    case 'memory': return node.segment === null ? [node.address] : [node.segment, node.address];
    case 'target': return [node.pointer];
    case 'element': return [node.pointer, node.index];
    case 'call': return node.operands;
  }
}

/** Every name below and including a node, with its place. */
export function* namesIn(node: Syntax): Generator<Node<'name'>> {
  if (node.kind === 'name') yield node;
  for (const operand of operandsOf(node)) yield* namesIn(operand);
}
