/**
 * Round trips of every request that looks or sets, with the guest stopped and with it running, and hits
 * of a breakpoint whose condition never holds. The guest is a loop of two instructions, so that what is
 * measured is the debugger.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, percentile } from '../statistics.ts';
import type { RequestTimes } from './figures.ts';
import { StdioClient } from './stdio-client.ts';

const THREAD = { threadId: 1 };
/** inc ax; jmp to it, at 0:7c00 in real mode. */
const LOOP = Uint8Array.of(0x40, 0xeb, 0xfd);
const LOOP_START = '0x7c00';
/** A hit of the breakpoint every so many instructions. */
const LOOP_INSTRUCTIONS = 2;
/** Milliseconds for which hits are counted. */
const HITS_MS = 2000;

interface Probe {
  readonly command: string;
  readonly args: object;
  /** It is refused while the guest runs. */
  readonly stoppedOnly?: true;
}

// prettier-ignore
const PROBES: readonly Probe[] = [
  { command: 'threads',                       args: {} },
  { command: 'stackTrace',                    args: { ...THREAD, levels: 20 },                                     stoppedOnly: true },
  { command: 'scopes',                        args: { frameId: 1 },                                                stoppedOnly: true },
  { command: 'variables',                     args: { variablesReference: 1 },                                     stoppedOnly: true },
  { command: 'setExpression',                 args: { expression: 'ebx', value: '1' },                             stoppedOnly: true },
  { command: 'evaluate',                      args: { expression: 'dword[esp] + eax', context: 'watch' } },
  { command: 'completions',                   args: { text: 'ea', column: 3 } },
  { command: 'readMemory',                    args: { memoryReference: LOOP_START, count: 4096 } },
  { command: 'writeMemory',                   args: { memoryReference: '0x9000', data: 'AAAA' } },
  { command: 'disassemble',                   args: { memoryReference: LOOP_START, instructionCount: 50 } },
  { command: 'setInstructionBreakpoints',     args: { breakpoints: [{ instructionReference: '0x8000' }] } },
  { command: 'setFunctionBreakpoints',        args: { breakpoints: [{ name: '*0x8000' }] } },
  { command: 'setExceptionBreakpoints',       args: { filters: ['vmexit:triple-fault'] } },
  { command: 'setBreakpoints',                args: { source: { path: '/a.c' }, breakpoints: [{ line: 1 }] } },
  { command: 'dataBreakpointInfo',            args: { name: '0x9000', asAddress: true, bytes: 4 } },
  { command: 'setDataBreakpoints',            args: { breakpoints: [{ dataId: 'linear:0x9100:4', accessType: 'write' }] } },
  { command: 'guestscope/setExitBreakpoints', args: { breakpoints: [{ reason: 'HLT' }] } },
  { command: 'guestscope/exits',              args: { limit: 100 } },
  { command: 'guestscope/exitCounts',         args: {} },
  { command: 'guestscope/position',           args: {} },
  { command: 'guestscope/translate',          args: { address: 0x7c00 } },
  { command: 'guestscope/screen',             args: {} },
];

export interface RoundTrips {
  readonly requests: readonly RequestTimes[];
  /** A second, of a breakpoint whose condition never holds. */
  readonly conditionalHits: number;
}

export async function measureRoundTrips(adapter: string, count: number): Promise<RoundTrips> {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestscope-bench-'));
  const client = new StdioClient(adapter);
  try {
    const kernel = path.join(folder, 'loop.bin');
    writeFileSync(kernel, LOOP);
    await begin(client, kernel);
    await client.request('stackTrace', THREAD);
    await client.request('scopes', { frameId: 1 });
    const stopped = await timesOf(client, PROBES, count);
    await client.request('continue', THREAD);
    const running = await timesOf(client, PROBES.filter((probe) => probe.stoppedOnly !== true), count); // prettier-ignore
    const conditionalHits = await hits(client);
    const requests = PROBES.map(({ command }) => ({
      command,
      stopped: stopped.get(command) ?? null,
      running: running.get(command) ?? null,
    }));
    return { requests, conditionalHits };
  } finally {
    await client.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function begin(client: StdioClient, kernel: string): Promise<void> {
  await client.request('initialize', { adapterID: 'guestscope' });
  const [initialized, stopped] = [client.event('initialized'), client.event('stopped')];
  await client.request('launch', {
    guest: { kernel, format: 'flat', loadAddress: LOOP_START },
    machine: { memory: '1M' },
  });
  await initialized;
  await client.request('configurationDone');
  await stopped;
}

async function timesOf(
  client: StdioClient,
  probes: readonly Probe[],
  count: number,
): Promise<Map<string, NonNullable<RequestTimes['stopped']>>> {
  const samples = new Map(probes.map(({ command }) => [command, [] as number[]]));
  for (let round = 0; round < count; round++) {
    for (const { command, args } of probes) {
      const start = performance.now();
      await client.request(command, args);
      samples.get(command)?.push(performance.now() - start);
    }
  }
  return new Map(
    [...samples].map(([command, values]) => [
      command,
      { median: median(values), p99: percentile(values, 0.99) },
    ]),
  );
}

/** The guest runs. */
async function hits(client: StdioClient): Promise<number> {
  const breakpoint = { instructionReference: LOOP_START, condition: 'ax == 0xffff && ebx == 77' };
  await client.request('setInstructionBreakpoints', { breakpoints: [breakpoint] });
  const before = await client.request('guestscope/position');
  const start = performance.now();
  await new Promise((resolve) => setTimeout(resolve, HITS_MS));
  const after = await client.request('guestscope/position');
  const seconds = (performance.now() - start) / 1000;
  return (Number(after['retired']) - Number(before['retired'])) / LOOP_INSTRUCTIONS / seconds;
}
