/**
 * Messages as no decent client sends them: every request with arguments that are right, nearly right or
 * absurd, and bytes that are no message at all. Seeded: the same numbers give the same messages.
 */
import { REFUSED_REQUESTS } from '../../../debug-adapter/refused-requests.ts';
import { requestNames } from '../../../debug-adapter/request-table.ts';

export type Next = () => number;

const THREAD = { threadId: 1 };
const BREAKPOINT = { condition: 'eax == 1', hitCondition: '% 3', logMessage: 'at {eip}' };

/** Arguments that are right, as a start for what is wrong; requests that are not here take none. */
const RIGHT: { readonly [command: string]: object } = {
  initialize: { adapterID: 'guestscope', linesStartAt1: true, columnsStartAt1: true },
  restart: { arguments: { guest: { kernel: '/story.bin', format: 'flat' } } },
  cancel: { requestId: 3 },
  setBreakpoints: { source: { path: '/story.s' }, breakpoints: [{ line: 17, ...BREAKPOINT }] },
  breakpointLocations: { source: { path: '/story.s' }, line: 17 },
  setInstructionBreakpoints: {
    breakpoints: [{ instructionReference: '0x7c02', offset: 0, ...BREAKPOINT }],
  },
  setFunctionBreakpoints: { breakpoints: [{ name: 'print_character', ...BREAKPOINT }] },
  setExceptionBreakpoints: {
    filters: ['vmexit:cpuid'],
    filterOptions: [{ filterId: 'vmexit:io', condition: 'port == 0x3f8' }],
  },
  dataBreakpointInfo: { name: 'shared_word', asAddress: true, bytes: 4, mode: 'physical' },
  setDataBreakpoints: {
    breakpoints: [{ dataId: 'linear:0x18088:4', accessType: 'readWrite', ...BREAKPOINT }],
  },
  exceptionInfo: THREAD,
  continue: { ...THREAD, singleThread: false },
  next: { ...THREAD, granularity: 'instruction' },
  stepIn: { ...THREAD, granularity: 'line' },
  stepOut: THREAD,
  pause: THREAD,
  stackTrace: { ...THREAD, startFrame: 0, levels: 20 },
  scopes: { frameId: 1 },
  variables: { variablesReference: 1, start: 0, count: 10, format: { hex: true } },
  setVariable: { variablesReference: 2, name: 'eax', value: '1' },
  evaluate: { expression: 'dword[esp] + exits.CPUID', context: 'repl', frameId: 1 },
  setExpression: { expression: 'eax', value: '2', frameId: 1 },
  completions: { text: 'ea', column: 3, line: 1, frameId: 1 },
  readMemory: { memoryReference: '0x7c00', offset: 0, count: 64 },
  writeMemory: { memoryReference: 'phys:0x9000', data: 'kJCQ', allowPartial: true },
  disassemble: { memoryReference: '0x7c00', instructionOffset: -4, instructionCount: 12 },
  source: { sourceReference: 1, source: { sourceReference: 1 } },
  modules: { startModule: 0, moduleCount: 2 },
  'guestscope/exits': { from: 0, limit: 10, follow: true },
  'guestscope/setExitBreakpoints': { breakpoints: [{ reason: 'HLT', ...BREAKPOINT }] },
  'guestscope/setEvents': { events: [{ event: 'exception.PF', ...BREAKPOINT }] },
  'guestscope/consoleInput': { text: 'hello\r' },
  'guestscope/screen': { seen: 1 },
  'guestscope/keyboardInput': { text: 'a' },
  'guestscope/translate': { address: 'esp' },
  'guestscope/setRunRules': { position: 5000, quiet: 1e9, texts: ['line'], keepOutput: true },
  'guestscope/setExpectations': { expressions: ['exits.CPUID == 5', 'status == 0'] },
};

/** Requests that end a session or block for long: rarer than the others. */
const RARE: readonly string[] = ['terminate', 'disconnect', 'restart', 'launch', 'attach'];
const COMMANDS: readonly string[] = [...requestNames(), ...Object.keys(REFUSED_REQUESTS)].filter(
  (name) => !RARE.includes(name),
);

const ODD: readonly unknown[] = [
  ...[0, -0, 1, -1, 1.5, 2 ** 31, 2 ** 32, -(2 ** 40), 2 ** 53, 1e300, -1e300, 255, 4096],
  ...['', ' ', 'eax', '0x7c00', 'phys:0x0', '-0x10', '0xffffffff', 'x', '\u0000', '{a}', '{', '}'],
  ...['x esp 5', 'u eip 4', 'walk eip', 'gdt', 'find 0 4096 "a"', 'help', 'r', 'bt', 'exits', 'repl'],
  ...['((((((((((((', '1/0', '*(u32 *)0', 'dword[0xfffffffe]', 'string(0)', 'eip = 0', 'cr0 = 0'],
  ...['QQ==', '====', 'linear:0x0:1', 'physical:0xffffffff:1048576', '% 0', '>= 1', 'constructor'],
  ...['__proto__', 'toString', '\ud800', 'ä€𝄞', 'a'.repeat(2000), '(' .repeat(500)],
  ...[true, false, null],
]; // prettier-ignore

export const pick = <T>(next: Next, from: readonly T[]): T =>
  from[Math.floor(next() * from.length)] as T;

function odd(next: Next, depth: number): unknown {
  const kind = next();
  if (depth < 3 && kind < 0.1) return [odd(next, depth + 1), odd(next, depth + 1)];
  if (depth < 3 && kind < 0.2) return { [String(pick(next, ODD))]: odd(next, depth + 1) };
  if (kind < 0.3) return Math.floor((next() - 0.3) * 2 ** Math.floor(next() * 40));
  return pick(next, ODD);
}

/** The value with a part of it, or a part of a part, put wrong. */
function mutated(value: unknown, next: Next, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || next() < 0.15) return odd(next, depth);
  if (Array.isArray(value)) {
    const copy = [...(value as readonly unknown[])];
    if (next() < 0.2) return Array.from({ length: Math.floor(next() * 50) }, () => copy[0]);
    copy[0] = mutated(copy[0], next, depth + 1);
    return copy;
  }
  const names = Object.keys(value);
  const name = pick(next, names);
  const copy: { [name: string]: unknown } = { ...value };
  if (next() < 0.2) Reflect.deleteProperty(copy, name);
  else copy[name] = mutated(copy[name], next, depth + 1);
  return copy;
}

export interface RandomRequest {
  readonly command: unknown;
  readonly arguments?: unknown;
}

/** @param open sequence numbers that may be cancelled */
export function randomRequest(next: Next, launch: object, open: readonly number[]): RandomRequest {
  const kind = next();
  if (kind < 0.01) return { command: pick(next, ODD), arguments: odd(next, 0) };
  if (kind < 0.06 && open.length > 0)
    return { command: 'cancel', arguments: { requestId: pick(next, open) } };
  if (kind < 0.08) {
    const command = pick(next, RARE);
    // most sessions should live for longer than a few messages
    if (!['terminate', 'disconnect'].includes(command) || next() < 0.1)
      return { command, arguments: next() < 0.5 ? launch : mutated(launch, next) };
  }
  const command = pick(next, COMMANDS);
  const right = RIGHT[command] ?? {};
  if (next() < 0.5) return { command, arguments: right };
  return next() < 0.05 ? { command } : { command, arguments: mutated(right, next) };
}

/** Bytes between two messages that are none; the message after them must still be understood. */
export function noise(next: Next): string {
  const framed = (body: string): string =>
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  return pick(next, [
    'Content-Type: nothing\r\n\r\n',
    'Content-Length: -5\r\n\r\n',
    'Content-Length: 99999999999999\r\n\r\n',
    'Content-Length: 999999999\r\n\r\n',
    framed('{'),
    framed('[1, 2'),
    framed('null'),
    framed('[]'),
    framed('"text"'),
    framed('{"type":"request"}'),
    framed('{"type":"event","seq":1,"event":"x"}'),
    framed('{"type":"response","seq":1,"request_seq":1,"success":true,"command":"x"}'),
    framed('{"type":"request","seq":"one","command":"threads"}'),
    framed('\ufffd'.repeat(100)),
    '\r\n\r\n',
  ]);
}
