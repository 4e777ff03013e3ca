/**
 * The benchmark's guest on v86 (npm), for comparison: an emulator that compiles to WebAssembly as well.
 * It is fetched into the tools' cache and never part of the project.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cpuSeconds } from '../process-time.ts';
import { GUEST_MEMORY, type GuestOptions } from './contender.ts';
import { completePass, GO, type Heard, type LoopRun, MarkReader, type Pass } from './marks.ts';
import { LOOPS, type LoopName } from './rows.ts';

const GO_TEXT = String.fromCharCode(...GO);

/** What is used of its interface (v86.d.ts of the package). */
interface V86 {
  run(): Promise<void>;
  serial0_send(text: string): void;
  add_listener(event: 'serial0-output-byte', listener: (byte: number) => void): void;
  add_listener(event: 'emulator-loaded', listener: () => void): void;
}
interface V86Module {
  readonly V86: new (options: {
    readonly wasm_path: string;
    readonly memory_size: number;
    readonly multiboot: { readonly buffer: ArrayBuffer };
    readonly cmdline: string;
    readonly autostart: boolean;
    readonly disable_keyboard: boolean;
    readonly disable_mouse: boolean;
    readonly disable_speaker: boolean;
  }) => V86;
}

/** Loads the guest `image` in the v86 of the folder `package`; each call of the result runs all loops once. */
export async function startV86(
  folder: string,
  image: string,
  { halvings }: GuestOptions,
): Promise<() => Promise<Pass>> {
  const module = (await import(
    pathToFileURL(join(folder, 'build/libv86.mjs')).href
  )) as unknown as V86Module;
  const bytes = readFileSync(image);
  const emulator = new module.V86({
    wasm_path: join(folder, 'build/v86.wasm'),
    memory_size: GUEST_MEMORY,
    multiboot: {
      buffer: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    },
    cmdline: String(halvings),
    autostart: false,
    disable_keyboard: true,
    disable_mouse: true,
    disable_speaker: true,
  });
  await new Promise<void>((resolve) => {
    emulator.add_listener('emulator-loaded', resolve);
  });
  const marks = new MarkReader(() => ({ cpu: cpuSeconds(), retired: null }));
  let runs = new Map<LoopName, LoopRun>();
  /** The guest waits before the first loop of a pass. */
  let asks: () => void = () => undefined;
  let failed: (cause: unknown) => void = () => undefined;
  const hear = (what: Heard): void => {
    if (what.kind === 'ran') runs.set(what.name, what.run);
    else if (runs.size === LOOPS.length) asks();
    else emulator.serial0_send(GO_TEXT);
  };
  emulator.add_listener('serial0-output-byte', (byte) => {
    try {
      const what = marks.push(byte);
      if (what !== null) hear(what);
    } catch (error) {
      failed(error);
    }
  });
  let first = true;
  return async () => {
    runs = new Map();
    const done = new Promise<void>((resolve, reject) => {
      asks = resolve;
      failed = reject;
    });
    if (first) await emulator.run();
    else emulator.serial0_send(GO_TEXT);
    first = false;
    await done;
    return completePass(runs);
  };
}
