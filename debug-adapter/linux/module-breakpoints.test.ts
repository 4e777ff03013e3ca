/**
 * Breakpoints in a module that the guest loads while it runs, of the kernel of testing/kernel-6.1.c in the
 * toy machine's memory: the code that it runs, from 0x100000 on, has no effect, and comes by
 * do_init_module, as a System.map has it, and then by the module's code.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { nodeScheduler } from '../host/scheduler-node.ts';
import { compiledC, compiledElf, parsed } from '../testing/debugged-program-node.ts';
import { FAKE_ENTRY } from '../testing/fake-memory.ts';
import { EDITOR, fakeSession, type FakeSetup } from '../testing/test-session.ts';
import { Picture } from './testing/picture.ts';

const FOLDER = fileURLToPath(new URL('testing', import.meta.url));
const PLACES = ['-Wl,-Ttext-segment=0x100000', '-Wl,--build-id=none', '-Wl,-z,noseparate-code'];
const SIZE = 0x40000;
const NOP = 0x90;
/** Where the kernel of testing/kernel-6.1.c has loaded crc16, and where it has loaded it here. */
const [THERE, HERE] = [0xd0809000, FAKE_ENTRY + 0x40];
const INIT = FAKE_ENTRY + 0x10;
const kernel = compiledC(FOLDER, ['kernel-6.1.c'], ['-g', ...PLACES]);
const module = compiledElf(['-g', '-O2', '-r', '-ffunction-sections']);
const skip = (kernel === null || module === null) && 'gcc does not compile for i386 here';

/** Launched, with a breakpoint on a function of the module. */
async function launched(map: string): Promise<FakeSetup & { readonly id: number | undefined }> {
  assert.ok(kernel !== null && module !== null);
  const image = new Picture(parsed(kernel)).read(FAKE_ENTRY, SIZE);
  const words = new DataView(image.buffer);
  for (let at = 0; at < SIZE; at += 4)
    if (words.getUint32(at, true) === THERE) words.setUint32(at, HERE, true);
  image.fill(NOP, 0, HERE - FAKE_ENTRY + 1);
  const setup = fakeSession([...image], { scheduler: nodeScheduler, clone: structuredClone });
  const { client, files } = setup;
  files.set('/vmlinux', kernel).set('/crc16.ko', textOf(module));
  files.set('/System.map', new TextEncoder().encode(map));
  await client.ask('initialize', { adapterID: 'guestscope', ...EDITOR });
  await client.ask('launch', {
    guest: { kernel: '/guest' },
    machine: { idle: 'skip' },
    symbols: ['/vmlinux', '/System.map', '/crc16.ko'],
    stopOnEntry: false,
  });
  const { breakpoints } = await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'work' }] }); // prettier-ignore
  const [first] = breakpoints as DebugProtocol.Breakpoint[];
  assert.equal(first?.verified, false);
  await client.ask('configurationDone');
  return { ...setup, id: first.id };
}

/** The kernel names one section, `.text`: the one of the function bears that name here. */
function textOf(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes);
  const at = file.indexOf('.text.work\0', 0, 'latin1');
  file.write('.text\0', at, 'latin1');
  return new Uint8Array(file);
}

test('a breakpoint in a module binds before its init function runs', { skip }, async () => {
  const { client, session, id } = await launched(
    `${INIT.toString(16).padStart(8, '0')} T do_init_module\n`,
  );
  const { hitBreakpointIds } = await client.event('stopped');
  assert.deepEqual(hitBreakpointIds, [id]);
  const bound = client.events('breakpoint').map(({ breakpoint }) => breakpoint as DebugProtocol.Breakpoint); // prettier-ignore
  assert.deepEqual(
    bound.map(({ id: each, verified }) => [each, verified]),
    [[id, true]],
  );
  // each instruction is a byte: the stop on the way is no instruction of the guest's
  assert.equal((await session.position()).retired, HERE - FAKE_ENTRY);
  session.dispose();
});
