/**
 * The variables of a frame as scopes of the Variables view: its locals with the parameters, innermost
 * first, and the variables with static storage of the file that its code is from.
 */
import type { Container } from '../display/variables.ts';
import type { Variable } from '../symbols/debug-information.ts';
import type { SourceLine } from '../symbols/line-list.ts';
import {
  linkedAddress,
  objectOf,
  type SelectedFrame,
  staticObject,
  type Surroundings,
} from './program-names.ts';
import type { TypedObject } from './typed.ts';
import { type Item, itemOf, type ObjectView, rowOf } from './value-rows.ts';

/** Variables shown of a frame, and of a file. */
const MOST_LOCALS = 1000;
const MOST_GLOBALS = 10_000;

/** How a client refers to a declaration. */
export type DeclarationOf = (line: SourceLine) => number;

/** Null for a frame whose function has none. */
export function localsContainer(
  around: Surroundings & { readonly frame: SelectedFrame },
  view: ObjectView,
  declarationOf: DeclarationOf,
): Container | null {
  const all = variablesOf(around.frame).slice(0, MOST_LOCALS);
  if (all.length === 0) return null;
  const seen = new Set<string>();
  const items = all.map((variable): Item => {
    // one of an outer scope that has the name too cannot be named
    const isHidden = seen.has(variable.name);
    seen.add(variable.name);
    return itemFor(variable, objectOf(variable, 0, around), isHidden, declarationOf);
  });
  return containerOf(items, view);
}

/** Scope by scope from the inside; each in the order of the source, parameters first. */
function variablesOf({ scopes }: SelectedFrame): readonly Variable[] {
  return scopes.flatMap(({ variables }) => variables);
}

/** Null where the file has none. */
export function globalsContainer(
  around: Surroundings & { readonly frame: SelectedFrame },
  view: ObjectView,
  declarationOf: DeclarationOf,
): Container | null {
  const { information } = around.frame;
  const all = information.variablesOfUnit(linkedAddress(around.frame.address, information));
  if (all.length === 0) return null;
  const hidden = new Set(variablesOf(around.frame).map(({ name }) => name));
  const items = (): readonly Item[] =>
    all.slice(0, MOST_GLOBALS).map((variable) => {
      const { name } = variable;
      const isHidden = hidden.has(name) || around.machine.resolve(name)?.kind === 'name';
      return itemFor(variable, staticObject(variable, 0, around, information), isHidden, declarationOf);
    });
  return { rows: (format) => containerOf(items(), view).rows(format) };
} // prettier-ignore

function itemFor(
  variable: Variable,
  typed: TypedObject,
  isHidden: boolean,
  declarationOf: DeclarationOf,
): Item {
  const { declared } = variable;
  const reference = declared === null ? null : declarationOf(declared);
  const item = {
    ...itemOf(variable.name, typed),
    ...(reference !== null && { declared: reference }),
  };
  return isHidden ? { ...item, expression: null } : item;
}

function containerOf(items: readonly Item[], view: ObjectView): Container {
  return {
    async rows(format) {
      const rows = [];
      for (const item of items) rows.push(await rowOf(item, view, format));
      return rows;
    },
  };
}
