/**
 * Guest memory while frames are looked for: page by page, each read once from the machine, so that a
 * stack of thirty frames costs a few calls.
 */
import type { MachineClient } from '../machine/machine-client.ts';

const PAGE = 4096;
const WORD = 4;

export class FrameMemory {
  private readonly machine: MachineClient;
  /** By page number: its bytes, up to the first that cannot be read. */
  private readonly pages = new Map<number, Promise<Uint8Array>>();

  constructor(machine: MachineClient) {
    this.machine = machine;
  }

  /** The 32-bit word at a linear address, or null where there is none. */
  async word(address: number): Promise<number | null> {
    let value = 0;
    for (let byte = WORD - 1; byte >= 0; byte--) {
      const at = (address + byte) >>> 0;
      const page = await this.page(Math.floor(at / PAGE));
      const read = page[at % PAGE];
      if (read === undefined) return null;
      value = value * 256 + read;
    }
    return value;
  }

  private page(number: number): Promise<Uint8Array> {
    const known = this.pages.get(number);
    if (known !== undefined) return known;
    const read = this.machine
      .call('readMemory', 'linear', number * PAGE, PAGE)
      .then(({ bytes }) => bytes);
    this.pages.set(number, read);
    return read;
  }
}
