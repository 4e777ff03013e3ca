/** A line on a terminal that says how far a run has come; nothing where nobody looks. */
import type { Terminal } from './command-line-node.ts';

/** Milliseconds between two looks. */
const INTERVAL = 500;
const CLEAR = '\r\u001b[K';

export interface Progress {
  /** Takes the line away, for something else to be printed. */
  clear(): void;
  end(): void;
}

const SILENT: Progress = { clear: () => undefined, end: () => undefined };

/** @param position rejects while there is no machine */
export function showProgress(
  terminal: Terminal,
  position: () => Promise<{ readonly retired: number; readonly exits: number }>,
): Progress {
  if (!terminal.attended) return SILENT;
  let shown = false;
  let before: { readonly retired: number; readonly at: number } | null = null;
  const clear = (): void => {
    if (shown) terminal.complain(CLEAR);
    shown = false;
  };
  const look = async (): Promise<void> => {
    const { retired, exits } = await position();
    const at = performance.now();
    const mips = before === null ? 0 : (retired - before.retired) / (at - before.at) / 1000;
    before = { retired, at };
    const text = `${(retired / 1e6).toFixed(1)} M instructions, ${mips.toFixed(0)} MIPS, ${exits} VM exits`;
    terminal.complain(`${CLEAR}${text}`);
    shown = true;
  };
  // no machine yet, or none any more
  const timer = setInterval(() => void look().catch(clear), INTERVAL);
  return {
    clear,
    end() {
      clearInterval(timer);
      clear();
    },
  };
}
