/**
 * The benchmark's guest on this emulator. Every port access is a VM exit here, so that the moment and the
 * instruction of a mark are known exactly; while a loop runs nothing leaves the guest.
 */
import { readFileSync } from 'node:fs';
import type { VmExit } from '../../../emulator/hypervisor/vm-exit.ts';
import { Machine } from '../../../emulator/machine.ts';
import { cpuSeconds } from '../process-time.ts';
import { GUEST_MEMORY, type GuestOptions } from './contender.ts';
import { completePass, GO, type Heard, type LoopRun, MarkReader, type Pass } from './marks.ts';
import { LOOPS, type LoopName } from './rows.ts';

const SERIAL = 0x3f8;
/** Instructions between two returns to JavaScript, as in a debug session. */
const SLICE = 1_000_000;

/** A machine with the guest `image`; each call of the result runs all loops once. Throws Error. */
export function startLoops(image: string, { halvings }: GuestOptions): () => Pass {
  const machine = new Machine({
    guest: {
      kernel: readFileSync(image),
      kernelName: image,
      format: 'multiboot',
      commandLine: String(halvings),
      loadAddress: 'auto',
    },
    memoryBytes: GUEST_MEMORY,
    cpuModel: 'pentium3',
    hypervisor: { interface: 'bare', profile: 'bare', exits: { io: true } },
    shared: false,
  });
  let retired = 0;
  const marks = new MarkReader(() => ({ cpu: cpuSeconds(), retired }));

  /** Runs until the guest says something of that kind. */
  function until<Kind extends Heard['kind']>(kind: Kind): Extract<Heard, { kind: Kind }> {
    const heard: Heard[] = [];
    const listen = ({ event, position }: VmExit): boolean => {
      if (event.kind !== 'io' || event.direction !== 'out' || event.port !== SERIAL) return false;
      retired = position;
      const what = marks.push(event.value);
      if (what !== null) heard.push(what);
      return what?.kind === kind;
    };
    for (;;) {
      const stop = machine.run(SLICE, listen);
      machine.output.take();
      const last = heard.pop();
      if (last?.kind === kind) return last as Extract<Heard, { kind: Kind }>;
      const asleep = stop.kind === 'idle' && stop.wakeAt === Infinity;
      if (asleep || (stop.kind !== 'budget' && stop.kind !== 'idle')) {
        throw new Error(`The guest stopped: ${stop.kind}.`);
      }
    }
  }
  return () => {
    const runs = new Map<LoopName, LoopRun>();
    while (runs.size < LOOPS.length) {
      until('asks');
      machine.sendSerialInput(GO);
      const { name, run } = until('ran');
      runs.set(name, run);
    }
    return completePass(runs);
  };
}
