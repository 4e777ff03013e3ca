/**
 * What is measured runs in processes of its own, so that nothing else shares their time: this program,
 * bundled, since TypeScript run through a loader is slower. The first argument names the job and the
 * second is its parameters as JSON; each message that comes asks for one more measurement.
 */
import { measureExits } from '../exits/measure.ts';
import { bootLinux } from '../linux/guestscope.ts';
import { startLoops } from '../loops/guestscope.ts';
import { startV86 } from '../loops/v86.ts';
import { measureSession } from '../session/measure.ts';
import { measureSymbols } from '../symbols/measure.ts';
import type { Answer, Jobs } from './jobs.ts';

type Step = () => unknown;
type Starters = { readonly [name in keyof Jobs]: (options: Jobs[name]['options']) => Step | Promise<Step> }; // prettier-ignore

const STARTERS: Starters = {
  loops: (options) => startLoops(options.image, options),
  v86: (options) => startV86(options.folder, options.image, options),
  exits: (options) => () => measureExits(options),
  linux: (options) => () => bootLinux(options),
  session: (options) => () => measureSession(options),
  symbols: (options) => () => measureSymbols(options),
};

async function answer(step: Promise<Step>): Promise<Answer> {
  try {
    return { value: await (await step)() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const [name = '', options = ''] = process.argv.slice(2);
const starter = STARTERS[name as keyof Jobs] as (options: unknown) => Step | Promise<Step>;
const started = Promise.resolve().then(() => starter(JSON.parse(options)));
process.on('message', () => void answer(started).then((reply) => process.send?.(reply)));
process.on('disconnect', () => process.exit());
