/**
 * What every chip of the board has in common: it is a value with its interrupt line, clock and output
 * injected, it can be asked when it next wants to act, and its state can be taken and put back by name.
 */

/** Virtual time in nanoseconds since power-on: one per retired instruction, plus skipped idle time. */
export interface Clock {
  now(): number;
}

/** A level on a wire. Edge-triggered inputs see the rising edge. */
export interface Line {
  set(level: boolean): void;
}

export interface Device {
  /** Virtual time at which `advance` must be called at the latest, or Infinity. */
  nextDeadline(): number;
  /** Catches up with `now`. Calling it early or often changes nothing that a guest can see. */
  advance(now: number): void;
  reset(): void;
  /** Complete state as plain JSON values with a version, and back. `restore` throws RangeError on a foreign shape. */
  state(): DeviceState;
  restore(state: DeviceState): void;
}

export type JsonValue =
  number | string | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };
export interface DeviceState {
  readonly version: number;
  readonly [name: string]: JsonValue;
}

/** Reached through IN and OUT. `size` is 1, 2 or 4 bytes; unread bits are ones. */
export interface PortDevice extends Device {
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): void;
}

/** Reached through guest-physical addresses, `offset` from the start of its window. */
export interface MemoryDevice extends Device {
  readMemory(offset: number, size: number): number;
  writeMemory(offset: number, size: number, value: number): void;
}
