import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MachineConfiguration } from '../emulator/debug-port.ts';
import { MachineClient, MachineRefusal } from './machine/machine-client.ts';
import type { MachineListener } from './machine/machine-client.ts';
import { nodeScheduler } from './host/scheduler-node.ts';
import { startThread } from './worker-node.ts';

const WORKER = new URL('./testing/fake-machine-worker-main.ts', import.meta.url);

function configuration(program: readonly number[]): MachineConfiguration {
  return {
    guest: {
      kernel: Uint8Array.from(program),
      kernelName: 'guest',
      format: 'auto',
      commandLine: '',
      loadAddress: 'auto',
    },
    memoryBytes: 1 << 20,
    cpuModel: 'x',
    hypervisor: { interface: 'kvm', profile: 'kvm-ept', exits: {} },
    shared: false,
  };
}

function start(listener: Partial<MachineListener> = {}): MachineClient {
  const nothing: MachineListener = {
    created: () => undefined,
    stopped: () => undefined,
    output: () => Promise.resolve(),
    died: () => undefined,
  };
  return new MachineClient(
    { worker: startThread(WORKER), nextId: 1 },
    { ...nothing, ...listener },
    nodeScheduler,
  );
}

describe('machine in a thread', () => {
  it('answers while the guest runs, and pauses within a few slices', async () => {
    let stopped: (kind: string) => void = () => undefined;
    const stop = new Promise<string>((resolve) => (stopped = resolve));
    const client = start({ stopped: (reason) => stopped(reason.kind) });
    await client.call('create', configuration([0x90, 0x40, 0xeb, 0xfc]), { idle: 'pace' });
    await client.call('resume', { kind: 'continue' });
    const { retired } = await client.call('position');
    while ((await client.call('position')).retired === retired);
    const { bytes } = await client.call('readMemory', 'linear', 0x100000, 2);
    assert.deepEqual(bytes, Uint8Array.of(0x90, 0x40));
    await client.call('pause');
    assert.equal(await stop, 'pause');
    client.dispose();
  });

  it('brings errors over with their kind and attribute', async () => {
    const client = start();
    await assert.rejects(client.call('create', configuration([]), { idle: 'pace' }), (error) => {
      assert.ok(error instanceof MachineRefusal);
      assert.deepEqual([error.kind, error.attribute], ['ConfigurationError', 'guest.kernel']);
      return true;
    });
    await assert.rejects(client.call('position'), /there is no machine yet/);
    client.dispose();
  });

  it('fails every open call when the thread ends by itself', async () => {
    let died: (message: string) => void = () => undefined;
    const death = new Promise<string>((resolve) => (died = resolve));
    const missing = new URL('./testing/no-such-worker-main.ts', import.meta.url);
    const client = new MachineClient(
      { worker: startThread(missing), nextId: 1 },
      {
        created: () => undefined,
        stopped: () => undefined,
        output: () => Promise.resolve(),
        died: (error) => died(error.message),
      },
      nodeScheduler,
    );
    const open = client.call('create', configuration([0x90]), { idle: 'pace' });
    await assert.rejects(open, /The machine's worker has ended/);
    assert.match(await death, /no-such-worker-main/);
    await assert.rejects(client.call('position'), /The machine's worker has ended/);
  });

  it('ends at once when it is disposed of, whatever the guest does', async () => {
    const client = start();
    await client.call('create', configuration([0xeb, 0xfe]), { idle: 'pace' });
    await client.call('resume', { kind: 'continue' });
    const open = client.call('position');
    client.dispose();
    await assert.rejects(open, /the session has ended/);
  });
});
