/**
 * The adapter's conversation with the real machine: the sample guest from power-on in real mode through
 * paging and its finding of the hypervisor to the end, as an editor would debug it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { begin, testSession } from '../../debug-adapter/testing/test-session.ts';
import type { TestSetup } from '../../debug-adapter/testing/test-session.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import type { DebugPort } from '../../emulator/debug-port.ts';
import { EDITOR } from '../../debug-adapter/testing/test-session.ts';
import { assertGolden, play, transcriptOf } from './transcript.ts';
import type { Step } from './transcript.ts';

const STORY = new URL('../../extension/sample/story/', import.meta.url);
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, STORY)));
const THREAD = { threadId: 1 };
const LAUNCH = {
  guest: { kernel: '/story.bin', format: 'flat', loadAddress: '0x7c00' },
  symbols: ['/story.elf'],
  machine: { memory: '16M', idle: 'skip' },
  hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
};

function story(): TestSetup<DebugPort> {
  const files = new Map([
    ['/story.bin', file('story.bin')],
    ['/story.elf', file('story.elf')],
  ]);
  return testSession(createMachine, files, { scheduler: nodeScheduler, clone: structuredClone });
}

async function golden(name: string, script: readonly Step[]): Promise<void> {
  const { client, session } = story();
  await play(client, [
    ['initialize', { adapterID: 'guestscope', ...EDITOR }],
    ['launch', LAUNCH],
    { until: 'initialized' },
    ...script,
    ['disconnect'],
  ]);
  session.dispose();
  // What the adapter can do stands in the toy machine's transcripts.
  const [, ...said] = client.said;
  assertGolden(name, transcriptOf(said.slice(1)));
}

describe('story', () => {
  it('in real mode and protected mode', () =>
    golden('story-modes', [
      ['configurationDone'],
      { until: 'stopped' },
      ['stackTrace', THREAD],
      [
        'disassemble',
        { memoryReference: '0x00007c00', instructionOffset: -2, instructionCount: 12 },
      ],
      ['stepIn', { ...THREAD, granularity: 'instruction' }],
      { until: 'stopped' },
      ['stepIn', THREAD],
      { until: 'stopped' },
      ['scopes', { frameId: 1 }],
      [
        'setFunctionBreakpoints',
        { breakpoints: [{ name: 'protected_mode' }, { name: 'no_such' }] },
      ],
      ['continue', THREAD],
      { until: 'stopped' },
      ['stackTrace', THREAD],
      [
        'disassemble',
        { memoryReference: '0x00007e00', instructionOffset: -3, instructionCount: 10 },
      ],
      ['evaluate', { expression: 'cr0', context: 'watch' }],
      ['evaluate', { expression: 'u32[0x7e00] & 0xff', context: 'watch' }],
      ['guestscope/position'],
    ]));

  it('at its VM exits', () =>
    golden('story-exits', [
      [
        'setExceptionBreakpoints',
        {
          filters: [],
          filterOptions: [
            { filterId: 'vmexit:cpuid', condition: 'leaf == 0x40000000' },
            { filterId: 'vmexit:io', condition: 'port == 0x3f8 && value == 0x38' },
            { filterId: 'vmexit:hypercall', condition: 'nr == 42' },
          ],
        },
      ],
      ['configurationDone'],
      { until: 'stopped' },
      ['continue', THREAD],
      { until: 'stopped' },
      ['exceptionInfo', THREAD],
      ['continue', THREAD],
      { until: 'stopped' },
      ['exceptionInfo', THREAD],
      ['stackTrace', THREAD],
      ['stepIn', THREAD],
      { until: 'stopped' },
      ['evaluate', { expression: 'ebx', context: 'watch' }],
      ['stepOut', THREAD],
      { until: 'stopped' },
      ['stackTrace', THREAD],
      ['setExceptionBreakpoints', { filters: [] }],
      [
        'guestscope/setExitBreakpoints',
        { breakpoints: [{ reason: 'HLT', hitCondition: '== 3' }, { reason: 'INVEPT' }] },
      ],
      ['continue', THREAD],
      { until: 'stopped' },
      ['guestscope/exits', { limit: 3 }],
      ['guestscope/exitCounts'],
    ]));

  it('what its exits add up to, and what is done in the hypervisor’s place', () =>
    golden('story-statistics', [
      [
        'guestscope/setExitBreakpoints',
        {
          breakpoints: [
            { hypercall: 'KVM_HC_KICK_CPU', action: 'skip eax=-22' },
            { hypercall: '42', when: 'after', condition: 'exit.result == -1000' },
            { hypercall: 'KICK_CPUS' },
            { reason: 'CPUID', when: 'later' },
            { reason: 'CPUID', action: 'jump' },
            { reason: 'CPUID', when: 'after', action: 'skip' },
          ],
        },
      ],
      ['configurationDone'],
      { until: 'stopped' },
      // what the machine says at the beginning comes before what the guest says
      ['stepIn', THREAD],
      { until: 'stopped' },
      ['continue', THREAD],
      { until: 'stopped' },
      ['exceptionInfo', THREAD],
      ...[
        'exits 2',
        'exits top by reason',
        'exits top 4 by detail',
        'exits top 3 by address',
        'exits top 3 by function',
        'exits top by colour',
        'exits rate',
        'hypercalls',
        'exit skip',
        'inject #GP',
        'r general',
        'exit.result',
      ].map((expression): Step => ['evaluate', { expression, context: 'repl' }]),
      ['guestscope/setExitLogFilter', { reasons: ['Hypercalls'], condition: 'nr ==' }],
      ['guestscope/setExitLogFilter', { reasons: ['Hypercalls', 'HLT'], except: ['hlt'] }],
      ['guestscope/setExitBreakpoints', { breakpoints: [{ reason: 'HLT' }] }],
      ['guestscope/exportExits', { format: 'xml' }],
      ['guestscope/intervene', { action: 'skip' }],
    ]));

  it('in its memory, linear and physical', () =>
    golden('story-memory', [
      ['setFunctionBreakpoints', { breakpoints: [{ name: 'find_hypervisor' }] }],
      ['configurationDone'],
      { until: 'stopped' },
      ['continue', THREAD],
      { until: 'stopped' },
      ['readMemory', { memoryReference: '0xc0018088', count: 4 }],
      ['readMemory', { memoryReference: '0x00018088', count: 4 }],
      ['readMemory', { memoryReference: 'phys:0x00018088', count: 4 }],
      ['guestscope/translate', { address: 'shared_word' }],
      ['guestscope/translate', { address: 0x40000000 }],
      ['writeMemory', { memoryReference: '0xc0018088', data: 'EjRWeA==' }],
      ['readMemory', { memoryReference: '0x00018088', count: 4 }],
      ['readMemory', { memoryReference: '0x40000000', count: 16 }],
      ['readMemory', { memoryReference: 'phys:0x00fffff8', count: 16 }],
      ['writeMemory', { memoryReference: '0x40000000', data: 'EjRWeA==' }],
      ['evaluate', { expression: 'x shared_word 16', context: 'repl' }],
      ['evaluate', { expression: 'u find_hypervisor 3', context: 'repl' }],
    ]));

  it('to the end, with a line typed', async () => {
    const { client, session } = story();
    await client.ask('initialize', {});
    await client.ask('launch', { ...LAUNCH, stopOnEntry: false });
    await client.ask('configurationDone');
    let text = '';
    while (!text.includes('type a line: '))
      text += String((await client.event('guestscope.console'))['text']);
    await client.ask('guestscope/consoleInput', { text: 'hello\r' });
    assert.deepEqual(await client.event('exited'), { exitCode: 0 });
    const { text: history } = await client.ask('guestscope/consoleHistory');
    assert.match(String(history), /You typed 5 characters: hello\r\n11 Power off\r\n$/);
    session.dispose();
  });

  it('twice the same, to the instruction and the exit', async () => {
    const ends = [];
    for (let run = 0; run < 2; run++) {
      const { client, session } = story();
      await begin(client, {
        ...LAUNCH,
        exitBreakpoints: [{ reason: 'HLT', hitCondition: '== 5' }],
      });
      await client.ask('continue', THREAD);
      await client.event('stopped');
      const { retired, time, exits } = await client.ask('guestscope/position');
      ends.push({ retired, time, exits });
      session.dispose();
    }
    assert.deepEqual(ends[0], ends[1]);
  });
});
