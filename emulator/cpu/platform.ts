/**
 * What a processor's pins see of the board. Given to the CPU by machine.ts, implemented over
 * devices/pc-board.ts.
 */
import type { Port } from '../memory/address.ts';

/** What a hypervisor's page tables say of a page of RAM (SDM vol. 3, 29.3.2). */
export interface SecondStage {
  /** Bit 0 read, 1 write, 2 execute. */
  rights(address: number): number;
  /** An access that has its right is made. */
  used(address: number, write: boolean): void;
  /** Accesses to paging structures count as writes too (29.3.5, "accessed and dirty flags for EPT"). */
  readonly accessedDirty: boolean;
}

export interface Platform {
  /** Ports: `size` is 1, 2 or 4; value unsigned. */
  readPort(port: Port, size: number): number;
  writePort(port: Port, size: number, value: number): void;
  /** Guest-physical addresses that are not RAM (devices, holes: all ones, ROM: writes are dropped). */
  readDevice(address: number, size: number): number;
  writeDevice(address: number, size: number, value: number): void;
  /**
   * The 4 KiB of ROM around a guest-physical address outside RAM, null where there is none. They never
   * change while they are there: reads of ROM do not leave the guest, and a debugger may look. Absent:
   * there is no ROM.
   */
  romPage?(address: number): Uint8Array | null;
  /**
   * A page of RAM that the host has paged out is accessed where nothing may leave the guest: time passes
   * until it has come in. Absent: nothing is ever paged out.
   */
  awaitPage?(address: number): void;
  /** The second stage of pages with PAGE_FLAG.PROTECTED. Absent: no page has it. */
  readonly secondStage?: SecondStage;
  /** INTR is asserted (8259A through LINT0/virtual wire, or the local APIC has a deliverable vector). */
  interruptPending(): boolean;
  /** The vector that acknowledgeInterrupt() would return now, without effect. */
  pendingVector(): number;
  /** The interrupt-acknowledge cycle: returns the vector and moves it to in-service. */
  acknowledgeInterrupt(): number;
  /** IA32_APIC_BASE was written; `low` are its lower 32 bits: base, EN (bit 11), BSP (bit 8). */
  apicBaseWritten?(low: number): void;
  /**
   * The timer behind IA32_TSC_DEADLINE, as platform time in ns at which it expires; 0: not armed. Absent:
   * there is none, and the register keeps zero.
   */
  tscDeadline?(): number;
  setTscDeadline?(time: number): void;
  /** Virtual time in ns (= TSC ticks before scaling). */
  now(): number;
  /**
   * The FERR# pin, with CR0.NE clear (SDM vol. 1, 8.7.2): asserted (true) at each x87 instruction that
   * waits on an unmasked error, released (false) when a control instruction has cleared it. A board
   * answers an assertion with IRQ 13 and returns whether it holds IGNNE# (set by a write to port F0h
   * until the release); then the error is ignored, else the processor waits for the interrupt. Absent:
   * errors are ignored.
   */
  floatingPointError?(asserted: boolean): boolean;
}
