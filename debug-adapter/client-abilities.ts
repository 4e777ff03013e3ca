/**
 * What a client says of itself in `initialize`. The protocol has events that only some clients want and
 * texts that only some can show; a client that says nothing gets none of them.
 */
import type { RequestArguments } from './incoming-request.ts';

export interface ClientAbilities {
  /** Numbers that the client gives to the first line and the first column. */
  readonly firstLine: 0 | 1;
  readonly firstColumn: 0 | 1;
  /** Asks for children of a variable in pages, if it is told how many there are. */
  readonly paging: boolean;
  /** Shows memory and disassembly by their references; without it, code is shown as a source. */
  readonly memoryReferences: boolean;
  readonly progress: boolean;
  readonly invalidated: boolean;
  readonly memoryEvents: boolean;
  /** Shows colours in output. */
  readonly ansi: boolean;
}

export const NO_ABILITIES: ClientAbilities = {
  firstLine: 1,
  firstColumn: 1,
  paging: false,
  memoryReferences: false,
  progress: false,
  invalidated: false,
  memoryEvents: false,
  ansi: false,
};

/** From the arguments of `initialize`; throws the numbered error for one of the wrong type. */
export function clientAbilities(request: RequestArguments): ClientAbilities {
  const can = (name: string): boolean => request.boolean(name, false);
  return {
    firstLine: request.boolean('linesStartAt1', true) ? 1 : 0,
    firstColumn: request.boolean('columnsStartAt1', true) ? 1 : 0,
    paging: can('supportsVariablePaging'),
    memoryReferences: can('supportsMemoryReferences'),
    progress: can('supportsProgressReporting'),
    invalidated: can('supportsInvalidatedEvent'),
    memoryEvents: can('supportsMemoryEvent'),
    ansi: can('supportsANSIStyling'),
  };
}
