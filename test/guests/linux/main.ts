/**
 * Boots Debian's kernel in a process of its own, types commands into its shell, and prints what happened
 * as JSON: linux.test.ts starts several of these at a time.
 *
 *   npx tsx test/guests/linux/main.ts '{"interface":"kvm","commands":["uname -r","exit"],"budget":5000000}'
 */
import { readFileSync } from 'node:fs';
import type { KvmConfiguration } from '../../../emulator/debug-port.ts';
import type { MachineStop } from '../../../emulator/machine-stop.ts';
import { KVM_HYPERCALLS } from '../../../emulator/paravirt/kvm-hypercalls.ts';
import { type Fingerprint, GuestRun } from '../whole-machine.ts';
import type { Flavour } from '../../support/debian-kernel.ts';
import { COMMAND_LINE, debianKernel, READY_MARKER } from '../../support/debian-kernel.ts';
import { vmlinuxOf } from '../../support/vmlinux.ts';

export interface BootJob {
  /** 686 without it. */
  readonly flavour?: Flavour;
  /** The bzImage, or the vmlinux in it by its PVH entry; bzimage without it. */
  readonly format?: 'bzimage' | 'pvh';
  readonly entry?: '16-bit' | '32-bit';
  /** Where to load it, if it may be moved. */
  readonly loadAddress?: number;
  readonly cpu?: string;
  readonly vcpus?: number;
  /** Put behind the usual command line. */
  readonly words?: string;
  readonly interface: 'kvm' | 'bare';
  /** Another profile than the interface's own. */
  readonly profile?: string;
  /** What of KVM's interface is other than usual. */
  readonly kvm?: KvmConfiguration;
  /** Typed one at each prompt. */
  readonly commands: readonly string[];
  /** Instructions of a slice. */
  readonly budget: number;
}

export interface BootResult {
  /** What the loader did. */
  readonly summary: string;
  readonly stop: MachineStop;
  readonly fingerprint: Fingerprint;
  /** What each command printed, without its echo. */
  readonly answers: readonly string[];
  readonly notices: readonly string[];
  /** How often each of KVM's hypercalls was made, by name. */
  readonly hypercalls: { readonly [name: string]: number };
  /** Exits by which it has ended an interrupt. */
  readonly eoiWrites: number;
  /** From power-on to the marker. */
  readonly marker: BootFigures;
  readonly end: BootFigures;
}

export interface BootFigures {
  readonly instructions: number;
  /** Virtual ns. */
  readonly time: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/** The prompt of busybox' shell, after which it asks the terminal for the cursor's place. */
const PROMPT = '# \x1b[6n';
const MEMORY_MIB = 128;
/** Twice what a boot takes. */
const LIMIT = 15e9;

function boot(job: BootJob): BootResult {
  const {
    interface: type,
    profile,
    commands,
    budget,
    flavour,
    format = 'bzimage',
    entry,
    loadAddress,
    cpu,
    vcpus = 1,
    kvm,
    words = '',
  } = job;
  const { kernel, initrd } = debianKernel(flavour);
  const bzImage = readFileSync(kernel);
  const start = { wall: performance.now(), cpu: process.cpuUsage() };
  const run = new GuestRun({
    image: format === 'pvh' ? vmlinuxOf(bzImage) : bzImage,
    format,
    ...(entry !== undefined && { entry }),
    ...(loadAddress !== undefined && { loadAddress }),
    ...(cpu !== undefined && { cpu }),
    vcpus,
    initrd: readFileSync(initrd),
    interface: type,
    ...(profile !== undefined && { profile }),
    ...(kvm && { kvm }),
    memoryMiB: MEMORY_MIB,
    commandLine: `${COMMAND_LINE} ${words}`.trim(),
  });
  const figures = (): BootFigures => {
    const { user, system } = process.cpuUsage(start.cpu);
    return {
      instructions: run.machine.retired,
      time: run.machine.now,
      wallSeconds: (performance.now() - start.wall) / 1e3,
      cpuSeconds: (user + system) / 1e6,
    };
  };
  run.go({ budget, most: LIMIT, done: () => run.text.includes(READY_MARKER) });
  const marker = figures();

  const answers: string[] = [];
  let typedAt = 0;
  const answer = (): string => {
    const [, ...lines] = run.text.slice(typedAt).split('\r\n');
    return lines.slice(0, -1).join('\n');
  };
  const atPrompt = ({ kind }: MachineStop): boolean =>
    kind === 'idle' && run.text.length > typedAt && run.text.endsWith(PROMPT);
  let stop = run.go({ budget, most: LIMIT, done: atPrompt });
  for (const command of commands) {
    if (!atPrompt(stop)) break;
    typedAt = run.text.length;
    run.type(`${command}\r`);
    stop = run.go({ budget, most: LIMIT, done: atPrompt });
    answers.push(answer());
  }
  const { fingerprint, notices } = run;
  const { summary } = run.machine.guest;
  const hypercalls = Object.fromEntries(
    KVM_HYPERCALLS.map(({ name, number }) => [name, run.hypercalls.get(number) ?? 0]),
  );
  const { eoiWrites } = run;
  const marks = { marker, end: figures() };
  return { summary, stop, fingerprint, answers, notices, hypercalls, eoiWrites, ...marks };
}

process.stdout.write(JSON.stringify(boot(JSON.parse(process.argv[2] ?? '{}') as BootJob)));
