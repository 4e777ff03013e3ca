/**
 * A step by source line. The machine steps while it is in the code of the line; where it comes out, this
 * decides whether the step is over: at the beginning of a line it is; in the middle of one (a function
 * has returned) the rest of that line is stepped as well; and what has no lines is run through when it
 * was called from the line, and is where the step ends when it was returned or jumped to.
 */
import type { ResumeMode } from '../../emulator/debug-port.ts';
import type { MachineClient } from '../machine/machine-client.ts';
import { continuesNest, inlinedWithin, nestAt, type Nest } from './inline-steps.ts';
import type { DebugInformation } from '../symbols/debug-information.ts';
import type { LineIndex } from '../symbols/line-index.ts';
import type { CodeRange, SourceLine } from '../symbols/line-list.ts';

/** What decides when a step is over. */
export interface StepPlan {
  readonly resumeMode: ResumeMode;
  /** How to go on from where a step has come to; null: it is over. */
  goOn(address: number, machine: MachineClient): Promise<ResumeMode | null>;
}

/** What the step is done on. */
export interface StepGround {
  readonly lines: LineIndex;
  readonly information: readonly DebugInformation[];
}

export class LineStep implements StepPlan {
  private readonly ground: StepGround;
  /** The functions and the line in which it began. */
  private readonly nest: Nest;
  private readonly line: SourceLine | null;
  private readonly mode: ResumeMode;
  /** The line that is left. */
  private range: CodeRange;
  /** It has come through an inlined function. */
  private wasInlined = false;

  private constructor(ground: StepGround, mode: ResumeMode, address: number, range: CodeRange) {
    this.ground = ground;
    this.nest = nestAt(ground.information, address);
    this.line = ground.lines.locate(address);
    this.mode = mode;
    this.range = range;
  }

  /** Null where there is no line: the step is one of an instruction. */
  static from(ground: StepGround, mode: ResumeMode, address: number): LineStep | null {
    const range = ground.lines.rangeOf(address);
    return range === null ? null : new LineStep(ground, mode, address, range);
  }

  get resumeMode(): ResumeMode {
    return { ...this.mode, within: this.range };
  }

  async goOn(address: number, machine: MachineClient): Promise<ResumeMode | null> {
    const { ground, range, mode, nest } = this;
    const { lines, information } = ground;
    const there = nestAt(information, address);
    const inlined = mode.kind === 'stepOver' ? inlinedWithin(nest, there, address) : null;
    if (inlined !== null) {
      this.wasInlined = true;
      return { ...mode, within: inlined };
    }
    // behind what was inlined into it the line begins anew
    const isRest = this.wasInlined && continuesNest(there, nest) && this.isOfLine(address);
    if (lines.beginsLine(address) && !isRest) return null;
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

  private isOfLine(address: number): boolean {
    const here = this.ground.lines.locate(address);
    return here !== null && here.line === this.line?.line && here.path === this.line.path;
  }
}
