/**
 * The benchmark's guest on QEMU, a process whose bytes arrive whenever they do. Its CPU time is taken
 * while the guest sleeps, before a loop and after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Qemu, qemuTime, startQemu } from '../qemu.ts';
import { type Contender, GUEST_MEMORY, type GuestOptions } from './contender.ts';
import { completePass, GO, type Heard, type LoopRun, MarkReader } from './marks.ts';
import { LOOPS, type LoopName } from './rows.ts';

/** Between the guest's question and its HLT, ms; plenty. */
const FALLING_ASLEEP = 3;

export interface QemuWay {
  readonly name: string;
  readonly title: string;
  /** More options of the command line. */
  readonly options: readonly string[];
}

export function qemuContender(
  { name, title, options }: QemuWay,
  image: string,
  { halvings }: GuestOptions,
): Contender {
  let guest: QemuGuest | null = null;
  return {
    name,
    title,
    async pass() {
      if (guest === null) {
        const memory = ['-m', String(GUEST_MEMORY >> 20)];
        const kernel = ['-kernel', image, '-append', String(halvings)];
        guest = new QemuGuest(title, startQemu([...options, ...memory, ...kernel]));
        await guest.next('asks');
      }
      const runs = new Map<LoopName, LoopRun>();
      while (runs.size < LOOPS.length) {
        const before = await guest.timeAsleep();
        guest.go();
        const { name: loop, run } = await guest.next('ran');
        await guest.next('asks');
        runs.set(loop, { ...run, cpuSeconds: (await guest.timeAsleep()) - before });
      }
      return completePass(runs);
    },
    close() {
      guest?.close();
    },
  };
}

class QemuGuest {
  private readonly qemu: Qemu;
  private readonly marks = new MarkReader(() => ({ cpu: 0, retired: null }));
  /** What was heard and not asked for yet. */
  private heard: Heard[] = [];
  private waiting: (() => void) | null = null;
  private failure: Error | null = null;

  constructor(title: string, qemu: Qemu) {
    this.qemu = qemu;
    qemu.stdout.on('data', (bytes: Buffer) => {
      try {
        for (const byte of bytes) {
          const what = this.marks.push(byte);
          if (what !== null) this.heard.push(what);
        }
      } catch (error) {
        this.failure = error as Error;
      }
      this.waiting?.();
    });
    qemu.once('exit', (code) => {
      this.failure ??= new Error(`${title} ended with status ${String(code)}.`);
      this.waiting?.();
    });
    // its exit says why
    qemu.stdin.on('error', () => undefined);
  }

  go(): void {
    this.qemu.stdin.write(GO);
  }

  async timeAsleep(): Promise<number> {
    await sleep(FALLING_ASLEEP);
    return qemuTime(this.qemu);
  }

  /** The next thing that the guest says, which must be of that kind. */
  async next<Kind extends Heard['kind']>(kind: Kind): Promise<Extract<Heard, { kind: Kind }>> {
    for (;;) {
      if (this.failure !== null) throw this.failure;
      const next = this.heard.shift();
      if (next?.kind === kind) return next as Extract<Heard, { kind: Kind }>;
      if (next !== undefined) throw new Error(`The guest ${next.kind} out of turn.`);
      await new Promise<void>((resolve) => (this.waiting = resolve));
      this.waiting = null;
    }
  }

  close(): void {
    this.qemu.removeAllListeners('exit');
    this.qemu.kill('SIGKILL');
  }
}
