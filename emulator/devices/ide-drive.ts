/**
 * What a disk and a CD-ROM drive on an IDE cable have in common (ATA/ATAPI-6, T13/1410D, chapters 5 and 7):
 * the command block registers and the data register with its buffer. The cable (ide-channel.ts) passes on
 * what software writes; a subclass carries out the commands.
 *
 *   1 features / error   2 sector count   3 LBA low   4 LBA mid   5 LBA high   6 device   7 command / status
 *
 * Registers 1 to 5 are two bytes deep: what was written before the last byte counts in 48-bit commands.
 * A command is carried out as it is written, so BSY is never seen but during a software reset; what takes
 * time on a real drive takes none here.
 */
import type { DeviceState, JsonValue } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;

/** Bits of the status and of the error register. */
export const STATUS = { ERR: 0x01, DRQ: 0x08, DSC: 0x10, DRDY: 0x40, BSY: 0x80 } as const;
export const ERROR = { ABRT: 0x04, IDNF: 0x10 } as const;
export const DEVICE_LBA = 0x40;
const READY = STATUS.DRDY | STATUS.DSC;
const DIAGNOSTIC_PASSED = 1;

const NO_BYTES = new Uint8Array(0);

/** One byte each; `prior`: before the last write. */
function registers() {
  return { features: 0, count: 0, low: 0, mid: 0, high: 0 };
}

function powerOn() {
  return {
    ...registers(),
    prior: registers(),
    device: 0,
    status: 0,
    error: 0,
    /** INTRQ is asserted while the drive is selected. */
    interrupt: false,
    position: 0,
    /** '': no data phase. */
    phase: '' as string,
    dma: false,
    buffer: [] as number[],
  };
}

export interface IdeDriveWiring {
  /** INTRQ may have changed. */
  readonly interruptChanged: () => void;
  /** DMARQ: the drive waits for the bus master. */
  readonly dmaRequested: () => void;
}

export abstract class IdeDrive {
  protected readonly r = powerOn();
  #wiring: IdeDriveWiring = { interruptChanged: () => {}, dmaRequested: () => {} };
  #buffer: Uint8Array = NO_BYTES;

  /** Done once by the cable that the drive is put on. */
  attach(wiring: IdeDriveWiring): void {
    this.#wiring = wiring;
  }

  /** 12 identifies a packet device after reset: contents of LBA mid and high. */
  protected abstract readonly signature: readonly [number, number];
  /** Status after reset. */
  protected abstract readonly statusAfterReset: number;
  /** Carries a command out. */
  protected abstract execute(command: number): void;
  /** The buffer was read or filled, in the phase that it was begun for. */
  protected abstract transferred(phase: string, bytes: Uint8Array): void;
  protected abstract resetDrive(): void;
  protected abstract driveState(): DeviceState;
  protected abstract restoreDrive(state: DeviceState): void;

  // The cable's side

  get interrupt(): boolean {
    return this.r.interrupt;
  }

  get status(): number {
    return this.r.status;
  }

  acknowledge(): void {
    this.#setInterrupt(false);
  }

  /** Registers 1 to 6; `prior` reads what was written before. */
  readRegister(register: number, prior: boolean): number {
    const { r } = this;
    const bytes = prior ? r.prior : r;
    switch (register) {
      case 1:
        return r.error;
      case 2:
        return bytes.count;
      case 3:
        return bytes.low;
      case 4:
        return bytes.mid;
      case 5:
        return bytes.high;
      default:
        return r.device | 0xa0;
    }
  }

  writeRegister(register: number, value: number): void {
    const name = ([null, 'features', 'count', 'low', 'mid', 'high'] as const)[register];
    if (name === null || name === undefined) {
      this.r.device = value & 0x5f;
      return;
    }
    this.r.prior[name] = this.r[name];
    this.r[name] = value;
  }

  command(command: number): void {
    this.acknowledge();
    this.endTransfer();
    this.r.error = 0;
    this.execute(command);
  }

  /** After power-on, a software reset or a diagnostic command (9.12 "Signature and persistence"). */
  reset(): void {
    const { device } = this.r;
    Object.assign(this.r, powerOn());
    // bit 4, which drive is meant, belongs to the cable
    this.r.device = device & 0x10;
    this.#buffer = NO_BYTES;
    this.resetDrive();
    this.setSignature();
    this.r.status = this.statusAfterReset;
    this.#wiring.interruptChanged();
  }

  /** `size` bytes of the data register, low byte first; ones when there are none. */
  readData(size: number): number {
    const { r } = this;
    if (r.dma || (r.status & STATUS.DRQ) === 0 || this.#receives()) return 0xffffffff;
    let value = 0;
    for (let at = size - 1; at >= 0; at--) {
      value = value * 256 + (this.#buffer[r.position + at] ?? 0xff);
    }
    this.#moved(size);
    return value;
  }

  writeData(size: number, value: number): void {
    const { r } = this;
    if (r.dma || (r.status & STATUS.DRQ) === 0 || !this.#receives()) return;
    for (let at = 0; at < size && r.position + at < this.#buffer.length; at++) {
      this.#buffer[r.position + at] = (value >>> (8 * at)) & 0xff;
    }
    this.#moved(size);
  }

  /** Which way the drive wants data moved by the bus master. */
  get dmaDirection(): 'in' | 'out' | null {
    if (!this.r.dma) return null;
    return this.#receives() ? 'out' : 'in';
  }

  /** Bytes that DMA has yet to move. */
  get dmaLength(): number {
    return this.r.dma ? this.#buffer.length - this.r.position : 0;
  }

  /** The next `length` bytes, at most dmaLength: what the drive sends, or room for what it gets. */
  dmaBytes(length: number): Uint8Array {
    return this.#buffer.subarray(this.r.position, this.r.position + length);
  }

  dmaMoved(length: number): void {
    this.#moved(length);
  }

  state(): DeviceState {
    const { buffer: _, ...rest } = this.r;
    const own: { readonly [name: string]: JsonValue } = this.driveState();
    return { ...takeState(STATE_VERSION, { ...rest, buffer: [...this.#buffer] }), drive: own };
  }

  restore(state: DeviceState): void {
    const { drive, ...own } = state;
    const { buffer, ...rest } = readState('IDE drive', STATE_VERSION, own, powerOn());
    Object.assign(this.r, rest);
    this.#buffer = Uint8Array.from(buffer);
    if (typeof drive !== 'object' || drive === null) throw new RangeError('IDE drive: no state');
    this.restoreDrive(drive as DeviceState);
  }

  // For the subclasses

  protected setSignature(): void {
    const [mid, high] = this.signature;
    Object.assign(this.r, { count: 1, low: 1, mid, high, error: DIAGNOSTIC_PASSED });
  }

  /** Data for the host, with an interrupt unless it is the first block of a PIO write. */
  protected send(phase: 'in' | (string & {}), bytes: Uint8Array): void {
    this.#begin(phase, bytes);
    this.#setInterrupt(true);
  }
  /** Room for data from the host; phases that begin with "out" go that way. */
  protected receive(phase: `out${string}`, length: number, interrupt: boolean): void {
    this.#begin(phase, new Uint8Array(length));
    if (interrupt) this.#setInterrupt(true);
  }
  /** The same, moved by the bus master when it is started; no interrupt before the end. */
  protected sendByDma(phase: string, bytes: Uint8Array): void {
    this.#begin(phase, bytes);
    this.r.dma = true;
    this.#wiring.dmaRequested();
  }
  protected receiveByDma(phase: `out${string}`, length: number): void {
    this.#begin(phase, new Uint8Array(length));
    this.r.dma = true;
    this.#wiring.dmaRequested();
  }
  protected done(): void {
    this.endTransfer();
    this.#setInterrupt(true);
  }
  protected fail(error: number): void {
    this.endTransfer();
    this.r.status |= STATUS.ERR;
    this.r.error = error;
    this.#setInterrupt(true);
  }
  protected endTransfer(): void {
    Object.assign(this.r, { phase: '', dma: false, position: 0, status: READY });
    this.#buffer = NO_BYTES;
  }

  #begin(phase: string, bytes: Uint8Array): void {
    Object.assign(this.r, { phase, dma: false, position: 0, status: READY | STATUS.DRQ });
    this.#buffer = bytes;
  }
  #receives(): boolean {
    return this.r.phase.startsWith('out');
  }
  #moved(size: number): void {
    this.r.position += size;
    if (this.r.position < this.#buffer.length) return;
    const { phase } = this.r;
    const bytes = this.#buffer;
    this.endTransfer();
    this.transferred(phase, bytes);
  }
  #setInterrupt(level: boolean): void {
    this.r.interrupt = level;
    this.#wiring.interruptChanged();
  }
}
