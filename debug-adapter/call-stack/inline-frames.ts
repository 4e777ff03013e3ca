/**
 * The frames of functions that were inlined: where a physical frame's code is in scopes of some, it shows
 * as several frames, the innermost function first, each further out at the line of its call.
 */
import type { CodeScope, DebugInformation } from '../symbols/debug-information.ts';
import type { CodeRange, SourceLine } from '../symbols/line-list.ts';
import type { CallFrame } from './call-frame.ts';
import { codeAddressOf, type PhysicalFrame } from './call-stack.ts';

/** Scopes that code is in, and the file that tells. */
interface ScopedCode {
  readonly information: DebugInformation | null;
  /** Innermost first. */
  readonly scopes: readonly CodeScope[];
}

/** Of a linear address in the running guest. */
export function scopesAt(all: readonly DebugInformation[], address: number): ScopedCode {
  for (const information of all) {
    const scopes = information.scopesAt((address - information.image.slide) >>> 0);
    if (scopes.length > 0) return { information, scopes };
  }
  return { information: null, scopes: [] };
}

export function withInlined(
  { state, cfa, by }: PhysicalFrame,
  depth: number,
  all: readonly DebugInformation[],
): readonly CallFrame[] {
  const codeAddress = codeAddressOf(state);
  const { information, scopes } = scopesAt(all, codeAddress);
  const frames: CallFrame[] = [];
  let own: CodeScope[] = [];
  let call: SourceLine | null = null;
  const add = (isInlined: boolean): number =>
    frames.push({ ...state, cfa, by, depth, codeAddress, information, scopes: own, call, isInlined }); // prettier-ignore
  for (const scope of scopes) {
    own.push(scope);
    if (scope.kind !== 'inlined') continue;
    add(true);
    own = [];
    ({ call } = scope);
  }
  add(false);
  return frames;
}

/** The piece of a scope's code that an address of the running guest lies in; null outside it. */
export function pieceOf({ ranges }: CodeScope, address: number, slide: number): CodeRange | null {
  const linked = (address - slide) >>> 0;
  const piece = ranges.find(({ start, end }) => linked >= start && linked < end);
  return piece === undefined ? null : { start: (piece.start + slide) >>> 0, end: (piece.end + slide) >>> 0 }; // prettier-ignore
}
