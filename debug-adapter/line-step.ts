/**
 * A step by source line. The machine steps while it is in the code of the line; where it comes out, this
 * decides whether the step is over: at the beginning of a line it is; in the middle of one (a function
 * has returned) the rest of that line is stepped as well; and what has no lines is run through when it
 * was called from the line, and is where the step ends when it was returned or jumped to.
 */
import type { ResumeMode } from '../emulator/debug-port.ts';
import type { MachineClient } from './machine-client.ts';
import type { LineIndex } from './symbols/line-index.ts';
import type { CodeRange } from './symbols/line-list.ts';

export class LineStep {
  private readonly lines: LineIndex;
  private readonly mode: ResumeMode;
  /** The line that is left. */
  private range: CodeRange;

  private constructor(lines: LineIndex, mode: ResumeMode, range: CodeRange) {
    this.lines = lines;
    this.mode = mode;
    this.range = range;
  }

  /** Null where there is no line: the step is one of an instruction. */
  static from(lines: LineIndex, mode: ResumeMode, address: number): LineStep | null {
    const range = lines.rangeOf(address);
    return range === null ? null : new LineStep(lines, mode, range);
  }

  get resumeMode(): ResumeMode {
    return { ...this.mode, within: this.range };
  }

  /** How to go on from where a step has come to; null: it is over. */
  async goOn(address: number, machine: MachineClient): Promise<ResumeMode | null> {
    const { lines, range, mode } = this;
    if (lines.beginsLine(address)) return null;
    const here = lines.rangeOf(address);
    if (here !== null) {
      this.range = here;
      return this.resumeMode;
    }
    const caller = (await machine.call('stack', 2))[1];
    const called =
      caller !== undefined && caller.linearEip > range.start && caller.linearEip <= range.end;
    return called ? { ...mode, kind: 'stepOut' } : null;
  }
}
