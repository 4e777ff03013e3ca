/**
 * A CD-ROM drive with a disc in it (ATA/ATAPI-6, T13/1410D, 8.21 to 8.23 "PACKET"; SCSI Primary Commands-3 and
 * Multimedia Commands-4): one data track of 2048-byte sectors, read only. Commands of 12 bytes come through
 * PACKET and answer through the data register or the bus master; each data block is at most as long as LBA mid
 * and high allow. What the switch in #packet does not know ends in CHECK CONDITION, illegal request.
 *
 * Not emulated: audio, raw sectors, changing or ejecting the disc (the tray stays shut), overlapped commands.
 */
import type { DeviceState } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { putText } from './ata-disk.ts';
import { DiskImage } from './disk-image.ts';
import { ERROR, IdeDrive } from './ide-drive.ts';

const STATE_VERSION = 1;
export const CD_SECTOR = 2048;
const PACKET_BYTES = 12;

const ATA = { DEVICE_RESET: 0x08, PACKET: 0xa0, IDENTIFY_PACKET: 0xa1, IDENTIFY: 0xec } as const;
const ATA_WITHOUT_EFFECT: readonly number[] = [0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0xe7, 0xef];
const CHECK_POWER_MODE = 0xe5;
const DMA_FEATURE = 0x01;

// prettier-ignore
const PACKET = {
  TEST_UNIT_READY: 0x00, REQUEST_SENSE: 0x03, INQUIRY: 0x12, MODE_SENSE_6: 0x1a, START_STOP_UNIT: 0x1b,
  PREVENT_REMOVAL: 0x1e, READ_CAPACITY: 0x25, READ_10: 0x28, SEEK_10: 0x2b, READ_TOC: 0x43,
  GET_CONFIGURATION: 0x46, GET_EVENT_STATUS: 0x4a, READ_DISC_INFORMATION: 0x51, MODE_SENSE_10: 0x5a,
  READ_12: 0xa8, SET_CD_SPEED: 0xbb, MECHANISM_STATUS: 0xbd,
} as const;

/** Sense key, additional code (SPC-3, 4.5). */
const SENSE = {
  NONE: [0, 0],
  POWER_ON: [6, 0x29],
  INVALID_OPCODE: [5, 0x20],
  INVALID_FIELD: [5, 0x24],
  OUT_OF_RANGE: [5, 0x21],
} as const satisfies { readonly [name: string]: readonly [number, number] };

/** LBA mid and high of packet devices; interrupt reason, in the sector count (8.23.6). */
const SIGNATURE = [0x14, 0xeb] as const;
const REASON = { COMMAND: 1, TO_HOST: 2, DONE: 3 } as const;
const FRAMES_PER_SECOND = 75;
const LEAD_IN_FRAMES = 150;
const LEAD_OUT = 0xaa;
const DATA_TRACK = 0x14;
const CURRENT_PROFILE_CD_ROM = 0x0008;

function powerOn() {
  return {
    /** A reset is to be told of, once. */
    attention: true,
    senseKey: 0,
    senseCode: 0,
    /** Of READ: next sector, sectors left. */
    sector: 0,
    remaining: 0,
    /** Bytes of a data block. */
    limit: 0,
    useDma: false,
  };
}

export class AtapiCdrom extends IdeDrive {
  protected override readonly signature = SIGNATURE;
  protected override readonly statusAfterReset = 0;
  readonly #disc: DiskImage;
  #d = powerOn();

  /** @param image sectors of 2048 bytes; the last is filled with zeros. */
  constructor(image: Uint8Array) {
    super();
    this.#disc = new DiskImage(image, CD_SECTOR);
    this.reset();
  }

  protected override execute(command: number): void {
    if (command === ATA.PACKET) {
      this.#d.useDma = (this.r.features & DMA_FEATURE) !== 0;
      this.#d.limit = this.r.mid | (this.r.high << 8);
      this.receive('out packet', PACKET_BYTES, false);
      this.r.count = REASON.COMMAND;
    } else if (command === ATA.IDENTIFY_PACKET) {
      this.send('identify', identifyPacketDevice());
    } else if (command === ATA.DEVICE_RESET) {
      this.reset();
    } else if (command === CHECK_POWER_MODE) {
      this.r.count = 0xff;
      this.done();
    } else if (ATA_WITHOUT_EFFECT.includes(command)) {
      this.done();
    } else {
      // a packet device says what it is when it is taken for a disk (8.15.5)
      if (command === ATA.IDENTIFY) this.setSignature();
      this.fail(ERROR.ABRT);
    }
  }

  protected override transferred(phase: string, bytes: Uint8Array): void {
    if (phase === 'identify') return;
    if (phase === 'out packet') this.#packet(bytes);
    else if (phase === 'in sectors' && this.#d.remaining > 0) this.#sendSectors();
    else this.#good();
  }

  protected override resetDrive(): void {
    this.#d = powerOn();
  }

  protected override driveState(): DeviceState {
    return takeState(STATE_VERSION, this.#d);
  }

  protected override restoreDrive(state: DeviceState): void {
    this.#d = readState('CD-ROM drive', STATE_VERSION, state, powerOn());
  }

  // Packet commands

  #packet(packet: Uint8Array): void {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const operation = packet[0];
    if (this.#d.attention && operation !== PACKET.INQUIRY) {
      this.#d.attention = false;
      this.#sense(SENSE.POWER_ON);
      if (operation !== PACKET.REQUEST_SENSE) {
        this.#check(SENSE.POWER_ON);
        return;
      }
    }
    if (operation !== PACKET.REQUEST_SENSE) this.#sense(SENSE.NONE);
    switch (operation) {
      case PACKET.TEST_UNIT_READY:
      case PACKET.START_STOP_UNIT:
      case PACKET.PREVENT_REMOVAL:
      case PACKET.SET_CD_SPEED:
        this.#good();
        return;
      case PACKET.REQUEST_SENSE:
        this.#answer(this.#senseData(), packet[4]);
        this.#sense(SENSE.NONE);
        return;
      case PACKET.INQUIRY:
        this.#answer(INQUIRY_DATA, packet[4]);
        return;
      case PACKET.READ_CAPACITY:
        this.#answer([...big32(this.#disc.sectors - 1), ...big32(CD_SECTOR)], 8);
        return;
      case PACKET.READ_10:
        this.#read(view.getUint32(2), view.getUint16(7));
        return;
      case PACKET.READ_12:
        this.#read(view.getUint32(2), view.getUint32(6));
        return;
      case PACKET.SEEK_10:
        if (this.#disc.has(view.getUint32(2), 1)) this.#good();
        else this.#check(SENSE.OUT_OF_RANGE);
        return;
      case PACKET.READ_TOC:
        this.#readToc(packet, view.getUint16(7));
        return;
      case PACKET.GET_CONFIGURATION:
        this.#answer(CONFIGURATION, view.getUint16(7));
        return;
      case PACKET.GET_EVENT_STATUS:
        // media class: no change, a disc is in
        if ((packet[1] & 1) === 0) this.#check(SENSE.INVALID_FIELD);
        else this.#answer([0, 6, 4, 0x10, 0, 2, 0, 0], view.getUint16(7));
        return;
      case PACKET.READ_DISC_INFORMATION:
        this.#answer(DISC_INFORMATION, view.getUint16(7));
        return;
      case PACKET.MODE_SENSE_6:
        this.#modeSense(packet[2] & 0x3f, 4, packet[4]);
        return;
      case PACKET.MODE_SENSE_10:
        this.#modeSense(packet[2] & 0x3f, 8, view.getUint16(7));
        return;
      case PACKET.MECHANISM_STATUS:
        this.#answer([0, 0, 0, 0, 0, 1, 0, 0], view.getUint16(8));
        return;
      default:
        this.#check(SENSE.INVALID_OPCODE);
    }
  }

  #read(sector: number, count: number): void {
    if (!this.#disc.has(sector, count)) {
      this.#check(SENSE.OUT_OF_RANGE);
      return;
    }
    if (count === 0) {
      this.#good();
      return;
    }
    this.#d.sector = sector;
    this.#d.remaining = count;
    this.#sendSectors();
  }
  /** One block of PIO: whole sectors where the limit has room for one. DMA moves everything at once. */
  #sendSectors(): void {
    const d = this.#d;
    if (d.useDma) {
      const bytes = this.#disc.read(d.sector, d.remaining);
      d.remaining = 0;
      this.#sendByDma(bytes);
      return;
    }
    const fits = Math.max(1, Math.floor(this.#limit() / CD_SECTOR));
    const count = Math.min(d.remaining, fits);
    const bytes = this.#disc.read(d.sector, count);
    d.sector += count;
    d.remaining -= count;
    this.#sendBlock('in sectors', bytes);
  }

  /** READ TOC/PMA/ATIP (MMC-4, 6.30): one track, or one session of it. */
  #readToc(packet: Uint8Array, length: number): void {
    const msf = (packet[1] & 2) !== 0;
    // the format stands in byte 2, or where older drives had it
    const format = packet[2] & 0x0f || packet[9] >> 6;
    const from = packet[6];
    const place = (sector: number): readonly number[] => (msf ? minutes(sector) : big32(sector));
    const track = (number: number, sector: number): readonly number[] => [
      0, DATA_TRACK, number, 0, ...place(sector),
    ]; // prettier-ignore
    if (format === 0 && (from <= 1 || from === LEAD_OUT)) {
      const rows = [...(from <= 1 ? track(1, 0) : []), ...track(LEAD_OUT, this.#disc.sectors)];
      this.#answer([0, rows.length + 2, 1, 1, ...rows], length);
    } else if (format === 1) {
      this.#answer([0, 10, 1, 1, ...track(1, 0)], length);
    } else {
      this.#check(SENSE.INVALID_FIELD);
    }
  }

  /** Page 2Ah, capabilities, or all pages: the same (MMC-4, 7.6). */
  #modeSense(page: number, headerBytes: 4 | 8, length: number): void {
    if (page !== CAPABILITIES_PAGE && page !== ALL_PAGES) {
      this.#check(SENSE.INVALID_FIELD);
      return;
    }
    const header = new Array<number>(headerBytes).fill(0);
    const total = headerBytes + CAPABILITIES.length;
    if (headerBytes === 4) header[0] = total - 1;
    else header[1] = total - 2;
    this.#answer([...header, ...CAPABILITIES], length);
  }

  // How they end

  #answer(bytes: readonly number[], length: number): void {
    const data = Uint8Array.from(bytes.slice(0, length));
    if (data.length === 0) this.#good();
    else if (this.#d.useDma) this.#sendByDma(data);
    else this.#sendBlock('in answer', data);
  }
  #sendByDma(bytes: Uint8Array): void {
    this.r.count = REASON.TO_HOST;
    this.sendByDma('in by DMA', bytes);
  }
  #sendBlock(phase: string, bytes: Uint8Array): void {
    this.send(phase, bytes);
    Object.assign(this.r, {
      count: REASON.TO_HOST, mid: bytes.length & 0xff, high: bytes.length >> 8,
    }); // prettier-ignore
  }
  /** Bytes of a block, even, at least one sector: smaller limits are not used by anything known. */
  #limit(): number {
    const { limit } = this.#d;
    return limit === 0 || limit === 0xffff ? 0xfffe : limit;
  }
  #good(): void {
    this.done();
    this.r.count = REASON.DONE;
  }
  /** CHECK CONDITION; REQUEST SENSE tells more. */
  #check(sense: readonly [number, number]): void {
    this.#sense(sense);
    this.fail((sense[0] << 4) | ERROR.ABRT);
    this.r.count = REASON.DONE;
  }
  #sense([key, code]: readonly [number, number]): void {
    this.#d.senseKey = key;
    this.#d.senseCode = code;
  }
  /** Fixed format, current errors (SPC-3, 4.5.3). */
  #senseData(): readonly number[] {
    const { senseKey, senseCode } = this.#d;
    return [0x70, 0, senseKey, 0, 0, 0, 0, 10, 0, 0, 0, 0, senseCode, 0, 0, 0, 0, 0];
  }
}

const ALL_PAGES = 0x3f;
const CAPABILITIES_PAGE = 0x2a;
/** Reads CD-R and CD-RW, tray, 24 × 176 KB/s, 512 KiB of buffer. */
// prettier-ignore
const CAPABILITIES = [
  CAPABILITIES_PAGE, 18, 0x03, 0, 0x01, 0x00, 0x29, 0,
  0x10, 0x80, 0, 0, 0x02, 0x00, 0x10, 0x80, 0, 0, 0, 0,
] as const;
/** CD-ROM drive, removable; standard data of SPC-3, 6.4.2, ATAPI's response format. */
// prettier-ignore
const INQUIRY_DATA = [
  0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0,
  ...text('GSCOPE', 8), ...text('Guestscope CD', 16), ...text('1.0', 4),
];
/** Header with the current profile; profile list, core (MMC-4, 5.3). */
// prettier-ignore
const CONFIGURATION = [
  0, 0, 0, 24, 0, 0, 0, CURRENT_PROFILE_CD_ROM,
  0x00, 0x00, 0x03, 4, 0x00, CURRENT_PROFILE_CD_ROM, 0x01, 0,
  0x00, 0x01, 0x0b, 8, 0, 0, 0, 0x02, 0x01, 0, 0, 0,
] as const;
/** A finished disc with one session and one track (MMC-4, 6.26). */
const DISC_INFORMATION = [0, 32, 0x0e, 1, 1, 1, 1, 0x20, ...new Array<number>(26).fill(0)];

function identifyPacketDevice(): Uint8Array {
  const words = new Uint16Array(256);
  // prettier-ignore
  for (const [at, value] of [
    [0, 0x85c0],                                      // ATAPI, CD-ROM, removable, DRQ soon, 12-byte packets
    [49, 0x0300], [53, 0x0006], [63, 0x0007], [64, 0x0003],
    [65, 120], [66, 120], [67, 120], [68, 120],
    [80, 0x0070], [82, 0x4010], [83, 0x4000], [84, 0x4000], [85, 0x4010], [87, 0x4000],
    [88, 0x003f], [93, 0x604b],
  ] as const) words[at] = value;
  putText(words, 10, 20, 'GS00000002');
  putText(words, 23, 8, '1.0');
  putText(words, 27, 40, 'Guestscope CD-ROM');
  return new Uint8Array(words.buffer);
}

/** Reserved, minute, second, frame. */
function minutes(sector: number): readonly number[] {
  const frames = sector + LEAD_IN_FRAMES;
  const seconds = Math.floor(frames / FRAMES_PER_SECOND);
  return [0, Math.floor(seconds / 60) & 0xff, seconds % 60, frames % FRAMES_PER_SECOND];
}

function big32(value: number): readonly number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function text(characters: string, length: number): readonly number[] {
  return [...characters.padEnd(length)].map((character) => character.charCodeAt(0));
}
