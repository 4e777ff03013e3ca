/**
 * One guest under several faces of the hypervisor: which profile catches its events, what interface it
 * finds, what it is told on its command line. From the runs comes a table of the VM exits of each, by
 * reason, beside each other: what full virtualization costs, and what the guest saves by knowing.
 */
import { PROFILES } from '../../emulator/hypervisor/profiles.ts';
import { csv } from '../exits/exit-reports.ts';
import type { LaunchArguments } from '../launch/launch-json.ts';

export interface Face {
  /** As it was written, or "kvm-ept:bare". */
  readonly label: string;
  readonly profile: string;
  readonly interface: string;
  /** Added to the guest's command line. */
  readonly commandLine: string;
}

/** What a run under a face came to. */
export interface FaceRun {
  readonly face: string;
  readonly outcome: string;
  /** How it ended, in a sentence. */
  readonly ending: string;
  readonly instructions: number;
  /** Virtual time, ns. */
  readonly time: number;
  /** By reason name. */
  readonly exits: { readonly [reason: string]: number };
}

export const FACE_USAGE = 'PROFILE[:INTERFACE][+WORDS]';

/** Every profile there is, each with the guest knowing nothing (bare) and knowing KVM. */
export function allFaces(): readonly Face[] {
  return PROFILES.filter(({ controls }) => typeof controls !== 'string').flatMap(
    ({ name, interfaces }) => interfaces.map((each) => parseFace(`${name}:${each}`)),
  );
}

/**
 * "kvm-ept:kvm+nopv no-kvmclock": a profile, an interface, and words for the command line. Without an
 * interface it is KVM's, or none under the profile bare. Whether there is such a profile the launch says.
 */
export function parseFace(written: string): Face {
  const [place = '', ...words] = written.split('+');
  const [profile = '', found] = place.split(':');
  return {
    label: written,
    profile,
    interface: found ?? (profile === 'bare' ? 'bare' : 'kvm'),
    commandLine: words.join('+').trim(),
  };
}

/** The launch configuration with this face, without what would stop the run or judge it. */
export function withFace(configuration: LaunchArguments, face: Face): LaunchArguments {
  const guest = membersOf(configuration['guest']);
  const written = guest['commandLine'];
  const before = typeof written === 'string' ? written : '';
  const commandLine = `${before} ${face.commandLine}`.trim();
  const hypervisor: { readonly [name: string]: unknown } = {
    ...membersOf(configuration['hypervisor']),
    profile: face.profile,
    interface: face.interface,
  };
  // features are KVM's alone
  const { kvm: _kvm, ...others } = hypervisor;
  return {
    ...configuration,
    guest: { ...guest, ...(face.commandLine !== '' && { commandLine }) },
    hypervisor: face.interface === 'kvm' ? hypervisor : others,
    exitBreakpoints: [],
    breakOn: [],
    expect: [],
  };
}

const membersOf = (value: unknown): { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null ? { ...value } : {};

export const TABLE_FORMATS = ['text', 'markdown', 'json', 'csv'] as const;
export type TableFormat = (typeof TABLE_FORMATS)[number];

const total = ({ exits }: FaceRun): number =>
  Object.values(exits).reduce((sum, count) => sum + count, 0);

/** Reasons of all runs, those with the most exits anywhere first. */
function reasonsOf(runs: readonly FaceRun[]): readonly string[] {
  const most = new Map<string, number>();
  for (const { exits } of runs)
    for (const [reason, count] of Object.entries(exits))
      most.set(reason, Math.max(most.get(reason) ?? 0, count));
  return [...most].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([reason]) => reason);
}

/** The face that the others are compared with: the first that has exits. */
const baselineOf = (runs: readonly FaceRun[]): FaceRun | undefined =>
  runs.find((run) => total(run) > 0);

/** @param runs in the order of the columns */
export function compareText(runs: readonly FaceRun[], format: TableFormat): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(asData(runs), null, 2)}\n`;
    case 'csv':
      return csvText(runs);
    case 'markdown':
      return `${markdownTable(rowsOf(runs))}\n`;
    case 'text':
      return `${plainTable(rowsOf(runs))}\n`;
  }
}

/** For programs: each run, and by how many exits it differs from the baseline. */
function asData(runs: readonly FaceRun[]): unknown {
  const baseline = baselineOf(runs);
  return {
    baseline: baseline?.face ?? null,
    runs: runs.map((run) => ({
      ...run,
      total: total(run),
      difference: Object.fromEntries(
        reasonsOf(runs).map((reason) => [
          reason,
          (run.exits[reason] ?? 0) - (baseline?.exits[reason] ?? 0),
        ]),
      ),
    })),
  };
}

type Row = readonly string[];

const grouped = (value: number): string => value.toString().replace(/\B(?=(\d{3})+$)/g, ',');
const signed = (value: number): string =>
  value === 0 ? '±0' : `${value > 0 ? '+' : '−'}${grouped(Math.abs(value))}`;

/** Header, a row for each reason, and sums. With two faces there is a column for the difference. */
function rowsOf(runs: readonly FaceRun[]): readonly Row[] {
  const [first, second, ...more] = runs;
  const pair = first !== undefined && second !== undefined && more.length === 0;
  const row = (name: string, value: (run: FaceRun) => number, digits = 0): Row => {
    const values = runs.map(value);
    const shown = values.map((each) => (digits === 0 ? grouped(each) : each.toFixed(digits)));
    const [a = 0, b = 0] = values;
    const change = digits === 0 ? signed(b - a) : (b - a).toFixed(digits);
    return [name, ...shown, ...(pair ? [change] : [])];
  };
  const baseline = baselineOf(runs);
  const share = (run: FaceRun): string =>
    baseline === undefined ? '' : `${((total(run) / total(baseline)) * 100).toFixed(1)} %`;
  return [
    ['exits', ...runs.map(({ face }) => face), ...(pair ? ['difference'] : [])],
    ...reasonsOf(runs).map((reason) => row(reason, ({ exits }) => exits[reason] ?? 0)),
    row('all exits', total),
    [`of ${baseline?.face ?? 'none'}`, ...runs.map(share), ...(pair ? [''] : [])],
    row('instructions', ({ instructions }) => instructions),
    row('guest time, ms', ({ time }) => time / 1e6, 1),
    ['end', ...runs.map(({ outcome }) => outcome), ...(pair ? [''] : [])],
  ];
}

const widthsOf = (rows: readonly Row[]): readonly number[] =>
  (rows[0] ?? []).map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
const padded = (row: Row, widths: readonly number[]): string[] =>
  widths.map((width, at) =>
    at === 0 ? (row[at] ?? '').padEnd(width) : (row[at] ?? '').padStart(width),
  );

function plainTable(rows: readonly Row[]): string {
  const widths = widthsOf(rows);
  return rows.map((row) => padded(row, widths).join('  ').trimEnd()).join('\n');
}
function markdownTable(rows: readonly Row[]): string {
  const widths = widthsOf(rows);
  const [head = [], ...body] = rows.map((row) => `| ${padded(row, widths).join(' | ')} |`);
  const rule = widths.map((width, at) =>
    at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [head, `| ${rule.join(' | ')} |`, ...body].join('\n');
}

function csvText(runs: readonly FaceRun[]): string {
  const baseline = baselineOf(runs);
  const rows = runs.flatMap((run) =>
    reasonsOf(runs).map((reason) => {
      const count = run.exits[reason] ?? 0;
      return [run.face, reason, count, count - (baseline?.exits[reason] ?? 0)];
    }),
  );
  return csv([['face', 'reason', 'exits', 'difference'], ...rows]);
}
