/**
 * Disassembly for the editor: exactly the rows asked for, whatever the address, because an editor whose
 * request fails may never ask again.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DisassembledLine } from '../../emulator/debug-port.ts';
import { failure } from '../errors.ts';
import type { IncomingRequest } from '../incoming-request.ts';
import { formatAddress, parseReference } from '../display/memory-reference.ts';
import { hexBytes } from '../display/scopes.ts';
import type { GuestscopeSession } from '../session.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';

const MOST_ROWS = 100_000;

export async function disassemble(
  session: GuestscopeSession,
  request: IncomingRequest,
): Promise<unknown> {
  const { guest } = session;
  const count = Math.max(request.integer('instructionCount'), 0);
  if (count > MOST_ROWS)
    throw failure('tooLarge', {
      command: request.command,
      asked: `${count} instructions`,
      limit: `${MOST_ROWS}`,
    });
  const offset = request.integer('instructionOffset', 0);
  const base = linearBase(request.string('memoryReference'));
  const lines =
    base === null
      ? Array.from({ length: count }, () => UNKNOWN)
      : await guest.listing.lines(base + request.integer('offset', 0), offset, count);
  const symbols = request.boolean('resolveSymbols', true) ? guest.symbols : null;
  const instructions: DebugProtocol.DisassembledInstruction[] = [];
  for (const line of lines) {
    const { lines: index } = guest.sources;
    const place = index.beginsLine(line.address)
      ? await guest.sources.placeOf(line.address, session.abilities)
      : null;
    instructions.push({
      ...asInstruction(line, symbols),
      ...(place !== null && { location: place.source, line: place.line, column: place.column }),
    });
  }
  return { instructions };
}

const UNKNOWN: DisassembledLine = {
  address: -1,
  bytes: new Uint8Array(0),
  text: '??',
  valid: false,
};

/** null where nothing can be disassembled: an empty or foreign reference, or a physical one. */
function linearBase(text: string): number | null {
  try {
    const { space, address } = parseReference(text);
    return space === 'linear' ? address : null;
  } catch {
    return null;
  }
}

/** An address below zero is "-1", which editors take for a row without a place. */
export function asInstruction(
  { address, bytes, text, valid, target }: DisassembledLine,
  symbols: SymbolTable | null,
): DebugProtocol.DisassembledInstruction {
  const name = target === undefined ? null : (symbols?.describe(target) ?? null);
  const here = symbols?.near(address) ?? null;
  return {
    address: address < 0 ? '-1' : formatAddress(address),
    instruction: (valid ? text : '??') + (name === null ? '' : ` <${name}>`),
    ...(bytes.length > 0 && { instructionBytes: hexBytes(bytes) }),
    ...(here?.offset === 0 && { symbol: here.symbol.name }),
    ...(!valid && { presentationHint: 'invalid' as const }),
  };
}
