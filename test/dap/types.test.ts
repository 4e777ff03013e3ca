/**
 * Typed expressions against gdb: the program of test/guests/types, compiled with and without optimization,
 * is stopped where gdb was when it was asked (test/guests/types/record.ts). Each expression has gdb's value
 * and type, and structures and arrays, opened as rows, have all the parts that gdb says they have. The
 * other program has parameters that only the callers' frames tell, in each frame of its stack.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import type { TestClient } from '../../debug-adapter/testing/test-client.ts';
import { EDITOR, testSession } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import { type Answer, type Answers, CALL_VERSIONS, EXPRESSIONS, IN_CALLER, IN_CALLS, IN_FRAME, OPTIMIZATIONS } from '../guests/types/expressions.ts'; // prettier-ignore

const GUEST = new URL('../guests/types/', import.meta.url);
const built = (name: string): Buffer => readFileSync(new URL(`built/${name}`, GUEST));

/**
 * What gdb computes and we do not: a long double; a variable whose place is computed with reals; and the
 * name of an enumerator, which is an int in C.
 */
const NOT_HERE: ReadonlySet<string> = new Set(['O0 init.exact < 0', 'O2 init.exact < 0', 'O0 READY', 'O2 READY', 'O2 mean']); // prettier-ignore

/** Types that gdb gives otherwise than C (ISO 9899:2018, 6.3.1.8, 6.4.4.3, 6.5.3.4 and 6.5.15). */
const OTHER_TYPES: ReadonlySet<string> = new Set([
  ...[
    'init.jiffies + 1',
    'init.jiffies * 2',
    'init.jiffies + init.pid',
    '(unsigned long)current + 1',
  ],
  ...['READY', 'EXECUTE | SHARED', '1 ? small : big', 'init.flags & EXECUTE'],
  // we drop qualifiers, which change no value
  '(const char *)init.title',
  ...EXPRESSIONS.filter((expression) => expression.startsWith('sizeof')),
]);

const IN_TYPES = 'task->pid == 42 && current->comm == "swapper/0"';

interface Stopped {
  readonly client: TestClient;
  /** Innermost first. */
  readonly frames: readonly number[];
  readonly end: () => void;
}

/** @param program without ".elf" @param source of C */
async function stopped(program: string, source: string, condition: string): Promise<Stopped> {
  const files = new Map([
    [`/${program}.elf`, new Uint8Array(built(`${program}.elf`))],
    [`/${source}`, new Uint8Array(readFileSync(new URL(source, GUEST)))],
  ]);
  const { client, session } = testSession(createMachine, files, {
    scheduler: nodeScheduler,
    clone: structuredClone,
  });
  await client.ask('initialize', { adapterID: 'guestscope', ...EDITOR });
  await client.ask('launch', {
    guest: { kernel: `/${program}.elf` },
    symbols: [`/${program}.elf`],
    machine: { memory: '16M' },
    stopOnEntry: false,
  });
  await client.event('initialized');
  const { breakpoints } = await client.ask('setFunctionBreakpoints', {
    breakpoints: [{ name: 'stop_point', condition }],
  });
  assert.equal((breakpoints as readonly DebugProtocol.Breakpoint[])[0]?.verified, true);
  await client.ask('configurationDone');
  assert.equal((await client.event('stopped'))['reason'], 'function breakpoint');
  const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
  const frames = (stackFrames as readonly { readonly id: number }[]).map(({ id }) => id);
  return { client, frames, end: () => session.dispose() };
}

/** What is shown, without what gdb writes otherwise: the letter of a character, the symbol at an address. */
function plain(shown: string, { kind, type }: Answer): string {
  if (shown === '<optimized out>' || shown.startsWith('<not known: ')) return 'lost';
  if (kind === 'real') return String(type === 'float' ? Math.fround(Number(shown)) : Number(shown));
  if (kind === 'text') return shown === '[]' ? '' : unquoted(shown);
  if (kind === 'name') return shown.replace(/^\d+$/, '');
  if (shown === 'true' || shown === 'false') return shown === 'true' ? '1' : '0';
  const number = /^-?(?:0x)?[0-9a-f]+/.exec(shown.replace(/^\{.*\} /, ''))?.[0] ?? '';
  if (number === '') return shown;
  const sign = number.startsWith('-') ? -1n : 1n;
  return BigInt.asUintN(64, BigInt(number.replace('-', '')) * sign).toString();
}

const LETTERS: { readonly [letter: string]: string } = { n: '\n', t: '\t', r: '\r' };
const unquoted = (text: string): string =>
  text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, code: string | undefined, letter: string) =>
      code === undefined ? (LETTERS[letter] ?? letter) : String.fromCharCode(parseInt(code, 16)),
    );

function expected({ kind, value }: Answer): string {
  if (kind === 'lost') return 'lost';
  if (kind === 'real') return String(Number(value));
  if (kind === 'text') return value;
  if (kind === 'name')
    return value
      .replace(/^\((.*)\)$/, '$1')
      .replace('unknown: ', '')
      .replace(/^\d+$/, '');
  return BigInt.asUintN(64, BigInt(value)).toString();
}

/** Types of the language itself go by several names. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\blong long unsigned int\b|\bunsigned long long\b/g, 'u64'],
  [/\blong unsigned int\b|\bunsigned long\b/g, 'ulong'],
  [/\blong long int\b|\blong long\b/g, 's64'],
  [/\blong int\b/g, 'long'],
  [/\bshort unsigned int\b|\bunsigned short\b/g, 'ushort'],
  [/\bshort int\b/g, 'short'],
];
const typeName = (type: string): string =>
  NAMES.reduce(
    (text, [pattern, name]) => text.replace(pattern, name),
    type.replace(/ : \d+$/, ''),
  ).replace(/\s+/g, ' ');

for (const optimization of OPTIMIZATIONS) {
  const answers = JSON.parse(built(`types-${optimization}.json`).toString()) as Answers;
  const answer = (expression: string): Answer => {
    const found = answers[expression];
    assert.ok(found, `gdb was not asked for ${expression}`);
    return found;
  };

  test(`-${optimization}: expressions are what gdb says`, async () => {
    const { client, frames, end } = await stopped(`types-${optimization}`, 'types.c', IN_TYPES);
    const [frame = 0, caller = 0] = frames;
    const asked = [
      ...[...EXPRESSIONS, ...IN_FRAME].map((each) => [each, frame] as const),
      ...IN_CALLER.map((each) => [each, caller] as const),
    ];
    const wrong: string[] = [];
    let parts = 0;
    const compare = (name: string, shown: string, type: string | undefined): void => {
      const said = answer(name);
      const isWhole = said.kind === 'whole' || said.kind === 'array';
      if (!isWhole && plain(shown, said) !== expected(said))
        wrong.push(`${name}: ${shown}, gdb: ${said.value} (${said.kind})`);
      const isNamed =
        !said.type.includes('{...}') && said.kind !== 'lost' && !OTHER_TYPES.has(name);
      if (isNamed && type !== undefined && typeName(type) !== typeName(said.type))
        wrong.push(`${name}: type ${type}, gdb: ${said.type}`);
    };
    const below = async (
      variablesReference: number,
    ): Promise<readonly DebugProtocol.Variable[]> => {
      const body = await client.ask('variables', { variablesReference });
      return body['variables'] as readonly DebugProtocol.Variable[];
    };
    /** The parts of an object by their own expressions; pointers are left closed. */
    const walk = async (rows: readonly DebugProtocol.Variable[]): Promise<void> => {
      for (const { evaluateName = '', value, type, variablesReference } of rows) {
        compare(evaluateName, value, type);
        parts++;
        const { kind } = answer(evaluateName);
        // of an array without a length gdb says nothing, or shows one element
        if ((kind !== 'whole' && kind !== 'array') || type?.endsWith('[]') === true) continue;
        await walk(await below(variablesReference));
      }
    };
    const { scopes } = await client.ask('scopes', { frameId: frame });
    const [locals] = scopes as readonly DebugProtocol.Scope[];
    const declared = (await below(locals?.variablesReference ?? 0)).find(
      ({ name }) => name === 'doubled',
    );
    const locationReference = declared?.declarationLocationReference;
    assert.ok(locationReference !== undefined);
    const { source, line } = (await client.ask('locations', {
      locationReference,
    })) as unknown as DebugProtocol.LocationsResponse['body'] & object;
    assert.match(source.path ?? '', /types\.c$/);
    assert.match(
      readFileSync(new URL('types.c', GUEST), 'utf8').split('\n')[line - 1] ?? '',
      /int doubled/,
    );
    for (const [expression, frameId] of asked) {
      if (NOT_HERE.has(`${optimization} ${expression}`) || answer(expression).kind === 'refused')
        continue;
      const body = await client
        .ask('evaluate', { expression, frameId, context: 'watch' })
        .catch((cause: unknown) => ({
          result: String(cause),
          type: undefined,
          variablesReference: 0,
        }));
      const { result, type, variablesReference } =
        body as unknown as DebugProtocol.EvaluateResponse['body'];
      compare(expression, result, type);
      const { kind } = answer(expression);
      if (kind !== 'whole' && kind !== 'array') continue;
      if (variablesReference > 0) await walk(await below(variablesReference));
      else if (kind === 'whole') wrong.push(`${expression}: ${result}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(parts > 150, `${parts} parts`);
    end();
  });
}

for (const version of CALL_VERSIONS)
  test(`DWARF ${version}: what callers passed is what gdb says`, async () => {
    const answers = JSON.parse(built(`calls-${version}.json`).toString()) as Answers;
    const { client, frames, end } = await stopped(`calls-${version}`, 'calls.c', 'sink != 0');
    const shown: { [expression: string]: string } = {};
    const said: { [expression: string]: string } = {};
    for (const [depth, expressions] of IN_CALLS.entries())
      for (const expression of expressions) {
        const answer = answers[expression];
        assert.ok(answer, `gdb was not asked for ${expression}`);
        if (answer.kind === 'whole') continue;
        const { result } = (await client
          .ask('evaluate', { expression, frameId: frames[depth], context: 'watch' })
          .catch((cause: unknown) => ({
            result: String(cause),
          }))) as DebugProtocol.EvaluateResponse['body'];
        shown[expression] = plain(result, answer);
        said[expression] = expected(answer);
      }
    assert.deepEqual(shown, said);
    end();
  });
