/** Commands of the debug console about the guest's Linux: tasks, log, modules, system calls. */
import type { CommandResult, CommandRow } from '../console/console-commands.ts';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import { formatAddress } from '../display/memory-reference.ts';
import { kernelLog } from './kernel-log.ts';
import type { Found } from './lists.ts';
import { logContainer, modulesContainer, tasksContainer } from './linux-tree.ts';
import { recordText } from './log-text.ts';
import { modules, moduleText } from './modules.ts';
import { systemCalls } from './system-calls.ts';
import { type Task, tasks } from './tasks.ts';

const PS = 'ps [PID]';
const SYSCALLS = 'syscalls [NUMBER or NAME]';

// prettier-ignore
export const LINUX_COMMANDS: readonly CommandRow[] = [
  { name: 'ps',       usage: PS,       help: 'lists the tasks of the guest’s Linux, or shows one with its kernel stack', run: showTasks, next: pids },
  { name: 'dmesg',    usage: 'dmesg',  help: 'prints the log of the guest’s Linux',                          run: showLog },
  { name: 'lsmod',    usage: 'lsmod',  help: 'lists the modules of the guest’s Linux, as /proc/modules does', run: showModules },
  { name: 'syscalls', usage: SYSCALLS, help: 'lists the system calls of the guest’s Linux by number',         run: showSystemCalls },
];

async function showTasks(guest: Guest, words: readonly string[]): Promise<string | CommandResult> {
  const { linux } = guest;
  const found = await linux.see(tasks);
  const [pid] = words;
  if (pid !== undefined) return showTask(guest, found.rows, pid);
  const current = (await linux.current()).address;
  const lines = found.rows.map((task) => {
    const mark = task.address === current ? '=>' : '  ';
    const columns = [task.pid, task.tgid, task.parent, task.cpu].map((each) => String(each).padStart(6)); // prettier-ignore
    return `${mark}${columns.join('')}  ${task.state.padEnd(17)}  ${formatAddress(task.address)}  ${nameOf(task)}${because(task.problem)}`;
  });
  const heading = `     PID  TGID  PPID   CPU  ${'STATE'.padEnd(17)}  ${'TASK'.padEnd(10)}  NAME`;
  return { text: [heading, ...lines, ...rest(found)].join('\n'), rows: tasksContainer(guest) };
}

/** As ps shows kernel threads. */
const nameOf = ({ name, isKernelThread }: Task): string => (isKernelThread ? `[${name}]` : name);
const because = (problem: string | null): string => (problem === null ? '' : `  (${problem})`);
const rest = ({ problem }: Found<unknown>): readonly string[] =>
  problem === null ? [] : [problem];

async function showTask(guest: Guest, all: readonly Task[], pid: string): Promise<string> {
  const task = all.find((each) => String(each.pid) === pid);
  if (task === undefined)
    throw failure('commandUsage', { problem: `There is no task ${pid}.`, usage: PS });
  const { frames, problem } = await guest.linux.stackOf(task);
  const lines = frames.map(
    ({ address, symbol }, depth) => `#${depth}  ${formatAddress(address)} <${symbol}>`,
  );
  const heading = `${task.pid} ${nameOf(task)}: ${task.state}, task_struct at ${formatAddress(task.address)}${because(task.problem)}`;
  return [heading, ...lines, ...(problem === null ? [] : [problem])].join('\n');
}

async function pids(words: readonly string[], guest: Guest): Promise<readonly string[]> {
  if (words.length > 0 || !guest.linux.exists) return [];
  return (await guest.linux.see(tasks)).rows.map(({ pid }) => String(pid));
}

async function showLog(guest: Guest): Promise<CommandResult> {
  const found = await guest.linux.see(kernelLog);
  const text = [...found.rows.map(recordText), ...rest(found)].join('\n');
  return { text, rows: logContainer(guest) };
}

async function showModules(guest: Guest): Promise<CommandResult> {
  const found = await guest.linux.see(modules);
  const lines = found.rows.map((module) => moduleText(module) + because(module.problem));
  const text = lines.length === 0 ? ['No module is loaded.'] : lines;
  return { text: [...text, ...rest(found)].join('\n'), rows: modulesContainer(guest) };
}

async function showSystemCalls(guest: Guest, words: readonly string[]): Promise<string> {
  const all = await guest.linux.see(systemCalls);
  const [wanted] = words;
  const number = wanted === undefined ? NaN : Number(wanted);
  const shown = wanted === undefined ? all : all.filter((each) => each.number === number || each.name === wanted); // prettier-ignore
  if (shown.length === 0)
    throw failure('commandUsage', { problem: `There is no system call ${String(wanted)}.`, usage: SYSCALLS }); // prettier-ignore
  return shown
    .map(
      ({ number: each, name, address }) =>
        `${String(each).padStart(4)}  ${name.padEnd(28)}  ${formatAddress(address)}`,
    ) // prettier-ignore
    .join('\n');
}
