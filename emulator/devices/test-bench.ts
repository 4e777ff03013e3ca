/**
 * What the chips' tests share: a clock turned by hand, a wire that remembers its edges, and the way a
 * snapshot travels. Used by tests only.
 */
import type { Clock, Device, DeviceState, Line } from './device.ts';

export class ManualClock implements Clock {
  time = 0;

  now(): number {
    return this.time;
  }
}

/** A wire under the oscilloscope. */
export class Probe implements Line {
  level: boolean;
  rises = 0;
  falls = 0;

  constructor(level = false) {
    this.level = level;
  }

  set(level: boolean): void {
    if (level === this.level) return;
    this.level = level;
    if (level) this.rises++;
    else this.falls++;
  }
}

/** Advances like the machine does: to each deadline exactly, then to `time`. Returns the deadlines met. */
export function runTo(clock: ManualClock, device: Device, time: number): number[] {
  const met: number[] = [];
  for (let next = device.nextDeadline(); next <= time; next = device.nextDeadline()) {
    clock.time = next;
    device.advance(next);
    met.push(next);
  }
  clock.time = time;
  device.advance(time);
  return met;
}

/** The state as it comes back from a file. */
export function throughJson(state: DeviceState): DeviceState {
  return JSON.parse(JSON.stringify(state)) as DeviceState;
}
