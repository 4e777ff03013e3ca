/** A session whose guest is the kernel of testing/kernel-6.1.c, in the toy machine's memory at 0x100000. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeScheduler } from '../host/scheduler-node.ts';
import { compiledC, parsed } from '../testing/debugged-program-node.ts';
import { FAKE_ENTRY } from '../testing/fake-memory.ts';
import { begin, fakeSession, type FakeSetup } from '../testing/test-session.ts';
import { Picture } from './testing/picture.ts';

const FOLDER = fileURLToPath(new URL('testing', import.meta.url));
/** The toy machine loads a program to FAKE_ENTRY: nothing of the file may lie below. */
const PLACES = ['-Wl,-Ttext-segment=0x100000', '-Wl,--build-id=none', '-Wl,-z,noseparate-code'];
const SIZE = 0x40000;
const bytes = compiledC(FOLDER, ['kernel-6.1.c'], ['-g', ...PLACES]);
const skip = bytes === null && 'gcc does not compile for i386 here';

async function stopped(): Promise<FakeSetup> {
  assert.ok(bytes !== null);
  const program = new Picture(parsed(bytes)).read(FAKE_ENTRY, SIZE);
  const setup = fakeSession([...program], { scheduler: nodeScheduler, clone: structuredClone });
  setup.files.set('/vmlinux', bytes);
  await begin(setup.client, { symbols: ['/vmlinux'] });
  return setup;
}

test('tasks, log and modules are told as bodies', { skip }, async () => {
  const { client, session } = await stopped();
  const { tasks } = await client.ask('guestscope/linux/tasks');
  assert.deepEqual(
    (tasks as { name: string; state: string; isCurrent: boolean }[]).map(({ name, state, isCurrent }) => [name, state, isCurrent]), // prettier-ignore
    [['kworker/0:0-events', 'I (idle)', true]],
  );
  const running = await client.ask('guestscope/linux/taskStack', { pid: 2 });
  assert.deepEqual(running, { frames: [], problem: 'It runs on CPU 0: its stack is the call stack there.' }); // prettier-ignore
  await client.ask('evaluate', { expression: 'current_task = &init_task', context: 'repl' });
  const { frames } = await client.ask('guestscope/linux/taskStack', { pid: 2 });
  const symbols = (frames as { symbol: string }[]).map(({ symbol }) => symbol);
  assert.deepEqual(symbols, ['__schedule+0x7', 'kthreadd+0x3']);
  const log = await client.ask('guestscope/linux/log', { limit: 1 });
  assert.deepEqual(log, { records: [{ time: 2.1, level: 7, facility: 0, text: '' }], total: 3 });
  const { modules } = await client.ask('guestscope/linux/modules');
  assert.deepEqual((modules as object[])[1], {
    name: 'crc16', size: 16384, memoryReference: '0xd0809000', state: 'Live', users: 1, usedBy: ['ext4'],
    sections: [{ name: '.text', memoryReference: '0xd0809000' }],
  }); // prettier-ignore
  const refused = await client.request('guestscope/linux/taskStack', { pid: 7 });
  assert.match(refused.message ?? '', /there is no task 7/);
  session.dispose();
});

test('the console, threads and the scope know the tasks', { skip }, async () => {
  const { client, session } = await stopped();
  const said = async (expression: string): Promise<string> =>
    String((await client.ask('evaluate', { expression, context: 'repl' }))['result']);
  assert.match(await said('ps'), /=> +2 +2 +0 +0 {2}I \(idle\) .*\[kworker\/0:0-events\]$/);
  assert.equal(await said('dmesg'), '[    1.234567] seventeen letters\n[    2.000000] over the end\n[    2.000000] 2 lines\n[    2.100000] '); // prettier-ignore
  assert.match(await said('lsmod'), /^ext4 .*\ncrc16 16384 1 ext4, Live 0xd0809000$/);
  assert.match(await said('syscalls exit'), /^ {3}1 {2}exit +0x/);
  assert.equal(await said('current->tgid'), '2');
  await said('current_task = &init_task');
  assert.match(
    await said('ps 2'),
    /^2 \[kworker\/0:0-events\]: I \(idle\), .*\n#0 .*<__schedule\+0x7>\n/,
  );
  await said('current_task = &kernel_thread');
  assert.deepEqual(await client.ask('threads'), { threads: [{ id: 1, name: 'vCPU 0: kworker/0:0-events (2)' }] }); // prettier-ignore
  const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
  const { scopes } = await client.ask('scopes', { frameId: (stackFrames as { id: number }[])[0]?.id }); // prettier-ignore
  const linux = (scopes as { name: string; variablesReference: number }[]).find(({ name }) => name === 'Linux'); // prettier-ignore
  const { variables } = await client.ask('variables', { variablesReference: linux?.variablesReference }); // prettier-ignore
  const rows = (variables as { name: string; value: string }[]).map(({ name, value }) => [name, value]); // prettier-ignore
  assert.deepEqual(rows.slice(0, 2), [['Kernel', 'Linux version 6.1.0 (test)'], ['Current task', 'I (idle)']]); // prettier-ignore
  session.dispose();
});

test('modules that the kernel has loaded are told at stops', { skip }, async () => {
  const { client, session } = await stopped();
  const told = client.events('module').map((body) => {
    const { reason, module } = body as { reason: string; module: { id: string; name: string } };
    return [reason, module.id, module.name];
  });
  assert.deepEqual(told, [['new', 'linux:ext4', 'ext4'], ['new', 'linux:crc16', 'crc16']]); // prettier-ignore
  const { modules } = await client.ask('modules');
  assert.ok((modules as { id: string }[]).some(({ id }) => id === 'linux:crc16'));
  session.dispose();
});
