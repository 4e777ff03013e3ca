/**
 * A debug session as an editor leads it, timed from the editor's side: the debug adapter is a process
 * that is spoken to over its standard streams, and the machine runs in its worker.
 */
import path from 'node:path';
import { median, percentile } from '../statistics.ts';
import { measureConditions } from './conditions.ts';
import type { SessionFigures, SessionOptions, Times } from './figures.ts';
import { measureRoundTrips } from './round-trips.ts';
import { type Body, StdioClient } from './stdio-client.ts';

const THREAD = { threadId: 1 };
/** Linux runs this long at least before it is paused, ms; each pause waits a little longer than the last. */
const SHORTEST_RUN = 50;
const LONGER = 10;
const PAGE = 4096;
const ROWS = 50;

export async function measureSession(options: SessionOptions): Promise<SessionFigures> {
  return {
    ...(await launches(options)),
    ...(await roundTrips(options)),
    ...(await measureRoundTrips(options.adapter, options.roundTrips)),
    pause: options.linux === null ? null : await pauses(options, options.linux),
    conditions: measureConditions(),
  };
}

// ---- launching

async function launches(
  options: SessionOptions,
): Promise<Pick<SessionFigures, 'launchToEntry' | 'launchToExit' | 'coldStart' | 'restart'>> {
  const [toEntry, toExit, cold, again]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let count = 0; count < options.launches; count++) {
    const start = performance.now();
    const client = new StdioClient(options.adapter);
    await initialize(client);
    toEntry.push(await elapsed(() => launch(client, story(options, true))));
    await stopAfter(client, 'stepIn');
    cold.push(performance.now() - start);
    again.push(await elapsed(() => stopAfter(client, 'restart')));
    await client.close();

    const other = new StdioClient(options.adapter);
    await initialize(other);
    toExit.push(await elapsed(() => launch(other, story(options, false))));
    await other.close();
  }
  return {
    launchToEntry: times(toEntry),
    launchToExit: times(toExit),
    coldStart: times(cold),
    restart: times(again),
  };
}

/** The first configuration of the sample's launch.json. */
function story({ story: folder }: SessionOptions, stopOnEntry: boolean): object {
  return {
    guest: { kernel: path.join(folder, 'story.bin'), format: 'flat', loadAddress: '0x7c00' },
    symbols: [path.join(folder, 'story.elf')],
    machine: { memory: '16M' },
    hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
    exitBreakpoints: [{ reason: 'CPUID', condition: 'leaf == 0x40000000' }],
    stopOnEntry,
  };
}

async function initialize(client: StdioClient): Promise<void> {
  await client.request('initialize', { adapterID: 'guestscope', linesStartAt1: true });
}

/** Launches as an editor does and waits for the first stop. */
async function launch(client: StdioClient, configuration: object): Promise<void> {
  const [initialized, stopped] = [client.event('initialized'), client.event('stopped')];
  const launched = client.request('launch', configuration);
  await Promise.all([launched, initialized]);
  await client.request('configurationDone');
  await stopped;
}

// ---- at a stop

async function roundTrips(
  options: SessionOptions,
): Promise<Pick<SessionFigures, 'stepIn' | 'registers' | 'readMemory' | 'disassemble'>> {
  const client = new StdioClient(options.adapter);
  await initialize(client);
  await launch(client, story(options, false));
  const samples = { stepIn: [], registers: [], readMemory: [], disassemble: [] } as Record<
    'stepIn' | 'registers' | 'readMemory' | 'disassemble',
    number[]
  >;
  for (let count = 0; count < options.roundTrips; count++) {
    samples.stepIn.push(await elapsed(() => stopAfter(client, 'stepIn')));
    const { frame, code } = await topFrame(client);
    const scope = await registersScope(client, frame);
    samples.registers.push(await elapsed(() => registers(client, scope)));
    const page = `0x${(code - (code % PAGE)).toString(16)}`;
    samples.readMemory.push(
      await elapsed(() => client.request('readMemory', { memoryReference: page, count: PAGE })),
    );
    const at = `0x${code.toString(16)}`;
    samples.disassemble.push(
      await elapsed(() =>
        client.request('disassemble', { memoryReference: at, instructionCount: ROWS }),
      ),
    );
  }
  await client.close();
  return {
    stepIn: times(samples.stepIn),
    registers: times(samples.registers),
    readMemory: times(samples.readMemory),
    disassemble: times(samples.disassemble),
  };
}

async function stopAfter(client: StdioClient, command: string): Promise<void> {
  const stopped = client.event('stopped');
  await client.request(command, THREAD);
  await stopped;
}

async function topFrame(
  client: StdioClient,
): Promise<{ readonly frame: number; readonly code: number }> {
  const { stackFrames } = await client.request('stackTrace', { ...THREAD, levels: 1 });
  const [top] = stackFrames as readonly Body[];
  return { frame: Number(top?.['id']), code: Number(top?.['instructionPointerReference']) };
}

async function registersScope(client: StdioClient, frameId: number): Promise<number> {
  const { scopes } = await client.request('scopes', { frameId });
  return reference(scopes, 'Registers');
}

/** The groups of registers, and those of the first group. */
async function registers(client: StdioClient, variablesReference: number): Promise<void> {
  const { variables } = await client.request('variables', { variablesReference });
  const general = reference(variables, 'General');
  await client.request('variables', { variablesReference: general });
}

function reference(rows: unknown, name: string): number {
  const row = (rows as readonly Body[]).find((each) => each['name'] === name);
  if (row === undefined) throw new Error(`The debug adapter shows no '${name}'.`);
  return Number(row['variablesReference']);
}

// ---- while the guest runs

async function pauses(
  options: SessionOptions,
  linux: NonNullable<SessionOptions['linux']>,
): Promise<Times> {
  const client = new StdioClient(options.adapter);
  await initialize(client);
  await launch(client, {
    guest: linux,
    machine: { memory: '128M', idle: 'skip' },
    hypervisor: { interface: 'kvm', profile: 'kvm-ept' },
    console: 'debugConsole',
    stopOnEntry: true,
  });
  const samples: number[] = [];
  for (let count = 0; count < options.pauses; count++) {
    await client.request('continue', THREAD);
    await new Promise((resolve) => setTimeout(resolve, SHORTEST_RUN + count * LONGER));
    samples.push(await elapsed(() => stopAfter(client, 'pause')));
  }
  await client.close();
  return times(samples);
}

// ---- times

async function elapsed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

function times(samples: readonly number[]): Times {
  return {
    median: median(samples),
    p95: percentile(samples, 0.95),
    max: Math.max(...samples),
    count: samples.length,
  };
}
