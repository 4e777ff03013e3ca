/**
 * Address decoding: which device answers a port or a guest-physical address. Claims are made when a board
 * is built; two that overlap are an error there. Windows of PCI devices move while the guest runs: it may
 * put them anywhere, and where they lie over something else, that keeps answering. A port is found by one
 * array access. An access wider than its device is split into bytes in ascending order, as an ISA bus does.
 */

/** What answers ports; the shape of devices/device.ts's PortDevice. */
export interface PortTarget {
  readPort(port: number, size: number): number;
  writePort(port: number, size: number, value: number): void;
}

/** What answers addresses, `offset` from the start of its window. */
export interface MemoryTarget {
  readMemory(offset: number, size: number): number;
  writeMemory(offset: number, size: number, value: number): void;
}

/** A range of a device's own size that the guest moves about (a PCI base address register). */
export interface MovableWindow {
  /** Answers from `first` on; null: nowhere. */
  place(first: number | null): void;
}

const PORTS = 0x10000;
const UNCLAIMED = 0;

interface PortClaim {
  readonly name: string;
  readonly device: PortTarget;
  /** Takes 2- and 4-byte accesses whole. */
  readonly wide: boolean;
}

export class PortBus {
  /** Index into #claims by port; 0 is nobody. */
  readonly #decode = new Uint8Array(PORTS);
  readonly #claims: (PortClaim | null)[] = [null];
  readonly #unclaimed: (port: number, direction: 'read' | 'write') => void;

  /** `unclaimed` hears of every access to a port without a device. */
  constructor(unclaimed: (port: number, direction: 'read' | 'write') => void) {
    this.#unclaimed = unclaimed;
  }

  /** Claims `first` to `last`. Throws RangeError that names both devices when a port is taken. */
  claim(name: string, first: number, last: number, device: PortTarget, wide: boolean): void {
    if (first < 0 || last >= PORTS || first > last) {
      throw new RangeError(`${name}: ports ${hex(first)}-${hex(last)} do not exist`);
    }
    for (let port = first; port <= last; port++) {
      const holder = this.#claims[this.#decode[port]];
      if (holder) throw new RangeError(`${name}: port ${hex(port)} belongs to ${holder.name}`);
    }
    this.#decode.fill(this.#claims.length, first, last + 1);
    this.#claims.push({ name, device, wide });
  }

  /** A range of `count` ports that answers nowhere yet; the device is told port numbers. */
  movable(name: string, count: number, device: PortTarget, wide: boolean): MovableWindow {
    const number = this.#claims.push({ name, device, wide }) - 1;
    let at: number | null = null;
    return {
      place: (first) => {
        if (at !== null) this.#replace(at, count, number, UNCLAIMED);
        at = first;
        if (at !== null) this.#replace(at, count, UNCLAIMED, number);
      },
    };
  }
  #replace(first: number, count: number, from: number, to: number): void {
    for (let port = first; port < Math.min(first + count, PORTS); port++) {
      if (this.#decode[port] === from) this.#decode[port] = to;
    }
  }

  isClaimed(port: number): boolean {
    return this.#decode[port & 0xffff] !== UNCLAIMED;
  }

  /** `size` 1, 2 or 4; unsigned, all ones where nobody answers. */
  read(port: number, size: number): number {
    const claim = this.#claims[this.#decode[port & 0xffff]];
    if (claim && (size === 1 || this.#isWhole(port, size, claim))) {
      const value = claim.device.readPort(port & 0xffff, size);
      return size === 4 ? value >>> 0 : value & (size === 2 ? 0xffff : 0xff);
    }
    if (size === 1) {
      this.#unclaimed(port & 0xffff, 'read');
      return 0xff;
    }
    let value = 0;
    for (let byte = 0; byte < size; byte++) value |= this.read(port + byte, 1) << (8 * byte);
    return value >>> 0;
  }

  write(port: number, size: number, value: number): void {
    const claim = this.#claims[this.#decode[port & 0xffff]];
    if (claim && (size === 1 || this.#isWhole(port, size, claim))) {
      const mask = size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
      claim.device.writePort(port & 0xffff, size, (value & mask) >>> 0);
    } else if (size === 1) {
      this.#unclaimed(port & 0xffff, 'write');
    } else {
      for (let byte = 0; byte < size; byte++) this.write(port + byte, 1, value >>> (8 * byte));
    }
  }

  #isWhole(port: number, size: number, claim: PortClaim): boolean {
    const last = (port & 0xffff) + size - 1;
    return claim.wide && last < PORTS && this.#claims[this.#decode[last]] === claim;
  }
}

interface Window {
  readonly name: string;
  address: number;
  readonly bytes: number;
  readonly device: MemoryTarget;
}

export class MmioBus {
  readonly #windows: Window[] = [];
  readonly #unclaimed: (address: number, direction: 'read' | 'write') => void;

  constructor(unclaimed: (address: number, direction: 'read' | 'write') => void) {
    this.#unclaimed = unclaimed;
  }

  /** Claims `bytes` from guest-physical `address`. Throws RangeError when windows overlap. */
  claim(name: string, address: number, bytes: number, device: MemoryTarget): void {
    for (const other of this.#windows) {
      if (address < other.address + other.bytes && other.address < address + bytes) {
        throw new RangeError(`${name}: ${hex(address)} belongs to ${other.name}`);
      }
    }
    this.#windows.push({ name, address, bytes, device });
  }

  /** A window that answers nowhere yet. */
  movable(name: string, bytes: number, device: MemoryTarget): MovableWindow {
    const window = { name, address: -1, bytes, device };
    return {
      place: (first) => {
        if (first === window.address || (first === null && window.address < 0)) return;
        const at = this.#windows.indexOf(window);
        if (at >= 0) this.#windows.splice(at, 1);
        window.address = first ?? -1;
        // behind the others: the first that contains an address answers
        if (first !== null) this.#windows.push(window);
      },
    };
  }

  /** The address is in a device's window. */
  contains(address: number): boolean {
    return this.#find(address, 1) !== undefined;
  }

  /** `size` 1, 2 or 4; an access may not leave its window. All ones where nobody answers. */
  read(address: number, size: number): number {
    const window = this.#find(address, size);
    if (!window) {
      this.#unclaimed(address, 'read');
      return size === 4 ? 0xffffffff : size === 2 ? 0xffff : 0xff;
    }
    return window.device.readMemory(address - window.address, size) >>> 0;
  }

  write(address: number, size: number, value: number): void {
    const window = this.#find(address, size);
    if (window) window.device.writeMemory(address - window.address, size, value >>> 0);
    else this.#unclaimed(address, 'write');
  }

  #find(address: number, size: number): Window | undefined {
    for (const window of this.#windows) {
      const offset = address - window.address;
      if (offset >= 0 && offset + size <= window.bytes) return window;
    }
    return undefined;
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
