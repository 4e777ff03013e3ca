/** Guest RAM and load contexts for the tests of the loaders: an array that checks its bounds. */
import { pcMemoryMap } from '../formats/e820.ts';
import { readText } from '../formats/text.ts';
import type { GuestRam, LoadContext } from './loader.ts';

export class TestRam implements GuestRam {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }
  get size(): number {
    return this.bytes.length;
  }
  write(address: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, address);
  }
  fill(address: number, count: number, value: number): void {
    if (address + count > this.size) throw new RangeError('beyond RAM');
    this.bytes.fill(value, address, address + count);
  }
  u32(address: number): number {
    return this.view.getUint32(address, true);
  }
  text(address: number): string {
    return readText(this.bytes, address);
  }
}

const MIB = 1 << 20;

/** A machine of `megabytes` with an image to load; `ram` is to be looked at afterwards. */
export function loadContext(
  image: Uint8Array,
  changes: Partial<LoadContext> = {},
  megabytes = 64,
): LoadContext & { readonly ram: TestRam } {
  const ram = new TestRam(megabytes * MIB);
  return {
    image,
    imageName: 'kernel.img',
    commandLine: '',
    loadAddress: 'auto',
    memoryMap: pcMemoryMap(ram.size),
    ...changes,
    ram,
  };
}
