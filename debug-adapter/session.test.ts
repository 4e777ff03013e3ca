import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScreenBody } from './protocol.ts';
import { nodeScheduler } from './host/scheduler-node.ts';
import type { FakeSetup } from './testing/test-session.ts';
import { begin, fakeSession } from './testing/test-session.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
const setup = (program: readonly number[]): FakeSetup => fakeSession(program, host);

/** mov eax, 5; nop; inc eax; cpuid; out; jmp to itself. */
const PROGRAM = [0xb8, 5, 0, 0, 0, 0x90, 0x40, 0xa2, 0xee, 0xeb, 0xfe];
const LOOP = [0xeb, 0xfe];

/** Resolves when the guest has retired so many instructions. */
async function reached({ client }: FakeSetup, instructions: number): Promise<void> {
  while (Number((await client.ask('guestscope/position'))['retired']) < instructions);
}

describe('session', () => {
  it('stops on entry and steps by instruction', async () => {
    const { client, session } = setup(PROGRAM);
    await begin(client);
    assert.deepEqual(client.events('stopped')[0], {
      reason: 'entry',
      description: 'Paused on entry',
      threadId: 1,
      allThreadsStopped: true,
      hitBreakpointIds: [],
    });
    await client.ask('stepIn', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'step');
    const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
    assert.deepEqual(stackFrames, [
      {
        id: 1,
        name: '0x00100005',
        line: 0,
        column: 0,
        instructionPointerReference: '0x00100005',
        canRestart: false,
      },
    ]);
    session.dispose();
  });

  it('runs at once without stopOnEntry and says so', async () => {
    const { client, session } = setup([0x90, 0xff]);
    await begin(client, { stopOnEntry: false });
    await client.event('continued');
    assert.deepEqual(await client.event('exited'), { exitCode: 0 });
    await client.event('terminated');
    assert.match(await client.refused('threads'), /session has ended/);
    session.dispose();
  });

  it('pauses a guest that loops for ever', async () => {
    const { client, session } = setup(LOOP);
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    await client.ask('pause', { threadId: 1 });
    const stopped = await client.event('stopped');
    assert.equal(stopped['reason'], 'pause');
    session.dispose();
  });

  it('reads memory and sets breakpoints while the guest runs, and refuses variables', async () => {
    const { client, session } = setup([0x90, 0x40, 0xeb, 0xfc]);
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    const { data } = await client.ask('readMemory', { memoryReference: '0x100000', count: 2 });
    assert.equal(data, Buffer.from([0x90, 0x40]).toString('base64'));
    assert.match(await client.refused('scopes', { frameId: 1 }), /while the guest runs; pause/);
    await client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x100001', condition: 'eax > 1000' }],
    });
    const stopped = await client.event('stopped');
    assert.equal(stopped['reason'], 'instruction breakpoint');
    assert.deepEqual(stopped['hitBreakpointIds'], [1]);
    const { result } = await client.ask('evaluate', { expression: 'eax' });
    assert.ok(Number(result) > 1000, String(result));
    session.dispose();
  });

  it('stops at a VM exit with its number, name, place and operand', async () => {
    const { client, session } = setup(PROGRAM);
    await client.ask('initialize', {});
    await client.ask('launch', { guest: { kernel: '/guest' } });
    const { breakpoints } = await client.ask('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [{ filterId: 'vmexit:cpuid', condition: 'leaf == 6' }],
    });
    assert.deepEqual(breakpoints, [{ id: 1, verified: true }]);
    await client.ask('configurationDone');
    await client.event('stopped');
    await client.ask('continue', { threadId: 1 });
    const stopped = await client.event('stopped');
    assert.equal(stopped['text'], 'VM exit 10 CPUID at 0x00100007: leaf 0x6');
    assert.deepEqual(stopped['hitBreakpointIds'], [1]);
    const info = await client.ask('exceptionInfo', { threadId: 1 });
    assert.equal(info['exceptionId'], 'CPUID');
    session.dispose();
  });

  it('takes exit breakpoints from launch.json and names a wrong one', async () => {
    const { client, session } = setup(PROGRAM);
    await client.ask('initialize', {});
    const guest = { kernel: '/guest' };
    assert.equal(
      await client.refused('launch', { guest, exitBreakpoints: [{ reason: 'CPUDI' }] }),
      "launch.json: \"exitBreakpoints[0]\": 'CPUDI' is no VM-exit reason. Did you mean 'CPUID'?",
    );
    assert.match(
      await client.refused('launch', {
        guest,
        exitBreakpoints: [{ reason: 'CPUID', condition: 'leef == 1' }],
      }),
      /"exitBreakpoints\[0\]": There is no name 'leef' here/,
    );
    // A refused launch can be repeated.
    await client.ask('launch', { guest, exitBreakpoints: [{ reason: 'cpuid' }] });
    session.dispose();
  });

  it('answers bad breakpoints as unverified with the reason, and sets the others', async () => {
    const { client, session } = setup(PROGRAM);
    await begin(client);
    const set = await client.ask('guestscope/setExitBreakpoints', {
      breakpoints: [
        { reason: 'CPUID', condition: 'leaf ==' },
        { reason: 'IO_INSTRUCTION' },
        { reason: 'ENCLS' },
      ],
    });
    const list = set['breakpoints'] as { verified: boolean; message?: string }[];
    assert.deepEqual(
      list.map(({ verified }) => verified),
      [false, true, false],
    );
    assert.match(list[0]?.message ?? '', /found the end/);
    assert.match(list[2]?.message ?? '', /never occurs on this machine/);
    await client.ask('continue', { threadId: 1 });
    assert.match(String((await client.event('stopped'))['text']), /VM exit 30 IO_INSTRUCTION/);
    session.dispose();
  });

  it('prints the log message of a breakpoint on an instruction, and the stops of others stay', async () => {
    const { client, session } = setup([...PROGRAM.slice(0, 9), 0xff]);
    await begin(client);
    await client.ask('setInstructionBreakpoints', {
      breakpoints: [
        { instructionReference: '0x100005', logMessage: 'eax is {eax + 1}', condition: 'eax == 5' },
        { instructionReference: '0x100006', logMessage: '{nothing}' },
        { instructionReference: '0x100008' },
      ],
    });
    await client.ask('continue', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'instruction breakpoint');
    const lines = client.events('output').map(({ output }) => output);
    assert.deepEqual(
      lines.filter((line) => String(line).startsWith('eax')),
      ['eax is 0x6\n'],
    );
    session.dispose();
  });

  it('shows views of the machine as text that can be opened, and finds bytes', async () => {
    const { client, session } = setup(PROGRAM);
    await begin(client);
    const repl = (expression: string): Promise<{ [name: string]: unknown }> =>
      client.ask('evaluate', { expression, context: 'repl' });
    const walk = await repl('walk eip');
    assert.equal(walk['result'], 'walk  0x100000');
    const { variables } = await client.ask('variables', {
      variablesReference: walk['variablesReference'],
    });
    assert.equal((variables as { name: string }[])[0]?.name, 'walk');
    assert.match(
      await client.refused('evaluate', { expression: 'walk', context: 'repl' }),
      /Usage: walk ADDRESS/,
    );
    assert.equal((await repl('find 0x100000 0x1000 90 40'))['result'], '0x00100005');
    assert.equal((await repl('find 0x100000 16 "@"'))['result'], '0x00100006');
    assert.match(String((await repl('r flags'))['result']), /^Flags: eflags=\S+$/);
    assert.match(
      await client.refused('evaluate', { expression: 'r nothing', context: 'repl' }),
      /There is no group "nothing"; there are General, Flags, Control/,
    );
    assert.equal((await repl('find 0x100000 0x1000 12 34 56'))['result'], 'It is not there.');
    assert.match(
      await client.refused('evaluate', { expression: 'find 0', context: 'repl' }),
      /Usage: find/,
    );
    session.dispose();
  });

  it('sets data breakpoints on what variables, expressions and addresses name', async () => {
    const { client, session, machines } = setup(PROGRAM);
    await begin(client);
    const info = (args: object): Promise<{ [name: string]: unknown }> =>
      client.ask('dataBreakpointInfo', args);
    assert.equal((await info({ name: 'word[esp]' }))['dataId'], 'linear:0x8000:2');
    assert.equal((await info({ name: 'eax' }))['dataId'], null);
    const byAddress = await info({
      name: '0xc0000100',
      asAddress: true,
      bytes: 16,
      mode: 'physical',
    });
    assert.equal(byAddress['dataId'], 'physical:0x100:16');
    assert.equal((await info({ name: 'phys:0x20', asAddress: true }))['dataId'], 'physical:0x20:4');
    assert.match(
      await client.refused('dataBreakpointInfo', {
        name: '0x180000',
        asAddress: true,
        mode: 'physical',
      }),
      /0x00180000 is not mapped/,
    );
    const { breakpoints } = await client.ask('setDataBreakpoints', {
      breakpoints: [
        { dataId: 'linear:0x8000:2', accessType: 'readWrite', condition: 'eax == 1' },
        { dataId: 'linear:0x8000:2', condition: 'eax ==' },
        { dataId: 'somewhere' },
      ],
    });
    assert.deepEqual(
      (breakpoints as { verified: boolean }[]).map(({ verified }) => verified),
      [true, false, false],
    );
    const [watched] = machines[0]?.watched ?? [];
    assert.deepEqual(
      [watched?.space, watched?.address, watched?.length, watched?.access],
      ['linear', 0x8000, 2, 'readWrite'],
    );
    session.dispose();
  });

  it('assigns to what an expression names, in the console and by setExpression', async () => {
    const { client, session } = setup(PROGRAM);
    await begin(client);
    const assigned = await client.ask('evaluate', { expression: 'eax = edx + 7', context: 'repl' });
    assert.equal(assigned['result'], '0x00000007');
    const set = await client.ask('setExpression', { expression: 'edx', value: 'eax * 2' });
    assert.equal(set['value'], '0x0000000e');
    assert.match(
      await client.refused('evaluate', { expression: 'eax = 1', context: 'hover' }),
      /must not change the guest/,
    );
    assert.match(
      await client.refused('evaluate', { expression: 'eax + edq', context: 'repl' }),
      /^There is no name 'edq' here\. Did you mean 'ed[a-z]'\?\n {2}eax \+ edq\n {8}\^$/,
    );
    session.dispose();
  });

  it('prints the log message of an exit breakpoint and does not stop', async () => {
    const { client, session } = setup([...PROGRAM.slice(0, 9), 0xff]);
    await begin(client, {
      exitBreakpoints: [
        { reason: 'CPUID', logMessage: 'leaf {leaf}, eip {eip}, {byte[0x7fffffff]}' },
      ],
    });
    await client.ask('continue', { threadId: 1 });
    await client.event('exited');
    const lines = client.events('output').map(({ output }) => output);
    assert.ok(
      lines.includes(
        'leaf 0x6, eip 0x100007, <There is no readable memory at linear address 0x7fffffff.>\n',
      ),
      JSON.stringify(lines),
    );
    assert.equal(client.events('stopped').length, 1, 'on entry only');
    session.dispose();
  });

  it('keeps the ids of breakpoints that stay', async () => {
    const { client, session } = setup(PROGRAM);
    await begin(client);
    const at = (address: string) => ({ instructionReference: address });
    const ids = async (addresses: readonly string[]): Promise<unknown[]> => {
      const { breakpoints } = await client.ask('setInstructionBreakpoints', {
        breakpoints: addresses.map(at),
      });
      return (breakpoints as { id: number }[]).map(({ id }) => id);
    };
    assert.deepEqual(await ids(['0x100005', '0x100006']), [1, 2]);
    assert.deepEqual(await ids(['0x100007', '0x100006']), [3, 2]);
    session.dispose();
  });

  it('restarts from power-on with the files as they are now', async () => {
    const { client, session, files } = setup(PROGRAM);
    await begin(client);
    await client.ask('stepIn', { threadId: 1 });
    await client.event('stopped');
    files.set('/guest', Uint8Array.from([0x90, 0x90]));
    await client.ask('restart', {});
    assert.equal((await client.event('stopped'))['reason'], 'entry');
    const { data } = await client.ask('readMemory', { memoryReference: '0x100000', count: 2 });
    assert.equal(data, Buffer.from([0x90, 0x90]).toString('base64'));
    session.dispose();
  });

  it('restarts a running guest, and a stop of the old machine does not count', async () => {
    const { client, session } = setup(LOOP);
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    client.send('pause', { threadId: 1 });
    await client.ask('restart', {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
    assert.equal((stackFrames as unknown[]).length, 1);
    session.dispose();
  });

  it('goes on after a reset with a fresh boot that keeps the breakpoints', async () => {
    const { client, session } = setup([0x40, 0xfe]);
    await begin(client);
    await client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x100001' }],
    });
    await client.ask('continue', { threadId: 1 });
    await client.event('stopped');
    await client.ask('continue', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'reset');
    await client.ask('continue', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'instruction breakpoint');
    assert.equal((await client.ask('evaluate', { expression: 'eax' }))['result'], '0x00000001');
    session.dispose();
  });

  it('keeps the state after a triple fault, an unknown instruction and its own mistakes', async () => {
    for (const [opcode, text] of [
      [0xcc, /Triple fault: #PF during #DF/],
      [0x0b, /"toy" \(b\) is not implemented/],
      [0xfd, /Guestscope made a mistake while it ran the guest: toy opcode fd/],
    ] as const) {
      const { client, session } = setup([0x40, opcode]);
      await begin(client);
      await client.ask('continue', { threadId: 1 });
      const stopped = await client.event('stopped');
      assert.equal(stopped['reason'], 'exception');
      assert.match(String(stopped['text']), text);
      assert.equal((await client.ask('evaluate', { expression: 'eip' }))['result'], '0x00100001');
      session.dispose();
    }
  });

  it('tells which file of launch.json cannot be read', async () => {
    const { client, session, files } = setup(PROGRAM);
    await client.ask('initialize', {});
    assert.equal(
      await client.refused('launch', { guest: { kernel: '/none' } }),
      'launch.json: "guest.kernel" names /none, which cannot be read: there is no such file.',
    );
    files.set('/rubbish', Uint8Array.from([1, 2, 3]));
    assert.equal(
      await client.refused('launch', { guest: { kernel: '/guest' }, symbols: ['/rubbish'] }),
      'launch.json: "symbols[0]" names /rubbish, which cannot be used: it is neither an ELF file nor a System.map.',
    );
    files.set('/empty', new Uint8Array(0));
    assert.equal(
      await client.refused('launch', { guest: { kernel: '/empty' } }),
      'launch.json: "guest.kernel": /empty is empty; name a kernel.',
    );
    session.dispose();
  });

  it('ends with a clear word when the worker dies, and open requests fail', async () => {
    const { client, session, workers } = setup(LOOP);
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    const open = client.request('readMemory', { memoryReference: '0', count: 4 });
    workers[0]?.die('out of memory');
    assert.equal((await open).success, false);
    const outputs = client.events('output').map(({ output }) => output);
    assert.ok(
      outputs.includes("The machine's worker has ended (out of memory); launch again.\n"),
      JSON.stringify(outputs),
    );
    assert.equal(client.events('terminated').length, 1);
    session.dispose();
  });

  it('says nothing more after the client has left', async () => {
    const { client, session } = setup(LOOP);
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    session.dispose();
    const heard = client.said.length;
    client.send('pause', { threadId: 1 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(client.said.length, heard + 1);
  });

  it('answers a cancelled request that still waits', async () => {
    const { client, session } = setup(PROGRAM);
    await begin(client);
    const first = client.request('disassemble', {
      memoryReference: '0x100000',
      instructionCount: 5,
    });
    const second = client.request('readMemory', { memoryReference: '0x100000', count: 1 });
    const seq = client.said.at(-1)?.seq;
    const cancelled = client.request('cancel', { requestId: seq });
    assert.equal((await second).message, 'cancelled');
    assert.equal((await cancelled).success, true);
    assert.equal((await first).success, true);
    session.dispose();
  });

  it('does not stop and sets nothing without debugging', async () => {
    const { client, session } = setup([0x90, 0xa2, 0xff]);
    await begin(client, { noDebug: true, stopOnEntry: false, exitBreakpoints: [{ reason: '*' }] });
    await client.event('exited');
    assert.equal(client.events('stopped').length, 0);
    session.dispose();
  });
});

describe('screen and keyboard', () => {
  it('gives the picture, and leaves it out when nothing has changed', async () => {
    const { client, session } = setup([0xf4, 0xeb, 0xfd]);
    await begin(client);
    const { changes, picture } = (await client.ask('guestscope/screen')) as unknown as ScreenBody;
    assert.ok(picture?.kind === 'text');
    assert.deepEqual(picture.lines, ['Fake']);
    assert.equal(picture.cells, 'RgdhB2sHZQc=');
    assert.deepEqual(picture.cursor, { column: 3, row: 0, firstLine: 13, lastLine: 14 });
    assert.deepEqual(await client.ask('guestscope/screen', { seen: changes }), { changes });
    const { result } = await client.ask('evaluate', { expression: 'screen', context: 'repl' });
    assert.equal(result, 'Fake');
    session.dispose();
  });

  it('types text and scan codes, and refuses what has no key', async () => {
    const { client, session, machines } = setup([0xf4, 0xeb, 0xfd]);
    await begin(client);
    assert.deepEqual(await client.ask('guestscope/keyboardInput', { text: 'a' }), { scanCodes: 2 });
    await client.ask('guestscope/keyboardInput', { scanCodes: [0xe0, 0x48, 0xe0, 0xc8] });
    assert.deepEqual(machines[0]?.keys, [0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8]);
    for (const [bad, message] of [
      [{ text: 'ü' }, /no key for "ü" \(U\+00FC\) on a US keyboard/],
      [{ scanCodes: [256] }, /integers from 0 to 255/],
      [{}, /text/],
    ] as const) {
      await assert.rejects(client.ask('guestscope/keyboardInput', bad), message);
    }
    session.dispose();
  });
});

describe('console', () => {
  it('brings the serial output and takes what is typed', async () => {
    // mov eax, 'A'; out; hlt; jmp to the hlt
    const { client, session, machines } = setup([0xb8, 0x41, 0, 0, 0, 0xee, 0xf4, 0xeb, 0xfd]);
    await begin(client, { machine: { idle: 'pace' }, console: 'debugConsole' });
    await client.ask('continue', { threadId: 1 });
    assert.deepEqual(await client.event('guestscope.console'), {
      text: 'A',
      base64: 'QQ==',
      dropped: 0,
    });
    assert.ok(
      client
        .events('output')
        .some(({ category, output }) => category === 'stdout' && output === 'A'),
    );
    assert.deepEqual(await client.ask('guestscope/consoleInput', { text: 'é' }), { bytes: 2 });
    assert.equal((await client.event('guestscope.console'))['text'], 'é');
    assert.deepEqual(machines[0]?.typed, [0xc3, 0xa9]);
    assert.deepEqual(await client.ask('guestscope/consoleHistory'), { text: 'Aé' });
    session.dispose();
  });

  it('holds its memory when the guest floods the serial line and the client does not take it', async () => {
    let release: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => (release = resolve));
    const flooding = fakeSession([0xef, 0xeb, 0xfd], host, { clientReady: () => blocked });
    const { client, session } = flooding;
    await begin(client);
    await client.ask('continue', { threadId: 1 });
    await client.event('guestscope.console');
    // far more than what is kept: an instruction in two puts out 512 bytes
    await reached(flooding, 100_000);
    assert.equal(client.events('guestscope.console').length, 1, 'one batch until it is taken');
    release();
    await client.ask('pause', { threadId: 1 });
    await client.event('stopped');
    const batches = client.events('guestscope.console') as unknown as {
      text: string;
      dropped: number;
    }[];
    assert.ok(batches.every(({ text }) => text.length <= 256 * 1024));
    assert.ok(batches.some(({ dropped }) => dropped > 0));
    assert.ok(
      client
        .events('output')
        .some(({ output }) => /bytes of console output were left out/.test(String(output))),
    );
    session.dispose();
  });
});

describe('exit log', () => {
  it('pages the log and counts by reason', async () => {
    const { client, session } = setup([0xa2, 0xc1, 0xee, 0xa2, 0xff]);
    await begin(client, { stopOnEntry: true });
    await client.ask('guestscope/setExitBreakpoints', {
      breakpoints: [{ reason: 'CPUID', hitCondition: '2' }],
    });
    await client.ask('continue', { threadId: 1 });
    await client.event('stopped');
    const page = await client.ask('guestscope/exits', { from: 1, limit: 2 });
    const rows = page['rows'] as { ordinal: number; name: string }[];
    assert.deepEqual(
      rows.map(({ ordinal, name }) => [ordinal, name]),
      [
        [1, 'VMCALL'],
        [2, 'IO_INSTRUCTION'],
      ],
    );
    assert.deepEqual([page['first'], page['total']], [0, 4]);
    assert.deepEqual(await client.ask('guestscope/exitCounts'), {
      counts: { CPUID: 2, VMCALL: 1, IO_INSTRUCTION: 1 },
      total: 4,
    });
    session.dispose();
  });

  it('follows with bounded events that say what they left out', async () => {
    // cpuid; jmp back: an exit every second instruction
    const { client, session } = setup([0xa2, 0xeb, 0xfd]);
    await begin(client);
    await client.ask('guestscope/exits', { follow: true });
    await client.ask('continue', { threadId: 1 });
    const start = performance.now();
    await client.event('guestscope.exits');
    await client.event('guestscope.exits');
    await client.ask('pause', { threadId: 1 });
    await client.event('stopped');
    // one each 100 ms, and one with the stop
    const most = (performance.now() - start) / 90 + 3;
    const events = client.events('guestscope.exits') as unknown as {
      rows: { ordinal: number }[];
      skipped: number;
      total: number;
    }[];
    assert.ok(events.length <= most, `${events.length} events`);
    let next = 0;
    for (const { rows, skipped, total } of events) {
      assert.ok(rows.length <= 256);
      assert.equal(rows[0]?.ordinal, next + skipped);
      next = total;
    }
    session.dispose();
  });
});
