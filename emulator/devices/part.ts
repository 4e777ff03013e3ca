/** A row of a board's parts list (pc-board.ts, bios-board.ts): what a chip occupies. */
export interface Part {
  readonly name: string;
  /** First and last port of each range. */
  readonly ports: readonly (readonly [number, number])[];
  /** The chip takes 2- and 4-byte port accesses whole; others get them byte by byte. */
  readonly wide: boolean;
  /** Guest-physical address and length of the MMIO window. */
  readonly window: readonly [number, number] | null;
  readonly irq: number | null;
  /** Plug and play identity, for what an operating system is told of by ACPI (PNP device IDs). */
  readonly pnp: string | null;
}
