/**
 * What a processor's pins see of the board. Given to the CPU by machine.ts, implemented over
 * devices/pc-board.ts.
 */
export interface Platform {
  /** Ports: `size` is 1, 2 or 4; value unsigned. */
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): void;
  /** Guest-physical addresses that are not RAM (devices, holes: all ones, ROM: writes are dropped). */
  readDevice(address: number, size: number): number;
  writeDevice(address: number, size: number, value: number): void;
  /** INTR is asserted (8259A through LINT0/virtual wire, or the local APIC has a deliverable vector). */
  interruptPending(): boolean;
  /** The interrupt-acknowledge cycle: returns the vector and moves it to in-service. */
  acknowledgeInterrupt(): number;
  /** Virtual time in ns (= TSC ticks before scaling). */
  now(): number;
}
