/**
 * What must hold of a run when it has come to its end: expressions of the one language over the machine
 * as it is then (registers, memory, `position`, `exits.CPUID`), and over the run:
 *
 *   console   what the guest has printed on COM1
 *   outcome   how it ended: "power-off", "reset", "triple-fault", …: the name of the stop
 *   status    the code with which it switched itself off
 *
 * They come from launch.json ("expect") and from a client (guestscope/setExpectations).
 */
import { isTrue } from '../../emulator/expressions/evaluator.ts';
import type { Value } from '../../emulator/expressions/evaluator.ts';
import { U32 } from '../../emulator/expressions/integers.ts';
import type { Meaning } from '../../emulator/expressions/resolve.ts';
import type { Node, Syntax } from '../../emulator/expressions/syntax.ts';
import { namesIn } from '../../emulator/expressions/syntax.ts';
import { valueText } from '../../emulator/expressions/value-text.ts';
import { AdapterError, failure } from '../errors.ts';
import type { Constants } from './expressions.ts';
import type { Guest } from '../guest.ts';
import type { ExpectationResult } from '../protocol.ts';

/** How a run has ended. */
export interface Ending {
  readonly outcome: string;
  /** Null where the guest has not switched itself off. */
  readonly status: number | null;
}

/** Characters of a text that is shown for a failed expectation. */
const SHOWN = 120;
const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>=', 'contains'];

export class Expectations {
  private configured: readonly string[] = [];
  private given: readonly string[] = [];

  /** Those of launch.json; throws the numbered error of the first bad one. */
  configure(guest: Guest, expressions: readonly string[]): void {
    for (const [index, expression] of expressions.entries()) {
      const problem = problemOf(guest, expression);
      const attribute = `expect[${index}]`;
      if (problem !== null) throw failure('configurationRefused', { attribute, problem });
    }
    this.configured = expressions;
  }

  /** Those of a client: says for each what is wrong with it, or null, and keeps the good ones. */
  set(guest: Guest, expressions: readonly string[]): readonly (string | null)[] {
    const problems = expressions.map((expression) => problemOf(guest, expression));
    this.given = expressions.filter((_, index) => problems[index] === null);
    return problems;
  }

  get all(): readonly string[] {
    return [...this.configured, ...this.given];
  }

  /** Throws nothing that an expression can cause: what cannot be evaluated does not hold. */
  async check(guest: Guest, ending: Ending): Promise<readonly ExpectationResult[]> {
    const results: ExpectationResult[] = [];
    for (const expression of this.all) results.push(await check(guest, ending, expression));
    return results;
  }
}

/** Null for a good expression. */
function problemOf(guest: Guest, expression: string): string | null {
  try {
    guest.parse(expression, constantsOf(guest, { outcome: '', status: 0 }));
    return null;
  } catch (cause) {
    if (cause instanceof AdapterError) return cause.message;
    throw cause;
  }
}

function constantsOf(guest: Guest, { outcome, status }: Ending): Constants {
  return new Map<string, Meaning>([
    ['console', { kind: 'string', text: guest.printed() }],
    ['outcome', { kind: 'string', text: outcome }],
    [
      'status',
      status === null
        ? { kind: 'name', name: 'status' }
        : { kind: 'integer', value: BigInt(status), type: U32 },
    ],
  ]);
}

async function check(guest: Guest, ending: Ending, expression: string): Promise<ExpectationResult> {
  const constants = constantsOf(guest, ending);
  try {
    const parsed = guest.parse(expression, constants);
    if ([...namesIn(parsed.syntax)].some(({ name }) => name === 'status' && ending.status === null))
      return { expression, holds: false, problem: 'The guest has not switched itself off.' };
    if (isTrue(await guest.evaluateParsed(parsed))) return { expression, holds: true };
    const values = await valuesIn(guest, expression, parsed.syntax);
    return { expression, holds: false, ...(values !== '' && { problem: values }) };
  } catch (cause) {
    if (!(cause instanceof AdapterError)) throw cause;
    return { expression, holds: false, problem: cause.message };
  }
}

/** "exits.CPUID is 10": what decides a comparison, or the names of anything else. */
async function valuesIn(guest: Guest, text: string, syntax: Syntax): Promise<string> {
  const shown: string[] = [];
  for (const [part, node] of partsOf(text, syntax)) {
    const value = await guest.evaluateParsed({ text: part, syntax: node });
    shown.push(`${part} is ${valueShown(value)}`);
  }
  return shown.join(', ');
}

function partsOf(text: string, syntax: Syntax): readonly (readonly [string, Syntax])[] {
  if (syntax.kind === 'binary' && COMPARISONS.includes(syntax.operator)) {
    const { at, operator, left, right } = syntax;
    return [
      [text.slice(0, at).trim(), left] as const,
      [text.slice(at + operator.length).trim(), right] as const,
    ].filter(([, node]) => !isLiteral(node, text));
  }
  const names = new Map<string, Node<'name'>>();
  for (const node of namesIn(syntax)) names.set(node.name, node);
  return [...names];
}

/** Written as it is: a number or a string, and no name that stands for one. */
function isLiteral(node: Syntax, text: string): boolean {
  return ['integer', 'real', 'string'].includes(node.kind) && /["'\d]/.test(text[node.at] ?? '');
}

function valueShown(value: Value): string {
  if (value.kind === 'string') {
    const { text } = value;
    if (text.length <= SHOWN) return JSON.stringify(text);
    return `… ${JSON.stringify(text.slice(-SHOWN))}, ${text.length} characters`;
  }
  const plain = valueText(value, false);
  if (value.kind === 'real' || (value.value >= -9n && value.value <= 9n)) return plain;
  return `${plain} (${valueText(value, true)})`;
}
