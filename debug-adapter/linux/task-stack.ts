/**
 * The kernel stack of a task that does not run. Where it was put to rest tell its thread_struct and what
 * __switch_to_asm has pushed (struct inactive_task_frame, since 4.9); before, thread.eip (later ip) and the
 * frame pointer on top of the stack. Callers follow by frame pointers, within the task's own stack.
 */
import { describeKernelError } from './lists.ts';
import { KernelError } from './kernel-memory.ts';
import type { KernelLook } from './kernel-look.ts';
import type { KernelObject } from './kernel-object.ts';
import { sizeOf } from '../typed/types.ts';
import type { Task } from './tasks.ts';

export interface TaskFrame {
  /** Linear: where it goes on. */
  readonly address: number;
  readonly symbol: string;
}

export interface TaskStack {
  readonly frames: readonly TaskFrame[];
  /** Why there are none, or no more; null at the end of the stack. */
  readonly problem: string | null;
}

/** Registers of a task that has been switched away from. */
interface Resting {
  readonly eip: number;
  readonly ebp: number;
}

const MOST_FRAMES = 64;
/** THREAD_SIZE, where no type tells it. */
const STACK_BYTES = 8192;

export async function stackOf(look: KernelLook, { address }: Task): Promise<TaskStack> {
  const frames: TaskFrame[] = [];
  try {
    const task = look.object('struct task_struct', address);
    const bottom = await task.number(task.firstOf('stack', 'thread_info') ?? 'stack');
    const top = bottom + stackBytes(look);
    const { eip, ebp } = await restingPlace(look, task, bottom, top);
    const symbol = look.names.describe(eip);
    if (symbol === null) throw new KernelError('Where the task rests is no code of the kernel.');
    frames.push({ address: eip, symbol });
    for (let frame = ebp; frame >= bottom && frame < top && frames.length < MOST_FRAMES;) {
      const next = await look.memory.pointer(frame);
      const caller = await look.memory.pointer(frame + 4);
      // the first frame of all has no caller that is in the kernel
      const name = look.names.describe(caller);
      if (name === null) break;
      frames.push({ address: caller, symbol: name });
      if (next <= frame) break;
      frame = next;
    }
    return { frames, problem: null };
  } catch (cause) {
    return { frames, problem: describeKernelError(cause) };
  }
}

async function restingPlace(
  look: KernelLook,
  task: KernelObject,
  bottom: number,
  top: number,
): Promise<Resting> {
  const sp = await task.number(task.firstOf('thread.sp', 'thread.esp') ?? 'thread.sp');
  if (sp < bottom || sp >= top) throw new KernelError('The task’s stack pointer is not in its stack: it runs, or has not begun.'); // prettier-ignore
  if (look.names.layout('struct inactive_task_frame') !== null) {
    const pushed = look.object('struct inactive_task_frame', sp);
    return { eip: await pushed.number('ret_addr'), ebp: await pushed.number('bp') };
  }
  const ip = task.firstOf('thread.ip', 'thread.eip');
  if (ip === null) throw new KernelError('Where this kernel puts tasks to rest is not known.');
  return { eip: await task.number(ip), ebp: await look.memory.pointer(sp) };
}

const stackBytes = (look: KernelLook): number => {
  const layout = look.names.layout('union thread_union');
  return (layout === null ? null : sizeOf(layout.type)) ?? STACK_BYTES;
};
