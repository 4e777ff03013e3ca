/**
 * Runs the loops on all contenders in turn, pass by pass, so that whatever else the computer does meets
 * all of them alike, and takes medians. Every pass must execute the same instructions and every contender
 * find the same results: that is checked, times never are.
 */
import type { Contender } from './contender.ts';
import type { LoopRun, Pass } from './marks.ts';
import { LOOPS, type LoopName } from './rows.ts';
import { geometricMean, median } from '../statistics.ts';

/** Speed of one loop: million instructions, or million bytes, a CPU second. */
export interface Speed {
  readonly median: number;
  readonly slowest: number;
  readonly fastest: number;
}

export interface LoopFigures {
  /** Of one pass, counted by this emulator. */
  readonly instructions: number;
  readonly result: number;
  readonly unit: 'MIPS' | 'MB/s';
  readonly speed: { readonly [contender: string]: Speed };
}

export interface LoopsFigures {
  /** Geometric mean of the medians of the integer loops. */
  readonly interpreterMips: number;
  /** The same with the loops that address translation decides. */
  readonly withMemoryLoops: number;
  readonly rounds: number;
  readonly contenders: { readonly [name: string]: string };
  /** Geometric mean of the integer loops for each contender. */
  readonly means: { readonly [contender: string]: number };
  readonly rows: { readonly [name in LoopName]: LoopFigures };
}

/** Our own name among the contenders. */
export const OURS = 'guestscope';

/**
 * @param contenders the first is this emulator, which counts the instructions.
 * @param warmUp passes before those that count, in which everything is translated.
 */
export async function measureLoops(
  contenders: readonly Contender[],
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
): Promise<LoopsFigures> {
  const passes = new Map<string, Pass[]>();
  let reference: Pass | null = null;
  for (let round = -warmUp; round < rounds; round++) {
    for (const contender of contenders) {
      const { name, title } = contender;
      const pass = await contender.pass();
      reference ??= pass;
      checkPass(title, pass, reference);
      if (round >= 0) passes.set(name, [...(passes.get(name) ?? []), pass]);
    }
  }
  if (reference === null) throw new Error('There is nothing to measure without a round.');
  return figures(contenders, passes, reference, rounds);
}

/** Throws when a pass went another way than the first one of all. */
function checkPass(title: string, pass: Pass, reference: Pass): void {
  for (const { name } of LOOPS) {
    const [run, first] = [pass[name], reference[name]];
    if (run.result !== first.result) {
      throw new Error(`Loop ${name} found ${hex(run)} on ${title} but ${hex(first)} before.`);
    }
    if (run.instructions !== null && run.instructions !== first.instructions) {
      throw new Error(
        `Loop ${name} was ${String(run.instructions)} instructions on ${title} but ${String(first.instructions)} before.`,
      );
    }
  }
}

function hex(run: LoopRun): string {
  return `0x${run.result.toString(16)}`;
}

function figures(
  contenders: readonly Contender[],
  passes: ReadonlyMap<string, readonly Pass[]>,
  reference: Pass,
  rounds: number,
): LoopsFigures {
  const rows = Object.fromEntries(
    LOOPS.map(({ name, kind }) => {
      const instructions = reference[name].instructions ?? 0;
      const { result } = reference[name];
      const work = kind === 'bytes' ? result : instructions;
      const speed = Object.fromEntries(
        contenders.map((contender) => [
          contender.name,
          speedOf((passes.get(contender.name) ?? []).map((pass) => work / pass[name].cpuSeconds)),
        ]),
      );
      return [name, { instructions, result, unit: kind === 'bytes' ? 'MB/s' : 'MIPS', speed }];
    }),
  ) as { readonly [name in LoopName]: LoopFigures };
  const mean = (contender: string, kinds: readonly string[]): number =>
    geometricMean(
      LOOPS.filter(({ kind }) => kinds.includes(kind)).map(
        ({ name }) => rows[name].speed[contender]?.median ?? NaN,
      ),
    );
  return {
    interpreterMips: mean(OURS, ['integer']),
    withMemoryLoops: mean(OURS, ['integer', 'memory']),
    rounds,
    contenders: Object.fromEntries(contenders.map(({ name, title }) => [name, title])),
    means: Object.fromEntries(contenders.map(({ name }) => [name, mean(name, ['integer'])])),
    rows,
  };
}

/** From units a second. */
function speedOf(values: readonly number[]): Speed {
  const millions = values.map((value) => value / 1e6);
  return {
    median: median(millions),
    slowest: Math.min(...millions),
    fastest: Math.max(...millions),
  };
}
