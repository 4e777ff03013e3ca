/** The options of `guestscope run`, in the order in which they were written, as a plan. */
import type { LaunchArguments } from '../launch/launch-json.ts';
import type { PlannedBreakpoint, PlannedInput, RunPlan } from './run-plan.ts';
import { IDLE_LIMIT } from './run-plan.ts';

interface Given {
  readonly name: string;
  readonly value: string;
}

const KINDS: { readonly [option: string]: PlannedBreakpoint['kind'] } = {
  break: 'place',
  'break-exit': 'exit',
  'break-event': 'event',
};

/** Throws Error with a sentence for what is wrong. Options that are no part of a plan are left out. */
export function planOf(configuration: LaunchArguments, options: readonly Given[]): RunPlan {
  const breakpoints: PlannedBreakpoint[] = [];
  const expectations: string[] = [];
  const inputs: PlannedInput[] = [];
  let after: string | null = null;
  const plan = {
    untilConsole: null as string | null,
    maxInstructions: null as number | null,
    maxStops: null as number | null,
    idleLimit: IDLE_LIMIT,
  };
  for (const { name, value } of options) {
    const kind = KINDS[name];
    if (kind !== undefined) breakpoints.push(breakpoint(kind, name, value));
    switch (name) {
      case 'log':
        breakpoints.push(withLog(breakpoints.pop(), value));
        break;
      case 'expect':
        expectations.push(value);
        break;
      case 'after':
        if (after !== null) throw new Error(`--after "${after}" has no --send behind it; add one.`);
        after = unescaped(name, value);
        break;
      case 'send':
        inputs.push({ after, text: unescaped(name, value) });
        after = null;
        break;
      case 'until-console':
        plan.untilConsole = unescaped(name, value);
        break;
      case 'max-instructions':
        plan.maxInstructions = count(name, value);
        break;
      case 'max-stops':
        plan.maxStops = count(name, value);
        break;
      case 'idle-limit':
        plan.idleLimit = positive(name, value);
        break;
      default:
    }
  }
  if (after !== null) throw new Error(`--after "${after}" has no --send behind it; add one.`);
  return { configuration, breakpoints, expectations, inputs, ...plan };
}

/** "CPUID if exit.leaf == 1". */
function breakpoint(
  kind: PlannedBreakpoint['kind'],
  option: string,
  value: string,
): PlannedBreakpoint {
  const [, where = '', condition] = /^(.*?)(?:\s+if\s+(.*))?$/s.exec(value.trim()) ?? [];
  const written = `--${option} "${value}"`;
  if (where === '') throw new Error(`${written} names nothing to stop at.`);
  return { kind, written, where, ...(condition !== undefined && { condition }) };
}

function withLog(last: PlannedBreakpoint | undefined, message: string): PlannedBreakpoint {
  if (last === undefined || last.logMessage !== undefined)
    throw new Error(
      `--log "${message}" belongs to the breakpoint before it; write --break, --break-exit or --break-event first.`,
    );
  return { ...last, logMessage: message };
}

const ESCAPES: { readonly [letter: string]: string } = {
  r: '\r',
  n: '\n',
  t: '\t',
  e: '\u001b',
  '\\': '\\',
};

/** Text with "\r", "\n", "\t", "\e", "\x41" and "\\" replaced. */
function unescaped(option: string, value: string): string {
  if (value === '') throw new Error(`--${option} needs a text that is not empty.`);
  return value.replace(
    /\\(?:x([0-9a-fA-F]{2})|(.?))/gs,
    (whole, code?: string, letter?: string) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      const character = ESCAPES[letter ?? ''];
      if (character !== undefined) return character;
      throw new Error(
        `--${option} "${value}": "${whole}" has no meaning; there are \\r \\n \\t \\e \\xNN \\\\.`,
      );
    },
  );
}

function positive(option: string, value: string): number {
  const number = /^\d+(\.\d+)?([eE]\d+)?$/.test(value) ? Number(value) : NaN;
  if (number > 0 && number <= 1e9) return number;
  throw new Error(`--${option} must be a number of seconds above 0, not "${value}".`);
}

/** A whole number, "2e9" too. */
function count(option: string, value: string): number {
  const number = /^\d+(\.\d+)?([eE]\d+)?$/.test(value) ? Number(value) : NaN;
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new Error(`--${option} must be a whole number above 0, not "${value}".`);
}
