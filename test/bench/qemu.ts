/** qemu-system-i386 as a reference machine, translating (TCG) without help of the host's processor. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { noProcessTime, processTime } from './process-time.ts';

const PROGRAM = 'qemu-system-i386';

/** "7.2.22", or the reason why there is none. */
export function qemuVersion(): { readonly version: string } | { readonly reason: string } {
  const { stdout, error } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  if (error !== undefined) {
    return { reason: `there is no ${PROGRAM} on the PATH (package qemu-system-x86)` };
  }
  const reason = noProcessTime();
  return reason === null ? { version: /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? '' } : { reason };
}

export type Qemu = ChildProcessByStdio<Writable, Readable, null>;

/** Starts it with its serial port on its standard streams and nothing else attached. */
export function startQemu(guest: readonly string[]): Qemu {
  const quiet = ['-display', 'none', '-monitor', 'none', '-nodefaults', '-no-reboot'];
  return spawn(PROGRAM, ['-accel', 'tcg', ...quiet, '-serial', 'stdio', ...guest], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

/** CPU seconds so far; 0 when it has not started. */
export function qemuTime({ pid }: Qemu): number {
  return pid === undefined ? 0 : processTime(pid);
}
