/** What is measured of a kernel's debugging information. Times in milliseconds, memory in bytes. */

export interface SymbolsOptions {
  /** Path of the adapter's bundle; the worker's lies beside it. */
  readonly adapter: string;
  /** The kernel's ELF file with DWARF, and what boots it. */
  readonly file: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  /** Steps by line to measure. */
  readonly steps: number;
}

/** One session that reads the file. */
export interface ReadingFigures {
  /** From the launch request to the stop on entry: names of addresses are there. */
  readonly launch: number;
  /** From the launch request until lines and types are there. */
  readonly usable: number;
  /** CPU time of the adapter's process until then, with the machine's worker. */
  readonly cpu: number;
  /** Round trips of a request while the file was read. */
  readonly latency: { readonly median: number; readonly max: number; readonly count: number };
  /** Resident memory of the adapter's process, with the machine's 128 MiB: the most, and afterwards. */
  readonly peak: number;
  readonly after: number;
}

export interface SymbolsFigures {
  readonly first: ReadingFigures;
  /** With the index that the first one has kept. */
  readonly kept: ReadingFigures;
  /** Bytes of that. */
  readonly index: number;
  /** From the launch request to the stop at the line of start_kernel that was set before the boot. */
  readonly startKernel: number;
  /** Line stepped over: request to `stopped` event. */
  readonly step: { readonly median: number; readonly max: number; readonly count: number };
}
