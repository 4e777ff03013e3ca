/**
 * A kernel's file of symbols, hundreds of megabytes of it, in the debug adapter as a process: how long
 * until it can be used, what memory that takes, and whether the session stays responsive meanwhile.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nodeFiles } from '../../../debug-adapter/host/files-node.ts';
import { loadSymbols } from '../../../debug-adapter/symbols/symbol-files.ts';
import { processTime } from '../process-time.ts';
import { StdioClient } from '../session/stdio-client.ts';
import { median } from '../statistics.ts';
import type { ReadingFigures, SymbolsFigures, SymbolsOptions } from './figures.ts';

const THREAD = { threadId: 1 };
/** Between two requests while the file is read, ms. */
const PAUSE = 5;
/** What happens after the index is there is over by then, ms. */
const SETTLED = 2000;

export async function measureSymbols(options: SymbolsOptions): Promise<SymbolsFigures> {
  const cache = mkdtempSync(path.join(tmpdir(), 'guestscope-symbols-'));
  try {
    const first = await reading(options, cache);
    const kept = await reading(options, cache);
    const [name = ''] = readdirSync(path.join(cache, 'guestscope'));
    const index = statSync(path.join(cache, 'guestscope', name)).size;
    const place = await startKernel(options.file);
    return { first, kept, index, ...(await steps(options, cache, place)) };
  } finally {
    rmSync(cache, { recursive: true });
  }
}

function started(
  { adapter, file, kernel, initrd, commandLine }: SymbolsOptions,
  cache: string,
  stopOnEntry: boolean,
): { readonly client: StdioClient; readonly launch: () => Promise<void> } {
  const client = new StdioClient(adapter, { XDG_CACHE_HOME: cache });
  const launch = async (): Promise<void> => {
    await client.request('initialize', { adapterID: 'guestscope', linesStartAt1: true });
    const initialized = client.event('initialized');
    const guest = { kernel, initrd, commandLine };
    const machine = { memory: '128M', idle: 'skip' };
    await client.request('launch', { guest, machine, symbols: [file], stopOnEntry });
    await initialized;
  };
  return { client, launch };
}

async function reading(options: SymbolsOptions, cache: string): Promise<ReadingFigures> {
  const { client, launch } = started(options, cache, true);
  const begun = performance.now();
  const read = client.event('module').then(() => performance.now() - begun);
  let isRead = false;
  void read.finally(() => (isRead = true));
  const stopped = client.event('stopped');
  await launch();
  await client.request('configurationDone');
  await stopped;
  const launched = performance.now() - begun;
  const trips: number[] = [];
  while (!isRead) {
    const sent = performance.now();
    await client.request('readMemory', { memoryReference: 'phys:0x100000', count: 64 });
    trips.push(performance.now() - sent);
    await sleep(PAUSE);
  }
  const cpu = processTime(client.pid) * 1000;
  await sleep(SETTLED);
  const { VmHWM: peak = NaN, VmRSS: after = NaN } = memoryOf(client.pid);
  await client.close();
  return {
    launch: launched,
    usable: await read,
    cpu,
    latency: { median: median(trips), max: Math.max(...trips), count: trips.length },
    peak,
    after,
  };
}

/** The line that start_kernel begins at, as it was compiled. */
async function startKernel(
  file: string,
): Promise<{ readonly path: string; readonly line: number }> {
  const symbols = await loadSymbols([{ file }], {}, nodeFiles, { atOnce: Infinity });
  const address = symbols.symbols.find('start_kernel')?.address;
  const place = address === undefined ? null : symbols.lines.locate(address);
  symbols.close();
  if (place === null) throw new Error('The file has no lines of start_kernel.');
  return place;
}

async function steps(
  options: SymbolsOptions,
  cache: string,
  place: { readonly path: string; readonly line: number },
): Promise<Pick<SymbolsFigures, 'startKernel' | 'step'>> {
  const { client, launch } = started(options, cache, false);
  try {
    const begun = performance.now();
    const stopped = client.event('stopped');
    await launch();
    const { path: source, line } = place;
    await client.request('setBreakpoints', { source: { path: source }, breakpoints: [{ line }] });
    await client.request('configurationDone');
    const { reason } = await stopped;
    if (reason !== 'breakpoint') throw new Error(`The guest stopped for another reason: ${String(reason)}.`); // prettier-ignore
    const startKernel = performance.now() - begun;
    const times: number[] = [];
    for (let count = 0; count < options.steps; count++) {
      const sent = performance.now();
      const next = client.event('stopped');
      await client.request('next', THREAD);
      await next;
      times.push(performance.now() - sent);
    }
    return {
      startKernel,
      step: { median: median(times), max: Math.max(...times), count: times.length },
    };
  } finally {
    await client.close();
  }
}

/** Bytes by name, of what proc(5) tells in kB. */
function memoryOf(pid: number): { readonly [name: string]: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const rows = [...status.matchAll(/^(\w+):\s+(\d+) kB$/gm)];
  return Object.fromEntries(rows.map(([, name = '', size]) => [name, Number(size) * 1024]));
}

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
