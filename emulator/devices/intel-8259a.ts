/**
 * Intel 8259A programmable interrupt controller (data sheet 231468-003), two of which make IRQ 0-15 of a
 * PC, with the edge/level control register that the PIIX added (82371FB/SB data sheet 290550, "ELCR").
 *
 *   20h/A0h   write ICW1, OCW2, OCW3; read IRR, ISR or the poll word
 *   21h/A1h   write ICW2, ICW3, ICW4, then OCW1 (IMR); read IMR
 *   4D0h/4D1h ELCR, one bit per input, 1 = level
 *
 * Not emulated: MCS-80/85 vectoring (ICW4.uPM = 0 is taken as 8086 mode) and the buffered-mode pin.
 */
import type { DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
/** Vector of a request that has gone before its INTA, "DEFAULT IR7". */
const DEFAULT_INPUT = 7;

// ICW1
const ICW1 = 0x10;
const ICW1_LTIM = 0x08;
const ICW1_SNGL = 0x02;
const ICW1_IC4 = 0x01;
// ICW4
const ICW4_SFNM = 0x10;
const ICW4_AEOI = 0x02;
// OCW3
const OCW3 = 0x08;
const OCW3_ESMM = 0x40;
const OCW3_SMM = 0x20;
const OCW3_POLL = 0x04;
const OCW3_RR = 0x02;
const OCW3_RIS = 0x01;

/** OCW2 bits 7-5: R, SL, EOI. */
const OCW2_COMMAND = {
  rotateInAeoiClear: 0,
  eoi: 1,
  noOperation: 2,
  specificEoi: 3,
  rotateInAeoiSet: 4,
  rotateOnEoi: 5,
  setPriority: 6,
  rotateOnSpecificEoi: 7,
} as const;

export interface Intel8259AWiring {
  /** INT pin. */
  readonly interrupt: Line;
  /** ELCR bits that can be set: F8h on the master, DEh on the slave of a PC. */
  readonly levelCapable: number;
  /** On a master: the slave at IR2, asked for the vector when ICW3 says that it is there. */
  readonly slave?: Intel8259A;
}

function powerOn() {
  return {
    /** Levels on IR0-7. */
    lines: 0,
    /** Edge latches; of a level input the line itself is the request. */
    latch: 0,
    /** All masked until programmed: there is no firmware to rely on. */
    imr: 0xff,
    isr: 0,
    elcr: 0,
    vectorBase: 0,
    icw3: 0,
    lowestPriority: 7,
    /** Next initialization word: 2, 3, 4, or 0 when initialized. */
    expects: 0,
    icw1: 0,
    icw4: 0,
    rotateInAeoi: false,
    specialMask: false,
    readIsr: false,
    poll: false,
    interrupt: false,
  };
}

export class Intel8259A implements PortDevice {
  /** IR0-IR7. */
  readonly inputs: readonly Line[];
  readonly #wiring: Intel8259AWiring;
  #r = powerOn();

  constructor(wiring: Intel8259AWiring) {
    this.#wiring = wiring;
    this.inputs = Array.from({ length: 8 }, (_, input) => ({
      set: (level: boolean) => this.#setInput(1 << input, level),
    }));
  }

  readPort(port: number, _size: number): number {
    if (isElcr(port)) return this.#r.elcr;
    if (this.#r.poll) return this.#pollWord();
    if (port & 1) return this.#r.imr;
    return this.#r.readIsr ? this.#r.isr : this.#requests();
  }

  writePort(port: number, _size: number, value: number): void {
    const byte = value & 0xff;
    if (isElcr(port)) this.#r.elcr = byte & this.#wiring.levelCapable;
    else if (port & 1) this.#writeHigh(byte);
    else if (byte & ICW1) this.#initialize(byte);
    else if (byte & OCW3) this.#writeOcw3(byte);
    else this.#writeOcw2(byte);
    this.#update();
  }

  /** The vector that acknowledge() would return now, without effect. */
  get pendingVector(): number {
    const input = this.#candidate();
    if (input < 0) return this.#r.vectorBase | DEFAULT_INPUT;
    const slave = this.#cascaded(1 << input) ? this.#wiring.slave : undefined;
    return slave?.pendingVector ?? this.#r.vectorBase | input;
  }

  /** The INTA sequence: moves the request to in-service and returns its vector, 0-255. */
  acknowledge(): number {
    const input = this.#candidate();
    if (input < 0) return this.#r.vectorBase | DEFAULT_INPUT;
    // INT goes low on INTA, so that what remains is a new edge for a master.
    this.#drive(false);
    this.#serve(input);
    const slave = this.#cascaded(1 << input) ? this.#wiring.slave : undefined;
    const vector = slave ? slave.acknowledge() : this.#r.vectorBase | input;
    this.#update();
    return vector;
  }

  nextDeadline(): number {
    return Infinity;
  }

  advance(_now: number): void {}

  reset(): void {
    this.#r = { ...powerOn(), lines: this.#r.lines, interrupt: this.#r.interrupt };
    this.#update();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('8259A', STATE_VERSION, state, powerOn());
  }

  /** IRR: latched edges, and the lines themselves where an input is level triggered. */
  #requests(): number {
    const level = this.#r.icw1 & ICW1_LTIM ? 0xff : this.#r.elcr;
    return (this.#r.latch & ~level) | (this.#r.lines & level);
  }

  #setInput(bit: number, level: boolean): void {
    const was = (this.#r.lines & bit) !== 0;
    if (was === level) return;
    if (level) {
      this.#r.lines |= bit;
      this.#r.latch |= bit;
    } else {
      // "The IR input must remain high until after the falling edge of the first INTA."
      this.#r.lines &= ~bit;
      this.#r.latch &= ~bit;
    }
    this.#update();
  }

  #cascaded(bit: number): boolean {
    return (this.#r.icw1 & ICW1_SNGL) === 0 && (this.#r.icw3 & bit) !== 0;
  }

  /** The input that the priority resolver would serve now, or -1. */
  #candidate(): number {
    const { imr, isr, icw4, specialMask, lowestPriority } = this.#r;
    const requests = this.#requests() & ~imr;
    if (requests === 0) return -1;
    const inService = specialMask ? isr & ~imr : isr;
    for (let step = 1; step <= 8; step++) {
      const input = (lowestPriority + step) & 7;
      const bit = 1 << input;
      const blocked = (inService & bit) !== 0;
      // Special fully nested mode: a slave that is in service may interrupt again.
      const nested = blocked && (icw4 & ICW4_SFNM) !== 0 && this.#cascaded(bit);
      if (requests & bit && (!blocked || nested)) return input;
      if (blocked) return -1;
    }
    return -1;
  }

  #serve(input: number): void {
    this.#r.latch &= ~(1 << input);
    if (this.#r.icw4 & ICW4_AEOI) {
      if (this.#r.rotateInAeoi) this.#r.lowestPriority = input;
    } else {
      this.#r.isr |= 1 << input;
    }
  }

  #pollWord(): number {
    this.#r.poll = false;
    const input = this.#candidate();
    if (input < 0) return 0;
    this.#drive(false);
    this.#serve(input);
    this.#update();
    return 0x80 | input;
  }

  /** ICW1 (data sheet, "Initialization command words 1 and 2", items a to f). */
  #initialize(icw1: number): void {
    const r = this.#r;
    r.icw1 = icw1;
    r.latch = 0;
    r.imr = 0;
    r.isr = 0;
    r.lowestPriority = 7;
    r.specialMask = false;
    r.readIsr = false;
    r.poll = false;
    r.rotateInAeoi = false;
    r.icw4 = 0;
    r.expects = 2;
  }

  #writeHigh(byte: number): void {
    const r = this.#r;
    const afterIcw3 = r.icw1 & ICW1_IC4 ? 4 : 0;
    switch (r.expects) {
      case 2:
        r.vectorBase = byte & 0xf8;
        r.expects = r.icw1 & ICW1_SNGL ? afterIcw3 : 3;
        break;
      case 3:
        r.icw3 = byte;
        r.expects = afterIcw3;
        break;
      case 4:
        r.icw4 = byte;
        r.expects = 0;
        break;
      default:
        r.imr = byte;
    }
  }

  #writeOcw3(byte: number): void {
    const r = this.#r;
    if (byte & OCW3_ESMM) r.specialMask = (byte & OCW3_SMM) !== 0;
    if (byte & OCW3_POLL) r.poll = true;
    else if (byte & OCW3_RR) r.readIsr = (byte & OCW3_RIS) !== 0;
  }

  #writeOcw2(byte: number): void {
    const r = this.#r;
    const level = byte & 7;
    switch (byte >> 5) {
      case OCW2_COMMAND.rotateInAeoiClear:
        r.rotateInAeoi = false;
        break;
      case OCW2_COMMAND.rotateInAeoiSet:
        r.rotateInAeoi = true;
        break;
      case OCW2_COMMAND.eoi:
        this.#endOfInterrupt(this.#highestInService(), false);
        break;
      case OCW2_COMMAND.rotateOnEoi:
        this.#endOfInterrupt(this.#highestInService(), true);
        break;
      case OCW2_COMMAND.specificEoi:
        this.#endOfInterrupt(level, false);
        break;
      case OCW2_COMMAND.rotateOnSpecificEoi:
        this.#endOfInterrupt(level, true);
        break;
      case OCW2_COMMAND.setPriority:
        r.lowestPriority = level;
        break;
    }
  }

  /** What a non-specific EOI ends, or -1; in special mask mode it leaves masked inputs in service. */
  #highestInService(): number {
    const { isr, imr, specialMask, lowestPriority } = this.#r;
    const eligible = specialMask ? isr & ~imr : isr;
    for (let step = 1; step <= 8; step++) {
      const input = (lowestPriority + step) & 7;
      if (eligible & (1 << input)) return input;
    }
    return -1;
  }

  #endOfInterrupt(input: number, rotate: boolean): void {
    if (input < 0) return;
    this.#r.isr &= ~(1 << input);
    if (rotate) this.#r.lowestPriority = input;
  }

  #update(): void {
    this.#drive(this.#candidate() >= 0);
  }

  #drive(level: boolean): void {
    if (level === this.#r.interrupt) return;
    this.#r.interrupt = level;
    this.#wiring.interrupt.set(level);
  }
}

function isElcr(port: number): boolean {
  return port >= 0x4d0;
}
