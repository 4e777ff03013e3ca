/** A session with stacks.c as one of VARIANTS, stopped at the first breakpoint. */
import { readFileSync } from 'node:fs';
import { nodeScheduler } from '../../../debug-adapter/host/scheduler-node.ts';
import {
  EDITOR,
  testSession,
  type TestSetup,
} from '../../../debug-adapter/testing/test-session.ts';
import type { DebugPort } from '../../../emulator/debug-port.ts';
import { createMachine } from '../../../emulator/debugger/debugger.ts';
import type { Variant } from './variants.ts';

const builtFile = (name: string): URL => new URL(`built/${name}`, import.meta.url);

/** Function breakpoints are set, and nothing else. */
export async function stacksSession(
  variant: Variant,
  functions: readonly string[],
): Promise<TestSetup<DebugPort>> {
  const files = new Map([
    ['/stacks.elf', new Uint8Array(readFileSync(builtFile(`stacks-${variant}.elf`)))],
    ['/stacks.c', new Uint8Array(readFileSync(new URL('stacks.c', import.meta.url)))],
  ]);
  const host = { scheduler: nodeScheduler, clone: structuredClone };
  const setup = testSession(createMachine, files, host);
  const { client } = setup;
  await client.ask('initialize', { adapterID: 'guestscope', ...EDITOR });
  await client.ask('launch', {
    guest: { kernel: '/stacks.elf' },
    symbols: ['/stacks.elf'],
    machine: { memory: '16M', idle: 'skip' },
    stopOnEntry: false,
  });
  await client.event('initialized');
  const breakpoints = functions.map((name) => ({ name }));
  await client.ask('setFunctionBreakpoints', { breakpoints });
  await client.ask('configurationDone');
  await client.event('stopped');
  return setup;
}
