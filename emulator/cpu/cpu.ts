/**
 * One logical processor: the loop that runs translated blocks in the interpreter tier and looks, at
 * every boundary that matters, for exceptions, interrupts and exits (SDM vol. 3, 6.9 "Priority among
 * simultaneous exceptions and interrupts").
 *
 * How it goes on: run() finds the record of CS:EIP, lets WebAssembly execute until it needs help, and
 * acts on the reason. Memory that the inline TLB cannot reach (devices, watched pages, code that
 * overwrites code) makes the interpreter leave before the instruction, which is then executed alone, by
 * a single step in which such accesses are really made; hence state is exact wherever anything can be
 * observed. The last MAX_BLOCK instructions before a limit are stepped too, so that a limit is met to
 * the instruction. Retired instructions are limit - FUEL at boundaries.
 */
import type { MemoryMap } from '../memory/memory-map.ts';
import type { WasmMemory } from '../wasm/host.ts';
import type { CpuModel } from './cpu-model.ts';
import { decode } from './decode/decoder.ts';
import { disassemble } from './decode/disassembler.ts';
import type { Instruction, MemoryOperand, Operand } from './decode/instruction.ts';
import { deliverEvent, deliverException, deliverInterrupt } from './exceptions.ts';
import type { ExitHook, GuestEvent } from './exit-hook.ts';
import { GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';
import { ACCESS, WALK_MODE } from './paging.ts';
import type { Platform } from './platform.ts';
import { GuestFault, VmExitSignal, VECTOR } from './processor.ts';
import type { FaultRecord, Processor, VectoredEvent } from './processor.ts';
import { SegmentAccess } from './segment-access.ts';
import { CpuState, CR0, CR4, FLAG, RIGHTS } from './state.ts';
import { Tlb } from './tlb.ts';
import { type Block, CodeCache } from './translate/code-cache.ts';
import {
  createInterpreter,
  type Interpreter,
  type InterpreterHost,
  jumpSlot,
} from './translate/interpreter.ts';
import * as R from './translate/record.ts';
import { type Fetch, MODE, Translator, type TypescriptAction } from './translate/translator.ts';

/** Why run() returned. */
export type CpuOutcome =
  /** The limit is reached, or many events were delivered without an instruction. */
  | 'limit'
  /** The hook holds an exit. */
  | 'exit'
  /** Before an instruction with a breakpoint. */
  | 'breakpoint'
  | 'halted'
  | 'shutdown'
  /** `unimplementedInstruction` says which; raiseUndefined() goes on. */
  | 'unimplemented'
  /** requestLeave() was called, by a device for example. */
  | 'leave';

export const ACTIVITY = { RUNNING: 0, HALTED: 1, SHUTDOWN: 2 } as const;
const NX = 1 << 11;
/** Events delivered in a row without a retired instruction before run() returns for a look around. */
const EVENT_LIMIT = 256;

class UnimplementedSignal {}

export interface CpuOptions {
  readonly memory: WasmMemory;
  readonly map: MemoryMap;
  readonly shared: boolean;
  readonly platform: Platform;
  readonly model: CpuModel;
  readonly hook: ExitHook;
}

export class Cpu implements Processor, InterpreterHost {
  readonly state: CpuState;
  readonly memory: GuestMemory;
  readonly platform: Platform;
  readonly model: CpuModel;
  nextEip = 0;
  vectoring: VectoredEvent | null = null;
  readonly faultChain: FaultRecord[] = [];
  unimplementedInstruction: { readonly text: string; readonly bytes: string } | null = null;

  readonly #hook: ExitHook;
  readonly #map: MemoryMap;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #interpreter: Interpreter;
  readonly #translator: Translator;
  readonly #code: CodeCache;
  readonly #tlb: Tlb;
  readonly #access: SegmentAccess;
  readonly #fault = new GuestFault();
  readonly #exitSignal = new VmExitSignal();
  readonly #unimplementedSignal = new UnimplementedSignal();

  /** Retired instructions when FUEL reaches zero. */
  #limit = 0;
  /** Instructions of the current block before the TypeScript instruction that is running. */
  #ordinal = 0;
  /** MODE bits of the code that runs now. */
  #mode = 0;
  #generation = 0;
  #csBase = -1;
  #csLimit = -1;
  #a20 = true;
  /** The one instruction of a single step is running: slow accesses are made. */
  #stepping = false;
  /** The hook is not asked: the hypervisor itself executes for the guest. */
  #suppressed = false;
  /** Translated code, mapping or mode changed under the running block. */
  #stale = false;
  #leave = false;
  #skipBreakpoint = false;
  /** Set by whatever ended a run from inside emitted code. */
  #outcome: CpuOutcome | 'fault' | null = null;
  #breakpoints: ReadonlySet<number> = new Set();

  constructor({ memory, map, shared, platform, model, hook }: CpuOptions) {
    this.#map = map;
    this.#hook = hook;
    this.platform = platform;
    this.model = model;
    const { buffer } = memory;
    this.#i32 = new Int32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
    this.state = new CpuState(buffer, map.vcpu);
    this.#code = new CodeCache(buffer, map);
    this.memory = new GuestMemory(buffer, map, this.#code, this);
    this.#access = new SegmentAccess(this, this.state);
    this.state.set(L.RAM_SIZE, map.ramSize);
    this.state.set(L.SHADOW_FUEL, NO_SHADOW);
    this.#tlb = new Tlb(buffer, map, this.state);
    this.#interpreter = createInterpreter(map, memory, shared, this);
    this.#translator = new Translator(buffer, map, this.#interpreter.list, model);
  }

  // ---- position

  /** Retired instructions since power-on. */
  get retired(): number {
    return this.#limit - this.#fuel + this.#ordinal;
  }
  get #fuel(): number {
    return this.state.i32[L.FUEL >> 2];
  }
  set #fuel(value: number) {
    this.state.i32[L.FUEL >> 2] = value;
  }
  get linearEip(): number {
    return (this.state.segmentBase(L.SEGMENT.CS) + this.state.eip) >>> 0;
  }

  // ---- the loop

  /** Runs at most `instructions` (below 2^30). */
  run(instructions: number): CpuOutcome {
    this.#setFuel(instructions);
    this.#leave = false;
    let events = 0;
    for (;;) {
      const { state } = this;
      const activity = state.get(L.ACTIVITY);
      if (activity === ACTIVITY.SHUTDOWN) return 'shutdown';
      const before = this.#fuel;
      const boundary = this.#atBoundary();
      if (boundary !== 'go') {
        if (boundary === 'exit') return 'exit';
        if (boundary === 'halted') return 'halted';
        if (++events > EVENT_LIMIT) return 'limit';
        continue;
      }
      if (this.#fuel <= 0) return 'limit';
      const outcome = this.#mustStep() ? this.#step() : this.#runBlocks();
      if (outcome !== null) return outcome;
      if (this.#leave) {
        this.#leave = false;
        return 'leave';
      }
      if (this.#fuel !== before) events = 0;
      else if (++events > EVENT_LIMIT) return 'limit';
    }
  }

  #setFuel(instructions: number): void {
    const retired = this.retired;
    const shadow = this.state.i32[L.SHADOW_FUEL >> 2];
    const inhibited = shadow >= 0 && shadow === this.#fuel;
    this.#fuel = instructions;
    this.#limit = retired + instructions;
    this.state.i32[L.SHADOW_FUEL >> 2] = inhibited ? instructions : NO_SHADOW;
  }

  /** Interrupts and windows, between two instructions. */
  #atBoundary(): 'go' | 'again' | 'exit' | 'halted' {
    const { state } = this;
    const pending = this.platform.interruptPending();
    const window = this.#hook.wantsInterruptWindow;
    if (pending || window) {
      const open = this.interruptible();
      if (pending && this.#offered({ kind: 'external-interrupt' })) return 'exit';
      if (window && open && this.#offered({ kind: 'interrupt-window' })) return 'exit';
      if (pending && open && !window) {
        state.set(L.ACTIVITY, ACTIVITY.RUNNING);
        const vector = this.platform.acknowledgeInterrupt();
        return this.#guarded(() => {
          deliverInterrupt(this, vector, 'external', state.eip);
        })
          ? 'again'
          : 'exit';
      }
    }
    state.set(L.EVENT_PENDING, pending || window ? 1 : 0);
    return state.get(L.ACTIVITY) === ACTIVITY.HALTED ? 'halted' : 'go';
  }
  #offered(event: GuestEvent): boolean {
    return !this.#suppressed && this.#hook.offer(event, 0);
  }

  /** Whether the next instruction must be executed alone. */
  #mustStep(): boolean {
    const { state } = this;
    if (this.#fuel < R.MAX_BLOCK || this.#skipBreakpoint) return true;
    const flags = state.systemFlags;
    if ((flags & FLAG.TF) !== 0) return true;
    // an interrupt waits behind the shadow of STI or MOV SS
    return state.get(L.EVENT_PENDING) !== 0 && (flags & FLAG.IF) !== 0;
  }

  #runBlocks(): CpuOutcome | null {
    const record = this.#findRecord();
    if (record === 0) return this.#finishOutcome();
    this.#stale = false;
    this.#interpreter.run(record);
    return this.#afterRun();
  }

  /** Executes exactly one instruction, with every access that it makes. */
  #step(): CpuOutcome | null {
    const { state } = this;
    const skip = this.#skipBreakpoint;
    this.#skipBreakpoint = false;
    if (!skip && this.#breakpoints.has(this.linearEip)) return 'breakpoint';
    const traced = (state.systemFlags & FLAG.TF) !== 0;
    const record = this.#translateStep();
    if (record === 0) return this.#finishOutcome();
    // one unit of fuel makes every way out of the instruction a way out of the interpreter
    const rest = this.#fuel - 1;
    this.#fuel = 1;
    this.#limit -= rest;
    state.i32[L.SHADOW_FUEL >> 2] = NO_SHADOW;
    this.#stepping = true;
    this.#interpreter.run(record);
    this.#stepping = false;
    const done = this.#fuel <= 0;
    const outcome = this.#afterRun();
    if (state.i32[L.SHADOW_FUEL >> 2] >= 0) state.i32[L.SHADOW_FUEL >> 2] += rest;
    this.#fuel += rest;
    this.#limit += rest;
    if (traced && outcome === null && done) return this.#singleStepTrap();
    return outcome === null && this.#outcome !== null ? this.#finishOutcome() : outcome;
  }

  /** #DB with DR6.BS after an instruction that began with TF set. */
  #singleStepTrap(): CpuOutcome | null {
    const singleStep = 1 << 14;
    return this.#raise(VECTOR.DB, null, singleStep);
  }

  /** Acts on why the interpreter returned. Null: go on. */
  #afterRun(): CpuOutcome | null {
    const { state } = this;
    const record = state.get(L.RECORD);
    switch (state.get(L.EXIT)) {
      case R.EXIT_CODE.LOOKUP:
      case R.EXIT_CODE.FUEL:
      case R.EXIT_CODE.EVENT:
      case R.EXIT_CODE.STEPPED:
        return null;
      case R.EXIT_CODE.TYPESCRIPT:
        return this.#finishOutcome();
      case R.EXIT_CODE.EXCEPTION: {
        this.#backTo(record);
        const error = state.i32[L.RAISED_ERROR >> 2];
        return this.#raise(state.get(L.RAISED_VECTOR), error < 0 ? null : error, 0);
      }
      case R.EXIT_CODE.SLOW: {
        this.#backTo(record);
        const slow = state.get(L.SLOW);
        state.set(L.SLOW, 0);
        if (slow === R.SLOW_OUTCOME.STEP) return this.#step();
        return this.#finishOutcome();
      }
      case R.EXIT_CODE.BREAKPOINT:
        this.#backTo(record);
        return 'breakpoint';
      default:
        throw new Error(`the interpreter left with code ${String(state.get(L.EXIT))}`);
    }
  }

  /** RIP and fuel as they were before the instruction of a record. */
  #backTo(record: number): void {
    this.#fuel -= this.#u8[record + R.R_ORDINAL];
    this.state.eip = this.#i32[(record + R.R_EIP) >> 2];
  }

  /** What an exception or signal inside a run left behind: delivers a fault, reports the rest. */
  #finishOutcome(): CpuOutcome | null {
    const outcome = this.#outcome;
    this.#outcome = null;
    if (outcome !== 'fault') return outcome;
    const { vector, errorCode, qualification } = this.#fault;
    return this.#raise(vector, errorCode, qualification);
  }
  #raise(vector: number, errorCode: number | null, qualification: number): CpuOutcome | null {
    const fault = Object.assign(new GuestFault(), { vector, errorCode, qualification });
    const delivered = this.#guarded(() => {
      deliverException(this, fault);
    });
    return delivered ? null : 'exit';
  }
  /** True when done, false when an event left the guest. */
  #guarded(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      if (error instanceof VmExitSignal) return false;
      throw error;
    }
  }

  // ---- finding and translating code

  #findRecord(): number {
    const { eip } = this.state;
    const link = this.#takeLink();
    try {
      const linear = this.#fetchAddress(eip);
      const physical = this.memory.translate(linear, this.#fetchAccess());
      const found = this.#code.find(physical, this.#mode, eip);
      const valid = found !== undefined && this.#stillValid(found, linear);
      const block = valid ? found : this.#translate(eip, linear, physical);
      if (block === null) return this.#uncached(eip, linear, physical);
      this.#remember(eip, block, link);
      return block.record;
    } catch (error) {
      this.#catch(error);
      return 0;
    }
  }
  /** The link field of the jump that asked for this lookup, 0 if none did. */
  #takeLink(): number {
    const { state } = this;
    const link = state.get(L.EXIT) === R.EXIT_CODE.LOOKUP ? state.get(L.LINK) : 0;
    state.set(L.LINK, 0);
    return link;
  }
  /** Linear address of an instruction, #GP(0) beyond the limit of CS. */
  #fetchAddress(eip: number): number {
    if (eip > this.#csLimit) this.fault(VECTOR.GP, 0);
    return (this.#csBase + eip) >>> 0;
  }
  #fetchAccess(): number {
    return ACCESS.FETCH | (this.state.cpl === 3 ? ACCESS.USER : 0);
  }
  #stillValid(block: Block, linear: number): boolean {
    if (block.lastEip > this.#csLimit) return false;
    if (block.secondPage < 0) return true;
    return this.memory.translate(nextPage(linear), this.#fetchAccess()) === block.secondPage;
  }
  #remember(eip: number, block: Block, link: number): void {
    const { state } = this;
    const slot = (this.#map.jumpCache >> 2) + jumpSlot(eip) * 4;
    this.#i32[slot] = eip;
    this.#i32[slot + 1] = state.i32[L.JUMP_GENERATION >> 2];
    this.#i32[slot + 2] = block.record;
    if (link === 0 || block.secondPage >= 0 || block.lastEip > this.#csLimit) return;
    const source = this.#i32[((link & -R.RECORD_SIZE) + R.R_EIP) >> 2];
    if ((((source + this.#csBase) ^ (eip + this.#csBase)) & ~0xfff) === 0) {
      this.#i32[link >> 2] = block.record;
      this.#code.noteLink(this.#mode, block.lastEip);
    }
  }

  /** Null when the code is not in RAM and hence not kept. */
  #translate(eip: number, linear: number, physical: number): Block | null {
    const bytes = this.memory.codePage(physical);
    if (bytes === null) return null;
    if (!this.#translator.hasRoom) this.#dropAllCode();
    const start = physical & 0xfff;
    const crossing = this.#crossing(bytes, eip, linear, start);
    const fetch: Fetch = crossing?.fetch ?? { bytes, start, end: 4096 };
    const isBreakpoint = (at: number): boolean => this.#breakpoints.has((this.#csBase + at) >>> 0);
    const { record, length } = this.#translator.translate(
      fetch,
      eip,
      this.#mode,
      this.#csLimit,
      isBreakpoint,
    );
    const block: Block = {
      record,
      eip,
      lastEip: eip + length - 1,
      secondPage: crossing === null ? -1 : crossing.secondPage,
    };
    // writes that the TLB lets through must be seen from now on
    if (this.#code.add(physical, this.#mode, length, block)) this.#tlb.flush(true);
    return block;
  }
  /** The bytes of an instruction that begins in one page and ends in the next, else null. */
  #crossing(
    bytes: Uint8Array,
    eip: number,
    linear: number,
    start: number,
  ): { readonly fetch: Fetch; readonly secondPage: number } | null {
    if (start <= 4096 - 15) return null;
    const defaultSize = (this.#mode & MODE.CODE32) !== 0 ? 4 : 2;
    if (decode(bytes, eip, { defaultSize }, start, 4096) !== 'bytes') return null;
    const secondPage = this.memory.translate(nextPage(linear), this.#fetchAccess());
    return { fetch: this.#twoPages(bytes, start, eip, defaultSize, secondPage), secondPage };
  }
  #twoPages(
    bytes: Uint8Array,
    start: number,
    eip: number,
    defaultSize: 2 | 4,
    secondPage: number,
  ): Fetch {
    const joined = new Uint8Array(32);
    const split = bytes.length - start;
    joined.set(bytes.subarray(start));
    for (let at = split; at < 15; at++) {
      joined[at] = this.memory.readPhysical(secondPage + at - split, 1);
    }
    // exactly the one instruction
    const decoded = decode(joined, eip, { defaultSize }, 0, 15);
    return { bytes: joined, start: 0, end: typeof decoded === 'string' ? 15 : decoded.length };
  }

  /** Code outside RAM is decoded anew each time and executed alone. */
  #uncached(eip: number, linear: number, physical: number): number {
    return this.#translator.translateStep(
      this.#deviceBytes(linear, physical),
      eip,
      this.#mode,
      this.#csLimit,
    );
  }
  #deviceBytes(linear: number, physical: number): Fetch {
    const bytes = new Uint8Array(15);
    for (let at = 0; at < 15; at++) {
      const inPage = (linear & 0xfff) + at < 4096;
      const from = inPage ? physical + at : this.memory.peek((linear + at) >>> 0);
      if (from === null) return { bytes, start: 0, end: at };
      bytes[at] = this.memory.isRam(from, 1)
        ? this.memory.readPhysical(from, 1)
        : this.platform.readDevice(from, 1);
    }
    return { bytes, start: 0, end: 15 };
  }

  #translateStep(): number {
    const { eip } = this.state;
    try {
      const linear = this.#fetchAddress(eip);
      const physical = this.memory.translate(linear, this.#fetchAccess());
      const bytes = this.memory.codePage(physical);
      const start = physical & 0xfff;
      const fetch =
        bytes === null
          ? this.#deviceBytes(linear, physical)
          : (this.#crossing(bytes, eip, linear, start)?.fetch ?? { bytes, start, end: 4096 });
      return this.#translator.translateStep(fetch, eip, this.#mode, this.#csLimit);
    } catch (error) {
      this.#catch(error);
      return 0;
    }
  }

  #dropAllCode(): void {
    this.#code.clear();
    this.#translator.clear();
    this.state.set(L.LINK, 0);
    this.#newGeneration();
  }
  #newGeneration(): void {
    this.#generation = (this.#generation + 1) & 0x07ffffff;
    if (this.#generation === 0) {
      // stale entries of a generation long ago must not come back
      const from = this.#map.jumpCache >> 2;
      this.#i32.fill(0, from, from + 4 * 8192);
      this.#generation = 1;
    }
    this.#stale = true;
    this.#publishGeneration();
  }
  #publishGeneration(): void {
    this.state.set(L.JUMP_GENERATION, (this.#generation << 4) | this.#mode);
  }

  codeWritten(pageNumber: number): void {
    this.#code.invalidate(pageNumber);
    this.#newGeneration();
  }
  /** After RAM was changed from outside the guest (a debugger, a loader). */
  memoryWritten(physical: number, length: number): void {
    for (let page = physical >>> 12; page <= (physical + length - 1) >>> 12; page++) {
      this.codeWritten(page);
    }
  }

  // ---- InterpreterHost

  typescript(record: number): number {
    const { state } = this;
    const ordinal = this.#u8[record + R.R_ORDINAL];
    const next = this.#i32[(record + R.R_NEXT_EIP) >> 2] >>> 0;
    state.eip = this.#i32[(record + R.R_EIP) >> 2];
    this.nextEip = next;
    this.#ordinal = ordinal;
    this.#stale = false;
    try {
      (this.#translator.action(record) ?? this.#actionOfBytes(record))(this);
    } catch (error) {
      this.#catch(error);
      this.#ordinal = 0;
      this.#fuel -= ordinal;
      state.set(L.EXIT, R.EXIT_CODE.TYPESCRIPT);
      return 1;
    }
    this.#ordinal = 0;
    if (this.nextEip === next && !this.#mustLeaveBlock()) return 0;
    state.eip = this.nextEip;
    this.#fuel -= ordinal + 1;
    if (state.i32[L.SHADOW_FUEL >> 2] === INHIBIT) state.i32[L.SHADOW_FUEL >> 2] = this.#fuel;
    state.set(L.EXIT, R.EXIT_CODE.TYPESCRIPT);
    return 1;
  }
  #mustLeaveBlock(): boolean {
    const { state } = this;
    if (this.#stale || this.#leave || this.#stepping) return true;
    if (state.i32[L.SHADOW_FUEL >> 2] === INHIBIT) return true;
    if (state.get(L.ACTIVITY) !== ACTIVITY.RUNNING) return true;
    const flags = state.systemFlags;
    if ((flags & FLAG.TF) !== 0) return true;
    return (flags & FLAG.IF) !== 0 && state.get(L.EVENT_PENDING) !== 0;
  }
  /** The TypeScript form of an emitted instruction that handed over. */
  #actionOfBytes(record: number): TypescriptAction {
    const eip = this.#i32[(record + R.R_EIP) >> 2];
    const linear = (this.#csBase + eip) >>> 0;
    const bytes = this.memory.readBytesPeek(linear, 15);
    const decoded = decode(bytes, eip, { defaultSize: (this.#mode & MODE.CODE32) !== 0 ? 4 : 2 });
    if (typeof decoded === 'string') throw new Error(`no instruction at ${linear.toString(16)}`);
    return this.#translator.actionOf(decoded);
  }
  /** Sorts what was thrown into outcomes; anything that is no signal is a bug of ours. */
  #catch(error: unknown): void {
    if (error === this.#fault) this.#outcome = 'fault';
    else if (error === this.#exitSignal) this.#outcome = 'exit';
    else if (error === this.#unimplementedSignal) this.#outcome = 'unimplemented';
    else throw error;
  }

  slowRead(linear: number, size: number): number {
    return this.#slow(linear, size, 0, () =>
      this.memory.readSlow(linear, size, this.#userAccess()),
    );
  }
  slowReadForWrite(linear: number, size: number): number {
    return this.#slow(linear, size, ACCESS.WRITE, () =>
      this.memory.readSlow(linear, size, this.#userAccess() | ACCESS.WRITE),
    );
  }
  slowWrite(linear: number, value: number, size: number): void {
    this.#slow(linear, size, ACCESS.WRITE, () => {
      this.memory.writeSlow(linear, size, value, this.#userAccess());
      return 0;
    });
  }
  #userAccess(): number {
    return this.state.cpl === 3 ? ACCESS.USER : 0;
  }
  /** Makes the access when it is plain RAM or a single step is under way; else asks for that step. */
  #slow(linear: number, size: number, write: number, access: () => number): number {
    const { state } = this;
    try {
      if (!this.#stepping && !this.#isPlain(linear, size, write)) {
        state.set(L.SLOW, R.SLOW_OUTCOME.STEP);
        return 0;
      }
      return access() | 0;
    } catch (error) {
      this.#catch(error);
      state.set(L.SLOW, this.#outcome === 'exit' ? R.SLOW_OUTCOME.EXIT : R.SLOW_OUTCOME.FAULT);
      return 0;
    }
  }
  /** RAM on every page that it touches, without translated code in the bytes to be written. */
  #isPlain(linear: number, size: number, write: number): boolean {
    const first = Math.min(size, 4096 - (linear & 0xfff));
    const plain = (at: number, length: number): boolean => {
      const physical = this.memory.translate(at, write | this.#userAccess());
      if (!this.memory.isRam(physical, length)) return false;
      return write === 0 || !this.#code.overlaps(physical, length);
    };
    return plain(linear, first) && (first === size || plain((linear + first) >>> 0, size - first));
  }

  // ---- Processor

  fault(vector: number, errorCode: number | null = null, qualification = 0): never {
    this.#fault.vector = vector;
    this.#fault.errorCode = errorCode;
    this.#fault.qualification = qualification;
    throw this.#fault;
  }
  offer(event: GuestEvent, length: number): void {
    if (this.#suppressed && event.kind !== 'triple-fault') return;
    if (this.#hook.offer(event, length)) throw this.#exitSignal;
  }
  unimplemented(instruction: Instruction): never {
    const bytes = this.memory.readBytesPeek(this.linearEip, instruction.length);
    this.unimplementedInstruction = {
      text: disassemble(instruction),
      bytes: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
    };
    throw this.#unimplementedSignal;
  }

  modeChanged(): void {
    const { state } = this;
    const cs = state.segment(L.SEGMENT.CS);
    let mode = (cs.rights & RIGHTS.DB) !== 0 ? MODE.CODE32 : 0;
    if ((state.segment(L.SEGMENT.SS).rights & RIGHTS.DB) !== 0) mode |= MODE.STACK32;
    if ((mode & MODE.STACK32) !== 0 && FLAT_SEGMENTS.every((segment) => this.#isFlat(segment))) {
      mode |= MODE.FLAT;
    }
    if (state.cpl === 3) mode |= MODE.USER;
    state.set(L.TLB, this.#tlb.tables(state.cpl));
    if (cs.base !== this.#csBase || cs.limit !== this.#csLimit) {
      this.#csBase = cs.base;
      this.#csLimit = cs.limit;
      this.#newGeneration();
    }
    if (mode !== this.#mode) this.#stale = true;
    this.#mode = mode;
    if (this.#code.reachesBeyond(mode, cs.limit)) this.#dropAllCode();
    this.#publishGeneration();
    this.#updateWalkMode();
  }
  #isFlat(segment: SegmentIndex): boolean {
    const at = (L.SEGMENTS + segment * L.SEGMENT_SIZE) >> 2;
    const { u32 } = this.state;
    return (
      u32[at + (L.SEG_BASE >> 2)] === 0 && u32[at + (L.SEG_LOW >> 2)] === 0 &&
      u32[at + (L.SEG_HIGH >> 2)] === 0xffffffff && (u32[at + (L.SEG_ABILITY >> 2)] & 3) === 3
    ); // prettier-ignore
  }
  #updateWalkMode(): void {
    const { state } = this;
    const cr0 = state.cr(0);
    const cr4 = state.cr(4);
    let mode = 0;
    if ((cr0 & CR0.PG) !== 0) mode |= WALK_MODE.PAGING;
    if ((cr0 & CR0.WP) !== 0) mode |= WALK_MODE.WP;
    if ((cr4 & CR4.PAE) !== 0) mode |= WALK_MODE.PAE;
    if ((cr4 & CR4.PSE) !== 0) mode |= WALK_MODE.PSE;
    if ((cr4 & CR4.PGE) !== 0) mode |= WALK_MODE.PGE;
    if ((state.get(L.EFER) & NX) !== 0) mode |= WALK_MODE.NXE;
    if (!this.#a20) mode |= WALK_MODE.A20_MASKED;
    if (mode === state.get(L.WALK_MODE)) return;
    state.set(L.WALK_MODE, mode);
    this.flushTlb(true);
  }
  setA20(enabled: boolean): void {
    this.#a20 = enabled;
    this.#updateWalkMode();
  }

  flushTlb(global: boolean): void {
    this.#tlb.flush(global);
    this.#newGeneration();
  }
  invalidatePage(linear: number): void {
    this.#tlb.invalidate(linear);
    this.#newGeneration();
  }
  inhibitInterrupts(): void {
    this.state.i32[L.SHADOW_FUEL >> 2] = INHIBIT;
  }
  halt(): void {
    this.state.set(L.ACTIVITY, ACTIVITY.HALTED);
  }
  shutdown(): void {
    this.state.set(L.ACTIVITY, ACTIVITY.SHUTDOWN);
  }
  timestamp(): { readonly low: number; readonly high: number } {
    const ticks = BigInt(this.platform.now()) + this.state.view.getBigInt64(L.TSC_OFFSET, true);
    const value = BigInt.asUintN(64, ticks);
    return { low: Number(value & 0xffffffffn), high: Number(value >> 32n) };
  }
  readPhysical32(address: number): number {
    return this.memory.readPhysical(address >>> 0, 4);
  }
  readSegment(segment: SegmentIndex, offset: number, size: 1 | 2 | 4): number {
    return this.#access.readSegment(segment, offset, size);
  }
  writeSegment(segment: SegmentIndex, offset: number, size: 1 | 2 | 4, value: number): void {
    this.#access.writeSegment(segment, offset, size, value);
  }
  checkSegment(segment: SegmentIndex, offset: number, length: number, write: boolean): number {
    return this.#access.checkSegment(segment, offset, length, write);
  }
  effectiveAddress(operand: MemoryOperand): number {
    return this.#access.effectiveAddress(operand);
  }
  readOperand(operand: Operand): number {
    return this.#access.readOperand(operand);
  }
  writeOperand(operand: Operand, value: number): void {
    this.#access.writeOperand(operand, value);
  }
  push(size: 2 | 4, value: number): void {
    this.#access.push(size, value);
  }
  pop(size: 2 | 4): number {
    return this.#access.pop(size);
  }
  walk(linear: number, access: number): number {
    return this.#interpreter.walk(linear, access);
  }

  // ---- for the hypervisor and the machine

  interruptible(): boolean {
    const shadow = this.state.i32[L.SHADOW_FUEL >> 2];
    return (this.state.systemFlags & FLAG.IF) !== 0 && shadow !== this.#fuel;
  }
  get isHalted(): boolean {
    return this.state.get(L.ACTIVITY) === ACTIVITY.HALTED;
  }
  /** A halted processor with IF set is woken by an interrupt. */
  get canWake(): boolean {
    return (this.state.systemFlags & FLAG.IF) !== 0;
  }
  /** Leaves run() at the next boundary with 'leave'. */
  requestLeave(): void {
    this.#leave = true;
  }
  /** The next instruction is executed although a breakpoint is set on it. */
  skipBreakpoint(): void {
    this.#skipBreakpoint = true;
  }
  /** Linear addresses before which run() stops. */
  setBreakpoints(addresses: ReadonlySet<number>): void {
    this.#breakpoints = addresses;
    this.#dropAllCode();
  }
  /** Runs `action` with the exit hook out of the way. */
  suppressed(action: () => void): void {
    this.#suppressed = true;
    try {
      action();
    } finally {
      this.#suppressed = false;
    }
  }
  /** One instruction natively, its faults delivered; for the hypervisor's emulation. */
  emulateInstruction(): void {
    this.suppressed(() => {
      if (this.#fuel <= 0) this.#setFuel(1);
      this.#skipBreakpoint = true;
      this.#step();
    });
  }
  /** One instruction of `length` bytes counts as executed, its trap included if TF is set. */
  skipInstruction(length: number): void {
    const { state } = this;
    const traced = (state.systemFlags & FLAG.TF) !== 0;
    state.eip = (state.eip + length) >>> 0;
    state.systemFlags &= ~FLAG.RF;
    this.#fuel -= 1;
    state.i32[L.SHADOW_FUEL >> 2] = NO_SHADOW;
    if (traced) this.#singleStepTrap();
  }
  /** Delivers an interrupt that returns to `nextEip`; wakes a halted processor. */
  deliver(
    vector: number,
    type: Exclude<VectoredEvent['type'], 'exception'>,
    nextEip: number,
  ): void {
    this.state.set(L.ACTIVITY, ACTIVITY.RUNNING);
    deliverInterrupt(this, vector, type, nextEip);
  }
  deliverFault(vector: number, errorCode: number | null, qualification: number): void {
    const interrupted = this.vectoring;
    const fault = Object.assign(new GuestFault(), { vector, errorCode, qualification });
    deliverException(this, fault, interrupted);
  }
  redeliver(): void {
    if (this.vectoring !== null) deliverEvent(this, this.vectoring);
  }
  /** Goes on after an instruction that is not implemented: with #UD. */
  raiseUndefined(): CpuOutcome | null {
    this.unimplementedInstruction = null;
    return this.#raise(VECTOR.UD, null, 0);
  }
}

/** Layout SHADOW_FUEL where nothing is inhibited: no value that FUEL takes. */
const NO_SHADOW = -0x80000000;
/** Layout SHADOW_FUEL between inhibitInterrupts() and the end of that instruction. */
const INHIBIT = -0x7fffffff;
const FLAT_SEGMENTS: readonly SegmentIndex[] = [L.SEGMENT.DS, L.SEGMENT.ES, L.SEGMENT.SS];

function nextPage(linear: number): number {
  return ((linear & ~0xfff) + 0x1000) >>> 0;
}
