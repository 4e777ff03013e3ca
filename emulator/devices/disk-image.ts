/**
 * The medium in a drive: an image file as it was read, with what the guest writes in front of it, sector by
 * sector (copy on write). The image itself is never changed, so that neither the file it came from nor another
 * machine sees what the guest does. Not a chip: drives (ata-disk.ts, atapi-cdrom.ts, intel-82077aa.ts) own one.
 */
import type { DeviceState, JsonValue } from './device.ts';

const STATE_VERSION = 1;

export class DiskImage {
  /** Bytes. */
  readonly sectorSize: number;
  /** Sectors of the medium; the image's end is filled with zeros. */
  readonly sectors: number;
  readonly #image: Uint8Array;
  readonly #written = new Map<number, Uint8Array>();

  /** `sectors`: what the medium has room for, absent: what the image needs, rounded up. */
  constructor(image: Uint8Array, sectorSize: number, sectors?: number) {
    this.#image = image;
    this.sectorSize = sectorSize;
    this.sectors = sectors ?? Math.ceil(image.length / sectorSize);
  }

  /** All of the sectors from `first` on are there. */
  has(first: number, count: number): boolean {
    return first >= 0 && count >= 0 && first + count <= this.sectors;
  }

  /** A copy. Throws RangeError outside the medium. */
  read(first: number, count: number): Uint8Array {
    this.#check(first, count);
    const { sectorSize } = this;
    const bytes = new Uint8Array(count * sectorSize);
    bytes.set(this.#image.subarray(first * sectorSize, (first + count) * sectorSize));
    for (let at = 0; at < count && this.#written.size > 0; at++) {
      const own = this.#written.get(first + at);
      if (own !== undefined) bytes.set(own, at * sectorSize);
    }
    return bytes;
  }

  /** Whole sectors. Throws RangeError outside the medium. */
  write(first: number, bytes: Uint8Array): void {
    const { sectorSize } = this;
    const count = bytes.length / sectorSize;
    this.#check(first, count);
    for (let at = 0; at < count; at++) {
      this.#written.set(first + at, bytes.slice(at * sectorSize, (at + 1) * sectorSize));
    }
  }

  /** Sectors that differ from the image. */
  state(): DeviceState {
    const sectors: JsonValue[] = [];
    for (const [number, bytes] of this.#written) sectors.push([number, [...bytes]]);
    return { version: STATE_VERSION, sectors };
  }

  /** Throws RangeError for what is no state of a medium of this size. */
  restore({ version, sectors }: DeviceState): void {
    if (version !== STATE_VERSION || !Array.isArray(sectors)) throw foreign();
    this.#written.clear();
    for (const entry of sectors as readonly JsonValue[]) {
      const [number, bytes] = Array.isArray(entry) ? (entry as readonly JsonValue[]) : [];
      if (typeof number !== 'number' || !Array.isArray(bytes)) throw foreign();
      if (bytes.length !== this.sectorSize) throw foreign();
      this.write(number, Uint8Array.from(bytes as readonly number[]));
    }
  }

  #check(first: number, count: number): void {
    if (!Number.isInteger(first) || !Number.isInteger(count) || !this.has(first, count)) {
      throw new RangeError(`sectors ${first} + ${count} of a medium of ${this.sectors}`);
    }
  }
}

function foreign(): RangeError {
  return new RangeError('medium: not in the shape of this snapshot version');
}
