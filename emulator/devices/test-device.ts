/**
 * Device for programs that test a machine from inside, off unless the launch asks for it
 * (machine.testDevice): part of no PC. Ports and window are where QEMU's pc-testdev has them, so that
 * suites written for that one run here.
 *
 *   E0h-E3h       a 32-bit register, whole accesses of 1, 2 and 4 bytes
 *   E4h-E7h       takes the address of a page that is to leave a host's caches: nothing to do here
 *   E8h           low byte of the same register
 *   2000h-2017h   level of interrupt input 0-23, one port each: 0 is low
 *   FF000000h     64 KiB of memory on the bus, reached access by access as device registers are
 */
import type { DeviceState, Line, MemoryDevice, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const REGISTER = 0xe0;
const REGISTER_BYTE = 0xe8;
export const TEST_LINES_PORT = 0x2000;
export const TEST_LINES = 24;
export const TEST_MEMORY_ADDRESS = 0xff000000;
export const TEST_MEMORY_BYTES = 0x10000;

function powerOn() {
  return { register: 0 };
}

export class TestDevice implements PortDevice, MemoryDevice {
  readonly #lines: readonly Line[];
  readonly #memory = new DataView(new ArrayBuffer(TEST_MEMORY_BYTES));
  #r = powerOn();

  /** @param lines the inputs that ports 2000h and up drive. */
  constructor(lines: readonly Line[]) {
    this.#lines = lines;
  }

  readPort(port: number, size: number): number {
    const at = registerByte(port);
    if (at < 0) return 0;
    return (this.#r.register >>> (8 * at)) & ones(size);
  }

  writePort(port: number, size: number, value: number): void {
    if (port >= TEST_LINES_PORT) {
      this.#lines[port - TEST_LINES_PORT]?.set((value & 0xff) !== 0);
      return;
    }
    const at = registerByte(port);
    if (at < 0) return;
    const mask = ones(size) << (8 * at);
    this.#r.register = ((this.#r.register & ~mask) | ((value << (8 * at)) & mask)) >>> 0;
  }

  readMemory(offset: number, size: number): number {
    if (size === 1) return this.#memory.getUint8(offset);
    return size === 2 ? this.#memory.getUint16(offset, true) : this.#memory.getUint32(offset, true);
  }

  writeMemory(offset: number, size: number, value: number): void {
    if (size === 1) this.#memory.setUint8(offset, value);
    else if (size === 2) this.#memory.setUint16(offset, value, true);
    else this.#memory.setUint32(offset, value, true);
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  /** The memory stays, as RAM does. */
  reset(): void {
    this.#r = powerOn();
    for (const line of this.#lines) line.set(false);
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, { ...this.#r, memory: Array.from(this.#bytes()) });
  }

  restore(state: DeviceState): void {
    const empty: number[] = [];
    const { memory, ...registers } = readState('test device', STATE_VERSION, state, {
      ...powerOn(),
      memory: empty,
    });
    if (memory.length !== TEST_MEMORY_BYTES) {
      throw new RangeError(`test device: ${memory.length} bytes of memory`);
    }
    this.#r = registers;
    this.#bytes().set(memory);
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }
}

/** Which byte of the register a port is, or -1. */
function registerByte(port: number): number {
  if (port === REGISTER_BYTE) return 0;
  return port >= REGISTER && port < REGISTER + 4 ? port - REGISTER : -1;
}

const ones = (size: number): number => (size === 4 ? -1 : (1 << (8 * size)) - 1);
