/**
 * What a session knows of a guest before there is one: launch.json checked, the files that it names read.
 */
import type { MachineConfiguration } from '../../emulator/debug-port.ts';
import type { AttachConfiguration } from './attach-configuration.ts';
import type { Files } from '../host/files.ts';
import type { LaunchConfiguration } from './launch-configuration.ts';
import { asAttached, checkedConfiguration, machineConfiguration } from './launching.ts';
import type { Progress, Work } from '../progress.ts';
import { Sources } from '../source-level/sources.ts';
import { type GuestSymbols, loadSymbols } from '../symbols/symbol-files.ts';

/** Everything that launch.json and its files say of a guest that is there. */
export interface Plan {
  readonly configuration: LaunchConfiguration;
  readonly files: GuestSymbols;
  readonly sources: Sources;
  /** "Run without debugging": no stop on entry, no breakpoints. */
  readonly debug: boolean;
}

/** And of one that is to be switched on. */
export interface PowerPlan extends Plan {
  readonly machine: MachineConfiguration;
}

/** Of the host. */
interface PlanEnvironment {
  readonly files: Files;
  /** As SessionEnvironment.symbolsAtOnce. */
  readonly symbolsAtOnce?: number;
}

/**
 * Reads the files; throws the numbered error for what is wrong with them. Reports half of the work;
 * building the machine is the other one.
 * @param attachment of a guest that was taken over: what it changed of the launch
 */
export async function powerPlan(
  raw: unknown,
  attachment: AttachConfiguration | null,
  environment: PlanEnvironment,
  progress: Progress,
  work: Work,
): Promise<PowerPlan> {
  const launched = checkedConfiguration(raw);
  const configuration = attachment === null ? launched : asAttached(launched, attachment);
  const symbols = await symbolsOf(configuration, environment, progress, work);
  try {
    const machine = await machineConfiguration(configuration, environment.files);
    progress.check();
    work.report(1 / 2, 'Building the machine');
    const debug = !(typeof raw === 'object' && raw !== null && 'noDebug' in raw && raw.noDebug === true); // prettier-ignore
    return { ...symbols, configuration, machine, debug };
  } catch (cause) {
    symbols.files.close();
    throw cause;
  }
}

/** Reads the files with symbols. */
export async function symbolsOf(
  { symbols, sourceMap }: Pick<LaunchConfiguration, 'symbols' | 'sourceMap'>,
  { files: disk, symbolsAtOnce }: PlanEnvironment,
  progress: Progress,
  work?: Work,
): Promise<Pick<Plan, 'files' | 'sources'>> {
  const files = await loadSymbols(symbols, sourceMap, disk, {
    ...(symbolsAtOnce !== undefined && { atOnce: symbolsAtOnce }),
    next: (name, index) => {
      progress.check();
      work?.report(index / symbols.length / 2, `Reading ${name}`);
    },
  });
  return { files, sources: new Sources(files.lines, disk) };
}
