/**
 * Breakpoints on source lines. A line may begin at several places (an inlined function, a loop's
 * condition): one breakpoint stops at each of them. A line without code moves to the next one that has
 * some, as editors show.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { WantedInstruction } from '../breakpoints.ts';
import type { Guest } from '../guest.ts';
import type { IncomingRequest, RequestArguments } from '../incoming-request.ts';
import type { GuestscopeSession } from '../session.ts';
import { inSlices } from '../host/slices.ts';
import { sourceOf } from '../source-level/sources.ts';
import type { LinePlaces } from '../symbols/line-index.ts';
import { answer, atPlaces, attempt } from './breakpoints.ts';

export async function setBreakpoints(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest, abilities } = session;
  const path = request.object('source').optionalString('path') ?? '';
  const asked = request.list('breakpoints');
  if (asked.length > 0) await prepareLines(session, path);
  const bound = asked.map((given) =>
    guest.sources.lines.placesOf(path, given.integer('line') + 1 - abilities.firstLine),
  );
  const wanted = asked.map((given, index) => wish(guest, path, given, bound[index] ?? null));
  const set = await guest.breakpoints.setInstructions(guest.machine, `source:${path}`, wanted);
  const breakpoints = set.map((breakpoint, index): DebugProtocol.Breakpoint => {
    const place = bound[index] ?? null;
    const told = answer(breakpoint, wanted[index]);
    if (place === null) return told;
    return { ...told, source: sourceOf(path), line: place.line - 1 + abilities.firstLine };
  });
  return { breakpoints };
}

/** Reads what questions about a source file's lines need; messages are heard meanwhile. */
export async function prepareLines(
  { environment, guest }: GuestscopeSession,
  path: string,
): Promise<void> {
  await inSlices(environment.scheduler, guest.sources.lines.preparing(path));
}

/** Lines of a range at which a breakpoint can be. */
export function breakpointLines(
  session: GuestscopeSession,
  path: string,
  first: number,
  last: number,
): readonly number[] {
  const { guest, abilities } = session;
  const shift = 1 - abilities.firstLine;
  return guest.sources.lines.linesOf(path, first + shift, last + shift).map((line) => line - shift);
}

function wish(
  guest: Guest,
  path: string,
  given: RequestArguments,
  found: LinePlaces | null,
): WantedInstruction {
  if (found === null) return { problem: noCode(guest, path) };
  return attempt(() => atPlaces(guest, given, found.places));
}

function noCode(guest: Guest, path: string): string {
  const { lines } = guest.sources;
  const [waiting] = guest.files.waiting;
  if (waiting !== undefined)
    return `The line numbers of ${waiting.name} are still being read; the breakpoint is set when they are.`;
  if (lines.knows(path)) return 'No code was made from this line or from one after it.';
  if (lines.files.length === 0)
    return 'No file in "symbols" of launch.json has line numbers: name the guest\'s ELF file, compiled with -g.';
  return 'No code in the files in "symbols" was made from this file; if the guest was built in another folder, say so in "sourceMap" of launch.json.';
}
