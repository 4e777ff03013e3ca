/**
 * Sources: the files that the guest was made from (sources.ts), and listings of its code
 * (code-listings.ts) for clients that show a frame by its source where there is no file.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { WantedInstruction } from '../breakpoints.ts';
import type { CodeListing } from '../display/code-listings.ts';
import { listingSource } from '../display/code-listings.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest, RequestArguments } from '../incoming-request.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { GuestscopeSession } from '../session.ts';
import { sourceOf } from '../source-level/sources.ts';
import { symbolModule } from '../source-level/symbol-modules.ts';
import { answer, asWritten, attempt } from './breakpoints.ts';
import {
  breakpointLines,
  prepareLines,
  setBreakpoints as setLineBreakpoints,
} from './source-breakpoints.ts';

const MIME_TYPE = 'text/x-asm';

export function source(session: GuestscopeSession, request: IncomingRequest): Promise<unknown> {
  const { text } = listingOf(session, request);
  return Promise.resolve({ content: text, mimeType: MIME_TYPE });
}

export function loadedSources({ guest }: GuestscopeSession): Promise<unknown> {
  const files = guest.sources.lines.files.map(sourceOf);
  return Promise.resolve({ sources: [...files, ...guest.listings.all().map(listingSource)] });
}

/** Lines of the range that a breakpoint can be set on; one place in each. */
export async function breakpointLocations(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.BreakpointLocationsResponse['body']> {
  const first = request.integer('line');
  const last = request.integer('endLine', first);
  const path = request.object('source').optionalString('path');
  if (path !== undefined) await prepareLines(session, path);
  const lines =
    path !== undefined && session.guest.sources.lines.knows(path)
      ? breakpointLines(session, path, first, last)
      : listingLines(session, request, first, last);
  return { breakpoints: lines.map((line) => ({ line })) };
}

function listingLines(
  session: GuestscopeSession,
  request: IncomingRequest,
  first: number,
  last: number,
): readonly number[] {
  const { firstLine } = session.abilities;
  return listingOf(session, request).addresses.flatMap((address, index) => {
    const line = index + firstLine;
    return address !== null && line >= first && line <= last ? [line] : [];
  });
}

/** In a file by its lines; in a listing on the instruction in the line or the next below. */
export async function setBreakpoints(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const listing = findListing(session, request);
  return listing === null
    ? setLineBreakpoints(session, request)
    : setListingBreakpoints(session, request, listing);
}

async function setListingBreakpoints(
  { guest, abilities }: GuestscopeSession,
  request: IncomingRequest,
  listing: CodeListing,
): Promise<DebugProtocol.SetBreakpointsResponse['body']> {
  const { firstLine } = abilities;
  const asked = request.list('breakpoints');
  const lines = asked.map((given) => lineOf(listing, given.integer('line') - firstLine));
  const wishes = asked.map((given, index) =>
    attempt((): WantedInstruction => {
      const address = listing.addresses[lines[index] ?? -1];
      if (typeof address !== 'number') return { problem: 'There is no instruction in this line.' };
      return { addresses: [address], ...guest.conditionsAt([address], asWritten(given)) };
    }),
  );
  const source = `source:listing ${listing.reference}` as const;
  const set = await guest.breakpoints.setInstructions(guest.machine, source, wishes);
  return {
    breakpoints: set.map((breakpoint, index) => {
      const line = lines[index] ?? -1;
      return {
        ...answer(breakpoint, wishes[index]),
        ...(line >= 0 && { line: line + firstLine, source: listingSource(listing) }),
      };
    }),
  };
}

/** Where the code of a line begins, or of the next one that has code. */
export async function addressesOfLine(
  session: GuestscopeSession,
  request: IncomingRequest,
  line: number,
): Promise<{ readonly line: number; readonly addresses: readonly number[] }> {
  const { guest, abilities } = session;
  const { firstLine } = abilities;
  const listing = findListing(session, request);
  if (listing === null) {
    const path = request.object('source').optionalString('path') ?? '';
    await prepareLines(session, path);
    const place = guest.sources.lines.addressesOf(path, line + 1 - firstLine);
    return place === null
      ? { line, addresses: [] }
      : { line: place.line - 1 + firstLine, addresses: place.addresses };
  }
  const index = lineOf(listing, line - firstLine);
  const address = listing.addresses[index];
  return typeof address === 'number'
    ? { line: index + firstLine, addresses: [address] }
    : { line, addresses: [] };
}

/** Index of the first line with an instruction from `line` on; -1 for none. */
function lineOf({ addresses }: CodeListing, line: number): number {
  return addresses.findIndex((address, index) => index >= line && address !== null);
}

/** Throws the numbered error for a source that is no listing of this session. */
function listingOf(session: GuestscopeSession, request: RequestArguments): CodeListing {
  const listing = findListing(session, request);
  if (listing === null) throw failure('noSource', {});
  return listing;
}

function findListing({ guest }: GuestscopeSession, request: RequestArguments): CodeListing | null {
  const inSource = request.object('source').integer('sourceReference', 0);
  return guest.listings.find(request.integer('sourceReference', inSource));
}

/** What was put into guest memory, the files of symbols, and other modules of its kernel. */
export async function modules(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<DebugProtocol.ModulesResponse['body']> {
  const { guest } = session;
  const ranges = await guest.machine.call('loadedRanges');
  const loaded = ranges.map(({ name, address, size }): DebugProtocol.Module => {
    const [first, last] = [address, address + size].map(formatAddress);
    return {
      id: `${name}@${String(address)}`,
      name,
      addressRange: `phys:${String(first)}-phys:${String(last)}`,
    };
  });
  const files = guest.files.modules.map((module) => symbolModule(guest.files, module));
  const all = [...loaded, ...files, ...guest.modules.unnamed];
  const start = Math.max(request.integer('startModule', 0), 0);
  const count = request.integer('moduleCount', 0);
  const end = count > 0 ? start + count : undefined;
  return { modules: all.slice(start, end), totalModules: all.length };
}
