/**
 * One logical processor, as a parts list and as three faces: what an instruction may ask of it
 * (processor.ts), what emitted code may, and what the machine and the hypervisor around it may.
 *
 * How it works: run-loop.ts lets translated blocks run in the interpreter tier (translate/) and acts on
 * why they stop; code-finder.ts finds or makes the record of CS:EIP; typescript-form.ts runs what is not
 * emitted; slow-access.ts makes accesses that the TLB does not serve; instruction-count.ts keeps time.
 */
import { linear as linearAddress } from '../memory/address.ts';
import type { MemoryMap } from '../memory/memory-map.ts';
import type { WasmMemory } from '../wasm/host.ts';
import { leavesGuest, wake } from './boundary.ts';
import { CodeFetch } from './code-fetch.ts';
import { CodeFinder } from './code-finder.ts';
import type { CpuModel } from './cpu-model.ts';
import { DebugTraps } from './debug-traps.ts';
import { disassemble } from './decode/disassembler.ts';
import type { Instruction, MemoryOperand, Operand } from './decode/instruction.ts';
import { deliverEvent, deliverException, deliverInterrupt } from './exceptions.ts';
import { ExecutionMode, modeBits, walkMode } from './execution-mode.ts';
import type { ExitHook, GuestEvent, WatchedEvent } from './exit-hook.ts';
import { GuestMemory, type MemoryOwner } from './guest-memory.ts';
import { InstructionCount, INTERRUPTIBILITY } from './instruction-count.ts';
import * as L from './layout.ts';
import type { SegmentIndex } from './layout.ts';
import { WALK_MODE } from './paging.ts';
import type { Platform } from './platform.ts';
import { GuestFault, VECTOR } from './processor.ts';
import type { FaultRecord, Processor, VectoredEvent } from './processor.ts';
import { type CpuOutcome, RunLoop } from './run-loop.ts';
import { RunSignals } from './run-signals.ts';
import { SegmentAccess } from './segment-access.ts';
import { type ShadowedProcessor, type ShadowKeeper, shadowedWalkMode } from './shadow-keeper.ts';
import { SharedCode } from './shared-code.ts';
import { SlowAccess } from './slow-access.ts';
import { ACTIVITY, CpuState, FLAG } from './state.ts';
import { TimeStampCounter } from './time-stamp-counter.ts';
import { Tlb } from './tlb.ts';
import { CodeCache } from './translate/code-cache.ts';
import { CompiledTier, type Hotness, USUAL_HOTNESS } from './translate/compiled-tier.ts';
import { createInterpreter, type Interpreter } from './translate/interpreter.ts';
import { Translator } from './translate/translator.ts';
import { TypescriptForm } from './typescript-form.ts';
import { type Watchpoint, type WatchHit, Watchpoints } from './watchpoints.ts';

export interface CpuOptions {
  readonly memory: WasmMemory;
  readonly map: MemoryMap;
  readonly shared: boolean;
  readonly platform: Platform;
  readonly model: CpuModel;
  readonly hook: ExitHook;
  /** With the machine's other processors; absent: there are none. */
  readonly sharedCode?: SharedCode;
  /** When code is compiled, null: never; as usual without it. */
  readonly hotness?: Hotness | null;
}

export class Cpu implements Processor, MemoryOwner, ShadowedProcessor {
  readonly state: CpuState;
  readonly memory: GuestMemory;
  readonly platform: Platform;
  readonly model: CpuModel;
  nextEip = 0;
  vectoring: VectoredEvent | null = null;
  vectoringLinks = 0;
  readonly faultChain: FaultRecord[] = [];
  unimplementedInstruction: { readonly text: string; readonly bytes: string } | null = null;

  readonly #hook: ExitHook;
  readonly #signals = new RunSignals();
  readonly #count: InstructionCount;
  readonly #time: TimeStampCounter;
  readonly #mode = new ExecutionMode();
  readonly #debug: DebugTraps;
  readonly #watch: Watchpoints;
  readonly #tlb: Tlb;
  readonly #access: SegmentAccess;
  readonly #interpreter: Interpreter;
  readonly #finder: CodeFinder;
  readonly #loop: RunLoop;
  readonly #sharedCode: SharedCode;
  readonly #tier: CompiledTier | null;
  #a20 = true;
  /** Instructions retired before the IRET that last ended the blocking of NMIs. */
  #nmiUnblockedAt = -1;
  /** WALK_MODE.PROTECTED, or 0. */
  #walkProtection = 0;
  /** Layout WALK_MODE without what a keeper of shadow tables adds. */
  #guestWalk = 0;
  #keeper: ShadowKeeper | null = null;

  constructor({ memory: { buffer }, memory: wasmMemory, map, shared, ...given }: CpuOptions) {
    const { platform, model, hook, sharedCode = new SharedCode(), hotness = USUAL_HOTNESS } = given;
    this.platform = platform;
    this.model = model;
    this.#hook = hook;
    this.#sharedCode = sharedCode;
    const state = (this.state = new CpuState(buffer, map.vcpu));
    state.set(L.RAM_SIZE, map.ramSize);
    state.set(L.RANDOM, map.vcpu);
    const code = new CodeCache(buffer, map);
    const memory = (this.memory = new GuestMemory(buffer, map, code, this));
    const tlb = (this.#tlb = new Tlb(buffer, map, state));
    const count = (this.#count = new InstructionCount(state));
    const time = (this.#time = new TimeStampCounter(state, platform, count));
    const mode = this.#mode;
    const signals = this.#signals;
    this.#access = new SegmentAccess(this, state);

    const watch = (this.#watch = new Watchpoints(buffer, {
      state,
      map,
      signals,
      translate: (linear) => memory.peek(linearAddress(linear)),
    }));
    const debug = (this.#debug = new DebugTraps(state, signals, watch));

    const slow = new SlowAccess(this, memory, code, debug, watch, signals);
    const interpreter = createInterpreter(map, wasmMemory, shared, {
      typescript: (record) => form.run(record),
      slowRead: (linear, size) => slow.read(linear, size),
      slowReadForWrite: (linear, size) => slow.readForWrite(linear, size),
      slowWrite: (linear, value, size) => {
        slow.write(linear, value, size);
      },
    });
    this.#interpreter = interpreter;
    const translator = new Translator(buffer, map, interpreter.list, model);
    const formParts = { state, memory, mode, count, signals, translator };
    const form = new TypescriptForm(this, buffer, formParts);
    const fetch = new CodeFetch(this, memory, mode);
    const finderParts = {
      state,
      memory,
      mode,
      fetch,
      code,
      shared: sharedCode,
      translator,
      signals,
    };
    const finder = (this.#finder = new CodeFinder(buffer, map, finderParts));
    sharedCode.join({
      codeWritten: (pageNumber) => {
        finder.codeWritten(pageNumber);
      },
      forbidWrites: (physical) => {
        tlb.forbidWrites(physical);
      },
    });
    const tierParts = { memory: wasmMemory, map, shared, interpreter, translator, remembered: (eip: number) => finder.remembered(eip) }; // prettier-ignore
    const tier = hotness === null ? null : new CompiledTier(hotness, tierParts);
    finder.onDropAll = () => tier?.clear();
    this.#tier = tier;
    const loopParts = { cpu: this, hook, interpreter, finder, count, time, debug, signals, tier };
    this.#loop = new RunLoop(buffer, loopParts);
  }

  /** Retired instructions since power-on. */
  get retired(): number {
    return this.#count.retired;
  }
  /** Times that run() has begun to execute: a measure of its work beside the instructions. */
  get entries(): number {
    return this.#loop.entries;
  }
  /** Regions of code that are compiled. */
  get compiledRegions(): number {
    return this.#tier?.size ?? 0;
  }
  get linearEip(): number {
    return (this.state.segmentBase(L.SEGMENT.CS) + this.state.eip) >>> 0;
  }

  // ---- what instructions may ask: how they end

  fault(vector: number, errorCode: number | null = null, qualification = 0): never {
    return this.#signals.fault(vector, errorCode, qualification);
  }
  offer(event: GuestEvent, length: number): void {
    if (this.#takes(event, length, event.kind === 'triple-fault')) this.#signals.exit();
  }
  leaves(event: GuestEvent, length: number): boolean {
    if (!this.#takes(event, length, false)) return false;
    this.#signals.outcome = 'exit';
    return true;
  }
  /** While the hypervisor executes for the guest, only a debugger can want the event, unless it is `final`. */
  #takes(event: GuestEvent, length: number, final: boolean): boolean {
    if (final || !this.#loop.suppressed) return this.#hook.offer(event, length);
    return this.#hook.watch?.(event, length) === true;
  }
  watch(event: WatchedEvent, length: number): void {
    if (this.#hook.watch?.(event, length) === true) this.#signals.exit();
  }
  enables(instruction: 'rdtscp'): boolean {
    return this.#hook.enables?.(instruction) ?? true;
  }
  seenControl(register: 0 | 4): number {
    const value = this.state.cr(register);
    const owned = this.#hook.ownedBits?.(register);
    if (owned === undefined) return value;
    return ((value & ~owned.mask) | ((owned.shadow ?? value) & owned.mask)) >>> 0;
  }
  writtenControl(register: 0 | 4, value: number): number {
    const mask = this.#loop.suppressed ? 0 : (this.#hook.ownedBits?.(register).mask ?? 0);
    return ((value & ~mask) | (this.state.cr(register) & mask)) >>> 0;
  }
  unimplemented(instruction: Instruction): never {
    const bytes = this.memory.readBytesPeek(this.linearEip, instruction.length);
    this.unimplementedInstruction = {
      text: disassemble(instruction),
      bytes: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
    };
    return this.#signals.unimplemented();
  }

  // ---- what they change for those that follow

  modeChanged(): void {
    const mode = this.#mode;
    const { state } = this;
    const cs = state.segment(L.SEGMENT.CS);
    state.set(L.TLB, this.#tlb.tables(state.cpl));
    if (cs.base !== mode.csBase || cs.limit !== mode.csLimit) {
      mode.csBase = cs.base;
      mode.csLimit = cs.limit;
      this.#finder.newGeneration();
    }
    const bits = modeBits(state);
    if (bits !== mode.bits) this.#signals.stale = true;
    mode.bits = bits;
    this.#hook.modeChanged?.();
    this.#finder.keepLinksWithinLimit();
    this.#finder.publishGeneration();
    this.#updateWalkMode();
    if (this.#debug.refresh()) {
      this.#finder.setGuestBreakpoints(this.#debug.instructions);
      this.#tlb.flush(true);
    }
  }
  #updateWalkMode(): void {
    const walk = this.guestWalkMode;
    if (walk === this.#guestWalk) return;
    this.#guestWalk = walk;
    this.#publishWalkMode();
    this.flushTlb(true);
  }
  #publishWalkMode(): void {
    const walk = this.#guestWalk;
    const { suppressed } = this.#loop;
    const shadowed = this.#keeper === null ? walk : shadowedWalkMode(walk, suppressed);
    this.state.set(L.WALK_MODE, shadowed);
  }
  flushTlb(global: boolean): void {
    // what is remembered under a keeper must follow from its tables alone
    this.#tlb.flush(global || this.#keeper !== null);
    this.#finder.newGeneration();
    this.#keeper?.contextChanged(this.guestWalkMode);
  }
  invalidatePage(linear: number): void {
    this.#tlb.invalidate(linear);
    this.#finder.pageInvalidated(linear);
  }
  inhibitInterrupts(traps = false): void {
    this.#count.inhibit(traps);
    if (traps) this.endTrace();
  }
  endTrace(): void {
    this.#signals.untraced = true;
  }
  unblockNmi(): void {
    const { state } = this;
    const before = state.get(L.NMI);
    if ((before & L.NMI_STATE.BLOCKED) !== 0) this.#nmiUnblockedAt = this.#count.retired;
    state.set(L.NMI, before & L.NMI_STATE.PENDING);
    // one that has waited, or a hypervisor's window
    if (before !== 0) this.#signals.stale = true;
  }
  portAccessed(port: number, size: number): void {
    this.#debug.accessedPort(port, size);
  }
  halt(): void {
    this.state.set(L.ACTIVITY, ACTIVITY.HALTED);
    this.state.set(L.MONITOR_WAIT, 0);
  }
  shutdown(): void {
    this.state.set(L.ACTIVITY, ACTIVITY.SHUTDOWN);
  }

  // ---- what they read and write

  timestamp(): { readonly low: number; readonly high: number } {
    return this.#time.read();
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

  // ---- what memory asks

  walk(linear: number, access: number): number {
    return this.#interpreter.walk(linear, access);
  }
  accessed(linear: number, size: number, write: boolean): void {
    this.#debug.accessed(linear, size, write);
    this.#watch.accessed(linear, size, write, this.linearEip);
  }
  codeWritten(pageNumber: number): void {
    this.#sharedCode.codeWritten(pageNumber);
  }
  tableWritten(physical: number, bytes: number): void {
    this.#keeper?.tableWritten(physical, bytes);
  }

  // ---- for the machine

  /** Runs at most `instructions` (below 2^30). */
  run(instructions: number): CpuOutcome {
    return this.#loop.run(instructions);
  }
  /** Leaves run() at the next boundary with 'leave'. */
  requestLeave(): void {
    this.#signals.leave = true;
  }
  get isHalted(): boolean {
    return this.state.get(L.ACTIVITY) === ACTIVITY.HALTED;
  }
  /** A halted processor with IF set is woken by an interrupt. */
  get canWake(): boolean {
    return (this.state.systemFlags & FLAG.IF) !== 0;
  }
  /** The NMI pin was asserted: taken at the next boundary, after the IRET of the one in service. */
  nmi(): void {
    const { state } = this;
    state.set(L.NMI, state.get(L.NMI) | L.NMI_STATE.PENDING);
    this.requestLeave();
  }
  setA20(enabled: boolean): void {
    this.#a20 = enabled;
    this.#updateWalkMode();
  }
  /** After RAM was changed from outside the guest (a debugger, a loader). */
  memoryWritten(physical: number, length: number): void {
    for (let page = physical >>> 12; page <= (physical + length - 1) >>> 12; page++) {
      this.codeWritten(page);
    }
  }
  /** What lies at whole pages of guest-physical memory, or may be done to them, has changed. */
  memoryRemapped(physical: number, length: number): void {
    this.#tlb.flush(true);
    this.memoryWritten(physical, length);
    this.#keeper?.memoryRemapped();
  }
  /** Accesses after which run() leaves. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.#watch.set(watchpoints);
    this.flushTlb(true);
  }
  /** What has met watchpoints since takeWatchHits(). */
  get hasWatchHits(): boolean {
    return this.#watch.hasHits;
  }
  takeWatchHits(): readonly WatchHit[] {
    return this.#watch.take();
  }
  /** Linear addresses before which run() stops. */
  setBreakpoints(addresses: ReadonlySet<number>): void {
    this.#finder.setBreakpoints(addresses);
  }
  /**
   * The instruction here is executed although a breakpoint is set on it. If an event comes in between,
   * its handler's first instruction has its breakpoint as ever.
   */
  skipBreakpoint(): void {
    this.#loop.skipAt = this.linearEip;
  }
  /** Goes on after an instruction that is not implemented: with #UD. */
  raiseUndefined(): CpuOutcome | null {
    this.unimplementedInstruction = null;
    return this.#loop.raise(VECTOR.UD, null, 0);
  }

  // ---- for the hypervisor

  interruptible(): boolean {
    return (this.state.systemFlags & FLAG.IF) !== 0 && !this.#count.inShadow;
  }
  inShadow(): boolean {
    return this.#count.inShadow;
  }
  /** Guest interruptibility state (SDM vol. 3, table 25-3). */
  get interruptibility(): number {
    const blocksNmi = (this.state.get(L.NMI) & L.NMI_STATE.BLOCKED) !== 0;
    return this.#count.blocking | (blocksNmi ? INTERRUPTIBILITY.NMI : 0);
  }
  /** Pending debug exceptions (table 25-4): 3:0 breakpoints met, 12 one of them is enabled, 14 single step. */
  get pendingDebug(): number {
    if (!this.#count.holdsTraps) return 0;
    const met = this.#debug.pending & 0xf;
    const step = (this.state.systemFlags & FLAG.TF) !== 0 ? 1 << 14 : 0;
    return met | (met === 0 ? 0 : 1 << 12) | step;
  }
  /** The running instruction is an IRET and has ended the blocking of NMIs. */
  get nmiUnblocked(): boolean {
    return this.#count.retired === this.#nmiUnblockedAt;
  }
  /** Runs `action` with the exit hook out of the way. */
  suppressed(action: () => void): void {
    const before = this.#loop.suppressed;
    this.#loop.suppressed = true;
    this.#publishWalkMode();
    try {
      action();
    } finally {
      this.#loop.suppressed = before;
      this.#publishWalkMode();
    }
  }
  /** From now on the guest's accesses go by this keeper's tables. */
  setShadow(keeper: ShadowKeeper): void {
    this.#keeper = keeper;
    this.#publishWalkMode();
    this.flushTlb(true);
  }
  /** From now on pages with the guest's paging structures may be PAGE_FLAG.PROTECTED. */
  protectPagingStructures(): void {
    this.#walkProtection = WALK_MODE.PROTECTED;
    this.#updateWalkMode();
  }
  get guestWalkMode(): number {
    return walkMode(this.state, this.model, this.#a20) | this.#walkProtection;
  }
  walkGuest(linear: number, access: number): number {
    let outcome = 0;
    this.suppressed(() => {
      outcome = this.walk(linear, access);
    });
    return outcome;
  }
  dropTranslations(): void {
    this.#tlb.flush(true);
    this.#finder.newGeneration();
  }
  isMemory(physical: number, size: number, write: boolean): boolean {
    return this.memory.isMemory(physical, size, write);
  }
  /** One instruction natively, its faults delivered; for the hypervisor's emulation. */
  emulateInstruction(): void {
    this.suppressed(() => {
      if (this.#count.fuel <= 0) this.#count.refill(1);
      this.#loop.skipAt = this.linearEip;
      this.#loop.step();
    });
  }
  /** One instruction of `length` bytes counts as executed, its trap included if TF is set. */
  skipInstruction(length: number): void {
    this.#loop.skip(length);
  }
  /** Delivers an interrupt that returns to `nextEip`; wakes a halted processor. */
  deliver(
    vector: number,
    type: Exclude<VectoredEvent['type'], 'exception'>,
    nextEip: number,
  ): void {
    this.state.set(L.ACTIVITY, ACTIVITY.RUNNING);
    deliverInterrupt(this, vector, type, nextEip);
    this.#count.endShadow();
  }
  deliverFault(vector: number, errorCode: number | null, qualification: number): void {
    const interrupted = this.vectoring;
    const fault = Object.assign(new GuestFault(), { vector, errorCode, qualification });
    deliverException(this, fault, interrupted);
    this.#count.endShadow();
  }
  redeliver(): void {
    if (this.vectoring === null) return;
    wake(this);
    deliverEvent(this, this.vectoring);
    this.#count.endShadow();
  }

  // ---- for a debugger that has stopped before an event

  watchesInterrupt(): boolean {
    const vector = this.platform.pendingVector();
    return this.#hook.watch?.({ kind: 'interrupt', vector, source: 'external' }, 0) === true;
  }
  /** Goes on with a delivery on whose way it stopped, as if it had not. */
  resumeDelivery(): void {
    const { vectoring } = this;
    if (vectoring === null) return;
    const left = leavesGuest(() => {
      deliverEvent(this, vectoring);
    });
    if (left) return;
    wake(this);
    this.#count.endShadow();
  }
}
