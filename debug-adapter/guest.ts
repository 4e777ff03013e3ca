/**
 * The guest of a session, from launch to the end: the machine behind its channel, what launch.json said,
 * symbols, breakpoints, and what is remembered between two stops. Requests work on this; the session
 * (session.ts) decides when they may.
 */
import type { MemoryPlace, RegisterGroup } from '../emulator/debug-port.ts';
import type { MachineEventRow } from '../emulator/debugger/machine-events.ts';
import type { Value } from '../emulator/expressions/evaluator.ts';
import type { ParsedExpression } from '../emulator/expressions/expression.ts';
import { ExpressionError } from '../emulator/expressions/syntax.ts';
import { valueText } from '../emulator/expressions/value-text.ts';
import type { Conditions } from './breakpoints.ts';
import type { CallFrame } from './call-stack/call-frame.ts';
import { callStack } from './call-stack/call-stack.ts';
import { AddressSpaces } from './source-level/address-spaces.ts';
import { ENTRY_FRAMES } from './typed/entry-values.ts';
import { Breakpoints } from './breakpoints.ts';
import { DisassemblyListing } from './display/disassembly-listing.ts';
import { CodeListings } from './display/code-listings.ts';
import type { AdapterError } from './errors.ts';
import { failure } from './errors.ts';
import type { LaunchConfiguration } from './launch/launch-configuration.ts';
import type { Constants } from './expressions/expressions.ts';
import {
  eventWords,
  isTarget,
  parse,
  parseAssignment,
  typeAsked,
  understand,
} from './expressions/expressions.ts';
import { Expectations } from './expressions/expectations.ts';
import { parseLogMessage } from './expressions/log-message.ts';
import type { MachineClient } from './machine/machine-client.ts';
import { MachineRefusal } from './machine/machine-client.ts';
import type { MemoryReference } from './display/memory-reference.ts';
import { formatReference } from './display/memory-reference.ts';
import type { HookView } from './paravirt-hooks/hook-reports.ts';
import { ParavirtHooks } from './paravirt-hooks/paravirt-hooks.ts';
import { pointedProblem } from './expressions/pointed-problem.ts';
import type { RegisterAccess, RegisterSnapshot } from './display/registers.ts';
import { snapshotOf } from './display/registers.ts';
import type { StepPlan } from './source-level/line-step.ts';
import { Linux } from './linux/linux.ts';
import { ModuleWatch } from './linux/module-watch.ts';
import type { Sources } from './source-level/sources.ts';
import type { EventSelection } from './protocol.ts';
import type { StopDescription } from './stops.ts';
import type { CodePlace } from './symbols/address-space.ts';
import type { CType } from './symbols/c-types.ts';
import { GuestSymbols } from './symbols/symbol-files.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';
import { textAt } from './typed/operators.ts';
import { Program } from './typed/program.ts';
import { type SelectedFrame } from './typed/program-names.ts';
import { copyObject, store } from './typed/object-access.ts';
import { addressOf, type Typed, type TypedObject, valueOf } from './typed/typed.ts';
import { isStruct, stripped } from './typed/types.ts';
import { Variables } from './display/variables.ts';

/** Memory views that are kept fresh; older ones are forgotten. */
const MEMORY_VIEWS = 32;

/** Characters of a text that a log message shows. */
const LOGGED_TEXT = 256;

/** Conditions and log messages of a breakpoint as launch.json and the protocol have them. */
export interface WrittenConditions {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
}

export class Guest {
  readonly machine: MachineClient;
  readonly breakpoints = new Breakpoints();
  readonly variables = new Variables();
  /** What becomes of external interrupts while a single instruction is stepped. */
  stepInterrupts: 'deliver' | 'mask' = 'deliver';
  /** What guestscope/setEvents has chosen of the tree of events. */
  selections: readonly EventSelection[] = [];
  readonly listing: DisassemblyListing;
  readonly listings: CodeListings;
  configuration: LaunchConfiguration;
  files = new GuestSymbols([]);
  symbols: SymbolTable = this.files.symbols;
  sources: Sources;
  /** Its Linux kernel, if it has one. */
  readonly linux: Linux;
  readonly modules: ModuleWatch;
  /** Paravirt hooks of its kernel. */
  hooks: ParavirtHooks;
  /** Which files of symbols count where it is stopped. */
  readonly spaces = new AddressSpaces(this);
  /** What debugging information tells of its program. */
  readonly program = new Program(this);
  /** The step by line that is under way. */
  lineStep: StepPlan | null = null;
  /** What the guest has printed. */
  readonly printed: () => string;
  readonly expectations = new Expectations();
  /** Why it is stopped; null while it runs. */
  stop: StopDescription | null = null;
  /** Frames of the call stack by their DAP id, as of this stop. */
  private readonly frames = new Map<number, { readonly frame: CallFrame; readonly vcpu: number }>();
  private nextFrame = 1;
  private registerCache: Promise<readonly RegisterGroup[]> | null = null;
  /** By vCPU: what was shown at this stop, and at the last one at which something was. */
  private readonly shown = new Map<number, RegisterSnapshot>();
  private readonly before = new Map<number, RegisterSnapshot>();
  /** References that a client has read, with the bytes after each that it has seen. */
  private readonly views = new Map<string, number>();

  constructor(
    machine: MachineClient,
    configuration: LaunchConfiguration,
    sources: Sources,
    printed: () => string,
  ) {
    this.machine = machine;
    this.sources = sources;
    this.printed = printed;
    this.configuration = configuration;
    this.linux = new Linux(machine, () => this.files);
    this.modules = new ModuleWatch(this.linux, () => this.files);
    this.hooks = new ParavirtHooks(machine, {
      symbols: this.symbols,
      kernels: [],
      type: () => null,
    });
    this.listing = new DisassemblyListing((address, offset, count) =>
      machine.call('disassemble', address, offset, count),
    );
    this.listings = new CodeListings((address, offset, count) =>
      this.listing.lines(address, offset, count),
    );
  }

  /** From now on, names and lines are those of these files. */
  use(files: GuestSymbols, sources: Sources): void {
    this.files = files;
    this.symbols = files.symbols;
    this.sources = sources;
  }

  /** The guest runs again, or from the start: what was learned at the stop no longer holds. */
  moved(): void {
    this.stop = null;
    this.spaces.forget();
    this.program.selected = null;
    for (const [vcpu, snapshot] of this.shown) this.before.set(vcpu, snapshot);
    this.shown.clear();
    this.registerCache = null;
    this.frames.clear();
    this.variables.reset();
    this.listing.forget();
  }

  /** From now on everything is read from this vCPU, until a stop is of another. */
  async look(vcpu: number): Promise<void> {
    if (vcpu === this.variables.vcpu) return;
    await this.machine.call('look', vcpu);
    this.looksAt(vcpu);
  }

  /** The machine looks at this vCPU. */
  looksAt(vcpu: number): void {
    if (vcpu === this.variables.vcpu) return;
    this.variables.vcpu = vcpu;
    this.changed();
  }

  /** A register or memory was changed from outside. */
  changed(): void {
    this.registerCache = null;
    this.spaces.forget();
    this.listing.forget();
  }

  hookView(): HookView {
    const { hooks, machine, symbols } = this;
    return { hooks, machine, symbols };
  }

  /** Read once per stop; anew each time while the guest runs. */
  registers(): Promise<readonly RegisterGroup[]> {
    if (this.stop === null) return this.machine.call('registers');
    const { vcpu } = this.variables;
    this.registerCache ??= this.machine.call('registers').then((groups) => {
      this.shown.set(vcpu, snapshotOf(groups));
      return groups;
    });
    return this.registerCache;
  }

  registerAccess(): RegisterAccess {
    return {
      registers: () => this.registers(),
      write: (name, value) => this.writeRegister(name, value),
      symbols: this.symbols,
      before: this.before.get(this.variables.vcpu) ?? null,
    };
  }

  async writeRegister(name: string, value: number | bigint): Promise<void> {
    try {
      await this.machine.call('writeRegister', name, value);
    } catch (cause) {
      throw refusal('registerRefused', cause);
    }
    this.changed();
  }

  /** As DebugPort.writeDevice. */
  async writeDevice(name: string, path: readonly string[], value: number): Promise<void> {
    try {
      await this.machine.call('writeDevice', name, path, value);
    } catch (cause) {
      throw refusal('registerRefused', cause);
    }
    this.changed();
  }

  /** Value of an expression in the selected frame; throws the numbered error. */
  async evaluate(text: string): Promise<Value> {
    return this.evaluateTyped(this.understand(text));
  }

  evaluateTyped(typed: Typed, text = ''): Promise<Value> {
    return this.evaluateParsed(this.lowered(typed, text));
  }

  /** Names that have a value where the guest is, beside those that the machine knows. */
  private constants(): Constants {
    return new Map([['console', { kind: 'string', text: this.printed() }]]);
  }

  /** Throws the numbered error. */
  async evaluateParsed(expression: ParsedExpression): Promise<Value> {
    try {
      return await this.machine.call('evaluate', expression);
    } catch (cause) {
      if (!(cause instanceof MachineRefusal)) throw cause;
      const { message, position = 0 } = cause;
      const problem = pointedProblem(message, expression.text, position);
      throw failure('expressionRefused', { problem });
    }
  }

  /** An integer that fits a number: an address, a count; of a structure, where it is. */
  async evaluateNumber(text: string): Promise<number> {
    const typed = this.understand(text);
    const isWhole = typed.kind === 'object' && isStruct(stripped(typed.type));
    const value = isWhole
      ? await this.evaluateParsed({ text, syntax: withPlace(text, () => addressOf(typed)) })
      : await this.evaluateTyped(typed, text);
    if (value.kind === 'integer') {
      const whole = value.value < 0n ? BigInt.asUintN(value.type.bits, value.value) : value.value;
      if (whole <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(whole);
    }
    const problem = `An address or a number is needed, and '${text}' is ${valueText(value, true)}.`;
    throw failure('expressionRefused', { problem });
  }

  /**
   * What the machine computes, outside all frames unless one is given. Throws the numbered error, which
   * points at the character.
   */
  parse(text: string, constants?: Constants, frame: SelectedFrame | null = null): ParsedExpression {
    return withPlace(text, () => parse(text, this.program.around(constants, frame)));
  }

  /** The same in the selected frame, with its type. */
  understand(text: string): Typed {
    return withPlace(text, () => understand(text, this.program.around(this.constants())));
  }

  /** Of a type's name or an expression; null where it has none. Throws the numbered error. */
  typeAsked(text: string): CType | null {
    return withPlace(text, () => typeAsked(text, this.program.around(this.constants())));
  }

  parseAssignment(text: string): ReturnType<typeof parseAssignment> {
    return withPlace(text, () => parseAssignment(text, this.program.around(this.constants())));
  }

  /** What may stand on the left of an assignment. Throws the numbered error for anything else. */
  parseTarget(text: string): Typed {
    const target = this.understand(text);
    if (isTarget(target)) return target;
    const problem = 'Only registers and memory can be assigned to.';
    throw failure('expressionRefused', { problem });
  }

  /** Where an expression of the machine's own language lies; null for what is no place in memory. */
  async placeOf(expression: ParsedExpression): Promise<MemoryPlace | null> {
    try {
      return await this.machine.call('placeOf', expression);
    } catch (cause) {
      throw refusal('expressionRefused', cause);
    }
  }

  /** For the machine; throws the numbered error for what is no single value. */
  lowered(typed: Typed, text = ''): ParsedExpression {
    return { text, syntax: withPlace(text, () => valueOf(typed)) };
  }

  /** Stores a value in a variable or a part of one, wherever that lies. Throws the numbered error. */
  async assignObject(target: TypedObject, value: Typed): Promise<void> {
    const { type, storage, bits } = target;
    const access = this.program.access();
    if (isStruct(stripped(type))) await copyObject(target, value, access);
    else await store(storage, type, bits, await this.numberOf(value), access);
    this.changed();
  }

  /** Of a typed or an untyped value, as something that can be stored. */
  private async numberOf(typed: Typed): Promise<number | bigint> {
    const value = await this.evaluateTyped(typed);
    if (value.kind !== 'string') return value.value;
    throw failure('expressionRefused', { problem: 'A string cannot be assigned.' });
  }

  async assign(target: ParsedExpression, value: ParsedExpression): Promise<void> {
    try {
      await this.machine.call('assign', target, value);
    } catch (cause) {
      throw refusal('registerRefused', cause);
    }
    this.changed();
  }

  /**
   * Throws the numbered error for a mistake in an expression.
   * @param event that the breakpoint is on, if it is one
   * @param frame in which it is met, if that is known
   */
  conditions(
    { condition, hitCondition, logMessage }: WrittenConditions,
    event: MachineEventRow | null = null,
    frame: SelectedFrame | null = null,
  ): Conditions {
    const isGiven = (text: string | undefined): text is string =>
      text !== undefined && text.trim() !== '';
    const words = eventWords(event);
    return {
      condition: isGiven(condition) ? this.parse(condition, words, frame) : undefined,
      hitCondition,
      log: isGiven(logMessage)
        ? parseLogMessage(logMessage, (text) => this.parseShown(text, words, frame))
        : undefined,
    };
  }

  /** The same for a breakpoint on instructions: local variables are those of each address. */
  conditionsAt(
    addresses: readonly number[],
    written: WrittenConditions,
  ): Conditions & { readonly at?: readonly Conditions[] } {
    const frames = addresses.map((address) => this.program.frameAt(address));
    const [first = null] = frames;
    const all = this.conditions(written, null, first);
    if (first === null || frames.length === 1) return all;
    return { ...all, at: frames.map((frame) => this.conditions(written, null, frame)) };
  }

  /** The same, in the address space of each place. */
  conditionsAtPlaces(
    places: readonly CodePlace[],
    written: WrittenConditions,
  ): ReturnType<Guest['conditionsAt']> {
    const at = places.map(({ address, space }): Conditions => {
      if (space === null) return this.conditionsAt([address], written);
      const where = this.spaces.conditionOf(space);
      return { where, ...this.spaces.within(space, () => this.conditionsAt([address], written)) };
    });
    const [first = this.conditionsAt([], written)] = at;
    return { ...first, at };
  }

  /** In a log message the text of a program's characters stands for their address. */
  private parseShown(
    text: string,
    constants: Constants,
    frame: SelectedFrame | null,
  ): ParsedExpression {
    return withPlace(text, () => {
      const typed = understand(text, this.program.around(constants, frame));
      return { text, syntax: textAt(typed, LOGGED_TEXT) ?? valueOf(typed) };
    });
  }

  /** The call stack of the vCPU that is looked at: at most `limit` physical frames. */
  stack(limit: number): Promise<readonly CallFrame[]> {
    return callStack(this, limit);
  }

  /** Numbers for frames and for rows between them. */
  addFrame(frame: CallFrame | null): number {
    const id = this.nextFrame++;
    if (frame !== null) this.frames.set(id, { frame, vcpu: this.variables.vcpu });
    return id;
  }

  /** Expressions are evaluated in a frame from now on; without an id in the one where the guest stands. */
  async select(id: number | null): Promise<void> {
    const { program } = this;
    if (program.information.length === 0) return;
    if (id !== null) {
      const frame = this.frame(id);
      program.selected = program.frameOf(frame, await this.stack(frame.depth + ENTRY_FRAMES));
    } else if (this.stop !== null) {
      const { linearEip } = await this.machine.call('position');
      program.selected = program.frameAt(linearEip, await this.stack(ENTRY_FRAMES));
    }
  }

  /** Null for a frame of an earlier stop. */
  vcpuOfFrame(id: number): number | null {
    return this.frames.get(id)?.vcpu ?? null;
  }

  /** Throws the numbered error for a frame of an earlier stop. */
  frame(id: number): CallFrame {
    const frame = this.frames.get(id)?.frame;
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

/** A mistake in a text as the numbered error: the text, and a mark below the place. */
function withPlace<Result>(text: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof ExpressionError)) throw cause;
    const problem = pointedProblem(cause.message, text, cause.position);
    throw failure('expressionRefused', { problem });
  }
}

/** The machine's own sentence as a numbered error; other errors as they are. */
export function refusal(
  kind: 'registerRefused' | 'expressionRefused' | 'machineRefused',
  cause: unknown,
): AdapterError | Error {
  if (cause instanceof MachineRefusal) return failure(kind, { problem: cause.message });
  return cause instanceof Error ? cause : new Error(String(cause));
}
