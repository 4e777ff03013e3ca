/**
 * A machine for the adapter's tests: a DebugPort with a toy processor of one-byte opcodes, so that
 * sessions, transcripts and the worker's loop can be tested without the emulator, to the instruction and
 * always the same. Nothing of it is x86 but the names.
 *
 *   90 nop          b8 id mov eax, imm32    40 inc eax     e8 rel8 call    c3 ret     eb rel8 jmp
 *   ee out dx, al   ba id mov edx, imm32    a2 cpuid       c1 vmcall       cd wrmsr   f4 hlt
 *   ef rep outsb: 512 bytes to the serial line
 *   cc triple fault 0b not implemented      fe reset       ff power off    fd host exception
 *
 * Its memory and what its opcodes are called: fake-memory.ts.
 */
import type {
  AddressSpace,
  DataBreakpoint,
  EventBreakpoint,
  DebugPort,
  DisassembledLine,
  EventAction,
  ExitAction,
  ExitBreakpoint,
  ExitLogFilter,
  ExitLogRange,
  InstructionBreakpoint,
  MachineConfiguration,
  MachinePosition,
  MemoryPlace,
  MemoryRange,
  RegisterGroup,
  RegisterValue,
  ResumeMode,
  StackFrame,
  VcpuSummary,
} from '../../emulator/debug-port.ts';
import { InstructionBreakpoints, type Meeting } from '../../emulator/debugger/breakpoints.ts';
import { ExitBreakpoints } from '../../emulator/debugger/exit-breakpoints.ts';
import { expressionNames, fieldNames } from '../../emulator/debugger/expression-names.ts';
import { ConsoleWatch } from '../../emulator/debugger/console-watch.ts';
import type { Detail } from '../../emulator/debugger/views/detail.ts';
import type { DeviceSummary } from '../../emulator/debugger/views/devices/devices.ts';
import { LogLines } from '../../emulator/debugger/log-message.ts';
import {
  integerOf,
  placeOf,
  type Scope,
  type Value,
} from '../../emulator/expressions/evaluator.ts';
import {
  compileExpression,
  type ExpressionSource,
  valueOf,
} from '../../emulator/expressions/expression.ts';
import type { ExitStatistics } from '../../emulator/hypervisor/exit-statistics.ts';
import type { LoadedRange } from '../../emulator/loaders/loader.ts';
import type { Picture, Screen } from '../../emulator/picture.ts';
import type { ExitRecord, StopReason } from '../../emulator/stop-reason.ts';

import { FakeLamp } from './fake-lamp.ts';
import { FAKE_ENTRY, FakeMemory, lengthOf } from './fake-memory.ts';

/** Virtual ns that HLT waits. */
const TICK = 4_000_000;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Thrown by create for a bad kernel, shaped as the emulator's. */
export class FakeConfigurationError extends Error {
  readonly attribute: string;
  constructor(attribute: string, message: string) {
    super(message);
    this.name = 'ConfigurationError';
    this.attribute = attribute;
  }
}

/** What becomes of every exit here. */
const EMULATED = { kind: 'emulated', text: 'emulated', steps: 1 } as const;

interface Pending {
  readonly record: ExitRecord;
}

export class FakeMachine implements DebugPort {
  private readonly memory = new FakeMemory();
  private readonly registerValues: { [name: string]: number } = {
    eax: 0,
    edx: 0,
    esp: 0x8000,
    eip: FAKE_ENTRY,
    eflags: 2,
    cr0: 0x11,
  };
  private readonly returns: number[] = [];
  private mode: ResumeMode = { kind: 'continue' };
  private stepDepth = 0;
  private fresh = true;
  private pauseRequested = false;
  private retired = 0;
  private time = 0;
  private halted = false;
  private wakeAt = 0;
  private pending: Pending | null = null;
  private readonly places = new InstructionBreakpoints();
  private readonly exitBreakpoints = new ExitBreakpoints();
  private readonly logs = new LogLines(() => this.serial.length);
  private readonly console = new ConsoleWatch();
  /** Kept for assertions; the toy does not watch. */
  readonly watched: DataBreakpoint[] = [];
  filter: ExitLogFilter | null = null;
  readonly armed: EventBreakpoint[] = [];
  private readonly exits: ExitRecord[] = [];
  private serial: number[] = [];
  private notices: string[] = [];
  private readonly lamp = new FakeLamp();
  private readonly kernelBytes: number;
  /** What was typed into the serial line and the keyboard, for assertions. */
  readonly typed: number[] = [];
  readonly keys: number[] = [];

  constructor(configuration: MachineConfiguration) {
    const { kernel, kernelName } = configuration.guest;
    if (kernel.length === 0)
      throw new FakeConfigurationError('guest.kernel', `${kernelName} is empty; name a kernel.`);
    this.kernelBytes = kernel.length;
    this.memory.load(kernel);
    this.notices.push(`Loaded ${kernel.length} bytes.`);
  }

  vcpus(): readonly VcpuSummary[] {
    const activity = this.halted ? 'halted' : 'running';
    return [{ vcpu: 0, activity, linearEip: this.state.eip, retired: this.retired }];
  }

  look(vcpu: number): void {
    if (vcpu !== 0) throw new RangeError(`There is no vCPU ${vcpu}; there is only vCPU 0.`);
  }

  resume(mode: ResumeMode): void {
    this.mode = mode;
    this.stepDepth = this.returns.length;
    this.fresh = true;
  }

  requestPause(): void {
    this.pauseRequested = true;
  }

  run(budget: number): StopReason {
    if (this.pauseRequested) {
      this.pauseRequested = false;
      return { kind: 'pause' };
    }
    if (this.halted) {
      this.halted = false;
      this.time = Math.max(this.time, this.wakeAt);
    }
    for (let left = budget; left > 0; left--) {
      const stop = this.breakpointHere() ?? this.step();
      this.fresh = false;
      if (stop !== null) return stop;
      const index = this.console.take();
      if (index !== null) return { kind: 'console', index };
      if (this.stepDone()) return { kind: 'step' };
    }
    return { kind: 'budget' };
  }

  position(): MachinePosition {
    const { eip } = this.state;
    return {
      vcpu: 0,
      retired: this.retired,
      time: this.time,
      exits: this.exits.length,
      eip,
      linearEip: eip,
      cpl: 0,
      mode: 'protected32',
      paging: '32-bit',
      interruptsEnabled: false,
    };
  }

  registers(): readonly RegisterGroup[] {
    const { eax, edx, esp, eip, eflags, cr0 } = this.state;
    const plain = (name: string, value: number, address = false): RegisterValue => ({
      name,
      value,
      bits: 32,
      writable: true,
      ...(address && { addressOf: 'linear' as const }),
    });
    const bit = (name: string, at: number): RegisterValue => ({
      name,
      value: (eflags >>> at) & 1,
      bits: 1,
      writable: true,
    });
    return [
      {
        name: 'General',
        registers: [plain('eax', eax), plain('edx', edx), plain('esp', esp, true), plain('eip', eip, true)],
      },
      {
        name: 'Flags',
        registers: [
          { name: 'eflags', value: eflags, bits: 32, writable: true, children: [bit('eflags.cf', 0), bit('eflags.zf', 6)] },
        ],
      },
      {
        name: 'Control',
        registers: [
          { name: 'cr0', value: cr0, bits: 32, text: 'PE ET', writable: true },
          { name: 'tsc', value: this.retired, bits: 64, text: '0x0000000000000007', writable: false },
        ],
      },
    ]; // prettier-ignore
  }

  writeRegister(name: string, value: number): void {
    const key = name.toLowerCase();
    if (key === 'eflags.cf' || key === 'eflags.zf') {
      const mask = key === 'eflags.cf' ? 1 : 64;
      const { eflags } = this.state;
      this.registerValues['eflags'] = value === 0 ? eflags & ~mask : eflags | mask;
      return;
    }
    if (!Object.hasOwn(this.registerValues, key))
      throw new RangeError(`There is no register "${name}".`);
    this.registerValues[key] = value >>> 0;
  }

  readMemory(space: AddressSpace, address: number, count: number): MemoryRange {
    return this.memory.read(space, address, count);
  }

  writeMemory(space: AddressSpace, address: number, bytes: Uint8Array): number {
    return this.memory.write(space, address, bytes);
  }

  translate(linear: number): number | null {
    return this.memory.physical('linear', linear);
  }

  disassemble(address: number, offset: number, count: number): readonly DisassembledLine[] {
    return this.memory.disassemble(address, offset, count);
  }

  stack(limit: number): readonly StackFrame[] {
    const { eip, esp } = this.state;
    return [eip, ...this.returns.toReversed()]
      .slice(0, limit)
      .map((at, depth) => frameAt(at, esp + depth * 16));
  }

  setInstructionBreakpoints(breakpoints: readonly InstructionBreakpoint[]): void {
    this.places.set(breakpoints);
  }

  setExitBreakpoints(breakpoints: readonly ExitBreakpoint[]): void {
    this.exitBreakpoints.set(breakpoints);
  }

  stepTarget(): null {
    return null;
  }

  setNextInstruction(address: number): void {
    if (address < FAKE_ENTRY) throw new RangeError('There is no instruction there.');
    this.registerValues['eip'] = address;
  }

  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): void {
    this.armed.splice(0, Infinity, ...breakpoints);
  }

  setDataBreakpoints(breakpoints: readonly DataBreakpoint[]): void {
    this.watched.splice(0, Infinity, ...breakpoints);
  }

  placeOf(expression: ExpressionSource): MemoryPlace | null {
    const { syntax } = compileExpression(expression, expressionNames(new Set()));
    const place = placeOf(syntax, this.scope(undefined));
    return place === null ? null : { ...place, length: place.type.bits / 8 };
  }

  evaluate(expression: ExpressionSource): Value {
    return valueOf(expression, expressionNames(fieldNames()), this.scope(this.pending?.record));
  }

  assign(target: ExpressionSource, value: ExpressionSource): void {
    const { syntax } = compileExpression(target, expressionNames(new Set()));
    const result = this.evaluate(value);
    if (syntax.kind !== 'name' || result.kind !== 'integer')
      throw new RangeError('The toy assigns integers to registers only.');
    this.writeRegister(syntax.name, Number(BigInt.asUintN(32, result.value)));
  }

  inspect(view: string, address: number): ReturnType<DebugPort['inspect']> {
    return [{ name: view, value: hex(address), children: [{ name: 'toy', value: '1' }] }];
  }

  watchConsole(texts: readonly Uint8Array[]): void {
    this.console.set(texts);
  }

  takeLogs(): ReturnType<DebugPort['takeLogs']> {
    return this.logs.take();
  }

  private scope(exit: ExitRecord | undefined): Scope {
    return {
      value: (name) => {
        const value = exit?.fields[name] ?? this.registerValues[name];
        return value === undefined ? null : integerOf(value >>> 0, 32);
      },
      read: (space, address, length) => this.readMemory(space, address, length).bytes,
      translate: (linear) => this.translate(linear),
      msr: () => null,
    };
  }

  private meeting(exit: ExitRecord | undefined): Meeting {
    return {
      scope: this.scope(exit),
      logs: this.logs,
      complain: (text) => this.notices.push(text),
    };
  }

  exitLog(from: number, limit: number): readonly ExitRecord[] {
    const first = this.firstKept();
    const start = Math.max(from - first, 0);
    return this.exits
      .slice(start, start + limit)
      .map((exit) => (exit === this.pending?.record ? exit : { ...exit, outcome: EMULATED }));
  }

  /** Kept for assertions; the toy keeps and handles all exits. */
  readonly interventions: (ExitAction | null)[] = [];
  setExitFilter(filter: ExitLogFilter | null): void {
    this.filter = filter;
  }
  intervene(action: ExitAction | null): void {
    if (this.pending === null) throw new RangeError('The guest is not at a VM exit.');
    this.interventions.push(action);
  }
  inject(event: EventAction): void {
    this.interventions.push({ kind: 'inject', event });
  }
  exitLogRange(): ExitLogRange {
    const first = this.firstKept();
    return { first, end: first + this.exits.length };
  }

  /** By reason alone. */
  exitStatistics(): ExitStatistics {
    const counts = Object.entries(this.exitCounts());
    return {
      total: this.exits.length,
      reasons: counts.map(([reason, count]) => ({ reason, number: 0, count })),
      details: [],
      addresses: [],
      interrupts: [],
      others: { details: 0, addresses: 0 },
      rate: { width: 65_536, stretches: [] },
    };
  }

  exitCounts(): { readonly [name: string]: number } {
    const counts: { [name: string]: number } = {};
    for (const { name } of this.exits) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  takeSerialOutput(): Uint8Array {
    const bytes = Uint8Array.from(this.serial);
    this.serial = [];
    return bytes;
  }

  private print(byte: number): void {
    this.serial.push(byte);
    this.console.see(byte);
  }

  sendSerialInput(bytes: Uint8Array): void {
    this.typed.push(...bytes);
    this.serial.push(...bytes);
  }

  screen(seen: number | null): Screen {
    const characters = Uint8Array.from('Fake', (character) => character.charCodeAt(0));
    const picture: Picture = {
      kind: 'text',
      columns: 4,
      rows: 1,
      cells: Uint8Array.from({ length: 8 }, (_, at) => (at % 2 ? 7 : (characters[at >> 1] ?? 0))),
      cursor: { column: 3, row: 0, firstLine: 13, lastLine: 14 },
      palette: Array.from({ length: 16 }, (_, color) => color * 0x111111),
      blinks: true,
      cellHeight: 16,
      glyphs: null,
    };
    return { changes: 1, picture: seen === 1 ? null : picture };
  }

  sendKeys(codes: Uint8Array): void {
    this.keys.push(...codes);
  }

  devices(): readonly DeviceSummary[] {
    return [this.lamp.summary];
  }
  inspectDevice(name: string): readonly Detail[] {
    if (name !== 'lamp') throw new RangeError(`There is no device '${name}'.`);
    return this.lamp.inspect();
  }
  writeDevice(_name: string, path: readonly string[], value: number): void {
    this.lamp.write(path, value);
  }
  loadedRanges(): readonly LoadedRange[] {
    return [{ name: 'kernel', address: FAKE_ENTRY, size: this.kernelBytes }];
  }
  takeNotices(): readonly string[] {
    const { notices } = this;
    this.notices = [];
    return notices;
  }

  private get state(): { eax: number; edx: number; esp: number; eip: number; eflags: number; cr0: number } {
    const value = (name: string): number => this.registerValues[name] ?? 0;
    return {
      eax: value('eax'),
      edx: value('edx'),
      esp: value('esp'),
      eip: value('eip'),
      eflags: value('eflags'),
      cr0: value('cr0'),
    };
  } // prettier-ignore

  private firstKept(): number {
    return this.exits[0]?.ordinal ?? 0;
  }

  private breakpointHere(): StopReason | null {
    if (this.fresh || this.pending !== null) return null;
    const ids = this.places.hit(this.state.eip, this.meeting(undefined));
    return ids.length > 0 ? { kind: 'breakpoint', ids } : null;
  }

  /** One instruction; a stop, or null to go on. */
  private step(): StopReason | null {
    const { eip, eax, edx, esp } = this.state;
    const opcode = this.memory.byte(eip);
    const resolved = this.pending !== null;
    this.pending = null;
    const next = eip + lengthOf(opcode);
    const done = (target = next): null => {
      this.registerValues['eip'] = target;
      this.retired++;
      this.time++;
      return null;
    };
    const exit = (reason: number, name: string, detail: string, fields: ExitRecord['fields']): StopReason | null =>
      resolved ? null : this.leave(reason, name, detail, fields); // prettier-ignore
    switch (opcode) {
      case 0x90:
        return done();
      case 0x40:
        this.registerValues['eax'] = (eax + 1) >>> 0;
        return done();
      case 0xb8:
        this.registerValues['eax'] = this.memory.immediate(eip + 1);
        return done();
      case 0xba:
        this.registerValues['edx'] = this.memory.immediate(eip + 1);
        return done();
      case 0xe8:
        this.returns.push(next);
        this.registerValues['esp'] = esp - 4;
        return done(this.memory.line(eip).target);
      case 0xeb:
        return done(this.memory.line(eip).target);
      case 0xc3:
        this.registerValues['esp'] = esp + 4;
        return done(this.returns.pop() ?? FAKE_ENTRY);
      case 0xa2:
        return exit(10, 'CPUID', `leaf ${hex(eax)}`, { leaf: eax, subleaf: 0 }) ?? done();
      case 0xc1:
        return exit(18, 'VMCALL', `hypercall ${eax}`, { nr: eax }) ?? done();
      case 0xcd:
        return exit(32, 'WRMSR', `msr ${hex(edx)}`, { index: edx, value: eax }) ?? done();
      case 0xee: {
        const value = eax & 0xff;
        const detail = `out ${hex(edx)}, 1 byte, ${hex(value)}`;
        const fields = { port: edx, size: 1, direction: 0, value };
        const stop = exit(30, 'IO_INSTRUCTION', detail, fields);
        if (stop !== null) return stop;
        this.print(value);
        return done();
      }
      case 0xef:
        for (let count = 0; count < 512; count++) this.print(0x2e);
        return done();
      case 0xf4:
        this.halted = true;
        this.wakeAt = this.time + TICK;
        done();
        return { kind: 'idle', wakeAt: this.wakeAt };
      case 0xcc:
        return { kind: 'triple-fault', description: '#PF during #DF during #GP', chain: [] };
      case 0xfe:
        return { kind: 'reset', via: 'port 0x64' };
      case 0xff:
        return { kind: 'power-off', code: eax & 0xff, via: 'debug-exit port' };
      case 0xfd:
        throw new TypeError('toy opcode fd');
      default:
        if (resolved) return done();
        return { kind: 'unimplemented', instruction: 'toy', bytes: opcode.toString(16) };
    }
  }

  private leave(
    reason: number,
    name: string,
    detail: string,
    fields: ExitRecord['fields'],
  ): StopReason | null {
    const { eip } = this.state;
    const ordinal = (this.exits.at(-1)?.ordinal ?? -1) + 1;
    const record: ExitRecord = {
      ordinal,
      position: this.retired,
      reason,
      name,
      qualification: 0,
      detail,
      fields,
      rip: eip,
      linearRip: eip,
      instructionLength: 1,
      cpl: 0,
    };
    this.exits.push(record);
    const ids = this.exitBreakpoints.hit(
      { reason: record.reason, eax: this.state.eax },
      'before',
      () => this.meeting(record),
    ).ids;
    if (ids.length === 0) return null;
    this.pending = { record };
    return { kind: 'exit', ids, exit: record };
  }

  private stepDone(): boolean {
    switch (this.mode.kind) {
      case 'continue':
        return false;
      case 'stepIn':
        return true;
      case 'stepOver':
        return this.returns.length <= this.stepDepth;
      case 'stepOut':
        return this.returns.length < this.stepDepth;
    }
  }
}

/** A frame of code with flat segments; the fake machine knows no other registers of it. */
function frameAt(eip: number, esp: number): StackFrame {
  return {
    eip,
    linearEip: eip,
    registers: [null, null, null, null, esp, esp, null, null],
    stackPointer: esp,
    stackMask: 0xffffffff,
    stackBase: 0,
    cpl: 0,
    mode: 'protected32',
    isInterrupted: false,
  };
}
