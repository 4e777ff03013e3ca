/** The guest's Linux as a tree: the current task, all tasks, the log, modules with their sections. */
import type { Guest } from '../guest.ts';
import { formatAddress } from '../display/memory-reference.ts';
import { AdapterError } from '../errors.ts';
import type { Container, Row } from '../display/variables.ts';
import { fixed } from '../display/variables.ts';
import { kernelLog, type LogRecord } from './kernel-log.ts';
import { type Found } from './lists.ts';
import { recordText } from './log-text.ts';
import { type KernelModule, modules, moduleText } from './modules.ts';
import { type Task, tasks } from './tasks.ts';

/** Everything is read when it is opened; what cannot be told is a row that says why. */
export function linuxContainer(guest: Guest): Container {
  const { linux } = guest;
  return {
    rows: () =>
      orProblem(async () => {
        const banner = (await linux.see((look) => look.banner())) ?? '';
        const current = await linux.current();
        return [
          { name: 'Kernel', value: banner },
          { ...taskRow(guest, current), name: 'Current task' },
          { name: 'Tasks', value: '', children: tasksContainer(guest) },
          { name: 'Log', value: '', children: logContainer(guest) },
          { name: 'Modules', value: '', children: modulesContainer(guest) },
        ];
      }),
  };
}

export const tasksContainer = (guest: Guest): Container =>
  tableOf(() => guest.linux.see(tasks), (task) => taskRow(guest, task)); // prettier-ignore

export const logContainer = (guest: Guest): Container =>
  tableOf(() => guest.linux.see(kernelLog), logRow);

export const modulesContainer = (guest: Guest): Container =>
  tableOf(() => guest.linux.see(modules), moduleRow);

/** A list of the kernel's, and behind it what is wrong with it. */
function tableOf<Entry>(
  find: () => Promise<Found<Entry>>,
  row: (entry: Entry, index: number) => Row,
): Container {
  return {
    rows: () =>
      orProblem(async () => {
        const { rows, problem } = await find();
        const entries = rows.map(row);
        return problem === null ? entries : [...entries, { name: '…', value: problem }];
      }),
  };
}

async function orProblem(rows: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
  try {
    return await rows();
  } catch (cause) {
    if (cause instanceof AdapterError) return [{ name: '…', value: cause.message }];
    throw cause;
  }
}

function taskRow(guest: Guest, task: Task): Row {
  const { pid, tgid, parent, name, state, cpu, isKernelThread, address, problem } = task;
  const stack: Container = {
    rows: () =>
      orProblem(async () => {
        const found = await guest.linux.stackOf(task);
        const frames = found.frames.map(({ address: place, symbol }, depth) => ({
          name: `#${depth}`,
          value: symbol,
          memoryReference: formatAddress(place),
        }));
        return found.problem === null ? frames : [...frames, { name: '…', value: found.problem }];
      }),
  };
  return {
    name: `${pid} ${name}`,
    value: problem ?? state,
    memoryReference: formatAddress(address),
    evaluateName: `*(struct task_struct *)${formatAddress(address)}`,
    children: fixed([
      { name: 'Process', value: String(tgid) },
      { name: 'Parent', value: String(parent) },
      { name: 'CPU', value: String(cpu) },
      { name: 'Kind', value: isKernelThread ? 'kernel thread' : 'user' },
      {
        name: 'task_struct',
        value: formatAddress(address),
        memoryReference: formatAddress(address),
        evaluateName: `(struct task_struct *)${formatAddress(address)}`,
      },
      { name: 'Kernel stack', value: '', children: stack },
    ]),
  };
}

function logRow(record: LogRecord, index: number): Row {
  return { name: String(index), value: recordText(record), type: `level ${record.level}` };
}

function moduleRow(module: KernelModule): Row {
  const { name, base, sections, problem } = module;
  return {
    name,
    value: problem ?? moduleText(module).slice(name.length + 1),
    memoryReference: formatAddress(base),
    children: fixed(
      sections.map(({ name: section, address }) => ({
        name: section,
        value: formatAddress(address),
        memoryReference: formatAddress(address),
      })),
    ),
  };
}
