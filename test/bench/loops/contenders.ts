/** Who takes part in the loops on this computer, and who cannot. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { ensureTool } from '../../../extension/build/tools.ts';
import type { Measuring, Program } from '../child/start.ts';
import { qemuVersion } from '../qemu.ts';
import type { Absent, Contender, GuestOptions } from './contender.ts';
import type { Pass } from './marks.ts';
import { OURS } from './measure.ts';
import { qemuContender } from './qemu.ts';

/** Path of the guest. */
const IMAGE = fileURLToPath(new URL('loops.bin', import.meta.url));
const V86_VERSION = '0.5.462';

/** QEMU twice: as it comes, and counting instructions as we do, so that its runs are repeatable too. */
const QEMU_WAYS = [
  { name: 'qemu', suffix: 'TCG', options: [] },
  { name: 'qemuIcount', suffix: '-icount', options: ['-icount', 'shift=0'] },
] as const;

export function ours(program: Program, options: GuestOptions): Contender {
  const process = program.start('loops', { image: IMAGE, ...options });
  return contender(OURS, 'Guestscope', process);
}

/** The reference machines that are there, and for each that is not the reason. */
export function peers(
  program: Program,
  options: GuestOptions,
): { readonly present: readonly Contender[]; readonly absent: readonly Absent[] } {
  const present: Contender[] = [];
  const absent: Absent[] = [];
  const qemu = qemuVersion();
  if ('reason' in qemu) absent.push({ title: 'QEMU', reason: qemu.reason });
  else {
    for (const { suffix, ...way } of QEMU_WAYS) {
      const title = `QEMU ${qemu.version} ${suffix}`;
      present.push(qemuContender({ ...way, title }, IMAGE, options));
    }
  }
  try {
    const folder = join(v86Folder(), 'node_modules/v86');
    const process = program.start('v86', { image: IMAGE, folder, ...options });
    present.push(contender('v86', `v86 ${V86_VERSION}`, process));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    absent.push({ title: 'v86', reason: reason.split('\n')[0] ?? reason });
  }
  return { present, absent };
}

function v86Folder(): string {
  return ensureTool({
    folder: `v86-${V86_VERSION}`,
    title: 'v86, to compare with',
    packages: [`v86@${V86_VERSION}`],
    nested: [],
  });
}

function contender(name: string, title: string, process: Measuring<Pass>): Contender {
  return { name, title, pass: () => process.measure(), close: () => process.close() };
}
