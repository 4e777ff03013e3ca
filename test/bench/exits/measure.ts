/**
 * What recording exits costs: the same guest on two machines of one process, one with the log and the
 * statistics as launch.json has them by default, one with neither, in turn, so that whatever else the
 * computer does meets both alike. The guest leaves by CPUID, a hypercall, RDMSR and OUT in turn, after a
 * loop of as many instructions as are asked for.
 */
import { Machine } from '../../../emulator/machine.ts';
import { cpuSeconds } from '../process-time.ts';
import { median } from '../statistics.ts';
import type { ExitsFigures, ExitsOptions, RecordingFigures } from './figures.ts';

/** Where the guest is loaded and entered. */
const ORIGIN = 0x100040;
const HEADER_BYTES = 32;
/** Runs of each machine before those that count, in which everything is translated and optimised. */
const WARM_UP = 6;
const SLICE = 1_000_000;
/** Loop counts: an exit about every 1000 instructions, and one about every 100. */
const LOOPS = [499, 48] as const;

/** Bytes as GNU as makes them. */
function guest(loop: number): Uint8Array {
  const count = [0xb9, loop & 0xff, loop >> 8, 0, 0, 0x49, 0x75, 0xfd]; // mov ecx, LOOP; 1: dec ecx; jnz 1b
  const code = [
    ...[...count, 0x31, 0xc0, 0x0f, 0xa2], // xor eax, eax; cpuid
    ...[...count, 0xb8, 0x63, 0, 0, 0, 0x0f, 0x01, 0xc1], // mov eax, 99; vmcall
    ...[...count, 0xb9, 0x1b, 0, 0, 0, 0x0f, 0x32], // mov ecx, 0x1b; rdmsr
    ...[...count, 0xe6, 0x80], // out 0x80, al
  ];
  const back = -(code.length + 2);
  return Uint8Array.from([...header(code.length + 2), ...code, 0xeb, back & 0xff]);
}

/** Multiboot 0.6.96, 3.1: the form that says itself where the image goes. */
function header(length: number): Uint8Array {
  const magic = 0x1badb002;
  const flags = 0x10000;
  const [start, end] = [ORIGIN - HEADER_BYTES, ORIGIN + length];
  const words = [magic, flags, -(magic + flags), start, start, end, end, ORIGIN];
  return new Uint8Array(Uint32Array.from(words).buffer);
}

function machineWith(kernel: Uint8Array, recording: boolean): Machine {
  return new Machine({
    guest: {
      kernel,
      kernelName: 'exits',
      format: 'multiboot',
      commandLine: '',
      loadAddress: 'auto',
    },
    memoryBytes: 4 << 20,
    cpuModel: 'pentium3',
    hypervisor: {
      interface: 'kvm',
      profile: 'kvm-ept',
      exits: {},
      ...(!recording && { log: { capacity: 0, statistics: false } }),
    },
    shared: false,
  });
}

/** CPU seconds of so many exits. */
function timeOf(machine: Machine, exits: number): number {
  const end = machine.exitLog.total + exits;
  const before = cpuSeconds();
  while (machine.exitLog.total < end) {
    const { kind } = machine.run(SLICE, () => false);
    if (kind !== 'budget') throw new Error(`The guest stopped: ${kind}.`);
  }
  return cpuSeconds() - before;
}

function measureRecording(loop: number, { pairs, exits }: ExitsOptions): RecordingFigures {
  const kernel = guest(loop);
  const [recorded, plain] = [machineWith(kernel, true), machineWith(kernel, false)];
  const runs: { readonly with: number; readonly without: number }[] = [];
  for (let pair = -WARM_UP; pair < pairs; pair++) {
    // who goes first changes, for what the one leaves behind the other
    const first = pair % 2 === 0;
    const early = timeOf(first ? recorded : plain, exits);
    const late = timeOf(first ? plain : recorded, exits);
    const run = first ? { with: early, without: late } : { with: late, without: early };
    if (pair >= 0) runs.push(run);
  }
  if (recorded.exitLog.end === 0 || plain.exitLog.end !== 0) {
    throw new Error('The log was not on in one machine and off in the other.');
  }
  const ratios = runs.map((run) => run.with / run.without);
  const perExit = (seconds: readonly number[]): number => (median(seconds) / exits) * 1e9;
  return {
    instructionsPerExit: Math.round(recorded.retired / recorded.exitLog.total),
    ratio: median(ratios),
    range: [Math.min(...ratios), Math.max(...ratios)],
    with: perExit(runs.map((run) => run.with)),
    without: perExit(runs.map((run) => run.without)),
    pairs,
  };
}

export function measureExits(options: ExitsOptions): ExitsFigures {
  return { recording: LOOPS.map((loop) => measureRecording(loop, options)) };
}
