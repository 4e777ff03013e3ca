/** Variables that are written: through the machine, with what depends on them shown anew. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMachine } from '../../emulator/debugger/debugger.ts';
import { nodeScheduler } from '../host/scheduler-node.ts';
import type { TestClient } from '../testing/test-client.ts';
import { begin, testSession } from '../testing/test-session.ts';

const host = { scheduler: nodeScheduler, clone: structuredClone };
const FLAT = { guest: { kernel: '/guest', format: 'flat', loadAddress: '0x7c00' } };

interface Variable {
  readonly name: string;
  readonly value: string;
  readonly variablesReference: number;
  readonly indexedVariables?: number;
  readonly presentationHint?: unknown;
}

/** A real machine in real mode, at its first instruction. @param abilities of the client */
async function start(abilities: object = {}) {
  const files = new Map([['/guest', Uint8Array.of(0xeb, 0xfe)]]);
  const { client, session } = testSession(createMachine, files, host);
  await begin(client, FLAT, abilities);
  return { client, session };
}

const rows = async (client: TestClient, variablesReference: number, more: object = {}) =>
  (await client.ask('variables', { variablesReference, ...more }))[
    'variables'
  ] as readonly Variable[];

/** The reference of what the names lead to, from a scope down. */
async function open(client: TestClient, ...names: readonly string[]): Promise<number> {
  const { stackFrames } = await client.ask('stackTrace', { threadId: 1 });
  const frameId = (stackFrames as readonly { readonly id: number }[])[0]?.id;
  const { scopes } = await client.ask('scopes', { frameId });
  let found = scopes as readonly Variable[];
  let reference = 0;
  for (const name of names) {
    if (reference !== 0) found = await rows(client, reference);
    const row = found.find((each) => each.name === name);
    assert.ok(row, `no ${name} in ${found.map((each) => each.name).join(', ')}`);
    reference = row.variablesReference;
  }
  return reference;
}

const set = async (
  client: TestClient,
  path: readonly string[],
  name: string,
  value: string,
): Promise<string> => {
  const variablesReference = await open(client, ...path);
  const answer = await client.ask('setVariable', { variablesReference, name, value });
  return String(answer['value']);
};
const evaluated = async (client: TestClient, expression: string): Promise<unknown> =>
  (await client.ask('evaluate', { expression, context: 'watch' }))['result'];

describe('a variable that is set', () => {
  it('is a flag, a bit of a control register, a segment, a debug register', async () => {
    const { client, session } = await start();
    assert.equal(await set(client, ['Registers', 'Flags', 'eflags'], 'cf', '1'), '1');
    assert.equal(await evaluated(client, 'eflags & 1'), '0x1 (1)');
    assert.equal(await set(client, ['Registers', 'Control', 'cr0'], 'mp', '1'), '1');
    // real mode: the base follows the selector (SDM vol. 3, 21.1.1)
    await set(client, ['Registers', 'Segments'], 'ds', '0x1234');
    assert.equal(await evaluated(client, 'ds.base'), '0x00012340');
    await set(client, ['Registers', 'Segments', 'fs'], 'base', '0x5000');
    assert.equal(await evaluated(client, 'fs.base'), '0x00005000');
    await set(client, ['Registers', 'Debug'], 'dr0', '0x7c00');
    assert.equal(await evaluated(client, 'dr0'), '0x00007c00');
    session.dispose();
  });

  it('is a model-specific register of 64 bits', async () => {
    const { client, session } = await start();
    const value = '0x0606060606060607';
    assert.equal(await set(client, ['Registers', 'MSRs'], 'IA32_PAT', value), value);
    assert.equal(await evaluated(client, 'IA32_PAT & 0xff'), '0x7 (7)');
    const variablesReference = await open(client, 'Registers', 'MSRs');
    assert.match(
      await client.refused('setVariable', { variablesReference, name: 'IA32_PAT', value: '2' }),
      /WRMSR would be #GP/,
    );
    session.dispose();
  });

  it('is a floating-point register, as text', async () => {
    const { client, session } = await start();
    const fpu = ['Registers', 'FPU'];
    assert.equal(await set(client, fpu, 'st0', '1.5'), '1.5');
    assert.equal(await set(client, fpu, 'st0', '-0.25'), '-0.25');
    assert.match(await set(client, fpu, 'st0', '-inf'), /-inf/i);
    assert.match(await set(client, fpu, 'st0', 'nan'), /nan/i);
    const xmm = ['Registers', 'SIMD', 'xmm1'];
    assert.equal(await set(client, xmm, 'f2', '2.5'), '2.5');
    assert.equal(await evaluated(client, 'xmm1.i2'), '0x40200000', 'IEEE 754 single 2.5');
    session.dispose();
  });

  it('is a register of a device, by its own port, and a bit of one', async () => {
    const { client, session } = await start();
    assert.equal(await set(client, ['Devices', 'pic'], 'IMR', '0xfb'), '0xfb  IRQ0 IRQ1 IRQ3 IRQ4 IRQ5 IRQ6 IRQ7'); // prettier-ignore
    assert.equal(await set(client, ['Devices', 'pic', 'IMR'], 'IRQ0', '0'), '0  masked');
    const [imr] = (await rows(client, await open(client, 'Devices', 'pic'))).filter(
      ({ name }) => name === 'IMR',
    );
    assert.match(imr?.value ?? '', /^0xfa/);
    const variablesReference = await open(client, 'Devices', 'pic');
    for (const [name, value, refusal] of [
      ['ISR', '1', 'ISR cannot be changed.'],
      ['IMR', '256', 'IMR has 8 bits; 256 does not fit.'],
    ] as const)
      assert.equal(
        await client.refused('setVariable', { variablesReference, name, value }),
        refusal,
      );
    session.dispose();
  });

  it('tells the client that the rest may have changed', async () => {
    const { client, session } = await start();
    await set(client, ['Registers', 'General'], 'eax', '7');
    const body = await client.event('invalidated');
    assert.deepEqual(body, { areas: ['variables', 'stacks'] });
    session.dispose();
  });
});

describe('devices in the debug console', () => {
  const says = async (client: TestClient, expression: string): Promise<string> =>
    String((await client.ask('evaluate', { expression, context: 'repl' }))['result']);

  it('are listed and shown', async () => {
    const { client, session } = await start();
    assert.match(await says(client, 'devices'), /^pic {9}Interrupt controller 8259A, master$/m);
    assert.match(await says(client, 'device uart'), /^divisor {5}0x0001 {2}115200 baud$/m);
    assert.equal(
      await client.refused('evaluate', { expression: 'device pi', context: 'repl' }),
      "There is no device 'pi'. Did you mean 'pic'?",
    );
    session.dispose();
  });
});

it('the names of devices are completed', async () => {
  const { client, session } = await start();
  const { targets } = await client.ask('completions', { text: 'device ui', column: 10 });
  assert.deepEqual(targets, []);
  const completed = await client.ask('completions', { text: 'device ua', column: 10 });
  assert.deepEqual(completed['targets'], [{ label: 'uart', type: 'value', start: 7, length: 2 }]);
  session.dispose();
});

describe('pages of variables', () => {
  /** None of the real-mode vectors is empty. */
  const vectors = (client: TestClient): Promise<unknown> =>
    client.ask('writeMemory', {
      memoryReference: 'phys:0x0',
      data: Buffer.alloc(256 * 4, 1).toString('base64'),
    });

  it('are cut out of the rows, whatever filter is asked for', async () => {
    const { client, session } = await start();
    const reference = await open(client, 'Registers', 'General');
    const all = await rows(client, reference);
    assert.deepEqual(
      (await rows(client, reference, { start: 2, count: 3 })).map(({ name }) => name),
      all.slice(2, 5).map(({ name }) => name),
    );
    assert.deepEqual(await rows(client, reference, { filter: 'indexed' }), []);
    assert.equal((await rows(client, reference, { filter: 'named' })).length, all.length);
    assert.deepEqual(await rows(client, reference, { start: 1000, count: 5 }), []);
    session.dispose();
  });

  it('are of a table with the number of its entries: 256 real-mode vectors (SDM vol. 3, 20.1.4)', async () => {
    const { client, session } = await start();
    await vectors(client);
    const machine = await rows(client, await open(client, 'Machine'));
    const table = machine.find(({ name }) => name === 'Interrupt descriptor table');
    assert.ok(table);
    assert.equal(table.indexedVariables, 256);
    const page = async (start: number, count: number): Promise<readonly string[]> => {
      const asked = { filter: 'indexed', start, count };
      return (await rows(client, table.variablesReference, asked)).map(({ name }) => name);
    };
    const all = await page(0, 256);
    assert.equal(all.length, 256);
    assert.deepEqual(await page(100, 100), all.slice(100, 200));
    assert.deepEqual(await page(250, 100), all.slice(250));
    assert.deepEqual(await page(256, 1), []);
    assert.deepEqual(await rows(client, table.variablesReference, { filter: 'named' }), []);
    const typed = await client.ask('evaluate', { expression: 'idt', context: 'repl' });
    assert.equal(typed['indexedVariables'], 256);
    session.dispose();
  });

  it('are for clients that ask for them; the others get all rows and no number', async () => {
    const { client, session } = await start({ supportsVariablePaging: false });
    await vectors(client);
    const machine = await rows(client, await open(client, 'Machine'));
    const table = machine.find(({ name }) => name === 'Interrupt descriptor table');
    assert.ok(table);
    assert.equal(table.indexedVariables, undefined);
    assert.equal(
      (await rows(client, table.variablesReference, { start: 5, count: 2 })).length,
      256,
    );
    session.dispose();
  });

  it('show numbers as the client wants them', async () => {
    const { client, session } = await start();
    const reference = await open(client, 'Registers', 'General');
    const eip = async (hex: boolean): Promise<string | undefined> =>
      (await rows(client, reference, { format: { hex } })).find(({ name }) => name === 'eip')
        ?.value;
    assert.equal(await eip(true), '0x00007c00');
    assert.equal(await eip(false), '31744');
    session.dispose();
  });
});
