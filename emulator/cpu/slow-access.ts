/**
 * Memory accesses of emitted code that its way through the TLB does not serve: two pages at once,
 * devices, watched pages, code that overwrites code, and faults. Plain RAM is accessed here and now.
 * Anything that can be observed waits: the emitted code is told to leave, nothing done, and its
 * instruction is executed alone by a single step, in which such accesses are really made.
 */
import type { GuestMemory } from './guest-memory.ts';
import * as L from './layout.ts';
import { ACCESS } from './paging.ts';
import type { RunSignals } from './run-signals.ts';
import type { CpuState } from './state.ts';
import type { CodeCache } from './translate/code-cache.ts';
import { SLOW_OUTCOME } from './translate/record.ts';

export class SlowAccess {
  readonly #state: CpuState;
  readonly #memory: GuestMemory;
  readonly #code: CodeCache;
  readonly #signals: RunSignals;

  constructor(state: CpuState, memory: GuestMemory, code: CodeCache, signals: RunSignals) {
    this.#state = state;
    this.#memory = memory;
    this.#code = code;
    this.#signals = signals;
  }

  /** Each sets layout SLOW, and does nothing, when the access must not complete here. */
  read(linear: number, size: number): number {
    return this.#access(linear, size, 0, () =>
      this.#memory.readSlow(linear, size, this.#userAccess()),
    );
  }
  readForWrite(linear: number, size: number): number {
    return this.#access(linear, size, ACCESS.WRITE, () =>
      this.#memory.readSlow(linear, size, this.#userAccess() | ACCESS.WRITE),
    );
  }
  write(linear: number, value: number, size: number): void {
    this.#access(linear, size, ACCESS.WRITE, () => {
      this.#memory.writeSlow(linear, size, value, this.#userAccess());
      return 0;
    });
  }

  #userAccess(): number {
    return this.#state.cpl === 3 ? ACCESS.USER : 0;
  }
  #access(linear: number, size: number, write: number, access: () => number): number {
    const signals = this.#signals;
    try {
      if (!signals.stepping && !this.#isPlain(linear, size, write)) {
        this.#state.set(L.SLOW, SLOW_OUTCOME.STEP);
        return 0;
      }
      return access() | 0;
    } catch (error) {
      signals.sort(error);
      const left = signals.outcome === 'exit';
      this.#state.set(L.SLOW, left ? SLOW_OUTCOME.EXIT : SLOW_OUTCOME.FAULT);
      return 0;
    }
  }
  /** RAM on every page that it touches, without translated code in the bytes to be written. */
  #isPlain(linear: number, size: number, write: number): boolean {
    const first = Math.min(size, 4096 - (linear & 0xfff));
    const plain = (at: number, length: number): boolean => {
      const physical = this.#memory.translate(at, write | this.#userAccess());
      if (!this.#memory.isRam(physical, length)) return false;
      return write === 0 || !this.#code.overlaps(physical, length);
    };
    return plain(linear, first) && (first === size || plain((linear + first) >>> 0, size - first));
  }
}
