/**
 * What a name means where an expression is evaluated. In this order: what the adapter itself says (words
 * for an event's values, `console`), variables of the selected frame from the innermost scope outwards,
 * registers and fields of exits, variables with static storage, functions, symbols, names of the guest's
 * operating system (`current`), the machine's constants, enumerators. A register's name with $ or % before it never means a variable of the frame.
 */
import { U32 } from '../../emulator/expressions/integers.ts';
import { type Names, unknownName } from '../../emulator/expressions/resolve.ts';
import type { Syntax } from '../../emulator/expressions/syntax.ts';
import type { Written, WrittenNode } from '../../emulator/expressions/written.ts';
import { constant } from './trees.ts';
import type { Constants } from '../expressions/expressions.ts';
import type { CType } from '../symbols/c-types.ts';
import type { CodeScope, DebugInformation, Variable } from '../symbols/debug-information.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import { type FrameTrees, locate } from './dwarf-location.ts';
import { inMemory, lost, type Storage, storageOfBytes, storageOfInteger } from './storage.ts';
import { object, plain, type Typed, type TypedObject, typedValue } from './typed.ts';
import { INT } from './types.ts';

/** A place in the code whose local names count. */
export interface SelectedFrame {
  /** Linear; of a caller, inside its call. */
  readonly address: number;
  readonly trees: FrameTrees;
  /** The file that the code is from. */
  readonly information: DebugInformation;
  /** Innermost first; those of inlined functions that were called further in are left out. */
  readonly scopes: readonly CodeScope[];
}

/** What the guest's operating system makes of names and calls; null for those that are not its own. */
export interface SystemNames {
  /** `current` */
  name(name: string, at: number): Typed | null;
  /** Throws ExpressionError. @param value of an operand */
  call(written: WrittenNode<'call'>, value: (operand: Written) => Syntax): Typed | null;
  list(): readonly string[];
}

export interface Surroundings {
  readonly information: readonly DebugInformation[];
  readonly symbols: SymbolTable;
  /** The machine's own names. */
  readonly machine: Names;
  readonly constants: Constants;
  readonly frame: SelectedFrame | null;
  /** Absent where no system is known. */
  readonly system?: SystemNames | null;
}

/** Names near a mistyped one that are compared with it, of a file with tens of thousands. */
const NEAR_NAMES = 500;
const SAME_START = 2;

/** The frame whose code is at an address; null where no file knows about it. */
export function frameAt(
  address: number,
  trees: FrameTrees,
  all: readonly DebugInformation[],
): SelectedFrame | null {
  for (const information of all) {
    const scopes = information.scopesAt(linkedAddress(address, information));
    if (scopes.length > 0) return { address, trees, information, scopes };
  }
  return null;
}

/** As the file was linked. */
export const linkedAddress = (address: number, { image }: DebugInformation): number =>
  (address - image.slide) >>> 0;

/** What the word means without its last names, and these, which are members. */
export function meaningOf(
  { name, isRegister, at }: WrittenNode<'word'>,
  around: Surroundings,
): { readonly typed: Typed; readonly members: readonly string[] } {
  const parts = name.split('.');
  const known = isRegister ? null : adapterName(name, parts, at, around);
  if (known !== null) return known;
  const whole = around.machine.resolve(name);
  if (whole?.kind === 'name') return { typed: plain({ ...whole, at }), members: [] };
  for (let count = parts.length; count > 0; count--) {
    const typed = staticName(parts.slice(0, count).join('.'), at, around);
    if (typed !== null) return { typed, members: parts.slice(count) };
  }
  const [start = '', ...members] = parts;
  const own = around.system?.name(start, at) ?? null;
  if (own !== null) return { typed: own, members };
  if (whole !== null) return { typed: plain({ ...whole, at }), members: [] };
  const value = first(around, (information) => information.enumerator(name));
  if (value !== null)
    return { typed: typedValue(INT, constant(value, undefined, at)), members: [] };
  throw unknownName(name, at, namesNear(name, around));
}

function adapterName(
  name: string,
  parts: readonly string[],
  at: number,
  around: Surroundings,
): ReturnType<typeof meaningOf> | null {
  const said = around.constants.get(name);
  if (said !== undefined) return { typed: plain({ ...said, at }), members: [] };
  const [start = '', ...members] = parts;
  const variable = around.frame === null ? null : localOf(around.frame, start);
  return variable === null ? null : { typed: objectOf(variable, at, around), members };
}

function localOf({ scopes }: SelectedFrame, name: string): Variable | null {
  for (const { variables } of scopes) {
    const found = variables.find((variable) => variable.name === name);
    if (found !== undefined) return found;
  }
  return null;
}

/** A variable with static storage, a function, or a symbol. */
function staticName(name: string, at: number, around: Surroundings): Typed | null {
  const { frame, symbols } = around;
  const own = frame === null ? around.information : [frame.information, ...around.information.filter((each) => each !== frame.information)];
  for (const information of own) {
    const address = frame?.information === information ? linkedAddress(frame.address, information) : undefined;
    const variable = information.variable(name, address);
    if (variable !== null) return staticObject(variable, at, around, information);
  }
  const symbol = symbols.find(name);
  for (const information of own) {
    const all = information.functions(name);
    const wanted = symbol === null ? undefined : linkedAddress(symbol.address, information);
    const found = all.find(({ entry }) => entry === wanted) ?? all[0];
    if (found === undefined) continue;
    const entry = (found.entry + information.image.slide) >>> 0;
    return object(found.type, inMemory(constant(entry, U32, at)), at);
  }
  return symbol === null ? null : plain(constant(symbol.address, U32, at));
} // prettier-ignore

/** A variable of the selected frame as an object, where it lies there. */
export function objectOf(variable: Variable, at: number, { frame }: Surroundings): TypedObject {
  const storage = frame === null ? null : storageOf(variable, frame.information, frame);
  return object(variable.type, storage ?? lost('it has been optimized out'), at);
}

/** A variable with static storage; declared in C and defined elsewhere, as jiffies is, by its symbol. */
export function staticObject(
  variable: Variable,
  at: number,
  { frame, symbols }: Surroundings,
  information: DebugInformation,
): TypedObject {
  const here = frame?.information === information ? frame : null;
  const storage = storageOf(variable, information, here);
  if (storage !== null) return object(variable.type, storage, at);
  const symbol = symbols.find(variable.name);
  const place =
    symbol === null ? lost('it has been optimized out') : inMemory(constant(symbol.address, U32));
  return object(variable.type, place, at);
}

/** Null for a variable that is nowhere at the frame's address. */
export function storageOf(
  variable: Variable,
  information: DebugInformation,
  frame: SelectedFrame | null,
): Storage | null {
  const { slide } = information.image;
  const location = variable.locationAt(
    frame === null ? 0 : linkedAddress(frame.address, information),
  );
  if (location === null) return null;
  const { constant: value, frameBase, operations, typeAt } = location;
  if (typeof value === 'bigint') return storageOfInteger(value);
  if (value !== null) return storageOfBytes(value);
  return locate(operations, { frame: frame?.trees ?? null, frameBase, slide, typeAt });
}

function first<Found>(
  { information }: Surroundings,
  find: (information: DebugInformation) => Found | null,
): Found | null {
  for (const each of information) {
    const found = find(each);
    if (found !== null) return found;
  }
  return null;
}

/** A type of the program by its words: "struct page", "pgd_t". */
export const typeNamed = (words: string, around: Surroundings): CType | null =>
  first(around, (information) => information.type(words));

/** Whether a word alone in parentheses is a type: a variable of the frame hides a typedef. */
export function isTypeName(word: string, around: Surroundings): boolean {
  if (around.frame !== null && localOf(around.frame, word) !== null) return false;
  const type = /[.$]/.test(word) ? null : typeNamed(word, around);
  return type !== null;
}

/** Names of the frame's variables, innermost first. */
export function localNames({ frame }: Surroundings): readonly string[] {
  const names = frame?.scopes.flatMap(({ variables }) => variables.map(({ name }) => name)) ?? [];
  return [...new Set(names)];
}

function* namesNear(name: string, around: Surroundings): Generator<string> {
  yield* localNames(around);
  yield* around.constants.keys();
  yield* around.machine.list();
  yield* around.system?.list() ?? [];
  for (const information of around.information)
    yield* information.namesFrom(name.slice(0, SAME_START), NEAR_NAMES);
}
