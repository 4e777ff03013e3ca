/** CPU time, of this process and of others. */
import { readdirSync, readFileSync } from 'node:fs';

/** CPU seconds of this process, with the threads in which V8 compiles. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU seconds of all living threads of a process (proc(5), schedstat: nanoseconds on a CPU). Linux. */
export function processTime(pid: number): number {
  const folder = `/proc/${pid}/task`;
  let nanoseconds = 0;
  for (const thread of readdirSync(folder)) {
    const [running = ''] = readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ');
    nanoseconds += Number(running);
  }
  return nanoseconds / 1e9;
}

/** Why processTime() cannot be used here, or null. */
export function noProcessTime(): string | null {
  try {
    processTime(process.pid);
    return null;
  } catch {
    return 'the CPU time of another process is only known on Linux';
  }
}
