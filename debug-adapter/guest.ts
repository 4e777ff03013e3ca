/**
 * The guest of a session, from launch to the end: the machine behind its channel, what launch.json said,
 * symbols, breakpoints, and what is remembered between two stops. Requests work on this; the session
 * (session.ts) decides when they may.
 */
import type { RegisterGroup, StackFrame } from '../emulator/debug-port.ts';
import { Breakpoints } from './breakpoints.ts';
import { DisassemblyListing } from './disassembly-listing.ts';
import type { AdapterError } from './errors.ts';
import { failure } from './errors.ts';
import type { LaunchConfiguration } from './launch-configuration.ts';
import { resolveSymbols } from './expressions.ts';
import { mapExpressions } from './log-message.ts';
import type { MachineClient } from './machine-client.ts';
import { MachineRefusal } from './machine-client.ts';
import type { MemoryReference } from './memory-reference.ts';
import { formatReference } from './memory-reference.ts';
import type { RegisterAccess, RegisterSnapshot } from './registers.ts';
import { snapshotOf } from './registers.ts';
import type { StopDescription } from './stops.ts';
import { SymbolTable } from './symbols/symbol-table.ts';
import { Variables } from './variables.ts';

/** Memory views that are kept fresh; older ones are forgotten. */
const MEMORY_VIEWS = 32;

export class Guest {
  readonly machine: MachineClient;
  readonly breakpoints = new Breakpoints();
  readonly variables = new Variables();
  readonly listing: DisassemblyListing;
  configuration: LaunchConfiguration;
  symbols: SymbolTable = new SymbolTable([]);
  /** Why it is stopped; null while it runs. */
  stop: StopDescription | null = null;
  /** Frames of the call stack by their DAP id, as of this stop. */
  private readonly frames = new Map<
    number,
    { readonly frame: StackFrame; readonly depth: number }
  >();
  private nextFrame = 1;
  private registerCache: Promise<readonly RegisterGroup[]> | null = null;
  private shown: RegisterSnapshot | null = null;
  private before: RegisterSnapshot | null = null;
  /** References that a client has read, with the bytes after each that it has seen. */
  private readonly views = new Map<string, number>();

  constructor(machine: MachineClient, configuration: LaunchConfiguration) {
    this.machine = machine;
    this.configuration = configuration;
    this.listing = new DisassemblyListing((address, offset, count) =>
      machine.call('disassemble', address, offset, count),
    );
  }

  /** The guest runs again, or from the start: what was learned at the stop no longer holds. */
  moved(): void {
    this.stop = null;
    if (this.shown !== null) this.before = this.shown;
    this.shown = null;
    this.registerCache = null;
    this.frames.clear();
    this.variables.reset();
    this.listing.forget();
  }

  /** A register or memory was changed from outside. */
  changed(): void {
    this.registerCache = null;
    this.listing.forget();
  }

  /** Read once per stop; anew each time while the guest runs. */
  registers(): Promise<readonly RegisterGroup[]> {
    if (this.stop === null) return this.machine.call('registers');
    this.registerCache ??= this.machine.call('registers').then((groups) => {
      this.shown = snapshotOf(groups);
      return groups;
    });
    return this.registerCache;
  }

  registerAccess(): RegisterAccess {
    return {
      registers: () => this.registers(),
      write: (name, value) => this.writeRegister(name, value),
      symbols: this.symbols,
      before: this.before,
    };
  }

  async writeRegister(name: string, value: number): Promise<void> {
    try {
      await this.machine.call('writeRegister', name, value);
    } catch (cause) {
      throw refusal('registerRefused', cause);
    }
    this.changed();
  }

  /** Value of an expression over registers, memory, numbers and symbols; throws the numbered error. */
  async evaluate(expression: string): Promise<number> {
    try {
      return await this.machine.call('evaluate', resolveSymbols(expression, this.symbols));
    } catch (cause) {
      throw refusal('expressionRefused', cause);
    }
  }

  /** A condition as the machine is to see it. */
  condition(text: string | undefined): string | undefined {
    return text === undefined || text.trim() === ''
      ? undefined
      : resolveSymbols(text, this.symbols);
  }

  /** A log message as the machine's worker is to see it. */
  logMessage(text: string | undefined): string | undefined {
    return text === undefined || text === ''
      ? undefined
      : mapExpressions(text, (expression) => resolveSymbols(expression, this.symbols));
  }

  addFrame(frame: StackFrame, depth: number): number {
    const id = this.nextFrame++;
    this.frames.set(id, { frame, depth });
    return id;
  }

  /** Throws the numbered error for a frame of an earlier stop. */
  frame(id: number): { readonly frame: StackFrame; readonly depth: number } {
    const frame = this.frames.get(id);
    if (frame === undefined)
      throw failure('staleReference', { kind: 'stack frame', reference: String(id) });
    return frame;
  }

  /** Remembers what a client shows, so that it can be told when it has changed. */
  noteView(reference: MemoryReference, extent: number): void {
    const key = formatReference(reference);
    const seen = Math.max(this.views.get(key) ?? 0, extent);
    this.views.delete(key);
    this.views.set(key, seen);
    for (const oldest of this.views.keys()) {
      if (this.views.size <= MEMORY_VIEWS) break;
      this.views.delete(oldest);
    }
  }

  /** Open views as bodies of DAP's `memory` event; each as it was asked for, from its start. */
  staleViews(): readonly {
    readonly memoryReference: string;
    readonly offset: number;
    readonly count: number;
  }[] {
    return [...this.views].map(([memoryReference, count]) => ({
      memoryReference,
      offset: 0,
      count,
    }));
  }
}

/** The machine's own sentence as a numbered error; other errors as they are. */
export function refusal(
  kind: 'registerRefused' | 'expressionRefused',
  cause: unknown,
): AdapterError | Error {
  if (cause instanceof MachineRefusal) return failure(kind, { problem: cause.message });
  return cause instanceof Error ? cause : new Error(String(cause));
}
