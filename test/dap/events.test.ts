/**
 * Events of the machine through the adapter: exception filters, launch.json's "breakOn", the tree of
 * guestscope/events, what a stop says, and the chain of faults of exceptionInfo.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventsBody, SetEventsBody } from '../../debug-adapter/protocol.ts';
import { nodeScheduler } from '../../debug-adapter/host/scheduler-node.ts';
import { begin, testSession } from '../../debug-adapter/testing/test-session.ts';
import type { TestSetup } from '../../debug-adapter/testing/test-session.ts';
import type { DebugPort } from '../../emulator/debug-port.ts';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import { EVENTS_GUEST } from '../../emulator/debugger/testing/events-guest.ts';
import { multibootImage } from '../../emulator/debugger/testing/test-guest.ts';
import { assertGolden, play, transcriptOf } from './transcript.ts';
import type { Step } from './transcript.ts';

const THREAD = { threadId: 1 };
const GUEST = { guest: { kernel: '/guest', format: 'multiboot' } };

function events(): TestSetup<DebugPort> {
  const files = new Map([['/guest', multibootImage(EVENTS_GUEST)]]);
  return testSession(createMachine, files, { scheduler: nodeScheduler, clone: structuredClone });
}

/** What is said once the guest is launched, or "refused". */
async function golden(
  name: string,
  attributes: { readonly [name: string]: unknown },
  script: readonly Step[],
): Promise<void> {
  const { client, session } = events();
  await play(client, [
    ['initialize', { adapterID: 'guestscope' }],
    ['launch', { ...GUEST, machine: { idle: 'skip' }, ...attributes }],
    { until: 'initialized' },
    ...script,
    ['disconnect'],
  ]);
  session.dispose();
  const [, , ...said] = client.said;
  assertGolden(name, transcriptOf(said));
}

const GO_ON: readonly Step[] = [['continue', THREAD], { until: 'stopped' }];

describe('events of the machine', () => {
  it('as exception filters with conditions', () =>
    golden('events-filters', {}, [
      [
        'setExceptionBreakpoints',
        {
          filters: ['event:mode', 'event:paging'],
          filterOptions: [
            { filterId: 'event:exception', condition: 'event.vector == 14 && event.errorCode & 2' },
            { filterId: 'event:port', condition: "event.port == 0x3f8 && event.value == 'A'" },
            { filterId: 'event:interrupt', condition: 'event.source == software' },
            { filterId: 'event:msr', condition: 'event.indx == 1' },
          ],
        },
      ],
      ['configurationDone'],
      { until: 'stopped' },
      ...GO_ON,
      ...GO_ON,
      ['exceptionInfo', THREAD],
      ...GO_ON,
      ...GO_ON,
      ['exceptionInfo', THREAD],
      ['evaluate', { expression: 'event.address', context: 'watch' }],
      ...GO_ON,
    ]));

  it('as "breakOn" of launch.json, down to the chain of faults', () =>
    golden(
      'events-break-on',
      {
        breakOn: [
          'exception.DE',
          { event: 'msr.write', logMessage: 'WRMSR {event.index} = {event.value}' },
          { event: 'exit.CPUID', condition: 'leaf > 2' },
          'triple-fault',
        ],
      },
      [
        ['configurationDone'],
        { until: 'stopped' },
        ...GO_ON,
        ...GO_ON,
        ...GO_ON,
        ['exceptionInfo', THREAD],
        ...GO_ON,
        ['exceptionInfo', THREAD],
      ],
    ));

  it('as targets of steps, and the next instruction set by hand', () =>
    golden('events-targets', { stepping: { interrupts: 'mask' } }, [
      ['setFunctionBreakpoints', { breakpoints: [{ name: '*0x001000b1' }] }],
      ['configurationDone'],
      { until: 'stopped' },
      ['guestscope/stepping', { interrupts: 'deliver' }],
      ['guestscope/stepping', { interrupts: 'never' }],
      ...GO_ON,
      ['stackTrace', THREAD],
      ['stepInTargets', { frameId: 1 }],
      ['stepIn', { ...THREAD, targetId: 0x1000 }],
      ['stepIn', { ...THREAD, targetId: EVENTS_GUEST.at('ignore') }],
      { until: 'stopped' },
      ['goto', { ...THREAD, targetId: EVENTS_GUEST.at('divide_here') }],
      { until: 'stopped' },
      ['goto', { ...THREAD, targetId: 0xfe000000 }],
      ['gotoTargets', { source: { path: '/none.c' }, line: 7 }],
      ['next', { ...THREAD, granularity: 'line' }],
      { until: 'stopped' },
    ]));

  it('data breakpoints with the limits of debug registers', () =>
    golden('events-debug-registers', { breakOn: ['interrupt.software'] }, [
      ['configurationDone'],
      { until: 'stopped' },
      ['dataBreakpointInfo', { name: '0x301000', asAddress: true, mode: 'debug-register' }],
      ['dataBreakpointInfo', { name: '0x301002', asAddress: true, mode: 'debug-register' }],
      [
        'dataBreakpointInfo',
        { name: '0x301000', asAddress: true, bytes: 8, mode: 'debug-register' },
      ],
      ['dataBreakpointInfo', { name: 'phys:0x301000', asAddress: true, mode: 'debug-register' }],
      [
        'setDataBreakpoints',
        {
          breakpoints: [
            { dataId: 'debug-register:0x301000:4', accessType: 'write' },
            { dataId: 'debug-register:0x301004:4', accessType: 'read' },
            { dataId: 'debug-register:0x301006:4', accessType: 'write' },
            { dataId: 'debug-register:0x301008:1', accessType: 'readWrite' },
            { dataId: 'debug-register:0x30100a:2', accessType: 'readWrite' },
            { dataId: 'debug-register:0x30100c:4', accessType: 'readWrite' },
            { dataId: 'debug-register:0x301010:4', accessType: 'readWrite' },
          ],
        },
      ],
      ...GO_ON,
      ...GO_ON,
      ['evaluate', { expression: 'dr7', context: 'watch' }],
    ]));

  it('refuses an event that does not exist', async () => {
    const { client, session } = events();
    await client.ask('initialize', { adapterID: 'guestscope' });
    assert.match(
      await client.refused('launch', { ...GUEST, breakOn: ['exception.PFF'] }),
      /"breakOn\[0\]": There is no event "exception.PFF"\. Did you mean 'exception\.PF'\?/,
    );
    assert.match(
      await client.refused('launch', {
        ...GUEST,
        breakOn: [{ event: 'hlt', condition: 'event.port' }],
      }),
      /"breakOn\[0\]": There is no name 'event\.port' here/,
    );
    session.dispose();
  });

  it('as a tree in which everything has its place', async () => {
    const { client, session } = events();
    await begin(client, { ...GUEST, breakOn: ['hlt'] });
    const { breakpoints } = (await client.ask('guestscope/setEvents', {
      events: [
        { event: 'exception.pf', condition: 'event.errorCode & 1' },
        { event: 'hypercall.KICK_CPU', condition: 'a1 == 1' },
        { event: 'exit.SMI' },
        { event: 'port.uot' },
      ],
    })) as unknown as SetEventsBody;
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [true, true, false, false],
    );
    assert.match(breakpoints[3]?.message ?? '', /Did you mean 'port.out'/);
    const { groups } = (await client.ask('guestscope/events')) as unknown as EventsBody;
    const all = groups.flatMap((group) => group.events);
    const ids = all.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'ids are unique');
    assert.equal(new Set(groups.map(({ name }) => name)).size, groups.length);
    const set = all.filter((event) => event.set.length > 0).map((event) => [event.id, event.set]);
    const [pageFault, kick, smi] = breakpoints;
    assert.deepEqual(Object.fromEntries(set), {
      hlt: [{ by: 'launch', id: 1, verified: true }],
      'exception.PF': [{ by: 'client', ...pageFault, condition: 'event.errorCode & 1' }],
      'hypercall.KICK_CPU': [{ by: 'client', ...kick, condition: 'a1 == 1' }],
      'exit.SMI': [{ by: 'client', ...smi }],
    });
    session.dispose();
  });
});
