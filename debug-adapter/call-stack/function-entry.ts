/**
 * Where functions are entered. A breakpoint on a function of code that was compiled without optimization
 * is behind the prologue, as gdb has it: variables are where they are told to be only there. Optimized code
 * tells where they are from its first instruction on, and assembly code has no prologue.
 */
import type { FunctionScope } from '../symbols/debug-information.ts';
import type { CodePlace } from '../symbols/address-space.ts';
import type { GuestSymbols } from '../symbols/symbol-files.ts';
import { pieceOf, scopesAt } from './inline-frames.ts';

/**
 * The second statement of the function that is entered at a linear address; null where no file tells of
 * such a function, or it has no prologue.
 */
export function behindPrologue(files: GuestSymbols, address: number): number | null {
  const { information, scopes } = scopesAt(files.information, address);
  const scope = scopes.at(-1);
  if (information === null || scope?.kind !== 'function' || !scope.hasPrologue) return null;
  const { slide } = information.image;
  if (entryOf(scope, slide) !== address) return null;
  const next = files.lines.statementAfter(address);
  return next !== null && pieceOf(scope, next, slide) !== null ? next : null;
}

/**
 * The same for a place of a symbol; the place itself where there is none. Programs in address spaces of their
 * own may not be there yet: theirs are taken as they are.
 */
export function placeBehindPrologue(files: GuestSymbols, place: CodePlace): CodePlace {
  if (place.space !== null) return place;
  return { ...place, address: behindPrologue(files, place.address) ?? place.address };
}

/** Linear, in the running guest. */
export const entryOf = ({ entry }: FunctionScope, slide: number): number => (entry + slide) >>> 0;
