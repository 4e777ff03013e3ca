/**
 * What a person types to see some rows of the exit log: words that must all be there, each a part of a
 * reason, a decoded detail, a symbol, an address or an outcome; `-word` that must not; comparisons of
 * decoded fields (`port==0x3f8`, `leaf>=0x40000000`), of `position`, `cpl` and `vcpu`. Registers are not
 * there: the log does not keep them.
 */
import { failure } from '../errors.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { ExitRow } from '../protocol.ts';

type Test = (row: ExitRow) => boolean;

const COMPARISON = /^([A-Za-z]\w*)(==|!=|>=|<=|=|>|<)(.+)$/;
const COMPARE: { readonly [operator: string]: (a: number, b: number) => boolean } = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
};

/** Whether a row is to be seen; throws the numbered error for a comparison that cannot be read. */
export function rowFilter(command: string, text: string): Test {
  const tests = text.split(/\s+/).filter((word) => word !== '').map((word) => wordTest(command, word)); // prettier-ignore
  return (row) => tests.every((test) => test(row));
}

function wordTest(command: string, word: string): Test {
  if (word.startsWith('-') && word.length > 1) {
    const test = wordTest(command, word.slice(1));
    return (row) => !test(row);
  }
  const [, name, operator, value] = COMPARISON.exec(word) ?? [];
  if (name === undefined || operator === undefined || value === undefined) return contains(word);
  if (name.toLowerCase() === 'reason') return (row) => row.name === value.toUpperCase() || row.reason === Number(value); // prettier-ignore
  const wanted = Number(value);
  if (Number.isNaN(wanted)) {
    const problem = `"${value}" in "${word}" is no number; fields are compared with numbers, as in port==0x3f8`; // prettier-ignore
    throw failure('badArgument', { argument: 'filter', command, problem });
  }
  const compare = COMPARE[operator];
  return (row) => {
    const found = fieldOf(row, name);
    return found !== undefined && compare?.(found, wanted) === true;
  };
}

function fieldOf(row: ExitRow, name: string): number | undefined {
  switch (name) {
    case 'position':
      return row.position;
    case 'cpl':
      return row.cpl;
    case 'vcpu':
      return row.vcpu ?? 0;
    default:
      return Object.hasOwn(row.fields, name) ? row.fields[name] : undefined;
  }
}

function contains(word: string): Test {
  const wanted = word.toLowerCase();
  return ({ name, detail, symbol = '', linearRip, outcome }) => {
    const texts = [name, detail, symbol, formatAddress(linearRip), outcome?.text ?? ''];
    return texts.some((text) => text.toLowerCase().includes(wanted));
  };
}
