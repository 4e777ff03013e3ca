/**
 * What the tests of real kernels share: a boot in a process of its own (main.ts), and what its log must
 * and must not say.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../../extension/build/tools.ts';
import type { BootFigures, BootJob, BootResult } from './main.ts';

const MAIN = path.join(projectRoot, 'test/guests/linux/main.ts');
/** Many times what a boot takes on two busy cores. */
export const TIMEOUT_MS = 600_000;
const OUTPUT_LIMIT = 16 << 20;

const withoutApt = spawnSync('apt-get', ['--version']).error !== undefined;
/** Why there can be no boot, or false. */
export const skip = withoutApt && 'there is no apt-get, through which the kernel comes';

export const POWER_OFF = { kind: 'power-off', code: 0, via: 'ACPI S5' };

export async function boot(job: BootJob): Promise<BootResult> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', MAIN, JSON.stringify(job)],
    { cwd: projectRoot, timeout: TIMEOUT_MS, maxBuffer: OUTPUT_LIMIT },
  );
  return JSON.parse(stdout) as BootResult;
}

/** The first call makes it, the others share it: a failure is every test's. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}

export function describeFigures({
  instructions,
  time,
  wallSeconds,
  cpuSeconds,
}: BootFigures): string {
  const mips = instructions / cpuSeconds / 1e6;
  return (
    `${(instructions / 1e9).toFixed(3)} G instructions, ${(time / 1e9).toFixed(2)} s of the guest's time, ` +
    `${wallSeconds.toFixed(1)} s wall, ${cpuSeconds.toFixed(1)} s CPU, ${mips.toFixed(0)} MIPS`
  );
}

const STAMP = /^\[ *\d+\.\d+\] /;
/** Lines without the kernel's time. */
export const log = ({ fingerprint: { text } }: BootResult): readonly string[] =>
  text.split('\r\n').map((line) => line.replace(STAMP, ''));
const kernelLog = ({ fingerprint: { text } }: BootResult): readonly string[] =>
  text
    .split('\r\n')
    .filter((line) => STAMP.test(line))
    .map((line) => line.replace(STAMP, ''));

/** A line of the log is like `pattern`. */
export function logs(result: BootResult, pattern: RegExp): void {
  assert.ok(
    log(result).some((line) => pattern.test(line)),
    `no line ${pattern.source} in:\n${result.fingerprint.text}`,
  );
}

/** Nothing that the kernel says when processor or board are not what it expects. */
export function assertQuietLog(result: BootResult): void {
  const complaint =
    /\bBUG\b|WARNING|Oops|Call Trace|unexpected|unstable|failed|spurious|broken|ACPI (Error|BIOS|Warning)|\binvalid\b|\blost\b|\bstall/i;
  const known = [
    /use "pci=nocrs" and report a bug$/, // says what to do, not that there is one
    /^DMI not present or invalid\.$/, // no firmware, no DMI
    /^Performance Events: Broken PMU hardware detected/, // the P6's counters are not emulated
    /^Failed to access perfctr msr/,
    /^(L1TF|MDS|Spectre|Speculative|MMIO|ITS|Register File|x86\/CPU)/, // mitigations
  ];
  const complaints = kernelLog(result).filter(
    (line) => complaint.test(line) && !known.some((pattern) => pattern.test(line)),
  );
  assert.deepEqual(complaints, []);
}
