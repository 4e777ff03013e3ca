/** What the measuring processes do: parameters and result of each job. Plain data, since both travel. */
import type { ExitsFigures, ExitsOptions } from '../exits/figures.ts';
import type { LinuxBoot, LinuxOptions } from '../linux/boot.ts';
import type { GuestOptions } from '../loops/contender.ts';
import type { Pass } from '../loops/marks.ts';
import type { SessionFigures, SessionOptions } from '../session/figures.ts';
import type { SymbolsFigures, SymbolsOptions } from '../symbols/figures.ts';

interface LoopsOptions extends GuestOptions {
  /** Path of loops.bin. */
  readonly image: string;
}

export interface Jobs {
  readonly loops: { readonly options: LoopsOptions; readonly result: Pass };
  /** `folder`: the package. */
  readonly v86: {
    readonly options: LoopsOptions & { readonly folder: string };
    readonly result: Pass;
  };
  readonly exits: { readonly options: ExitsOptions; readonly result: ExitsFigures };
  readonly linux: { readonly options: LinuxOptions; readonly result: LinuxBoot };
  readonly session: { readonly options: SessionOptions; readonly result: SessionFigures };
  readonly symbols: { readonly options: SymbolsOptions; readonly result: SymbolsFigures };
}

export type Answer = { readonly value: unknown } | { readonly problem: string };
