/**
 * The adapter's conversation with a toy machine (debug-adapter/testing/fake-machine.ts): every request and
 * event in its full form, to the byte.
 */
import { describe, it } from 'node:test';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { EDITOR, fakeSession } from '../../debug-adapter/testing/test-session.ts';
import { assertGolden, play, transcriptOf } from './transcript.ts';
import type { Step } from './transcript.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
const KERNEL = { guest: { kernel: '/guest' }, machine: { idle: 'skip' } };
const THREAD = { threadId: 1 };
/** Up to the stop on entry. */
const BEGIN: readonly Step[] = [
  ['initialize', { adapterID: 'guestscope', linesStartAt1: true, ...EDITOR }],
  ['launch', KERNEL],
  { until: 'initialized' },
  ['configurationDone'],
  { until: 'stopped' },
];

async function golden(
  name: string,
  program: readonly number[],
  script: readonly Step[],
  files: { readonly [name: string]: string } = {},
): Promise<void> {
  const { client, session, files: memory } = fakeSession(program, host);
  for (const [file, text] of Object.entries(files)) memory.set(file, Buffer.from(text));
  await play(client, script);
  session.dispose();
  assertGolden(name, transcriptOf(client.said));
}

describe('conversation', () => {
  it('capabilities, one a line', async () => {
    const { client, session } = fakeSession([], host);
    const lines = Object.entries(await client.ask('initialize')).flatMap(([name, value]) =>
      Array.isArray(value)
        ? value.map((item: unknown) => JSON.stringify({ [name]: item }))
        : [JSON.stringify({ [name]: value })],
    );
    session.dispose();
    assertGolden('capabilities', lines.map((line) => `${line}\n`).join(''));
  });

  it('launch, step, registers, memory and disassembly', () =>
    golden(
      'toy-steps',
      [0xb8, 0x00, 0x00, 0x10, 0x00, 0xe8, 0x01, 0x90, 0x40, 0xc3, 0xeb, 0xfe],
      [
        ...BEGIN,
        ['threads'],
        ['next', THREAD],
        { until: 'stopped' },
        ['stepIn', THREAD],
        { until: 'stopped' },
        ['stackTrace', { ...THREAD, startFrame: 0, levels: 20 }],
        ['scopes', { frameId: 1 }],
        ['scopes', { frameId: 2 }],
        ['variables', { variablesReference: 1 }],
        ['variables', { variablesReference: 5 }],
        ['variables', { variablesReference: 2 }],
        ['variables', { variablesReference: 3 }],
        ['variables', { variablesReference: 4 }],
        ['setVariable', { variablesReference: 5, name: 'eax', value: '0x41' }],
        ['setVariable', { variablesReference: 6, name: 'nothing', value: '1' }],
        ['stepOut', THREAD],
        { until: 'stopped' },
        ['stackTrace', THREAD],
        ['variables', { variablesReference: 1 }],
        ['scopes', { frameId: 3 }],
        ['variables', { variablesReference: 17 }],
        ['variables', { variablesReference: 20 }],
        ['variables', { variablesReference: 22 }],
        ['variables', { variablesReference: 24 }],
        ['setVariable', { variablesReference: 24, name: 'zf', value: '1' }],
        [
          'disassemble',
          { memoryReference: '0x00100000', instructionOffset: -2, instructionCount: 7 },
        ],
        ['disassemble', { memoryReference: '', instructionCount: 2 }],
        ['disassemble', { memoryReference: '0x0', instructionOffset: -3, instructionCount: 4 }],
        ['readMemory', { memoryReference: '0x00100000', count: 6 }],
        ['readMemory', { memoryReference: '0x0017fffc', count: 16 }],
        ['readMemory', { memoryReference: '0x00180000', count: 16 }],
        ['readMemory', { memoryReference: 'phys:0x00180000', offset: -2, count: 4 }],
        ['readMemory', { memoryReference: '0x0', offset: -4, count: 8 }],
        ['readMemory', { memoryReference: '0xffffffff', offset: 1, count: 8 }],
        ['writeMemory', { memoryReference: '0x00100000', offset: 1, data: 'qrs=' }],
        ['writeMemory', { memoryReference: '0x0017ffff', data: 'qrs=' }],
        ['writeMemory', { memoryReference: '0x0017ffff', data: 'qrs=', allowPartial: true }],
        ['disconnect'],
      ],
    ));

  it('breakpoints of every kind', () =>
    golden(
      'toy-breakpoints',
      [0xb8, 0x05, 0x00, 0x00, 0x00, 0xa2, 0x40, 0xc1, 0xee, 0xcd, 0xeb, 0xf9],
      [
        ['initialize', { adapterID: 'guestscope', ...EDITOR }],
        ['launch', { ...KERNEL, symbols: ['/System.map'], exitBreakpoints: [{ reason: '32' }] }],
        { until: 'initialized' },
        ['setBreakpoints', { source: { path: '/start.S' }, breakpoints: [{ line: 1 }] }],
        ['setFunctionBreakpoints', { breakpoints: [{ name: 'again' }, { name: 'nowhere' }] }],
        [
          'setInstructionBreakpoints',
          {
            breakpoints: [
              { instructionReference: '0x100008', condition: 'eax == 7' },
              { instructionReference: '0x100008', condition: 'eax ===' },
              { instructionReference: 'phys:0x100008' },
            ],
          },
        ],
        [
          'setExceptionBreakpoints',
          {
            filters: ['vmexit:hypercall'],
            filterOptions: [{ filterId: 'vmexit:msr', condition: 'eax > 100' }, { filterId: 'x' }],
          },
        ],
        ['configurationDone'],
        { until: 'stopped' },
        ['continue', THREAD],
        { until: 'stopped' },
        ['exceptionInfo', THREAD],
        ['continue', THREAD],
        { until: 'stopped' },
        ['continue', THREAD],
        { until: 'stopped' },
        ['stackTrace', THREAD],
        ['setExceptionBreakpoints', { filters: [] }],
        ['setInstructionBreakpoints', { breakpoints: [] }],
        ['setFunctionBreakpoints', { breakpoints: [] }],
        [
          'guestscope/setExitBreakpoints',
          { breakpoints: [{ reason: 'io', condition: 'value == 9', hitCondition: '1' }] },
        ],
        ['continue', THREAD],
        { until: 'stopped' },
        ['exceptionInfo', THREAD],
        ['guestscope/exits', { limit: 2 }],
        ['guestscope/exitCounts'],
        ['disconnect'],
      ],
      { '/System.map': '00100000 T start\n00100005 T again\n' },
    ));

  it('debug console', () =>
    golden(
      'toy-console',
      [0xb8, 0x48, 0x00, 0x00, 0x00, 0xee, 0xa2, 0xf4, 0xff],
      [
        ...BEGIN,
        ...['', 'help', 'r', 'x', 'x eip 20', 'xp 0x100000 4', 'u', 'u 0x100005 2', 'exits', 'bt']
          .map((expression): Step => ['evaluate', { expression, context: 'repl' }]),
        ...['translate 0xc0100000', 'translate 0x180000', 'eax = 0x12', 'cr7 = 1', 'eax +', 'eax + 1']
          .map((expression): Step => ['evaluate', { expression, context: 'repl' }]),
        ['evaluate', { expression: 'eax = 5', context: 'watch' }],
        ['evaluate', { expression: 'eip', context: 'hover' }],
        ['evaluate', { expression: 'eip', context: 'watch', format: { hex: false } }],
        ['completions', { text: 'e', column: 2 }],
        ['completions', { text: 'x es', column: 5 }],
        ['guestscope/translate', { address: 'eip' }],
        ['guestscope/translate', { address: 0x180000 }],
        ['guestscope/position'],
        ['guestscope/consoleInput', { text: 'ls\r' }],
        ['continue', THREAD],
        { until: 'terminated' },
        ['guestscope/consoleHistory'],
        ['disconnect'],
      ],
    )); // prettier-ignore
});
