/**
 * The local APICs of all processors as the board sees them: one window at FEE00000h behind which each
 * processor finds its own (SDM vol. 3, 11.4.1 "The local APIC block diagram"), since an access to it
 * never reaches the bus. Their IDs are the processors' numbers; the first is the bootstrap processor's
 * and the only one that the 8259A reaches.
 */
import type { DeviceState, MemoryDevice } from './device.ts';
import type { LocalApic } from './local-apic.ts';

const STATE_VERSION = 1;

export class LocalApics implements MemoryDevice {
  /** By the number of the processor. */
  readonly all: readonly LocalApic[];
  /** Whose accesses come now. */
  processor = 0;

  constructor(all: readonly LocalApic[]) {
    this.all = all;
  }

  of(processor: number): LocalApic {
    const apic = this.all[processor];
    if (apic === undefined) throw new RangeError(`there is no processor ${processor}`);
    return apic;
  }

  readMemory(offset: number, size: number): number {
    return this.of(this.processor).readMemory(offset, size);
  }

  writeMemory(offset: number, size: number, value: number): void {
    this.of(this.processor).writeMemory(offset, size, value);
  }

  nextDeadline(): number {
    let deadline = Infinity;
    for (const apic of this.all) deadline = Math.min(deadline, apic.nextDeadline());
    return deadline;
  }

  advance(now: number): void {
    for (const apic of this.all) apic.advance(now);
  }

  /** Power-on: the first as firmware leaves it, in virtual-wire mode. */
  reset(): void {
    for (const apic of this.all) apic.reset();
    this.of(0).setVirtualWire();
  }

  state(): DeviceState {
    return { version: STATE_VERSION, apics: this.all.map((apic) => apic.state()) };
  }

  restore({ version, apics }: DeviceState): void {
    if (version !== STATE_VERSION || !Array.isArray(apics) || apics.length !== this.all.length) {
      throw new RangeError('local APICs: not in the shape of this snapshot version');
    }
    this.all.forEach((apic, index) => {
      apic.restore(apics[index] as DeviceState);
    });
  }
}
