/**
 * Instructions in TypeScript, called from emitted code in the middle of a block. Around each one the
 * processor is made exact: EIP, the count, and afterwards the question whether the block may go on. It
 * may unless the instruction jumped, or something else has to be looked at before the next one.
 */
import { decode } from './decode/decoder.ts';
import type { ExecutionMode } from './execution-mode.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { InstructionCount } from './instruction-count.ts';
import * as L from './layout.ts';
import type { Processor } from './processor.ts';
import type { RunSignals } from './run-signals.ts';
import { ACTIVITY, FLAG, type CpuState } from './state.ts';
import * as R from './translate/record.ts';
import type { Translator, TypescriptAction } from './translate/translator.ts';

export interface TypescriptFormParts {
  readonly state: CpuState;
  readonly memory: GuestMemory;
  readonly mode: ExecutionMode;
  readonly count: InstructionCount;
  readonly signals: RunSignals;
  /** Made after the interpreter, which calls here. */
  readonly translator: Translator;
}

export class TypescriptForm {
  readonly #cpu: Processor;
  readonly #parts: TypescriptFormParts;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;

  constructor(cpu: Processor, buffer: ArrayBufferLike, parts: TypescriptFormParts) {
    this.#cpu = cpu;
    this.#parts = parts;
    this.#i32 = new Int32Array(buffer);
    this.#u8 = new Uint8Array(buffer);
  }

  /** Runs the instruction of a record; nonzero: leave the block, 0: go on with the next record. */
  run(record: number): 0 | 1 {
    const { state, count, signals, translator } = this.#parts;
    const cpu = this.#cpu;
    const ordinal = this.#u8[record + R.R_ORDINAL];
    const next = this.#i32[(record + R.R_NEXT_EIP) >> 2] >>> 0;
    state.eip = this.#i32[(record + R.R_EIP) >> 2];
    cpu.nextEip = next;
    count.ordinal = ordinal;
    signals.stale = false;
    try {
      (translator.action(record) ?? this.#actionOfBytes(record))(cpu);
    } catch (error) {
      signals.sort(error);
    }
    count.ordinal = 0;
    if (signals.outcome !== null) {
      count.fuel -= ordinal;
      state.set(L.EXIT, R.EXIT_CODE.TYPESCRIPT);
      return 1;
    }
    if (cpu.nextEip === next && !this.#mustLeaveBlock()) return 0;
    state.eip = cpu.nextEip;
    count.fuel -= ordinal + 1;
    count.settleShadow();
    state.set(L.EXIT, R.EXIT_CODE.TYPESCRIPT);
    return 1;
  }

  #mustLeaveBlock(): boolean {
    const { state, count, signals } = this.#parts;
    if (signals.stale || signals.leave || signals.stepping) return true;
    if (count.inhibits) return true;
    if (state.get(L.ACTIVITY) !== ACTIVITY.RUNNING) return true;
    const flags = state.systemFlags;
    if ((flags & (FLAG.TF | FLAG.RF)) !== 0) return true;
    return (flags & FLAG.IF) !== 0 && state.get(L.EVENT_PENDING) !== 0;
  }

  /** The TypeScript form of an emitted instruction that handed over. */
  #actionOfBytes(record: number): TypescriptAction {
    const { memory, mode, translator } = this.#parts;
    const eip = this.#i32[(record + R.R_EIP) >> 2];
    const linear = (mode.csBase + eip) >>> 0;
    const bytes = memory.readBytesPeek(linear, 15);
    const decoded = decode(bytes, eip, { defaultSize: mode.defaultSize });
    if (typeof decoded === 'string') throw new Error(`no instruction at ${linear.toString(16)}`);
    return translator.actionOf(record, decoded);
  }
}
