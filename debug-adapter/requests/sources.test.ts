/** Code as text sources, for clients that know no disassembly; modules. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeScheduler } from '../host/scheduler-node.ts';
import type { TestClient } from '../testing/test-client.ts';
import { begin, fakeSession } from '../testing/test-session.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
/** mov eax, 0x1000; call again; jmp itself; again: nop; inc eax; ret */
const PROGRAM = [0xb8, 0, 0x10, 0, 0, 0xe8, 2, 0xeb, 0xfe, 0x90, 0x40, 0xc3];
const MAP = '00100000 T start\n00100009 T again\n';
const THREAD = { threadId: 1 };

interface Frame {
  readonly line: number;
  readonly column: number;
  readonly source?: { readonly name: string; readonly sourceReference: number };
}

/** A session of a client that says nothing of itself but `said`. */
async function plain(said: object = {}) {
  const { client, session, files } = fakeSession(PROGRAM, host);
  files.set('/System.map', Buffer.from(MAP));
  await client.ask('initialize', { adapterID: 'guestscope', ...said });
  await client.ask('launch', { guest: { kernel: '/guest' }, symbols: ['/System.map'] });
  await client.ask('configurationDone');
  await client.event('stopped');
  return { client, session };
}

async function topFrame(client: TestClient): Promise<Frame> {
  const { stackFrames } = await client.ask('stackTrace', THREAD);
  const [frame] = stackFrames as readonly Frame[];
  assert.ok(frame);
  return frame;
}

describe('a frame of a client without memory references', () => {
  it('has a listing, in which a step moves the line', async () => {
    const { client, session } = await plain();
    const first = await topFrame(client);
    assert.equal(first.source?.name, 'start.asm');
    assert.deepEqual([first.line, first.column], [2, 1], 'below the label');
    const { content, mimeType } = await client.ask('source', { source: first.source });
    assert.equal(mimeType, 'text/x-asm');
    const rows = String(content).split('\n');
    assert.equal(rows[0], 'start:');
    assert.match(rows[1] ?? '', /^0x00100000 {2}b8 00 10 00 00 +mov eax, 0x1000/);
    assert.match(rows[2] ?? '', /call 0x100009 <again>$/);
    assert.equal(rows[4], 'again:');
    for (const line of [3, 6]) {
      await client.ask('stepIn', THREAD);
      await client.event('stopped');
      const frame = await topFrame(client);
      assert.equal(frame.source?.sourceReference, first.source?.sourceReference);
      assert.equal(frame.line, line);
    }
    const { sources } = await client.ask('loadedSources');
    assert.equal((sources as readonly object[]).length, 1);
    session.dispose();
  });

  it('has a new listing where the code has changed', async () => {
    const { client, session } = await plain();
    const before = await topFrame(client);
    await client.ask('writeMemory', { memoryReference: '0x100005', data: 'kJA=' });
    const after = await topFrame(client);
    assert.notEqual(after.source?.sourceReference, before.source?.sourceReference);
    session.dispose();
  });

  it('takes breakpoints in its lines, and says where there can be some', async () => {
    const { client, session } = await plain();
    const { source } = await topFrame(client);
    const { breakpoints: places } = await client.ask('breakpointLocations', {
      source,
      line: 1,
      endLine: 4,
    });
    assert.deepEqual(places, [{ line: 2 }, { line: 3 }, { line: 4 }], 'not on the label');
    const { breakpoints } = await client.ask('setBreakpoints', {
      source,
      breakpoints: [{ line: 5 }, { line: 100_000 }, { line: 3, condition: 'eax +' }],
    });
    const [onLabel, nowhere, wrong] = breakpoints as readonly {
      readonly verified: boolean;
      readonly line: number;
      readonly message?: string;
    }[];
    assert.deepEqual([onLabel?.verified, onLabel?.line], [true, 6], 'the instruction below');
    assert.equal(nowhere?.message, 'There is no instruction in this line.');
    assert.match(wrong?.message ?? '', /Expected a value/);
    await client.ask('continue', THREAD);
    assert.deepEqual((await client.event('stopped'))['hitBreakpointIds'], [1]);
    assert.equal((await topFrame(client)).line, 6);
    await client.ask('setBreakpoints', { source, breakpoints: [] });
    session.dispose();
  });

  it('counts lines and columns from 0 where the client does', async () => {
    const { client, session } = await plain({ linesStartAt1: false, columnsStartAt1: false });
    const { line, column } = await topFrame(client);
    assert.deepEqual([line, column], [1, 0]);
    session.dispose();
  });
});

describe('what has no source', () => {
  it('is refused', async () => {
    const { client, session } = fakeSession(PROGRAM, host);
    await begin(client);
    assert.equal((await topFrame(client)).source, undefined, 'an editor shows the disassembly');
    for (const command of ['source', 'breakpointLocations'])
      assert.match(
        await client.refused(command, { source: { path: '/a.c' }, sourceReference: 7, line: 1 }),
        /There is no such source/,
      );
    assert.deepEqual(await client.ask('loadedSources'), { sources: [] });
    const { breakpoints } = await client.ask('setBreakpoints', {
      source: { path: '/a.c' },
      breakpoints: [{ line: 1 }],
    });
    assert.equal((breakpoints as readonly { verified: boolean }[])[0]?.verified, false);
    session.dispose();
  });
});

it('modules are what was put into memory, and files of symbols; in pages', async () => {
  const { client, session } = await plain();
  const kernel = {
    id: 'kernel@1048576',
    name: 'kernel',
    addressRange: 'phys:0x00100000-phys:0x0010000c',
  };
  const symbols = {
    id: 'symbols[0]',
    name: 'System.map',
    path: '/System.map',
    symbolStatus: 'Symbols loaded',
    symbolFilePath: '/System.map',
  };
  assert.deepEqual(await client.ask('modules'), { modules: [kernel, symbols], totalModules: 2 });
  const page = await client.ask('modules', { startModule: 1, moduleCount: 5 });
  assert.deepEqual(page, { modules: [symbols], totalModules: 2 });
  session.dispose();
});
