/**
 * Floppy disk controller Intel 82077AA (data sheet 290166) with one drive.
 *
 *   3F2h DOR: 1:0 drive, 2 no reset, 3 DMA and interrupt gate, 7:4 motors      3F3h TDR
 *   3F4h MSR: 7 RQM, 6 DIO, 4 busy / DSR: 7 reset, 1:0 rate                    3F5h data
 *   3F7h DIR: 7 disk change / CCR: 1:0 rate
 *
 * A command is a few bytes, its data go through DMA channel 2, its result is a few bytes again (chapter 5).
 * Everything happens as the last byte of the command comes: heads move and the disk turns at once. Not
 * emulated: data through the port (the non-DMA mode of SPECIFY, a read then ends as overrun), deleted data
 * marks and SCAN, formats other than 512-byte sectors, the second and further drives.
 */
import type { DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { DiskImage } from './disk-image.ts';
import { FLOPPY_SECTOR, floppyBytes, type FloppyFormat } from './floppy-formats.ts';
import type { Intel8237 } from './intel-8237.ts';

const STATE_VERSION = 1;
const DMA_CHANNEL = 2;
const DRIVES = 4;
const SIZE_CODE_512 = 2;

const PORT = { DOR: 0x3f2, TDR: 0x3f3, STATUS: 0x3f4, DATA: 0x3f5, DIR: 0x3f7 } as const;
const DOR = { NO_RESET: 0x04, GATE: 0x08 } as const;
const DSR_RESET = 0x80;
const MSR = { RQM: 0x80, DIO: 0x40, BUSY: 0x10 } as const;
const DISK_CHANGE = 0x80;
const FILE_OF_NON_DMA = 0x01;

const ST0 = { ABNORMAL: 0x40, INVALID: 0x80, POLLING: 0xc0, SEEK_END: 0x20, CHECK: 0x10 } as const;
const ST1 = { MISSING_MARK: 0x01, NO_DATA: 0x04, OVERRUN: 0x10, END_OF_CYLINDER: 0x80 } as const;
const ST2 = { WRONG_CYLINDER: 0x10 } as const;
const ST3 = { TWO_SIDES: 0x08, TRACK0: 0x10, READY: 0x20 } as const;
const MULTITRACK = 0x80;
const HEAD = 0x04;

type Verb =
  | 'read' | 'write' | 'verify' | 'format' | 'readId' | 'recalibrate' | 'seek' | 'senseInterrupt'
  | 'senseDrive' | 'specify' | 'configure' | 'version' | 'dumpRegisters' | 'perpendicular' | 'lock'; // prettier-ignore
interface Command {
  /** The opcode under `mask`; the other bits are options. */
  readonly mask: number;
  readonly opcode: number;
  readonly parameters: number;
  readonly verb: Verb;
}

// prettier-ignore
const COMMANDS: readonly Command[] = [
  { mask: 0x1f, opcode: 0x06, parameters: 8, verb: 'read' },
  { mask: 0x3f, opcode: 0x05, parameters: 8, verb: 'write' },
  { mask: 0x1f, opcode: 0x16, parameters: 8, verb: 'verify' },
  { mask: 0xbf, opcode: 0x0d, parameters: 5, verb: 'format' },
  { mask: 0xbf, opcode: 0x0a, parameters: 1, verb: 'readId' },
  { mask: 0xff, opcode: 0x07, parameters: 1, verb: 'recalibrate' },
  { mask: 0xff, opcode: 0x0f, parameters: 2, verb: 'seek' },
  { mask: 0xff, opcode: 0x08, parameters: 0, verb: 'senseInterrupt' },
  { mask: 0xff, opcode: 0x04, parameters: 1, verb: 'senseDrive' },
  { mask: 0xff, opcode: 0x03, parameters: 2, verb: 'specify' },
  { mask: 0xff, opcode: 0x13, parameters: 3, verb: 'configure' },
  { mask: 0xff, opcode: 0x10, parameters: 0, verb: 'version' },
  { mask: 0xff, opcode: 0x0e, parameters: 0, verb: 'dumpRegisters' },
  { mask: 0xff, opcode: 0x12, parameters: 1, verb: 'perpendicular' },
  { mask: 0x7f, opcode: 0x14, parameters: 0, verb: 'lock' },
];
const VERSION_82077 = 0x90;

/** Cylinder, head, sector from 1. */
interface Place {
  cylinder: number;
  head: number;
  sector: number;
}

function powerOn() {
  return {
    dor: 0,
    tape: 0,
    rate: 0,
    command: [] as number[],
    result: [] as number[],
    /** Cylinder under each drive's head. */
    tracks: new Array<number>(DRIVES).fill(0),
    /** ST0 that SENSE INTERRUPT STATUS has yet to tell, by drive; 0 none. */
    pending: new Array<number>(DRIVES).fill(0),
    specified: [0, 0],
    configured: [0, 0, 0],
    perpendicular: 0,
    locked: false,
    diskChanged: true,
    interrupt: false,
  };
}

export interface FloppyWiring {
  readonly interrupt: Line;
  readonly dma: Intel8237;
  /** What lies in drive 0, or null: the drive is not there. */
  readonly medium: { readonly image: Uint8Array; readonly format: FloppyFormat } | null;
}

export class Intel82077aa implements PortDevice {
  readonly #wiring: FloppyWiring;
  readonly #format: FloppyFormat | null;
  readonly #medium: DiskImage | null;
  #r = powerOn();

  constructor(wiring: FloppyWiring) {
    this.#wiring = wiring;
    const { medium } = wiring;
    this.#format = medium?.format ?? null;
    this.#medium =
      medium === null
        ? null
        : new DiskImage(medium.image, FLOPPY_SECTOR, floppyBytes(medium.format) / FLOPPY_SECTOR);
  }

  readPort(port: number, _size: number): number {
    const r = this.#r;
    switch (port) {
      case PORT.DOR:
        return r.dor;
      case PORT.TDR:
        return r.tape;
      case PORT.STATUS:
        return this.#mainStatus();
      case PORT.DATA:
        return this.#nextResult();
      case PORT.DIR: {
        const motor = (r.dor >> (4 + (r.dor & 3))) & 1;
        const drive0 = (r.dor & 3) === 0 && this.#medium !== null;
        return motor !== 0 && (!drive0 || r.diskChanged) ? DISK_CHANGE : 0;
      }
      default:
        return 0xff;
    }
  }

  writePort(port: number, _size: number, value: number): void {
    const r = this.#r;
    switch (port) {
      case PORT.DOR: {
        const before = r.dor;
        r.dor = value;
        if ((value & DOR.NO_RESET) === 0) this.#enterReset();
        else if ((before & DOR.NO_RESET) === 0) this.#leaveReset();
        this.#update();
        return;
      }
      case PORT.TDR:
        r.tape = value & 3;
        return;
      case PORT.STATUS:
        r.rate = value & 3;
        if ((value & DSR_RESET) === 0) return;
        this.#enterReset();
        this.#leaveReset();
        return;
      case PORT.DATA:
        this.#nextCommandByte(value);
        return;
      case PORT.DIR:
        r.rate = value & 3;
        return;
      default:
    }
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = powerOn();
    this.#wiring.interrupt.set(false);
  }

  state(): DeviceState {
    const medium = this.#medium?.state() ?? null;
    const { command, result, ...rest } = this.#r;
    return { ...takeState(STATE_VERSION, { ...rest, command, result }), medium };
  }

  restore(state: DeviceState): void {
    const { medium, ...own } = state;
    this.#r = readState('82077AA', STATE_VERSION, own, powerOn());
    if (this.#medium === null) return;
    if (typeof medium !== 'object' || medium === null) throw new RangeError('82077AA: no medium');
    this.#medium.restore(medium as DeviceState);
  }

  // Command, result

  #mainStatus(): number {
    const { dor, command, result } = this.#r;
    if ((dor & DOR.NO_RESET) === 0) return 0;
    if (result.length > 0) return MSR.RQM | MSR.DIO | MSR.BUSY;
    return MSR.RQM | (command.length > 0 ? MSR.BUSY : 0);
  }
  #nextResult(): number {
    const byte = this.#r.result.shift();
    this.#setInterrupt(false);
    return byte ?? 0xff;
  }
  #nextCommandByte(value: number): void {
    const r = this.#r;
    if ((r.dor & DOR.NO_RESET) === 0 || r.result.length > 0) return;
    r.command.push(value & 0xff);
    const row = COMMANDS.find(({ mask, opcode }) => (r.command[0] & mask) === opcode);
    if (row === undefined) {
      r.command = [];
      r.result = [ST0.INVALID];
    } else if (r.command.length > row.parameters) {
      const bytes = r.command;
      r.command = [];
      this.#execute(row.verb, bytes);
    }
  }

  #execute(verb: Verb, bytes: readonly number[]): void {
    const r = this.#r;
    const drive = (bytes[1] ?? 0) & 3;
    switch (verb) {
      case 'read':
      case 'write':
      case 'verify':
        this.#transfer(verb, bytes);
        return;
      case 'format':
        this.#formatTrack(bytes);
        return;
      case 'readId':
        this.#readId(drive, bytes[1] & HEAD);
        return;
      case 'recalibrate':
        this.#moveTo(drive, 0);
        return;
      case 'seek':
        this.#moveTo(drive, bytes[2]);
        return;
      case 'senseInterrupt':
        this.#senseInterrupt();
        return;
      case 'senseDrive':
        r.result = [this.#driveStatus(drive) | (bytes[1] & 7)];
        return;
      case 'specify':
        r.specified = [bytes[1], bytes[2]];
        return;
      case 'configure':
        r.configured = [bytes[1], bytes[2], bytes[3]];
        return;
      case 'version':
        r.result = [VERSION_82077];
        return;
      case 'dumpRegisters':
        r.result = [
          ...r.tracks, ...r.specified, this.#format?.sectorsPerTrack ?? 0,
          (r.locked ? 0x80 : 0) | r.perpendicular, r.configured[1], r.configured[2],
        ]; // prettier-ignore
        return;
      case 'perpendicular':
        r.perpendicular = bytes[1] & 0x3f;
        return;
      case 'lock':
        r.locked = (bytes[0] & 0x80) !== 0;
        r.result = [r.locked ? 0x10 : 0];
        return;
    }
  }

  // Heads

  #moveTo(drive: number, cylinder: number): void {
    const r = this.#r;
    const there = drive === 0 && this.#medium !== null;
    r.tracks[drive] = cylinder;
    if (there) r.diskChanged = false;
    r.pending[drive] = ST0.SEEK_END | drive | (there ? 0 : ST0.ABNORMAL | ST0.CHECK);
    this.#setInterrupt(true);
  }
  #senseInterrupt(): void {
    const r = this.#r;
    const drive = r.pending.findIndex((status) => status !== 0);
    this.#setInterrupt(false);
    if (drive < 0) {
      r.result = [ST0.INVALID];
      return;
    }
    r.result = [r.pending[drive], r.tracks[drive]];
    r.pending[drive] = 0;
  }
  #driveStatus(drive: number): number {
    if (drive !== 0 || this.#format === null) return 0;
    const sides = this.#format.heads === 2 ? ST3.TWO_SIDES : 0;
    return ST3.READY | sides | (this.#r.tracks[0] === 0 ? ST3.TRACK0 : 0);
  }

  // Sectors

  /** The head finds sectors: a drive with a disk in it, read at its rate. */
  #isReadable(drive: number): boolean {
    const { rate, tracks } = this.#r;
    if (drive !== 0 || this.#format === null) return false;
    return this.#format.rates.includes(rate) && tracks[0] < this.#format.cylinders;
  }
  /** Sector number on the medium, or -1 where the track under the head has no such sector. */
  #sectorAt({ cylinder, head, sector }: Place): number {
    const format = this.#format;
    if (format === null || cylinder !== this.#r.tracks[0] || head >= format.heads) return -1;
    if (sector < 1 || sector > format.sectorsPerTrack) return -1;
    return (cylinder * format.heads + head) * format.sectorsPerTrack + sector - 1;
  }

  #readId(drive: number, head: number): void {
    const place = { cylinder: this.#r.tracks[drive], head: head >> 2, sector: 1 };
    const found = this.#isReadable(drive) && this.#sectorAt(place) >= 0;
    this.#finish(drive, place, found ? [0, 0, 0] : [ST0.ABNORMAL, ST1.MISSING_MARK, 0]);
  }

  #transfer(verb: 'read' | 'write' | 'verify', bytes: readonly number[]): void {
    const drive = bytes[1] & 3;
    const place: Place = { cylinder: bytes[2], head: bytes[3], sector: bytes[4] };
    const last = bytes[6];
    const multitrack = (bytes[0] & MULTITRACK) !== 0;
    if (!this.#isReadable(drive)) {
      this.#finish(drive, place, [ST0.ABNORMAL, ST1.MISSING_MARK, 0]);
      return;
    }
    if (place.cylinder !== this.#r.tracks[0]) {
      this.#finish(drive, place, [ST0.ABNORMAL, ST1.NO_DATA, ST2.WRONG_CYLINDER]);
      return;
    }
    for (;;) {
      const sector = bytes[5] === SIZE_CODE_512 ? this.#sectorAt(place) : -1;
      if (sector < 0) {
        this.#finish(drive, place, [ST0.ABNORMAL, ST1.NO_DATA, 0]);
        return;
      }
      const moved = this.#moveSector(verb, sector);
      if (moved === 'overrun') {
        this.#finish(drive, place, [ST0.ABNORMAL, ST1.OVERRUN, 0]);
        return;
      }
      const onTrack = this.#nextSector(place, last, multitrack);
      if (moved === 'ended' || (verb === 'verify' && !onTrack)) {
        this.#finish(drive, place, [0, 0, 0]);
        return;
      }
      if (!onTrack) {
        this.#finish(drive, place, [ST0.ABNORMAL, ST1.END_OF_CYLINDER, 0]);
        return;
      }
    }
  }
  /** One sector and DMA; 'ended' at its terminal count. */
  #moveSector(verb: 'read' | 'write' | 'verify', sector: number): 'moved' | 'ended' | 'overrun' {
    const { dma } = this.#wiring;
    const medium = this.#medium;
    if (medium === null) return 'overrun';
    if (verb === 'verify') return 'moved';
    if ((this.#r.specified[1] & FILE_OF_NON_DMA) !== 0) return 'overrun';
    if (verb === 'read') {
      const { moved, ended } = dma.write(DMA_CHANNEL, medium.read(sector, 1));
      if (ended) return 'ended';
      return moved === FLOPPY_SECTOR ? 'moved' : 'overrun';
    }
    const { bytes, ended } = dma.read(DMA_CHANNEL, FLOPPY_SECTOR);
    if (bytes.length === 0) return 'overrun';
    // a sector that the host does not fill ends in zeros (5.1.4)
    const whole = new Uint8Array(FLOPPY_SECTOR);
    whole.set(bytes);
    medium.write(sector, whole);
    if (ended) return 'ended';
    return bytes.length === FLOPPY_SECTOR ? 'moved' : 'overrun';
  }
  /** Goes on as table 5-6 says; false: that was the last. */
  #nextSector(place: Place, last: number, multitrack: boolean): boolean {
    if (place.sector < last) {
      place.sector++;
      return true;
    }
    place.sector = 1;
    if (multitrack && place.head === 0) {
      place.head = 1;
      return true;
    }
    place.cylinder = (place.cylinder + 1) & 0xff;
    if (multitrack) place.head = 0;
    return false;
  }

  /** FORMAT TRACK: four bytes for each sector say where it is; all are filled with one value. */
  #formatTrack(bytes: readonly number[]): void {
    const drive = bytes[1] & 3;
    const head = (bytes[1] & HEAD) >> 2;
    const place: Place = { cylinder: this.#r.tracks[drive], head, sector: 1 };
    const medium = this.#medium;
    const usable = this.#isReadable(drive) && bytes[2] === SIZE_CODE_512 && medium !== null;
    for (let count = 0; count < bytes[3]; count++) {
      const { bytes: id } = this.#wiring.dma.read(DMA_CHANNEL, 4);
      const sector =
        usable && id.length === 4
          ? this.#sectorAt({ cylinder: id[0], head: id[1], sector: id[2] })
          : -1;
      if (sector < 0 || medium === null) {
        this.#finish(drive, place, [ST0.ABNORMAL, ST1.MISSING_MARK, 0]);
        return;
      }
      medium.write(sector, new Uint8Array(FLOPPY_SECTOR).fill(bytes[5]));
    }
    this.#finish(drive, place, [0, 0, 0]);
  }

  /** The seven bytes of result (5.1), and the interrupt. */
  #finish(drive: number, place: Place, [st0, st1, st2]: readonly [number, number, number]): void {
    const { cylinder, head, sector } = place;
    this.#r.result = [
      st0 | ((head & 1) << 2) | drive, st1, st2, cylinder, head, sector, SIZE_CODE_512,
    ]; // prettier-ignore
    this.#setInterrupt(true);
  }

  // Reset, interrupt

  #enterReset(): void {
    const r = this.#r;
    r.command = [];
    r.result = [];
    r.pending.fill(0);
    if (!r.locked) r.configured = [0, 0, 0];
    this.#setInterrupt(false);
  }
  /** After a reset the drives are polled: four SENSE INTERRUPT STATUS say so (6.1). */
  #leaveReset(): void {
    for (let drive = 0; drive < DRIVES; drive++) this.#r.pending[drive] = ST0.POLLING | drive;
    this.#setInterrupt(true);
  }
  #setInterrupt(level: boolean): void {
    this.#r.interrupt = level;
    this.#update();
  }
  #update(): void {
    this.#wiring.interrupt.set(this.#r.interrupt && (this.#r.dor & DOR.GATE) !== 0);
  }
}
