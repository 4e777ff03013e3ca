/**
 * Types as C writes them: "struct task_struct *", "int (*)(void)", "char [16]"; and their definitions,
 * as the console's `ptype` shows them.
 */
import type { CType, Member } from '../symbols/c-types.ts';
import { isStruct, stripped } from './types.ts';

/** Types inside types that are written; deeper ones are hostile. */
const DEEPEST = 16;
const MOST_MEMBERS = 1000;
/** Parameters that are written; functions that take functions are deep soon. */
const MOST_PARAMETERS = 16;
const FUNCTION_DEPTH = 5;

export function typeText(type: CType): string {
  return declaration(type, '');
}

/** A declaration of `name` with the type: "char comm[16]", "int (*probe)(void)". */
export function declaration(type: CType, name: string, depth = 0): string {
  if (depth > DEEPEST) return '…';
  const inner = (target: CType, text: string): string => declaration(target, text, depth + 1);
  switch (type.kind) {
    case 'pointer': {
      const target = type.target;
      const isBracketed = target.kind === 'array' || target.kind === 'function';
      const pointed = `*${name.trimStart()}`;
      return inner(target, isBracketed ? `(${pointed})` : pointed);
    }
    case 'array': {
      return inner(type.element, `${name === '' ? ' ' : name}[${type.count ?? ''}]`);
    }
    case 'function': {
      const written = type.parameters.slice(0, MOST_PARAMETERS);
      const parameters = written.map((each) => declaration(each, '', depth + FUNCTION_DEPTH));
      const hasMore = type.isVariadic || type.parameters.length > MOST_PARAMETERS;
      const all = [...parameters, ...(hasMore ? ['...'] : [])];
      return inner(type.result, `${name}(${all.length === 0 ? 'void' : all.join(', ')})`);
    }
    case 'qualified':
      return qualified(type.qualifier, type.target, name, inner);
    default: {
      const word = nameOf(type);
      return name === '' || name.startsWith(' ') ? `${word}${name}` : `${word} ${name}`;
    }
  }
}

function qualified(
  qualifier: string,
  target: CType,
  name: string,
  inner: (target: CType, name: string) => string,
): string {
  const word = qualifier === 'atomic' ? '_Atomic' : qualifier;
  // of a pointer it stands behind the star
  if (target.kind === 'pointer') {
    const spaced = name === '' || /^[[(]/.test(name) ? name : ` ${name}`;
    return inner(target, `${word}${spaced}`).replace(`*${word}`, `* ${word}`);
  }
  const text = inner(target, name);
  // an array of what is constant is told to be constant itself, too
  return text.startsWith(`${word} `) ? text : `${word} ${text}`;
}

/** The name of what is not built from others. */
function nameOf(type: CType): string {
  switch (type.kind) {
    case 'base':
    case 'typedef':
      return type.name;
    case 'void':
      return 'void';
    case 'struct':
    case 'union':
    case 'class':
    case 'enum':
      return `${type.kind} ${type.name ?? '{...}'}`;
    default:
      return '…';
  }
}

/** What a type is made of: members with their offsets in bytes, enumerators with their values. */
export function definitionText(type: CType, completed: (type: CType) => CType): string {
  const plain = stripped(completed(type));
  if (isStruct(plain)) {
    if (plain.isDeclaration)
      return `${nameOf(plain)}: it is only declared, nobody says what it holds.`;
    const lines = membersText(plain.members, '  ', 0, { left: MOST_MEMBERS }, 0);
    return [`${nameOf(plain).replace(' {...}', '')} {`, ...lines, `} ${plain.size} bytes`].join(
      '\n',
    );
  }
  if (plain.kind === 'enum') {
    const values = plain.values.map(({ name, value }) => `  ${name} = ${String(value)},`);
    return [`${nameOf(plain).replace(' {...}', '')} {`, ...values.slice(0, MOST_MEMBERS), '}'].join(
      '\n',
    );
  }
  return typeText(plain);
}

/** @param budget lines that may still be written */
function membersText(
  members: readonly Member[],
  indent: string,
  from: number,
  budget: { left: number },
  depth: number,
): readonly string[] {
  const lines: string[] = [];
  for (const { name, type, bits, offset: own } of members) {
    if (budget.left-- <= 0) break;
    const offset = from + own;
    const plain = stripped(type);
    const place = bits === null ? `${offset}` : `${offset}.${bits.first}`;
    // what has no name of its own is written out where it is used
    if (isStruct(plain) && plain.name === null && type === plain && depth < DEEPEST) {
      const inside = membersText(plain.members, `${indent}  `, offset, budget, depth + 1);
      const end = name === null ? '};' : `} ${name};`;
      lines.push(`${indent}${plain.kind} {`, ...inside, `${indent}${end}`);
      continue;
    }
    const width = bits === null ? '' : ` : ${bits.count}`;
    const line = `${indent}${declaration(type, name ?? '')}${width};`;
    lines.push(`${line.padEnd(48)} /* ${place} */`);
  }
  return lines;
}
