/**
 * What registers held when a function was entered (DWARF 5, 2.5.1.7), which optimized code has long
 * overwritten: the call in the caller's frame tells what it passed (3.4.2), computed from what the caller
 * still has, and so on outwards. The value is known only where that call leads to this function and to
 * nothing that can come back to it by a jump: then it was entered by the call, with what was passed.
 */
import { U32 } from '../../emulator/expressions/integers.ts';
import type { Syntax } from '../../emulator/expressions/syntax.ts';
import { type CallFrame, frameRegisters } from '../call-stack/call-frame.ts';
import type { Callee, DebugInformation, Location } from '../symbols/debug-information.ts';
import { computed, type FrameTrees } from './dwarf-location.ts';
import { cast, constant } from './trees.ts';

/** Physical frames that a value is looked for in, its own among them. */
export const ENTRY_FRAMES = 10;
/** Functions that jumps are followed through. */
const MOST_FUNCTIONS = 200;
/** Of the tree that computes a value: it bounds what values of values come to. */
const MOST_NODES = 200;

/** From one depth on, without the frames of inlined functions. */
export function physicalFrames(stack: readonly CallFrame[], depth: number): readonly CallFrame[] {
  return stack.filter((frame) => frame.depth >= depth && !frame.isInlined);
}

/** A caller's registers, as the unwinder found them: to be read, but in no register to be written. */
export function unwound(frame: CallFrame): FrameTrees {
  const registers = frameRegisters(frame);
  return {
    register(number) {
      const value = registers.register(number);
      return value === null ? null : { value: constant(value, U32), name: null };
    },
    cfa: () => (registers.cfa === null ? null : constant(registers.cfa, U32)),
  };
}

/**
 * The trees of a frame with its entry values.
 * @param frames physical ones, itself first, then its callers
 * @param all the files whose functions may be called
 */
export function withEntryValues(
  trees: FrameTrees,
  frames: readonly CallFrame[],
  all: readonly DebugInformation[],
): FrameTrees {
  const [own, caller] = frames;
  if (own === undefined || caller === undefined) return trees;
  const passed = lazily(() => passedTo(own, caller, frames, all));
  const known = new Map<number, Syntax | null>();
  const entry = (register: number): Syntax | null => {
    const found = known.get(register);
    if (found !== undefined) return found;
    const value = passed()?.(register) ?? null;
    known.set(register, value);
    return value;
  };
  return { ...trees, entry };
}

/** What a call has passed, by register; null where it need not have led here. */
function passedTo(
  own: CallFrame,
  caller: CallFrame,
  frames: readonly CallFrame[],
  all: readonly DebugInformation[],
): ((register: number) => Syntax | null) | null {
  const { information } = caller;
  const entered = entryOf(own);
  // a frame that was found by guessing, or interrupted, is not the one that has called
  if (information === null || entered === null || own.by === 'code' || caller.isInterrupted)
    return null;
  const { image } = information;
  const site = information.callAt((caller.linearEip - image.slide) >>> 0);
  if (site === null) return null;
  const outer = withEntryValues(unwound(caller), frames.slice(1), all);
  const valueOf = ({ operations, frameBase, typeAt }: Location): Syntax | null => {
    const tree = computed(operations, { frame: outer, frameBase, slide: image.slide, typeAt });
    return tree === null || !isSmall(tree) ? null : cast(tree, U32);
  };
  const starts = startsOf(site.callee, information, all, valueOf);
  if (starts === null || !isReachedOnce(entered, starts, all)) return null;
  return (register) => {
    const parameter = site.parameters.find((each) => each.register === register);
    return parameter === undefined ? null : valueOf(parameter.value);
  };
}

/** Linear address at which the function of a physical frame is entered. */
function entryOf({ scopes, information }: CallFrame): number | null {
  const scope = scopes.at(-1);
  if (scope?.kind !== 'function' || information === null) return null;
  return (scope.entry + information.image.slide) >>> 0;
}

/** Linear addresses that a call may lead to; null where they are not known. */
function startsOf(
  callee: Callee,
  { image }: DebugInformation,
  all: readonly DebugInformation[],
  valueOf: (location: Location) => Syntax | null,
): readonly number[] | null {
  switch (callee.kind) {
    case 'functions':
      return callee.entries.map((entry) => (entry + image.slide) >>> 0);
    case 'external': {
      const found = all.flatMap((each) =>
        each.functions(callee.name).map(({ entry }) => (entry + each.image.slide) >>> 0),
      );
      return found.length === 0 ? null : found;
    }
    case 'computed': {
      const target = callee.target === null ? null : valueOf(callee.target);
      return target?.kind === 'integer' ? [Number(target.value)] : null;
    }
  }
}

/** Of what begins at `starts`, this function does, and no jump from there, however far, comes to it. */
function isReachedOnce(
  entered: number,
  starts: readonly number[],
  all: readonly DebugInformation[],
): boolean {
  if (!starts.includes(entered)) return false;
  const seen = new Set(starts);
  for (const start of seen) {
    if (seen.size > MOST_FUNCTIONS) return false;
    for (const targets of tailCallsAt(start, all)) {
      if (targets === null || targets.includes(entered)) return false;
      for (const next of targets) seen.add(next);
    }
  }
  return true;
}

/** Where the jumps of a function lead; null among them: nobody knows. */
function tailCallsAt(
  start: number,
  all: readonly DebugInformation[],
): readonly (readonly number[] | null)[] {
  for (const information of all) {
    const calls = information.tailCallsOf((start - information.image.slide) >>> 0);
    if (calls !== null)
      return calls.map((callee) => startsOf(callee, information, all, () => null));
  }
  return [null];
}

function isSmall(tree: Syntax): boolean {
  let left = MOST_NODES;
  const visit = (node: unknown): boolean => {
    if (typeof node !== 'object' || node === null) return true;
    return left-- > 0 && Object.values(node).every(visit);
  };
  return visit(tree);
}

function lazily<Value>(compute: () => Value): () => Value {
  let known: { readonly value: Value } | null = null;
  return () => (known ??= { value: compute() }).value;
}
