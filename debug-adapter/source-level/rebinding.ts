/**
 * Requests whose meaning hangs on where the guest's symbols are: breakpoints by name, by source line, and
 * with conditions in which names stand. When a file of symbols turns out to lie elsewhere than it was
 * linked, each is answered anew from what the client wrote, and the client hears which breakpoints have
 * changed.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { IncomingRequest } from '../incoming-request.ts';

type Answer = (request: IncomingRequest) => Promise<unknown>;

interface Remembered {
  readonly request: IncomingRequest;
  readonly answer: Answer;
  /** The breakpoints of the answer. */
  breakpoints: readonly DebugProtocol.Breakpoint[];
}

export class Rebinding {
  private readonly remembered = new Map<string, Remembered>();

  /** Such requests replace whole lists: the last one counts, for each source file on its own. */
  remember(request: IncomingRequest, answer: Answer, body: unknown): void {
    const path = request.object('source').optionalString('path') ?? '';
    const breakpoints = breakpointsOf(body);
    this.remembered.set(`${request.command} ${path}`, { request, answer, breakpoints });
  }

  /** Some breakpoint is not set, for want of what it names. */
  get isIncomplete(): boolean {
    return [...this.remembered.values()].some(({ breakpoints }) =>
      breakpoints.some(({ verified }) => !verified),
    );
  }

  /** Answers all of them again; gives the breakpoints that are not what they were. */
  async repeat(): Promise<readonly DebugProtocol.Breakpoint[]> {
    const changed: DebugProtocol.Breakpoint[] = [];
    for (const each of this.remembered.values()) {
      const before = each.breakpoints;
      each.breakpoints = breakpointsOf(await each.answer(each.request));
      const differ = each.breakpoints.filter(
        (breakpoint, index) => JSON.stringify(breakpoint) !== JSON.stringify(before[index]),
      );
      changed.push(...differ);
    }
    return changed;
  }
}

function breakpointsOf(body: unknown): readonly DebugProtocol.Breakpoint[] {
  const { breakpoints } = body as DebugProtocol.SetBreakpointsResponse['body'];
  return breakpoints;
}
