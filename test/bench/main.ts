/**
 * `npm run bench`: how fast the machine and the debugger are on this computer, as a Markdown table.
 *
 *   npm run bench                      everything, about three minutes
 *   npm run bench -- --json FILE       also writes the figures as JSON (report.ts, Figures)
 *   npm run bench -- --only loops      loops, exits, linux or session, or several with commas between
 *   npm run bench -- --only symbols FILE   Linux's file of symbols, Debian's vmlinux with DWARF
 *   npm run bench -- --rounds 9        passes of the loops that count
 *   npm run bench -- --quick           small counts and no Linux: says that it runs, not how fast
 *
 * Speeds are by CPU seconds, since the computer may be shared, and never decide anything. Exit status 1:
 * a part failed; the others are reported all the same.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../../extension/build/tools.ts';
import {
  COMMAND_LINE,
  type DebianKernel,
  debianKernel,
  READY_MARKER,
} from '../support/debian-kernel.ts';
import { bundleProgram, type Program } from './child/start.ts';
import type { ExitsFigures } from './exits/figures.ts';
import type { LinuxBoot, LinuxOptions } from './linux/boot.ts';
import { bootOnQemu } from './linux/qemu.ts';
import type { Absent } from './loops/contender.ts';
import { ours, peers } from './loops/contenders.ts';
import { type LoopsFigures, measureLoops } from './loops/measure.ts';
import { qemuVersion } from './qemu.ts';
import { type Figures, type LinuxFigures, markdown } from './report.ts';
import type { SessionFigures } from './session/figures.ts';
import type { SymbolsFigures } from './symbols/figures.ts';

const PARTS = ['loops', 'exits', 'linux', 'session', 'symbols'] as const;
/** What is measured when nothing is said: symbols need a file. */
const USUAL: readonly Part[] = PARTS.filter((part) => part !== 'symbols');
type Part = (typeof PARTS)[number];

interface Options {
  readonly json: string | undefined;
  readonly parts: readonly Part[];
  /** For the symbols. */
  readonly file: string | undefined;
  readonly rounds: number;
  readonly quick: boolean;
}

/** The options, or one sentence about what is wrong with them. */
function readOptions(args: string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        only: { type: 'string', default: USUAL.join() },
        rounds: { type: 'string', default: '5' },
        quick: { type: 'boolean', default: false },
      },
    });
    const { json, only, quick } = values;
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) return '--rounds takes a number from 1 on.';
    const asked = only.split(',');
    const unknown = asked.find((name) => !PARTS.some((part) => part === name));
    if (unknown !== undefined) {
      return `--only knows no part '${unknown}': write ${PARTS.join(', ')}.`;
    }
    const parts = PARTS.filter((part) => asked.includes(part));
    const [file] = positionals;
    if (parts.includes('symbols') !== (file !== undefined) || positionals.length > 1)
      return '--only symbols takes one file, a vmlinux with DWARF.';
    return { json, parts, file, rounds, quick };
  } catch (error) {
    return errorText(error);
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class Bench {
  readonly missing: Absent[] = [];
  failed = false;
  private readonly program: Program;
  private readonly options: Options;
  private readonly kernel: Kernel | null;

  constructor(program: Program, options: Options) {
    this.program = program;
    this.options = options;
    this.kernel = options.quick || !needsLinux(options.parts) ? null : this.findKernel();
  }

  /** The figures of a part when it was asked for; what goes wrong in it is noted. */
  async part<Result>(part: Part, measure: () => Promise<Result>): Promise<Result | null> {
    if (!this.options.parts.includes(part)) return null;
    try {
      return await measure();
    } catch (error) {
      this.failed = true;
      this.missing.push({ title: `Part '${part}'`, reason: errorText(error) });
      return null;
    }
  }

  async loops(): Promise<LoopsFigures> {
    const { program } = this;
    const { quick, rounds } = this.options;
    const guest = { halvings: quick ? 6 : 0 };
    const { present, absent } = peers(program, guest);
    this.missing.push(...absent);
    const contenders = [ours(program, guest), ...present];
    try {
      return await measureLoops(contenders, { rounds, warmUp: 2 });
    } finally {
      for (const contender of contenders) contender.close();
    }
  }

  async exits(): Promise<ExitsFigures> {
    const options = this.options.quick ? { pairs: 2, exits: 500 } : { pairs: 40, exits: 10_000 };
    const process = this.program.start('exits', options);
    return process.measure().finally(() => process.close());
  }

  async linux(): Promise<LinuxFigures | null> {
    if (this.kernel === null) return null;
    const { release, ...guest } = this.kernel;
    const options: LinuxOptions = { ...guest, marker: READY_MARKER, memory: 128 << 20 };
    const process = this.program.start('linux', options);
    const own = await process.measure().finally(() => process.close());
    const boots: Record<string, LinuxBoot> = { Guestscope: own };
    const qemu = qemuVersion();
    if ('reason' in qemu) this.missing.push({ title: 'Linux on QEMU', reason: qemu.reason });
    else boots[`QEMU ${qemu.version} TCG`] = await bootOnQemu(options);
    return { release, mips: (own.instructions ?? NaN) / own.cpuSeconds / 1e6, boots };
  }

  async session(): Promise<SessionFigures> {
    const { kernel } = this;
    const { quick } = this.options;
    const process = this.program.start('session', {
      adapter: await this.program.adapter(),
      story: path.join(projectRoot, 'extension/sample/story'),
      linux: kernel && {
        kernel: kernel.kernel,
        initrd: kernel.initrd,
        commandLine: kernel.commandLine,
      },
      launches: quick ? 1 : 10,
      roundTrips: quick ? 5 : 200,
      pauses: quick ? 2 : 30,
    });
    return process.measure().finally(() => process.close());
  }

  async symbols(): Promise<SymbolsFigures | null> {
    const { kernel } = this;
    const { file = '', quick } = this.options;
    if (kernel === null) return null;
    const { kernel: image, initrd, commandLine } = kernel;
    const adapter = await this.program.adapter();
    const options = { adapter, file, kernel: image, initrd, commandLine, steps: quick ? 3 : 30 };
    const process = this.program.start('symbols', options);
    return process.measure().finally(() => process.close());
  }

  /** The real guest, or null after a note of why not. */
  private findKernel(): Kernel | null {
    try {
      return { ...debianKernel(), commandLine: COMMAND_LINE };
    } catch (error) {
      this.missing.push({ title: 'Linux', reason: errorText(error) });
      return null;
    }
  }
}

type Kernel = DebianKernel & { readonly commandLine: string };

function needsLinux(parts: readonly Part[]): boolean {
  return parts.some((part) => part === 'linux' || part === 'session' || part === 'symbols');
}

async function measure(options: Options): Promise<{ figures: Figures; failed: boolean }> {
  const [before = NaN] = loadavg();
  const program = await bundleProgram();
  const bench = new Bench(program, options);
  try {
    const loops = await bench.part('loops', () => bench.loops());
    const exits = await bench.part('exits', () => bench.exits());
    const linux = await bench.part('linux', () => bench.linux());
    const session = await bench.part('session', () => bench.session());
    const symbols = await bench.part('symbols', () => bench.symbols());
    const [after = NaN] = loadavg();
    const [{ model } = { model: 'unknown processor' }] = cpus();
    const host = {
      node: process.versions.node,
      processor: model,
      cores: cpus().length,
      load: [before, after],
    } as const;
    const { missing, failed } = bench;
    return { figures: { host, loops, exits, linux, session, symbols, missing }, failed };
  } finally {
    program.remove();
  }
}

function writeJson(file: string, figures: Figures): void {
  try {
    writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
  } catch (error) {
    console.error(`--json could not write its file: ${errorText(error)}`);
    process.exitCode = 1;
  }
}

const options = readOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(options);
  process.exitCode = 2;
} else {
  const { figures, failed } = await measure(options);
  console.log(markdown(figures));
  if (failed) process.exitCode = 1;
  if (options.json !== undefined) writeJson(options.json, figures);
}
