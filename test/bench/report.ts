/** The figures of a benchmark and the Markdown in which they are shown. */
import type { ExitsFigures } from './exits/figures.ts';
import type { LinuxBoot } from './linux/boot.ts';
import type { Absent } from './loops/contender.ts';
import { type LoopsFigures, OURS, type Speed } from './loops/measure.ts';
import { LOOPS } from './loops/rows.ts';
import type { SessionFigures, Times } from './session/figures.ts';
import type { ReadingFigures, SymbolsFigures } from './symbols/figures.ts';

export interface LinuxFigures {
  /** "6.1.0-50-686". */
  readonly release: string;
  /** Million instructions a CPU second of this emulator. */
  readonly mips: number;
  /** By contender; the first is this emulator. */
  readonly boots: { readonly [contender: string]: LinuxBoot };
}

/** What was measured; a part that was not asked for or could not be had is null. */
export interface Figures {
  readonly host: {
    readonly node: string;
    readonly processor: string;
    readonly cores: number;
    /** Over one minute, before and after: how busy the computer was. */
    readonly load: readonly [before: number, after: number];
  };
  readonly loops: LoopsFigures | null;
  readonly exits: ExitsFigures | null;
  readonly linux: LinuxFigures | null;
  readonly session: SessionFigures | null;
  readonly symbols: SymbolsFigures | null;
  /** What is missing and why. */
  readonly missing: readonly Absent[];
}

export function markdown({
  host,
  loops,
  exits,
  linux,
  session,
  symbols,
  missing,
}: Figures): string {
  const [before, after] = host.load;
  return [
    '# Guestscope in figures',
    `Node ${host.node}, ${host.cores} × ${host.processor}, load ${before.toFixed(1)} before and ${after.toFixed(1)} after.`,
    ...(loops === null ? [] : loopsSection(loops)),
    ...(exits === null ? [] : exitsSection(exits)),
    ...(linux === null ? [] : linuxSection(linux)),
    ...(session === null ? [] : sessionSection(session)),
    ...(symbols === null ? [] : symbolsSection(symbols)),
    ...missing.map(({ title, reason }) => `${title} is missing: ${reason.replace(/\.$/, '')}.`),
  ].join('\n\n');
}

type Row = readonly string[];

/** Columns are aligned: the table is also read in terminals. The first is text, the others are numbers. */
function table(head: Row, rows: readonly Row[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: Row): string =>
    `| ${widths.map((width, column) => pad(row[column] ?? '', width, column)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

// ---- loops

function loopsSection(loops: LoopsFigures): readonly string[] {
  const names = Object.keys(loops.contenders);
  const others = names.filter((name) => name !== OURS);
  const title = (name: string): string => loops.contenders[name] ?? name;
  const ratios = (values: { readonly [name: string]: number }): Row =>
    others.map((name) => ratio((values[OURS] ?? NaN) / (values[name] ?? NaN)));
  const rows = LOOPS.map(({ name, title: what }) => {
    const { instructions, unit, speed } = loops.rows[name];
    const medians = Object.fromEntries(names.map((key) => [key, speed[key]?.median ?? NaN]));
    return [
      `${name}: ${what}`,
      grouped(instructions),
      ...names.map((key) => speedText(speed[key], unit)),
      ...ratios(medians),
    ];
  });
  const integers = LOOPS.filter(({ kind }) => kind === 'integer').length;
  const mean = [
    `geometric mean of the first ${integers}`,
    '',
    ...names.map((name) => (loops.means[name] ?? NaN).toFixed(0)),
    ...ratios(loops.means),
  ];
  return [
    '## Loops',
    `Million instructions a CPU second (the last row: million bytes), median of ${loops.rounds} passes in turn and (slowest–fastest). The same guest on each, paging on; instructions as Guestscope counts them, exactly the same in every pass.`,
    table(
      ['loop', 'instructions', ...names.map(title), ...others.map((name) => `to ${title(name)}`)],
      [...rows, mean],
    ),
    `Both tiers together: ${loops.interpreterMips.toFixed(0)} MIPS (with the stride loop ${loops.withMemoryLoops.toFixed(0)}).`,
  ];
}

function speedText(speed: Speed | undefined, unit: string): string {
  if (speed === undefined) return '';
  const { median, slowest, fastest } = speed;
  const range = `${median.toFixed(0)} (${slowest.toFixed(0)}–${fastest.toFixed(0)})`;
  return unit === 'MIPS' ? range : `${range} ${unit}`;
}

function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : '';
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

// ---- exits

function exitsSection({ recording }: ExitsFigures): readonly string[] {
  const rows = recording.map((row) => [
    `an exit every ${grouped(row.instructionsPerExit)} instructions`,
    row.without.toFixed(0),
    row.with.toFixed(0),
    `${((row.ratio - 1) * 100).toFixed(1)} %`,
    `${((row.range[0] - 1) * 100).toFixed(1)}–${((row.range[1] - 1) * 100).toFixed(1)} %`,
  ]);
  const [pairs] = recording.map((row) => String(row.pairs));
  return [
    '## Recording of VM exits',
    `CPU ns an exit with the instructions before it, without log and statistics and with both; the overhead is the median of ${pairs ?? 'no'} pairs of runs in turn.`,
    table(['guest', 'without', 'with', 'overhead', 'least–most'], rows),
  ];
}

// ---- Linux

function linuxSection({ release, boots, mips }: LinuxFigures): readonly string[] {
  const rows = Object.entries(boots).map(([name, boot]) => [
    name,
    boot.instructions === null ? '' : grouped(boot.instructions),
    boot.exits === null ? '' : grouped(boot.exits),
    boot.cpuSeconds.toFixed(1),
    boot.wallSeconds.toFixed(1),
  ]);
  return [
    '## Linux boot',
    `Debian's ${release}, from power-on to the marker of its initramfs: ${mips.toFixed(0)} MIPS.`,
    table(['on', 'instructions', 'VM exits', 'CPU s', 'wall s'], rows),
  ];
}

// ---- session

function sessionSection(session: SessionFigures): readonly string[] {
  const row = (what: string, times: Times | null): readonly Row[] => {
    if (times === null) return [];
    const { count, median, p95, max } = times;
    return [[what, String(count), ...[median, p95, max].map((value) => value.toFixed(2))]];
  };
  return [
    '## Debug session',
    'Through the debug adapter as a process, over its standard streams, seen from the client; milliseconds.',
    table(
      ['', 'times', 'median', '95 %', 'longest'],
      [
        ...row('sample: launch request (F5) to stop on entry', session.launchToEntry),
        ...row('sample: launch request to stop at the CPUID exit', session.launchToExit),
        ...row('sample: restart request to stop on entry', session.restart),
        ...row('sample: start of the process to first guest instruction done', session.coldStart),
        ...row('stepIn to stopped', session.stepIn),
        ...row('registers (scope and its first group)', session.registers),
        ...row('readMemory, 4 KiB', session.readMemory),
        ...row('disassemble, 50 instructions', session.disassemble),
        ...row('pause to stopped while Linux boots', session.pause),
      ],
    ),
    'Round trips by request, of a guest that is stopped and of one in a loop; milliseconds. What has no figure is refused while the guest runs.',
    table(
      ['', 'stopped: median', '99 %', 'running: median', '99 %'],
      session.requests.map(({ command, stopped, running }) => [
        command,
        ...[stopped?.median, stopped?.p99, running?.median, running?.p99].map(
          (value) => value?.toFixed(2) ?? '',
        ),
      ]),
    ),
    `A breakpoint whose condition does not hold is passed ${grouped(Math.round(session.conditionalHits))} times a second.`,
    'The same in the machine alone, by kind of breakpoint, a second of processor time:',
    table(
      ['instruction', 'exit', 'data', 'interrupt'],
      [
        [
          session.conditions.instruction,
          session.conditions.exit,
          session.conditions.data,
          session.conditions.event,
        ].map((hits) => hits.toFixed(0)),
      ],
    ),
  ];
}

// ---- symbols

function symbolsSection(symbols: SymbolsFigures): readonly string[] {
  const mebibytes = (bytes: number): string => (bytes / (1 << 20)).toFixed(0);
  const row = (what: string, reading: ReadingFigures): Row => {
    const { launch, usable, cpu, latency, peak, after } = reading;
    const times = [launch, usable, cpu].map((value) => value.toFixed(0));
    const trips = [latency.median, latency.max].map((value) => value.toFixed(2));
    return [what, ...times, ...trips, mebibytes(peak), mebibytes(after)];
  };
  const { step, startKernel, index } = symbols;
  return [
    "## A kernel's file of symbols",
    'In the debug adapter as a process: from the launch request to the stop on entry and until lines and types are there, processor time until then, round trips meanwhile; milliseconds. Resident memory with the machine, whose RAM has 128 MiB; MiB.',
    table(
      ['', 'entry', 'usable', 'CPU', 'trip: median', 'longest', 'most memory', 'after'],
      [row('first use', symbols.first), row('index kept', symbols.kept)],
    ),
    `The index takes ${mebibytes(index)} MiB on the disk. A breakpoint on the line of start_kernel, set before the boot, was hit ${startKernel.toFixed(0)} ms after the launch request; a line was stepped over in ${step.median.toFixed(2)} ms (median of ${step.count}, longest ${step.max.toFixed(2)}).`,
  ];
}
