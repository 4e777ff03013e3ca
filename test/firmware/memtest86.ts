/**
 * Memtest86+ of Debian (6.10) in a machine of 16 MiB, watched on its screen. It tests the memory below the
 * first MiB too, moves itself about, and computes what it writes in every way that it knows.
 */
import { debianFile } from '../support/debian-packages.ts';
import { GuestRun } from '../guests/whole-machine.ts';

/** What its screen says. */
export interface Progress {
  /** Number of the test that runs, -1 before the first. */
  readonly test: number;
  /** Passes completed. */
  readonly passes: number;
  readonly errors: number;
}

export class Memtest extends GuestRun {
  constructor() {
    const image = debianFile('memtest86+', '/boot/memtest86+ia32.bin');
    super({ image, interface: 'bare', format: 'bzimage', memoryMiB: 16 });
  }

  get progress(): Progress {
    const { screen } = this;
    const number = (pattern: RegExp): number => Number(pattern.exec(screen)?.[1] ?? -1);
    return {
      test: number(/Test #(\d+)/),
      passes: number(/Pass: +(\d+)/),
      errors: number(/Errors: +(\d+)/),
    };
  }

  /** Runs until `done` or an error that it found; throws after `most` instructions. */
  until(done: (progress: Progress) => boolean, most: number): Progress {
    this.go({
      budget: 4_000_000,
      most,
      done: () => done(this.progress) || this.progress.errors > 0,
    });
    return this.progress;
  }
}
