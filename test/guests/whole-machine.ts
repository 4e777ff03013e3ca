/**
 * A whole machine in a test: the emulator as one bundle, a guest in it, what it said and where it is.
 * The bundle is not for show: Node with a TypeScript loader reaches imported constants through getters,
 * which makes the machine three times slower than in the extension.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { scanCodesFor } from '../../debug-adapter/display/keyboard-layout.ts';
import { pictureText } from '../../debug-adapter/display/screen-text.ts';
import type { MachineConfiguration } from '../../emulator/debug-port.ts';
import { REASON } from '../../emulator/hypervisor/exit-reasons.ts';
import type { Machine } from '../../emulator/machine.ts';
import type { ExitObserver, MachineStop } from '../../emulator/machine-stop.ts';
import type { ExitRecord } from '../../emulator/stop-reason.ts';
import { Watchdog } from './watchdog.ts';

type MachineModule = typeof import('../../emulator/machine.ts');

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The emulator's machine.ts with all that it imports, as one module. */
async function bundledMachine(): Promise<MachineModule> {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestscope-machine-'));
  try {
    const outfile = path.join(folder, 'machine.mjs');
    await build({
      ...{ entryPoints: [path.join(projectRoot, 'emulator/machine.ts')], outfile },
      ...{ bundle: true, format: 'esm', platform: 'neutral', sourcemap: 'inline' },
    });
    process.setSourceMapsEnabled(true);
    return (await import(pathToFileURL(outfile).href)) as MachineModule;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const emulator = await bundledMachine();
const watchdog = new Watchdog();

export interface GuestSetup {
  readonly image: Uint8Array;
  /** 'kvm' comes with the profile kvm-ept, 'bare' with bare. */
  readonly interface: 'kvm' | 'bare';
  /** Another profile, and what is changed in it. */
  readonly profile?: string;
  readonly exits?: MachineConfiguration['hypervisor']['exits'];
  readonly kvm?: MachineConfiguration['hypervisor']['kvm'];
  readonly memoryMiB?: number;
  readonly format?: MachineConfiguration['guest']['format'];
  /** Format 'bios': what boots `image`. */
  readonly bios?: MachineConfiguration['guest']['bios'];
  readonly initrd?: Uint8Array;
  readonly modules?: MachineConfiguration['guest']['modules'];
  readonly commandLine?: string;
  readonly loadAddress?: number;
  readonly vcpus?: number;
  readonly entry?: MachineConfiguration['guest']['entry'];
  /** Processor model; pentium3 without it. */
  readonly cpu?: string;
  /** When code is compiled, null: never. */
  readonly hotness?: MachineConfiguration['hotness'];
}

function configurationOf(setup: GuestSetup): MachineConfiguration {
  return {
    guest: {
      kernel: setup.image,
      kernelName: 'guest',
      format: setup.format ?? (setup.bios ? 'bios' : 'flat'),
      ...(setup.bios && { bios: setup.bios }),
      ...(setup.initrd && { initrd: setup.initrd }),
      ...(setup.modules && { modules: setup.modules }),
      commandLine: setup.commandLine ?? '',
      ...(setup.entry && { entry: setup.entry }),
      loadAddress: setup.loadAddress ?? 'auto',
    },
    memoryBytes: (setup.memoryMiB ?? 16) << 20,
    cpuModel: setup.cpu ?? 'pentium3',
    vcpus: setup.vcpus ?? 1,
    hypervisor: {
      interface: setup.interface,
      profile: setup.profile ?? (setup.interface === 'kvm' ? 'kvm-ept' : 'bare'),
      exits: setup.exits ?? {},
      ...(setup.kvm && { kvm: setup.kvm }),
    },
    shared: true,
    ...(setup.hotness !== undefined && { hotness: setup.hotness }),
  };
}

/** What must be the same for two runs to be the same run. */
export interface Fingerprint {
  readonly retired: number;
  readonly time: number;
  readonly exits: { readonly [name: string]: number };
  readonly registers: string;
  /** Digest of the board's state. */
  readonly board: string;
  /** Digest of guest RAM. */
  readonly ram: string;
  readonly text: string;
}

export class GuestRun {
  readonly machine: Machine;
  readonly notices: string[] = [];
  /** Longest call of run() so far, ms of this computer's time. */
  longestCall = 0;
  /** Calls of each number, and writes to the APIC's EOI, that the guest has made in slices without an observer. */
  readonly hypercalls = new Map<number, number>();
  eoiWrites = 0;
  #output: Uint8Array[] = [];
  readonly #count: ExitObserver = ({ reason, eax, guestPhysical }) => {
    if (reason === REASON.EPT_VIOLATION && guestPhysical === 0xfee000b0) this.eoiWrites++;
    if (reason === REASON.VMCALL) this.hypercalls.set(eax, (this.hypercalls.get(eax) ?? 0) + 1);
    return false;
  };

  constructor(setup: GuestSetup) {
    this.machine = new emulator.Machine(configurationOf(setup));
  }

  /** One call of the machine's run(), with everything collected that it left. */
  slice(budget: number, observe: ExitObserver = this.#count): MachineStop {
    const { machine } = this;
    const start = performance.now();
    const stop = watchdog.watch(() => machine.run(budget, observe));
    this.longestCall = Math.max(this.longestCall, performance.now() - start);
    this.#output.push(machine.output.take());
    this.notices.push(...machine.output.takeNotices());
    return stop;
  }

  /**
   * Runs on, in slices of `budget`, until a stop that is neither a used budget nor idleness, or until
   * `done`, asked after each slice. Idle time is skipped. Throws when `most` instructions were not enough.
   */
  go(
    options: { readonly budget?: number; readonly most?: number; readonly done?: (stop: MachineStop) => boolean } = {}, // prettier-ignore
  ): MachineStop {
    const { budget = 1_000_000, most = 100_000_000, done = () => false } = options;
    const end = this.machine.retired + most;
    for (;;) {
      const stop = this.slice(budget);
      if (done(stop)) return stop;
      if (stop.kind !== 'budget' && stop.kind !== 'idle') return stop;
      if (stop.kind === 'idle' && stop.wakeAt === Infinity) return stop;
      if (this.machine.retired > end) {
        throw new Error(`Not there after ${most} instructions; the guest has said:\n${this.text}`);
      }
    }
  }

  /** Runs until exactly `position` instructions have retired. */
  goTo(position: number, budget = 1_000_000): void {
    const { machine } = this;
    while (machine.retired < position) {
      const stop = this.slice(Math.min(budget, position - machine.retired));
      if (stop.kind !== 'budget' && stop.kind !== 'idle') {
        throw new Error(`${stop.kind} at ${machine.retired}, on the way to ${position}`);
      }
    }
  }

  type(text: string): void {
    this.machine.sendSerialInput(Buffer.from(text));
  }

  /** On a US keyboard. */
  typeKeys(text: string): void {
    const codes = scanCodesFor(text);
    if (typeof codes === 'string') throw new Error(`no key for ${codes}`);
    this.machine.sendKeys(Uint8Array.from(codes));
  }

  /** The text on the screen. */
  get screen(): string {
    const { picture } = this.machine.screen(null);
    return picture === null ? '' : pictureText(picture);
  }

  /** What the guest has sent to its serial port. */
  get text(): string {
    this.#output = [Buffer.concat(this.#output)];
    return Buffer.from(this.#output[0] ?? []).toString('latin1');
  }

  /** The exits that the log still has. */
  get exits(): readonly ExitRecord[] {
    const { hypervisor } = this.machine;
    return hypervisor.log.read(0, 65536).map((exit) => hypervisor.describe(exit));
  }

  /** Where it is, without what takes long to compare. */
  get place(): Pick<Fingerprint, 'retired' | 'time' | 'registers'> {
    const { vcpus, retired, now } = this.machine;
    const registers = vcpus.flatMap(({ cpu }) => [cpu.retired, ...registersOf(cpu.state)]);
    return {
      retired,
      time: now,
      registers: registers.map((value) => value.toString(16)).join(' '),
    };
  }
  get fingerprint(): Fingerprint {
    const { map, memory, board, exitLog } = this.machine;
    const hash = (data: Uint8Array | string): string =>
      createHash('sha256').update(data).digest('hex');
    return {
      ...this.place,
      exits: exitLog.countsByName(),
      board: hash(JSON.stringify(board.state())),
      // a digest wants memory that no other thread can change
      ram: hash(new Uint8Array(memory.buffer, map.ram, map.ramSize).slice()),
      text: this.text,
    };
  }
}

function registersOf(state: Machine['cpu']['state']): readonly number[] {
  const general = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => state.gpr(n, 4));
  const selectors = ([0, 1, 2, 3, 4, 5] as const).map((n) => state.selector(n));
  const control = [0, 2, 3, 4].map((n) => state.cr(n));
  return [state.eip, state.eflags, state.cpl, ...control, ...general, ...selectors];
}
