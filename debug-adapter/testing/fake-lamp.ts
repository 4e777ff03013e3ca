/** The toy machine's only device: a lamp with one register, whose bit 0 is its light. */
import type { Detail } from '../../emulator/debugger/views/detail.ts';
import type { DeviceSummary } from '../../emulator/debugger/views/devices/devices.ts';

export class FakeLamp {
  readonly summary: DeviceSummary = { name: 'lamp', title: 'Lamp' };
  private state = 0;

  inspect(): readonly Detail[] {
    const lit = { name: 'lit', value: `${this.state & 1}  shines`, writable: true as const };
    const digits = this.state.toString(16).padStart(2, '0');
    return [{ name: 'state', value: `0x${digits}`, writable: true, children: [lit] }];
  }

  write(path: readonly string[], value: number): void {
    if (value > 0xff) throw new RangeError(`state has 8 bits; ${value} does not fit.`);
    this.state = path.length === 1 ? value : (this.state & ~1) | value;
  }
}
