/**
 * The guest's tasks (Linux struct task_struct): every process on the list that hangs on init_task, each
 * with its threads. The idle tasks are on no list. States have the names of the kernel's own
 * task_state_array, since their bits have changed their meaning between kernels; without it, those of
 * 4.14 and later.
 */
import type { KernelLook } from './kernel-look.ts';
import type { KernelObject } from './kernel-object.ts';
import { describeKernelError, type Found, listNodes } from './lists.ts';

export interface Task {
  /** Linear address of its task_struct. */
  readonly address: number;
  readonly pid: number;
  /** Process that it is a thread of: its leader's pid. */
  readonly tgid: number;
  /** The parent's tgid; 0 for tasks that the kernel has started itself. */
  readonly parent: number;
  /** Up to 15 characters, of kernel threads as many as the kernel tells. */
  readonly name: string;
  /** "S (sleeping)", in the kernel's words. */
  readonly state: string;
  /** The CPU that it runs on, or ran on last. */
  readonly cpu: number;
  /** It has no user memory. */
  readonly isKernelThread: boolean;
  /** Why some of this cannot be told, or null. */
  readonly problem: string | null;
}

/** linux/sched.h and fs/proc/array.c of 4.14 and later: R, then one for each bit. */
// prettier-ignore
const STATES: readonly string[] = [
  'R (running)', 'S (sleeping)', 'D (disk sleep)', 'T (stopped)', 't (tracing stop)',
  'X (dead)', 'Z (zombie)', 'P (parked)', 'I (idle)',
];
/** TASK_IDLE: TASK_UNINTERRUPTIBLE | TASK_NOLOAD. */
const IDLE_BITS = 0x402;
const MOST_STATES = 16;
const STATE_TABLE = 'task_state_array';
const TASK = 'struct task_struct';

/** All tasks, processes in the order of the kernel's list with their threads behind them. */
export async function tasks(look: KernelLook): Promise<Found<Task>> {
  const first = look.object(TASK, look.addressOf('init_task'));
  const states = await stateNames(look);
  const links = first.member('tasks');
  const offset = links.address - first.address;
  const processes = await listNodes(look.memory, links.address);
  const rows: Task[] = [];
  let { problem } = processes;
  for (const node of processes.rows) {
    const leader = first.at(node - offset);
    rows.push(await taskAt(look, leader, states));
    const threads = await threadsOf(leader);
    problem ??= threads.problem;
    for (const thread of threads.rows) rows.push(await taskAt(look, thread, states));
  }
  return { rows, problem };
}

/** One task. @param address of its task_struct */
export async function task(look: KernelLook, address: number): Promise<Task> {
  return taskAt(look, look.object(TASK, address), await stateNames(look));
}

/** The other threads of a process. Since 3.14 its signal_struct has the list, before that the leader. */
async function threadsOf(leader: KernelObject): Promise<Found<KernelObject>> {
  const { memory } = leader;
  try {
    const signal = leader.has('thread_node') ? await leader.target('signal') : null;
    const isNew = signal?.has('thread_head') === true;
    const member = isNew ? 'thread_node' : 'thread_group';
    const head = isNew ? signal.member('thread_head') : leader.member(member);
    const offset = leader.member(member).address - leader.address;
    const { rows, problem } = await listNodes(memory, head.address);
    const found = rows.map((node) => leader.at(node - offset));
    return { rows: found.filter(({ address }) => address !== leader.address), problem };
  } catch (cause) {
    return { rows: [], problem: describeKernelError(cause) };
  }
}

async function taskAt(
  look: KernelLook,
  object: KernelObject,
  states: readonly string[],
): Promise<Task> {
  const task = { address: object.address, pid: 0, tgid: 0, parent: 0, name: '', state: '', cpu: 0, isKernelThread: false }; // prettier-ignore
  try {
    task.pid = await object.number('pid');
    task.tgid = await object.number('tgid');
    task.name = await object.text('comm');
    const state = await object.number(object.firstOf('__state', 'state') ?? '__state');
    task.state = stateName(state, await object.number('exit_state'), states);
    task.cpu = await cpuOfTask(object);
    task.isKernelThread = (await object.number('mm')) === 0;
    if (task.isKernelThread) task.name = await longName(look, object, task.name);
    const parent = await object.target(object.firstOf('real_parent', 'parent') ?? 'parent');
    task.parent = parent === null ? 0 : await parent.number('tgid');
    return { ...task, problem: null };
  } catch (cause) {
    return { ...task, problem: describeKernelError(cause) };
  }
}

/** PF_WQ_WORKER of linux/sched.h. */
const WORKER_FLAG = 0x20;

/** As /proc tells those of kernel threads since 5.17: whole, and of workers with what they do or did last. */
async function longName(look: KernelLook, task: KernelObject, name: string): Promise<string> {
  const address = task.has('worker_private') ? await task.number('worker_private') : 0;
  const field = look.names.layout('struct kthread')?.field('full_name') ?? null;
  if (address === 0 || field === null) return name;
  const thread = look.object('struct kthread', address);
  if (((await task.number('flags')) & WORKER_FLAG) !== 0) {
    const worker = look.object('struct worker', await thread.number('data'));
    const work = await worker.text('desc');
    if (work === '') return name;
    return `${name}${(await worker.number('current_work')) === 0 ? '-' : '+'}${work}`;
  }
  return (await thread.number('full_name')) === 0 ? name : thread.text('full_name');
}

/** In the task itself, or in the thread_info that it points to; neither on a kernel for one processor. */
async function cpuOfTask(task: KernelObject): Promise<number> {
  const own = task.firstOf('thread_info.cpu', 'cpu');
  if (own !== null) return task.number(own);
  const isPointer = task.layout.field('thread_info')?.layout.target() !== null;
  const info = task.has('thread_info') && isPointer ? await task.target('thread_info') : null;
  return info?.has('cpu') === true ? info.number('cpu') : 0;
}

/** The highest bit of the state that the kernel has a name for, as /proc/PID/status tells it. */
function stateName(state: number, exit: number, states: readonly string[]): string {
  const idle = states.findIndex((name) => name.startsWith('I'));
  if (idle >= 0 && (state & IDLE_BITS) === IDLE_BITS) return states[idle] ?? '';
  const named = idle >= 0 ? idle : states.length;
  const bits = (state | exit) & ((1 << (named - 1)) - 1);
  return states[32 - Math.clz32(bits)] ?? '';
}

/** The guest's own table, as far as it is one. */
async function stateNames(look: KernelLook): Promise<readonly string[]> {
  const table = look.names.symbol(STATE_TABLE);
  const names: string[] = [];
  const size = table?.size ?? 0;
  const count = size > 0 ? Math.min(size / 4, MOST_STATES) : MOST_STATES;
  for (let index = 0; table !== null && index < count; index++) {
    const at = await look.memory.pointer(table.address + 4 * index);
    const name = await look.memory.text(at, MOST_STATES * 2);
    if (!/^[A-Za-z] \([a-z ]+\)$/.test(name)) break;
    names.push(name);
  }
  return names.length > 1 ? names : STATES;
}
