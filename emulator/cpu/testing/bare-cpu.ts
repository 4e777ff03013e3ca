/**
 * For tests only: a real processor with RAM and nothing else around it. Ports read as all ones, device
 * accesses are written down, and every event that a test wants to see leaves the guest as a VM exit.
 * It starts in 32-bit protected mode at CPL 0 with flat segments and paging off.
 */
import { memoryMap, type MemoryMap } from '../../memory/memory-map.ts';
import { wasm, type WasmMemory } from '../../wasm/host.ts';
import { Cpu } from '../cpu.ts';
import type { CpuOutcome } from '../run-loop.ts';
import { type Hotness, USUAL_HOTNESS } from '../translate/compiled-tier.ts';
import { cpuModel } from '../cpu-model.ts';
import { eventOf } from '../exit-hook.ts';
import type { GuestEvent } from '../exit-hook.ts';
import * as L from '../layout.ts';
import type { SegmentIndex } from '../layout.ts';
import { type Segment, CR0 } from '../state.ts';

type ExceptionEvent = Extract<GuestEvent, { readonly kind: 'exception' }>;

/** Access rights (VMX format): flat 32-bit code and data at DPL 0; OR in 3 << 5 for DPL 3. */
export const RIGHTS32 = { CODE: 0xc09b, DATA: 0xc093 } as const;
/** The same with D or B clear and byte granularity. */
export const RIGHTS16 = { CODE: 0x009b, DATA: 0x0093 } as const;

export const SIX_SEGMENTS: readonly SegmentIndex[] = [0, 1, 2, 3, 4, 5];

export class BareCpu {
  readonly cpu: Cpu;
  readonly map: MemoryMap;
  readonly memory: WasmMemory;
  readonly ram: Uint8Array;
  readonly ram32: Uint32Array;
  /** Accesses outside RAM, "read4 fee00000" or "write1 fee00000 12", in order. */
  readonly devices: string[] = [];
  /** The last event that left the guest. */
  event: GuestEvent | null = null;
  /** Which events leave the guest; all exceptions and HLT unless a test says otherwise. */
  leaves: (event: GuestEvent) => boolean = ({ kind }) => kind === 'exception' || kind === 'hlt';
  /** Virtual time at power-on, ns. */
  time = 0;
  /** RDTSC and PAUSE are offered although they will not leave. */
  offersAll = false;
  /** An interrupt request line: the vector, or -1. Acknowledging clears it. */
  interrupt = -1;

  /** @param hotness when code is compiled, null: never. */
  constructor(ramSize = 1 << 20, model = 'pentium3', hotness: Hotness | null = USUAL_HOTNESS) {
    const map = (this.map = memoryMap(ramSize));
    const { Memory } = wasm();
    const memory = new Memory({ initial: map.wasmPages, maximum: map.wasmPages });
    this.memory = memory;
    const found = cpuModel(model);
    if (found === null) throw new Error(`no processor model ${model}`);
    this.cpu = new Cpu({
      memory,
      map,
      shared: false,
      hotness,
      model: found,
      platform: {
        readPort: () => 0xffffffff,
        writePort: () => undefined,
        readDevice: (address, size) => {
          this.devices.push(`read${String(size)} ${address.toString(16)}`);
          return 0xffffffff;
        },
        writeDevice: (address, size, value) => {
          this.devices.push(`write${String(size)} ${address.toString(16)} ${value.toString(16)}`);
        },
        interruptPending: () => this.interrupt >= 0,
        pendingVector: () => this.interrupt,
        acknowledgeInterrupt: () => {
          const vector = this.interrupt;
          this.interrupt = -1;
          return vector;
        },
        now: () => this.time + this.cpu.retired,
      },
      hook: {
        awaits: 0,
        mayLeave: (kind) => this.offersAll || this.leaves(eventOf(kind)),
        offer: (event) => {
          if (!this.leaves(event)) return false;
          this.event = event;
          return true;
        },
      },
    });
    this.ram = new Uint8Array(memory.buffer, map.ram, map.ramSize);
    this.ram32 = new Uint32Array(memory.buffer, map.ram, map.ramSize >> 2);
    this.#reset();
  }

  #reset(): void {
    const { state } = this.cpu;
    state.setCr(0, CR0.PE | CR0.ET);
    state.eflags = 2;
    for (const index of SIX_SEGMENTS) {
      const code = index === L.SEGMENT.CS;
      this.segment(index, { rights: code ? RIGHTS32.CODE : RIGHTS32.DATA });
    }
    this.cpu.modeChanged();
  }

  /** Loads a segment cache: base 0 and limit 4 GiB unless given. Call cpu.modeChanged() afterwards. */
  segment(index: SegmentIndex, segment: Partial<Segment> & { readonly rights: number }): void {
    this.cpu.state.setSegment(index, { selector: 0x08, base: 0, limit: 0xffffffff, ...segment });
  }

  /** CPL, with rights of CS and SS to match. */
  setCpl(cpl: number): void {
    const { state } = this.cpu;
    for (const index of [L.SEGMENT.CS, L.SEGMENT.SS, L.SEGMENT.DS, L.SEGMENT.ES] as const) {
      const segment = state.segment(index);
      state.setSegment(index, { ...segment, rights: (segment.rights & ~0x60) | (cpl << 5) });
    }
    state.set(L.CPL, cpl);
    this.cpu.modeChanged();
  }

  /** Puts code into RAM as a loader would, and forgets what was translated from there. */
  load(physical: number, bytes: ArrayLike<number>): void {
    this.ram.set(bytes, physical);
    this.cpu.memoryWritten(physical, bytes.length);
  }

  /** Runs until something other than the limit of a slice ends it; each slice is `slice` long. */
  runToExit(slice: number, slices = 100_000): CpuOutcome {
    for (let n = 0; n < slices; n++) {
      const outcome = this.cpu.run(slice);
      if (outcome !== 'limit') return outcome;
    }
    return 'limit';
  }

  /** The exception that left the guest last; throws if it was something else. */
  get exception(): ExceptionEvent {
    if (this.event?.kind !== 'exception')
      throw new Error(`left by ${this.event?.kind ?? 'nothing'}`);
    return this.event;
  }
}
