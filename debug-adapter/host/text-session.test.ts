import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeScheduler } from './scheduler-node.ts';
import { fakeSession } from '../testing/test-session.ts';
import { TextSession } from './text-session.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
/** mov eax, 'A'; out; cpuid; out; power off with 'A'. */
const PROGRAM = [0xb8, 0x41, 0, 0, 0, 0xee, 0xa2, 0xee, 0xff];
const LAUNCH = {
  type: 'guestscope',
  request: 'launch',
  name: 'toy',
  guest: { kernel: '/guest' },
  exitBreakpoints: [{ reason: 'CPUID' }],
};

async function run(
  lines?: readonly string[],
  launch = LAUNCH,
  program: readonly number[] = PROGRAM,
): Promise<string> {
  const { session } = fakeSession(program, host);
  let printed = '';
  const typed = [...(lines ?? [])];
  const text = new TextSession({
    session,
    print: (output) => (printed += output),
    ...(lines !== undefined && { ask: () => Promise.resolve(typed.shift() ?? null) }),
  });
  await text.run(launch);
  session.dispose();
  return printed;
}

describe('text session', () => {
  it('shows the first exit with all there is to see, then runs to the end', async () => {
    const printed = await run();
    for (const part of [
      'Guestscope: toy\n',
      'Paused on entry.\n',
      '== VM exit 10 CPUID at 0x00100006: leaf 0x41\n',
      '   leaf = 0x41\n',
      '-- Registers\nGeneral: eax=0x00000041',
      '=> 0x00100006  a2                        cpuid\n',
      '-- Memory\n0x00100006  a2 ee ff 00',
      '#0  0x00100006\n',
      '-- The rest of the run\n',
      'The guest printed:\nAA\n',
      'The guest has ended with exit code 65.\n',
    ])
      assert.ok(printed.includes(part), `${JSON.stringify(part)} is missing in:\n${printed}`);
  });

  it('takes commands and expressions where somebody types', async () => {
    const printed = await run(['eax + 1', 'nonsense', 's', 'eax = 7', 'exits', 'q']);
    for (const part of [
      '0x42 (66)\n',
      "There is no name 'nonsense' here.\n",
      'Paused on step\n=> 0x00100007  ee                        out dx, al\n',
      '0x00000007\n',
      '1 @2  VM exit 10 CPUID',
      'The session ends before the guest.\n',
    ])
      assert.ok(printed.includes(part), `${JSON.stringify(part)} is missing in:\n${printed}`);
  });

  it('types a line for a guest that waits for input, and gives up after that', async () => {
    // hlt; jmp to it; the toy sends back what is typed
    const printed = await run(undefined, LAUNCH, [0xa2, 0xf4, 0xeb, 0xfd]);
    const order = ['is typed for it.', 'it waits for input.', 'printed:\nhello\n', 'ends before'];
    let from = 0;
    for (const part of order) {
      from = printed.indexOf(part, from);
      assert.ok(from >= 0, `${JSON.stringify(part)} is missing in:\n${printed}`);
    }
  });

  it('fails with the sentence of the adapter', async () => {
    await assert.rejects(
      run([], { ...LAUNCH, guest: { kernel: '/none' } }),
      /there is no such file/,
    );
  });
});
