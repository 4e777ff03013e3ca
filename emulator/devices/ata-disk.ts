/**
 * A hard disk with the ATA command set (ATA/ATAPI-6, T13/1410D, chapter 8): PIO, multiple and DMA transfers
 * with 28 and 48 bits of LBA or with cylinder, head and sector. What COMMANDS does not list is aborted, as the
 * standard has it for features that a disk does not report. Writes go to the medium at once; there is no
 * cache, no power management beyond saying "active", no security, no SMART.
 */
import type { DeviceState } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { DiskImage } from './disk-image.ts';
import { DEVICE_LBA, ERROR, IdeDrive, STATUS } from './ide-drive.ts';

const STATE_VERSION = 1;
export const ATA_SECTOR = 512;
const HEADS = 16;
const SECTORS_PER_TRACK = 63;
const MOST_CYLINDERS = 16383;
const MOST_28_BITS = 0xfffffff;
/** Sectors of one block of READ MULTIPLE, at most. */
const MOST_MULTIPLE = 16;
const ACTIVE_OR_IDLE = 0xff;

type Kind =
  | 'read'
  | 'write'
  | 'verify'
  | 'identify'
  | 'nothing'
  | 'powerMode'
  | 'setMultiple'
  | 'setFeatures'
  | 'setGeometry'
  | 'nativeMax';
interface Command {
  readonly opcode: number;
  readonly name: string;
  readonly kind: Kind;
  /** Bits of the LBA. */
  readonly bits: 28 | 48;
  readonly transfer: 'sector' | 'multiple' | 'dma';
}

// prettier-ignore
const COMMANDS: readonly Command[] = [
  { opcode: 0x20, name: 'READ SECTORS',           kind: 'read',        bits: 28, transfer: 'sector' },
  { opcode: 0x21, name: 'READ SECTORS, no retry', kind: 'read',        bits: 28, transfer: 'sector' },
  { opcode: 0x24, name: 'READ SECTORS EXT',       kind: 'read',        bits: 48, transfer: 'sector' },
  { opcode: 0x25, name: 'READ DMA EXT',           kind: 'read',        bits: 48, transfer: 'dma' },
  { opcode: 0x27, name: 'READ NATIVE MAX EXT',    kind: 'nativeMax',   bits: 48, transfer: 'sector' },
  { opcode: 0x29, name: 'READ MULTIPLE EXT',      kind: 'read',        bits: 48, transfer: 'multiple' },
  { opcode: 0x30, name: 'WRITE SECTORS',          kind: 'write',       bits: 28, transfer: 'sector' },
  { opcode: 0x31, name: 'WRITE SECTORS, no retry', kind: 'write',      bits: 28, transfer: 'sector' },
  { opcode: 0x34, name: 'WRITE SECTORS EXT',      kind: 'write',       bits: 48, transfer: 'sector' },
  { opcode: 0x35, name: 'WRITE DMA EXT',          kind: 'write',       bits: 48, transfer: 'dma' },
  { opcode: 0x39, name: 'WRITE MULTIPLE EXT',     kind: 'write',       bits: 48, transfer: 'multiple' },
  { opcode: 0x40, name: 'READ VERIFY',            kind: 'verify',      bits: 28, transfer: 'sector' },
  { opcode: 0x41, name: 'READ VERIFY, no retry',  kind: 'verify',      bits: 28, transfer: 'sector' },
  { opcode: 0x42, name: 'READ VERIFY EXT',        kind: 'verify',      bits: 48, transfer: 'sector' },
  { opcode: 0x70, name: 'SEEK',                   kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0x91, name: 'INITIALIZE DEVICE PARAMETERS', kind: 'setGeometry', bits: 28, transfer: 'sector' },
  { opcode: 0xc4, name: 'READ MULTIPLE',          kind: 'read',        bits: 28, transfer: 'multiple' },
  { opcode: 0xc5, name: 'WRITE MULTIPLE',         kind: 'write',       bits: 28, transfer: 'multiple' },
  { opcode: 0xc6, name: 'SET MULTIPLE MODE',      kind: 'setMultiple', bits: 28, transfer: 'sector' },
  { opcode: 0xc8, name: 'READ DMA',               kind: 'read',        bits: 28, transfer: 'dma' },
  { opcode: 0xc9, name: 'READ DMA, no retry',     kind: 'read',        bits: 28, transfer: 'dma' },
  { opcode: 0xca, name: 'WRITE DMA',              kind: 'write',       bits: 28, transfer: 'dma' },
  { opcode: 0xcb, name: 'WRITE DMA, no retry',    kind: 'write',       bits: 28, transfer: 'dma' },
  { opcode: 0xe0, name: 'STANDBY IMMEDIATE',      kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0xe1, name: 'IDLE IMMEDIATE',         kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0xe2, name: 'STANDBY',                kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0xe3, name: 'IDLE',                   kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0xe5, name: 'CHECK POWER MODE',       kind: 'powerMode',   bits: 28, transfer: 'sector' },
  { opcode: 0xe6, name: 'SLEEP',                  kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0xe7, name: 'FLUSH CACHE',            kind: 'nothing',     bits: 28, transfer: 'sector' },
  { opcode: 0xea, name: 'FLUSH CACHE EXT',        kind: 'nothing',     bits: 48, transfer: 'sector' },
  { opcode: 0xec, name: 'IDENTIFY DEVICE',        kind: 'identify',    bits: 28, transfer: 'sector' },
  { opcode: 0xef, name: 'SET FEATURES',           kind: 'setFeatures', bits: 28, transfer: 'sector' },
  { opcode: 0xf8, name: 'READ NATIVE MAX',        kind: 'nativeMax',   bits: 28, transfer: 'sector' },
];
const BY_OPCODE: ReadonlyMap<number, Command> = new Map(COMMANDS.map((row) => [row.opcode, row]));
/** RECALIBRATE, whose low digit is a step rate that nobody looks at. */
const isRecalibrate = (opcode: number): boolean => (opcode & 0xf0) === 0x10;

/** SET FEATURES subcommands that are accepted: transfer mode, and switches for what is not there. */
const SET_TRANSFER_MODE = 0x03;
const FEATURES_WITHOUT_EFFECT: readonly number[] = [0x02, 0x82, 0x55, 0xaa, 0x66, 0xcc];
const MODE_KIND = { PIO: 0x00, PIO_FLOW: 0x08, MULTIWORD: 0x20, ULTRA: 0x40 } as const;
const BEST_MULTIWORD = 2;
const BEST_ULTRA = 5;

function powerOn() {
  return {
    heads: HEADS,
    sectorsPerTrack: SECTORS_PER_TRACK,
    multiple: 0,
    multiwordMode: 0,
    ultraMode: 0,
    /** Of the transfer under way. */
    lba: 0,
    remaining: 0,
    block: 1,
  };
}

export class AtaDisk extends IdeDrive {
  protected override readonly signature = [0, 0] as const;
  protected override readonly statusAfterReset = STATUS.DRDY | STATUS.DSC;
  readonly #medium: DiskImage;
  #d = powerOn();

  /**
   * @param image becomes sectors of 512 bytes, the last filled with zeros. A disk has one cylinder at least:
   * firmware reads nothing from one without.
   */
  constructor(image: Uint8Array) {
    super();
    const sectors = Math.max(Math.ceil(image.length / ATA_SECTOR), HEADS * SECTORS_PER_TRACK);
    this.#medium = new DiskImage(image, ATA_SECTOR, sectors);
    this.reset();
  }

  protected override execute(opcode: number): void {
    const command = isRecalibrate(opcode) ? BY_OPCODE.get(0x70) : BY_OPCODE.get(opcode);
    if (command === undefined) {
      this.fail(ERROR.ABRT);
      return;
    }
    switch (command.kind) {
      case 'read':
      case 'write':
      case 'verify':
        this.#access(command);
        return;
      case 'identify':
        this.send('identify', this.#identify());
        return;
      case 'nothing':
        this.done();
        return;
      case 'powerMode':
        this.r.count = ACTIVE_OR_IDLE;
        this.done();
        return;
      case 'setMultiple':
        this.#setMultiple();
        return;
      case 'setFeatures':
        this.#setFeatures();
        return;
      case 'setGeometry':
        this.#d.heads = (this.r.device & 0x0f) + 1;
        this.#d.sectorsPerTrack = this.r.count;
        this.done();
        return;
      case 'nativeMax':
        this.#putAddress(this.#medium.sectors - 1, command.bits);
        this.done();
        return;
    }
  }

  protected override transferred(phase: string, bytes: Uint8Array): void {
    const d = this.#d;
    if (phase === 'identify') return;
    const sectors = bytes.length / ATA_SECTOR;
    if (phase.startsWith('out')) this.#medium.write(d.lba, bytes);
    d.lba += sectors;
    d.remaining -= sectors;
    if (d.remaining > 0) this.#nextBlock(phase, false);
    // the last block of a PIO read has been announced by its interrupt already
    else if (phase !== 'in') this.done();
  }

  protected override resetDrive(): void {
    // geometry and transfer modes are kept over a software reset only if asked for: they are not
    this.#d = powerOn();
  }

  protected override driveState(): DeviceState {
    return { ...takeState(STATE_VERSION, this.#d), medium: this.#medium.state() };
  }

  protected override restoreDrive(state: DeviceState): void {
    const { medium, ...own } = state;
    this.#d = readState('ATA disk', STATE_VERSION, own, powerOn());
    if (typeof medium !== 'object' || medium === null) throw new RangeError('ATA disk: no medium');
    this.#medium.restore(medium as DeviceState);
  }

  // Transfers

  #access({ kind, bits, transfer }: Command): void {
    const d = this.#d;
    d.lba = this.#address(bits);
    d.remaining = this.#sectorCount(bits);
    if (!this.#medium.has(d.lba, d.remaining)) {
      this.fail(ERROR.IDNF);
      return;
    }
    if (kind === 'verify') {
      this.done();
      return;
    }
    if (transfer === 'multiple' && d.multiple === 0) {
      this.fail(ERROR.ABRT);
      return;
    }
    d.block = transfer === 'multiple' ? d.multiple : transfer === 'dma' ? d.remaining : 1;
    if (transfer !== 'dma') this.#nextBlock(kind === 'read' ? 'in' : 'out', true);
    else if (kind === 'read') this.sendByDma('in by DMA', this.#medium.read(d.lba, d.remaining));
    else this.receiveByDma('out by DMA', d.remaining * ATA_SECTOR);
  }

  /** The first block that the host is to send is asked for without an interrupt. */
  #nextBlock(phase: string, first: boolean): void {
    const { lba, remaining, block } = this.#d;
    const count = Math.min(remaining, block);
    if (phase === 'in') this.send('in', this.#medium.read(lba, count));
    else this.receive('out', count * ATA_SECTOR, !first);
  }

  /** First sector, out of range where the registers name none (6.2 "Register delivered data transfer"). */
  #address(bits: 28 | 48): number {
    const { r } = this;
    const low24 = r.low + r.mid * 0x100 + r.high * 0x10000;
    if (bits === 48) {
      const { low, mid, high } = r.prior;
      return low24 + low * 2 ** 24 + mid * 2 ** 32 + high * 2 ** 40;
    }
    if ((r.device & DEVICE_LBA) !== 0) return low24 + (r.device & 0x0f) * 2 ** 24;
    const { heads, sectorsPerTrack } = this.#d;
    const head = r.device & 0x0f;
    if (r.low === 0 || r.low > sectorsPerTrack || head >= heads) return -1;
    return ((r.mid + r.high * 0x100) * heads + head) * sectorsPerTrack + r.low - 1;
  }
  #sectorCount(bits: 28 | 48): number {
    const { r } = this;
    if (bits === 28) return r.count === 0 ? 0x100 : r.count;
    const count = r.count + r.prior.count * 0x100;
    return count === 0 ? 0x10000 : count;
  }
  #putAddress(lba: number, bits: 28 | 48): void {
    const { r } = this;
    const shown = bits === 28 ? Math.min(lba, MOST_28_BITS - 1) : lba;
    Object.assign(r, { low: shown & 0xff, mid: (shown >>> 8) & 0xff, high: (shown >>> 16) & 0xff });
    const rest = Math.floor(shown / 2 ** 24);
    if (bits === 28) r.device = (r.device & 0xf0) | (rest & 0x0f);
    else Object.assign(r.prior, { low: rest & 0xff, mid: (rest >>> 8) & 0xff, high: rest >>> 16 });
  }

  // Settings

  #setMultiple(): void {
    const { count } = this.r;
    const possible = count <= MOST_MULTIPLE && (count & (count - 1)) === 0;
    this.#d.multiple = possible ? count : 0;
    if (possible) this.done();
    else this.fail(ERROR.ABRT);
  }

  #setFeatures(): void {
    const { features, count } = this.r;
    if (FEATURES_WITHOUT_EFFECT.includes(features) || this.#setMode(features, count)) this.done();
    else this.fail(ERROR.ABRT);
  }
  /** Transfer modes change nothing but what IDENTIFY DEVICE says: all are equally fast here. */
  #setMode(feature: number, value: number): boolean {
    if (feature !== SET_TRANSFER_MODE) return false;
    const mode = value & 7;
    const kind = value & 0xf8;
    if (kind === MODE_KIND.PIO || kind === MODE_KIND.PIO_FLOW) return mode <= 4;
    const multiword = kind === MODE_KIND.MULTIWORD && mode <= BEST_MULTIWORD;
    if (!multiword && !(kind === MODE_KIND.ULTRA && mode <= BEST_ULTRA)) return false;
    this.#d.multiwordMode = multiword ? 1 << mode : 0;
    this.#d.ultraMode = multiword ? 0 : 1 << mode;
    return true;
  }

  /** 8.15.8, 256 words. */
  #identify(): Uint8Array {
    const { heads, sectorsPerTrack, multiple, multiwordMode, ultraMode } = this.#d;
    const { sectors } = this.#medium;
    const cylinders = Math.min(MOST_CYLINDERS, Math.floor(sectors / (HEADS * SECTORS_PER_TRACK)));
    const current = Math.floor(sectors / (heads * Math.max(1, sectorsPerTrack)));
    const inChs = Math.min(current, 0xffff) * heads * sectorsPerTrack;
    const words = new Uint16Array(256);
    const put32 = (at: number, value: number): void => {
      words[at] = value & 0xffff;
      words[at + 1] = value >>> 16;
    };
    // prettier-ignore
    for (const [at, value] of [
      [0, 0x0040],                                    // fixed disk
      [1, cylinders], [3, HEADS], [6, SECTORS_PER_TRACK],
      [47, 0x8000 | MOST_MULTIPLE], [49, 0x0300],     // LBA and DMA
      [51, 0x0200], [53, 0x0007],                     // words 54-58, 64-70 and 88 are valid
      [54, Math.min(current, 0xffff)], [55, heads], [56, sectorsPerTrack],
      [59, multiple === 0 ? 0 : 0x100 | multiple],
      [63, (multiwordMode << 8) | 0x07], [64, 0x0003],
      [65, 120], [66, 120], [67, 120], [68, 120],     // ns a word
      [80, 0x0070],                                   // ATA/ATAPI-4, -5, -6
      [82, 0x0000], [83, 0x7400], [84, 0x4000],       // 48 bits, FLUSH CACHE (EXT)
      [85, 0x0000], [86, 0x3400], [87, 0x4000],
      [88, (ultraMode << 8) | 0x3f], [93, 0x604b],    // modes 0-5; 80-wire cable, device 0 passed
    ] as const) words[at] = value;
    put32(57, inChs);
    put32(60, Math.min(sectors, MOST_28_BITS));
    put32(100, sectors % 2 ** 32);
    words[102] = Math.floor(sectors / 2 ** 32);
    putText(words, 10, 20, 'GS00000001');
    putText(words, 23, 8, '1.0');
    putText(words, 27, 40, 'Guestscope disk');
    return new Uint8Array(words.buffer);
  }
}

/** ASCII in words, the first character in the high byte, filled with blanks. */
export function putText(words: Uint16Array, at: number, length: number, text: string): void {
  const padded = text.padEnd(length).slice(0, length);
  for (let index = 0; index < length; index += 2) {
    words[at + index / 2] = (padded.charCodeAt(index) << 8) | padded.charCodeAt(index + 1);
  }
}
