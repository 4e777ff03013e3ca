/** The guest's Linux for editors and programs: tasks with their stacks, the log, modules with sections. */
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { kernelLog } from '../linux/kernel-log.ts';
import { modules } from '../linux/modules.ts';
import { tasks } from '../linux/tasks.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type {
  LinuxLogBody,
  LinuxModulesBody,
  LinuxTasksBody,
  LinuxTaskStackBody,
} from '../protocol.ts';
import { LINUX_RECORDS_PER_PAGE } from '../protocol.ts';
import type { GuestscopeSession } from '../session.ts';

const DEFAULT_RECORDS = 1000;
const NS_PER_SECOND = 1e9;

const because = (problem: string | null): { readonly problem?: string } =>
  problem === null ? {} : { problem };

export async function linuxTasks({ guest }: GuestscopeSession): Promise<LinuxTasksBody> {
  const found = await guest.linux.see(tasks);
  const running = new Set(
    [...(await guest.linux.running()).values()].map(({ address }) => address),
  );
  return {
    tasks: found.rows.map(({ address, problem, ...task }) => ({
      ...task,
      isCurrent: running.has(address),
      memoryReference: formatAddress(address),
      ...because(problem),
    })),
    ...because(found.problem),
  };
}

export async function linuxTaskStack(
  { guest }: GuestscopeSession,
  request: IncomingRequest,
): Promise<LinuxTaskStackBody> {
  const pid = request.integer('pid');
  const task = (await guest.linux.see(tasks)).rows.find((each) => each.pid === pid);
  if (task === undefined) {
    const { command } = request;
    throw failure('badArgument', { argument: 'pid', command, problem: `there is no task ${pid}` });
  }
  const { frames, problem } = await guest.linux.stackOf(task);
  return {
    frames: frames.map(({ address, symbol }) => ({
      memoryReference: formatAddress(address),
      symbol,
    })),
    ...because(problem),
  };
}

export async function linuxLog(
  { guest }: GuestscopeSession,
  request: IncomingRequest,
): Promise<LinuxLogBody> {
  const { rows, problem } = await guest.linux.see(kernelLog);
  const asked = request.integer('limit', DEFAULT_RECORDS);
  const limit = Math.min(Math.max(asked, 1), LINUX_RECORDS_PER_PAGE);
  const from = Math.max(request.integer('from', rows.length - limit), 0);
  return {
    records: rows.slice(from, from + limit).map(({ time, ...record }) => ({
      ...record,
      ...(time !== null && { time: Number(time) / NS_PER_SECOND }),
    })),
    total: rows.length,
    ...because(problem),
  };
}

export async function linuxModules({ guest }: GuestscopeSession): Promise<LinuxModulesBody> {
  const found = await guest.linux.see(modules);
  return {
    modules: found.rows.map(({ name, size, base, state, users, usedBy, sections, problem }) => ({
      name,
      size,
      memoryReference: formatAddress(base),
      state,
      ...(users !== null && { users }),
      usedBy,
      sections: sections.map((section) => ({
        name: section.name,
        memoryReference: formatAddress(section.address),
      })),
      ...because(problem),
    })),
    ...because(found.problem),
  };
}
