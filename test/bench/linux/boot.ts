/** A boot of the real kernel to the marker of its initramfs: what is asked and what is told. */

export interface LinuxOptions {
  /** Paths. */
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly marker: string;
  /** RAM, bytes. */
  readonly memory: number;
}

export interface LinuxBoot {
  /** Retired instructions at the marker, where the emulator can tell. */
  readonly instructions: number | null;
  readonly exits: number | null;
  /** CPU time of the emulator, seconds, from reading the files to the marker. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}
