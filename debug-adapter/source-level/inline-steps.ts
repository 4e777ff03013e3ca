/**
 * Steps where functions were inlined. Over a line: what was inlined into it is run through like a call.
 * Out of an inlined function: until its code is left. Into one: its first line begins where the call's
 * code goes on, so a step by line ends there by itself.
 */
import type { ResumeMode } from '../../emulator/debug-port.ts';
import { pieceOf, scopesAt } from '../call-stack/inline-frames.ts';
import type { StepPlan } from './line-step.ts';
import type { CodeScope, DebugInformation } from '../symbols/debug-information.ts';
import type { CodeRange } from '../symbols/line-list.ts';

type FunctionCode = Exclude<CodeScope, { kind: 'block' }>;

/** The functions that an address lies in, the one that has code of its own first, and their file. */
export interface Nest {
  readonly functions: readonly FunctionCode[];
  readonly slide: number;
}

export function nestAt(all: readonly DebugInformation[], address: number): Nest {
  const { information, scopes } = scopesAt(all, address);
  const functions = scopes.filter((scope) => scope.kind !== 'block').toReversed();
  return { functions, slide: information?.image.slide ?? 0 };
}

/** Whether `inner` lies in the same functions as `outer`, or in what was inlined further in. */
export function continuesNest(inner: Nest, outer: Nest): boolean {
  return outer.functions.every((each, index) => isSame(each, inner.functions[index]));
}

/** The code that was inlined into a nest's innermost function and holds an address; null: none. */
export function inlinedWithin(outer: Nest, inner: Nest, address: number): CodeRange | null {
  const deeper = inner.functions[outer.functions.length];
  if (outer.functions.length === 0 || deeper === undefined || !continuesNest(inner, outer)) return null; // prettier-ignore
  return pieceOf(deeper, address, inner.slide);
}

/** Two objects can stand for one scope. */
function isSame(a: FunctionCode, b: FunctionCode | undefined): boolean {
  return b?.kind === a.kind && b.name === a.name && b.ranges[0]?.start === a.ranges[0]?.start;
}

/** A step out of an inlined function. */
export class InlineOut implements StepPlan {
  private readonly information: readonly DebugInformation[];
  private readonly mode: ResumeMode;
  private readonly left: Nest;
  private piece: CodeRange;

  private constructor(
    information: readonly DebugInformation[],
    mode: ResumeMode,
    left: Nest,
    piece: CodeRange,
  ) {
    this.information = information;
    this.mode = { ...mode, kind: 'stepOver' };
    this.left = left;
    this.piece = piece;
  }

  /** Null where no inlined function is at the address. */
  static from(
    information: readonly DebugInformation[],
    mode: ResumeMode,
    address: number,
  ): InlineOut | null {
    const left = nestAt(information, address);
    const innermost = left.functions.at(-1);
    const piece = innermost?.kind === 'inlined' ? pieceOf(innermost, address, left.slide) : null;
    return piece === null ? null : new InlineOut(information, mode, left, piece);
  }

  get resumeMode(): ResumeMode {
    return { ...this.mode, within: this.piece };
  }

  goOn(address: number): Promise<ResumeMode | null> {
    const here = nestAt(this.information, address);
    const innermost = here.functions[this.left.functions.length - 1];
    const isInside = innermost !== undefined && continuesNest(here, this.left);
    const piece = isInside ? pieceOf(innermost, address, here.slide) : null;
    if (piece === null) return Promise.resolve(null);
    this.piece = piece;
    return Promise.resolve(this.resumeMode);
  }
}
