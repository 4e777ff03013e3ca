/**
 * An expression as it is written: the parser's tree, in which names are words still and members, sizes
 * and casts to types of a program stand as they are. Who knows names alone makes the machine's tree of it
 * (resolve.ts); who knows types too, as the debug adapter does, lowers them to memory and arithmetic.
 */
import type { IntegerType } from './integers.ts';
import type { Syntax } from './syntax.ts';

export type Leaf = Extract<Syntax, { kind: 'integer' | 'real' | 'string' }>;

/** "struct task_struct *", "unsigned long", "char [16]". */
export interface WrittenType {
  readonly at: number;
  /** Without const and the like. */
  readonly words: readonly string[];
  /** What is made of it, from the inside: a pointer, or an array of so many. */
  readonly made: readonly ('pointer' | number)[];
}

/** `comm[2].x` in offsetof(): names of members and numbers of elements. */
export type MemberPath = readonly {
  readonly at: number;
  readonly step: string | number;
}[];

export type Written =
  | Leaf
  | ({ readonly at: number } & (
      | {
          /** With its dots: "cs.base", "memcpy.isra.0", "init_task.comm". */
          readonly kind: 'word';
          readonly name: string;
          /** Written with % or $, as registers are. */
          readonly isRegister: boolean;
        }
      | { readonly kind: 'unary'; readonly operator: string; readonly operand: Written }
      | {
          readonly kind: 'binary';
          readonly operator: string;
          readonly left: Written;
          readonly right: Written;
        }
      | {
          readonly kind: 'conditional';
          readonly test: Written;
          readonly yes: Written;
          readonly no: Written;
        }
      | { readonly kind: 'cast'; readonly type: WrittenType; readonly operand: Written }
      | {
          readonly kind: 'memory';
          readonly space: 'linear' | 'physical';
          readonly type: IntegerType;
          readonly segment: Written | null;
          readonly address: Written;
        }
      | { readonly kind: 'target'; readonly pointer: Written }
      | { readonly kind: 'address'; readonly operand: Written }
      | { readonly kind: 'element'; readonly pointer: Written; readonly index: Written }
      | {
          readonly kind: 'member';
          readonly whole: Written;
          readonly name: string;
          /** Written `->`. */
          readonly throughPointer: boolean;
        }
      | { readonly kind: 'call'; readonly name: string; readonly operands: readonly Written[] }
      | { readonly kind: 'size'; readonly of: Written | WrittenType }
      | { readonly kind: 'offset'; readonly type: WrittenType; readonly path: MemberPath }
      | {
          readonly kind: 'container';
          readonly pointer: Written;
          readonly type: WrittenType;
          readonly path: MemberPath;
        }
    ));

export type WrittenNode<Kind extends Written['kind']> = Extract<Written, { kind: Kind }>;

/** What was typed: an expression, or one whose value is to be stored somewhere. */
export interface WrittenStatement {
  readonly target: Written | null;
  readonly value: Written;
  /** Of the `=`. */
  readonly at: number;
}

export const isWrittenType = (of: Written | WrittenType): of is WrittenType => 'words' in of;

/** "unsigned int [4]" without what it is made of: "unsigned int". */
export const wordsOf = ({ words }: WrittenType): string => words.join(' ');
