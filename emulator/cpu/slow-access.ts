/**
 * Memory accesses of emitted code that its way through the TLB does not serve: two pages at once,
 * devices, watched pages, code that overwrites code, and faults. Plain RAM is accessed here and now.
 * Anything that can be observed waits: the emitted code is told to leave, nothing done, and its
 * instruction is executed alone by a single step, in which such accesses are really made.
 */
import type { DebugTraps } from './debug-traps.ts';
import { alignmentOf, deviceAccess, type GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import { ACCESS } from './paging.ts';
import type { Processor } from './processor.ts';
import type { RunSignals } from './run-signals.ts';
import type { CodeCache } from './translate/code-cache.ts';
import { SLOW_OUTCOME } from './translate/record.ts';
import type { Watchpoints } from './watchpoints.ts';

export class SlowAccess {
  readonly #cpu: Processor;
  readonly #memory: GuestMemory;
  readonly #code: CodeCache;
  readonly #debug: DebugTraps;
  readonly #watch: Watchpoints;
  readonly #signals: RunSignals;

  constructor(
    cpu: Processor,
    memory: GuestMemory,
    code: CodeCache,
    debug: DebugTraps,
    watch: Watchpoints,
    signals: RunSignals,
  ) {
    this.#cpu = cpu;
    this.#memory = memory;
    this.#code = code;
    this.#debug = debug;
    this.#watch = watch;
    this.#signals = signals;
  }

  /**
   * Each sets layout SLOW, and does nothing, when the access must not complete here. The value of 8 or 16
   * bytes is at layout VECTOR_OPERAND instead.
   */
  read(linear: number, size: number): number {
    return this.#try(linear, size, null, 0);
  }
  readForWrite(linear: number, size: number): number {
    return this.#try(linear, size, null, ACCESS.WRITE);
  }
  write(linear: number, value: number, size: number): void {
    this.#try(linear, size, value, ACCESS.WRITE);
  }

  /**
   * @param value to be written, null: read
   * @param right ACCESS.WRITE where the place must be writable, else 0
   */
  #try(linear: number, size: number, value: number | null, right: number): number {
    const access = right | (this.#cpu.state.cpl === 3 ? ACCESS.USER : 0);
    try {
      this.#memory.checkAlignment(linear, alignmentOf(size), access);
      if (this.#signals.stepping) return this.#access(linear, size, value, access);
      if (this.#isPlain(linear, size, access) && !this.#isWatched(linear, size, value))
        return this.#accessRam(linear, size, value, access);
      this.#cpu.state.set(L.SLOW, SLOW_OUTCOME.STEP);
    } catch (error) {
      this.#signals.sort(error);
      const left = this.#signals.outcome === 'exit';
      this.#cpu.state.set(L.SLOW, left ? SLOW_OUTCOME.EXIT : SLOW_OUTCOME.FAULT);
    }
    return 0;
  }
  /** Whatever is there. */
  #access(linear: number, size: number, value: number | null, access: number): number {
    if (size <= 4 && (linear & 0xfff) + size <= 4096) {
      const physical = this.#memory.translate(linear, access);
      if (!this.#memory.isMemory(physical, size, value !== null)) {
        this.#memory.checkBreakpoints(linear, size, value !== null);
        return this.#device(physical, linear, size, value);
      }
    }
    return this.#accessRam(linear, size, value, access);
  }
  #accessRam(linear: number, size: number, value: number | null, access: number): number {
    if (size > 4) {
      if (value === null) this.#memory.readVectorSlow(linear, size, access);
      else this.#memory.writeVectorSlow(linear, size, access);
      return 0;
    }
    if (value === null) return this.#memory.readSlow(linear, size, access) | 0;
    this.#memory.writeSlow(linear, size, value, access);
    return 0;
  }
  #device(physical: number, linear: number, size: number, value: number | null): number {
    const { platform, state } = this.#cpu;
    const event = deviceAccess(
      physical,
      linear,
      value === null ? 'read' : 'write',
      size,
      (value ?? 0) >>> 0,
    );
    if (this.#cpu.leaves(event, 0)) state.set(L.SLOW, SLOW_OUTCOME.EXIT);
    else if (value === null) return platform.readDevice(physical, size) | 0;
    else platform.writeDevice(physical, size, value >>> 0);
    return 0;
  }

  /** A breakpoint on data that it hits is a trap, or a debugger's stop, right after the instruction. */
  #isWatched(linear: number, size: number, value: number | null): boolean {
    const { state } = this.#cpu;
    const write = value !== null;
    if (state.get(L.WATCHING) !== 0 && this.#watch.meets(linear, size, write).length > 0) {
      return true;
    }
    return state.get(L.DATA_BREAKPOINTS) !== 0 && this.#debug.dataBits(linear, size, write) !== 0;
  }
  /** Memory on every page that it touches, without translated code in the bytes to be written. */
  #isPlain(linear: number, size: number, access: number): boolean {
    const first = Math.min(size, 4096 - (linear & 0xfff));
    if (!this.#isPlainPart(linear, first, access)) return false;
    return first === size || this.#isPlainPart((linear + first) >>> 0, size - first, access);
  }
  #isPlainPart(linear: number, size: number, access: number): boolean {
    const physical = this.#memory.translateAhead(linear, access);
    if (physical === null || this.#memory.secondStage.refuses(physical, access)) return false;
    const write = (access & ACCESS.WRITE) !== 0;
    if (!this.#memory.isMemory(physical, size, write)) return false;
    if (this.#memory.isAbsent(physical)) return false;
    return !write || !this.#code.overlaps(physical, size);
  }
}
