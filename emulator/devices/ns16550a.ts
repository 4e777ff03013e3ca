/**
 * National Semiconductor PC16550D UART, "16550A" (data sheet TL/C/8652, June 1995), clock 1.8432 MHz.
 *
 *   +0  RBR (read), THR (write); DLAB: divisor low      +4  MCR
 *   +1  IER; DLAB: divisor high                         +5  LSR
 *   +2  IIR (read), FCR (write)                         +6  MSR
 *   +3  LCR (bit 7 = DLAB)                              +7  scratch
 *
 * What departs from a wire, so that a console is fast and loses nothing:
 * - A character takes a hundredth of its time on a real line (115200 baud 8N1: 868 ns).
 * - What the guest writes reaches the sink at once; only flags and interrupts follow the line's pace. A
 *   guest that writes without asking for THRE loses nothing.
 * - Host bytes wait in a queue and enter the receiver one per character time, when it has room and the
 *   guest is ready: RTS or the receive interrupt is on, or MCR was never written. A guest that clears
 *   the receiver FIFO before reading gives the bytes back to the queue.
 * - The far end keeps CTS, DSR and DCD on. No parity, framing or break conditions arrive; 5 to 7 data
 *   bits change a character's time, not its bits. At power-on the divisor is 1 (the chip: undefined).
 */
import { ByteQueue } from './byte-queue.ts';
import type { Clock, DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';

const STATE_VERSION = 1;
const FIFO_BYTES = 16;
const INPUT_HERTZ = 1_843_200;
const NS_PER_SECOND = 1_000_000_000;
const LINE_SPEED_UP = 100;

const IER_RECEIVED = 0x01;
const IER_TRANSMITTER_EMPTY = 0x02;
const IER_LINE_STATUS = 0x04;
const IER_MODEM_STATUS = 0x08;

/** IIR by falling priority (data sheet, table IV). */
const IIR_NONE = 0x01;
const IIR_LINE_STATUS = 0x06;
const IIR_RECEIVED = 0x04;
const IIR_CHARACTER_TIMEOUT = 0x0c;
const IIR_TRANSMITTER_EMPTY = 0x02;
const IIR_MODEM_STATUS = 0x00;
const IIR_FIFOS = 0xc0;

const FCR_ENABLE = 0x01;
const FCR_CLEAR_RECEIVER = 0x02;
const FCR_CLEAR_TRANSMITTER = 0x04;
const RECEIVER_TRIGGER = [1, 4, 8, 14] as const;

const LCR_STOP = 0x04;
const LCR_PARITY = 0x08;
const LCR_DLAB = 0x80;

const MCR_DTR = 0x01;
const MCR_RTS = 0x02;
const MCR_OUT1 = 0x04;
const MCR_OUT2 = 0x08;
const MCR_LOOP = 0x10;

const LSR_DATA_READY = 0x01;
const LSR_OVERRUN = 0x02;
const LSR_THRE = 0x20;
const LSR_TEMT = 0x40;

const MSR_CTS = 0x10;
const MSR_DSR = 0x20;
const MSR_RI = 0x40;
const MSR_DCD = 0x80;
const MSR_LINES = 0xf0;
/** Delta bits of RI report its trailing edge only. */
const MSR_DELTA_RI = 0x04;

/** Character times without a read or a new byte until what is in the FIFO is announced. */
const TIMEOUT_CHARACTERS = 4;

export interface Ns16550aWiring {
  readonly clock: Clock;
  readonly interrupt: Line;
  /** Each byte that the guest sends. */
  readonly output: (byte: number) => void;
}

function powerOn() {
  return {
    ier: 0,
    fcr: 0,
    lcr: 0,
    mcr: 0,
    msr: MSR_CTS | MSR_DSR | MSR_DCD,
    scratch: 0,
    divisor: 1,
    overrun: false,
    /** Received and not read. */
    receiver: [] as number[],
    characterTimeout: false,
    /** Time at which it becomes true, or Infinity. */
    timeoutAt: Infinity,
    /** Waiting for the transmitter's shift register. */
    transmitterFifo: [] as number[],
    /** In the shift register (-1: empty), and the time at which it is out. */
    shifting: -1,
    shiftEnds: Infinity,
    /** THRE interrupt: set when THR runs empty, cleared by IIR or a write. */
    emptyPending: false,
    /** When the next host byte is in the receiver, or Infinity. */
    arrivesAt: Infinity,
    modemControlWritten: false,
    interrupt: false,
  };
}

export class Ns16550a implements PortDevice {
  readonly #wiring: Ns16550aWiring;
  #r = powerOn();
  /** Host bytes that have not reached the receiver. */
  #queue = new ByteQueue();

  constructor(wiring: Ns16550aWiring) {
    this.#wiring = wiring;
  }

  readPort(port: number, _size: number): number {
    this.advance(this.#wiring.clock.now());
    const value = this.#read(port & 7);
    this.#update();
    return value;
  }

  writePort(port: number, _size: number, value: number): void {
    this.advance(this.#wiring.clock.now());
    this.#write(port & 7, value & 0xff);
    this.#scheduleArrival();
    this.#update();
  }

  /** Bytes from the host; they wait until the guest takes them. */
  receive(bytes: Iterable<number>): void {
    this.advance(this.#wiring.clock.now());
    for (const byte of bytes) this.#queue.push(byte);
    this.#scheduleArrival();
  }

  /** Host bytes that the guest has not read. */
  get pendingInput(): number {
    return this.#queue.length + (this.#isLoop() ? 0 : this.#r.receiver.length);
  }

  nextDeadline(): number {
    const { arrivesAt, timeoutAt } = this.#r;
    return Math.min(arrivesAt, timeoutAt, this.#transmitterDeadline());
  }

  advance(now: number): void {
    const r = this.#r;
    while (r.shiftEnds <= now) this.#shiftOut();
    while (r.arrivesAt <= now) this.#arrive();
    if (r.timeoutAt <= now) {
      r.timeoutAt = Infinity;
      r.characterTimeout = true;
    }
    this.#update();
  }

  /** MR pin. The host's queue is outside the chip and stays. */
  reset(): void {
    this.#clearReceiver();
    const { interrupt, divisor } = this.#r;
    this.#r = { ...powerOn(), interrupt, divisor };
    this.#scheduleArrival();
    this.#update();
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, { ...this.#r, queue: this.#queue.toArray() });
  }

  restore(state: DeviceState): void {
    const like = { ...powerOn(), queue: [] as number[] };
    const { queue, ...registers } = readState('16550A', STATE_VERSION, state, like);
    this.#r = registers;
    this.#queue = new ByteQueue(queue);
  }

  #read(register: number): number {
    const r = this.#r;
    const divisorLatch = (r.lcr & LCR_DLAB) !== 0;
    switch (register) {
      case 0:
        return divisorLatch ? r.divisor & 0xff : this.#readReceiver();
      case 1:
        return divisorLatch ? r.divisor >> 8 : r.ier;
      case 2:
        return this.#readInterruptIdentification();
      case 3:
        return r.lcr;
      case 4:
        return r.mcr;
      case 5:
        return this.#readLineStatus();
      case 6: {
        const status = r.msr;
        r.msr &= MSR_LINES;
        return status;
      }
      default:
        return r.scratch;
    }
  }

  #write(register: number, byte: number): void {
    const r = this.#r;
    const divisorLatch = (r.lcr & LCR_DLAB) !== 0;
    switch (register) {
      case 0:
        if (divisorLatch) r.divisor = (r.divisor & 0xff00) | byte;
        else this.#transmit(byte);
        break;
      case 1:
        if (divisorLatch) r.divisor = (r.divisor & 0xff) | (byte << 8);
        else this.#writeInterruptEnable(byte & 0x0f);
        break;
      case 2:
        this.#writeFifoControl(byte);
        break;
      case 3:
        r.lcr = byte;
        break;
      case 4:
        this.#writeModemControl(byte & 0x1f);
        break;
      case 7:
        r.scratch = byte;
        break;
    }
  }

  /** Time of one character in ns, at least 1. */
  #characterTime(): number {
    const { lcr, divisor } = this.#r;
    const data = 5 + (lcr & 3);
    // 1, 1.5 (with five data bits) or 2 stop bits.
    const stop = lcr & LCR_STOP ? (data === 5 ? 1.5 : 2) : 1;
    const bits = 1 + data + (lcr & LCR_PARITY ? 1 : 0) + stop;
    const clocks = bits * 16 * (divisor === 0 ? 0x10000 : divisor);
    return Math.max(1, Math.round((clocks * NS_PER_SECOND) / INPUT_HERTZ / LINE_SPEED_UP));
  }

  #hasFifos(): boolean {
    return (this.#r.fcr & FCR_ENABLE) !== 0;
  }

  #isLoop(): boolean {
    return (this.#r.mcr & MCR_LOOP) !== 0;
  }

  // Receiver

  #receiverHasRoom(): boolean {
    return this.#r.receiver.length < (this.#hasFifos() ? FIFO_BYTES : 1);
  }

  #guestIsReady(): boolean {
    const { mcr, ier, modemControlWritten } = this.#r;
    if (this.#isLoop()) return false;
    return !modemControlWritten || (mcr & MCR_RTS) !== 0 || (ier & IER_RECEIVED) !== 0;
  }

  /** Decides when the next host byte is in the receiver: one character time from when it may start. */
  #scheduleArrival(): void {
    const r = this.#r;
    const may = this.#queue.length > 0 && this.#receiverHasRoom() && this.#guestIsReady();
    if (!may) r.arrivesAt = Infinity;
    else if (r.arrivesAt === Infinity) {
      r.arrivesAt = this.#wiring.clock.now() + this.#characterTime();
    }
  }

  #arrive(): void {
    const r = this.#r;
    const byte = this.#queue.shift();
    const at = r.arrivesAt;
    if (byte === undefined) {
      r.arrivesAt = Infinity;
      return;
    }
    this.#put(byte, at);
    const more = this.#queue.length > 0 && this.#receiverHasRoom();
    r.arrivesAt = more ? at + this.#characterTime() : Infinity;
  }

  #put(byte: number, at: number): void {
    const r = this.#r;
    if (this.#receiverHasRoom()) r.receiver.push(byte);
    else {
      // The FIFO keeps what it has; RBR alone is overwritten.
      r.overrun = true;
      if (!this.#hasFifos()) r.receiver[0] = byte;
    }
    this.#restartTimeout(at);
  }

  #restartTimeout(from: number): void {
    const r = this.#r;
    const waiting = this.#hasFifos() && r.receiver.length > 0;
    r.timeoutAt = waiting ? from + TIMEOUT_CHARACTERS * this.#characterTime() : Infinity;
  }

  #readReceiver(): number {
    const byte = this.#r.receiver.shift() ?? 0;
    this.#r.characterTimeout = false;
    this.#restartTimeout(this.#wiring.clock.now());
    this.#scheduleArrival();
    return byte;
  }

  #clearReceiver(): void {
    const r = this.#r;
    if (!this.#isLoop()) this.#queue.unshift(r.receiver);
    r.receiver = [];
    r.characterTimeout = false;
    r.arrivesAt = Infinity;
    this.#restartTimeout(0);
  }

  // Transmitter

  #transmit(byte: number): void {
    const r = this.#r;
    if (!this.#isLoop()) this.#wiring.output(byte);
    r.emptyPending = false;
    if (r.shifting < 0) {
      r.shifting = byte;
      r.shiftEnds = this.#wiring.clock.now() + this.#characterTime();
      // INTR falls with the write and rises again: an edge for the 8259A.
      this.#update();
      r.emptyPending = true;
    } else if (r.transmitterFifo.length < (this.#hasFifos() ? FIFO_BYTES : 1)) {
      r.transmitterFifo.push(byte);
    }
  }

  #shiftOut(): void {
    const r = this.#r;
    const at = r.shiftEnds;
    if (this.#isLoop()) this.#put(r.shifting, at);
    const next = r.transmitterFifo.shift();
    if (next === undefined) {
      r.shifting = -1;
      r.shiftEnds = Infinity;
      return;
    }
    r.shifting = next;
    r.shiftEnds = at + this.#characterTime();
    if (r.transmitterFifo.length === 0) r.emptyPending = true;
  }

  /** When THR runs empty and somebody wants to know, or a looped byte arrives. */
  #transmitterDeadline(): number {
    const { shiftEnds, transmitterFifo, ier } = this.#r;
    if (this.#isLoop()) return shiftEnds;
    if ((ier & IER_TRANSMITTER_EMPTY) === 0 || transmitterFifo.length === 0) return Infinity;
    return shiftEnds + (transmitterFifo.length - 1) * this.#characterTime();
  }

  // Control and status

  #writeInterruptEnable(ier: number): void {
    const r = this.#r;
    const enabled = ier & ~r.ier;
    r.ier = ier;
    if (enabled & IER_TRANSMITTER_EMPTY && r.transmitterFifo.length === 0) r.emptyPending = true;
  }

  #writeFifoControl(byte: number): void {
    const r = this.#r;
    const switched = ((r.fcr ^ byte) & FCR_ENABLE) !== 0;
    // "FCR0 must be 1 when other FCR bits are written to, or they will not be programmed."
    if (!switched && (byte & FCR_ENABLE) === 0) return;
    if (switched || byte & FCR_CLEAR_RECEIVER) this.#clearReceiver();
    if (switched || byte & FCR_CLEAR_TRANSMITTER) {
      if (r.transmitterFifo.length > 0) r.emptyPending = true;
      r.transmitterFifo = [];
    }
    r.fcr = byte & FCR_ENABLE ? byte & ~(FCR_CLEAR_RECEIVER | FCR_CLEAR_TRANSMITTER) : 0;
  }

  #writeModemControl(mcr: number): void {
    const r = this.#r;
    const wasLoop = this.#isLoop();
    // Neither side of the switch sees the other's bytes.
    if (wasLoop !== ((mcr & MCR_LOOP) !== 0)) this.#clearReceiver();
    r.mcr = mcr;
    r.modemControlWritten = true;
    const lines = this.#isLoop() ? loopedLines(mcr) : MSR_CTS | MSR_DSR | MSR_DCD;
    const changed = (r.msr ^ lines) & MSR_LINES;
    let deltas = (changed >> 4) & ~MSR_DELTA_RI;
    if (changed & MSR_RI && (lines & MSR_RI) === 0) deltas |= MSR_DELTA_RI;
    r.msr = lines | (r.msr & ~MSR_LINES) | deltas;
  }

  #readLineStatus(): number {
    const r = this.#r;
    const status =
      (r.receiver.length > 0 ? LSR_DATA_READY : 0) |
      (r.overrun ? LSR_OVERRUN : 0) |
      (r.transmitterFifo.length === 0 ? LSR_THRE : 0) |
      (r.transmitterFifo.length === 0 && r.shifting < 0 ? LSR_TEMT : 0);
    r.overrun = false;
    return status;
  }

  #readInterruptIdentification(): number {
    const identification = this.#interruptIdentification();
    if (identification === IIR_TRANSMITTER_EMPTY) this.#r.emptyPending = false;
    return identification | (this.#hasFifos() ? IIR_FIFOS : 0);
  }

  #interruptIdentification(): number {
    const { ier, overrun, receiver, fcr, characterTimeout, emptyPending, msr } = this.#r;
    if (ier & IER_LINE_STATUS && overrun) return IIR_LINE_STATUS;
    if (ier & IER_RECEIVED) {
      const trigger = this.#hasFifos() ? (RECEIVER_TRIGGER[fcr >> 6] ?? 1) : 1;
      if (receiver.length >= trigger) return IIR_RECEIVED;
      if (characterTimeout) return IIR_CHARACTER_TIMEOUT;
    }
    if (ier & IER_TRANSMITTER_EMPTY && emptyPending) return IIR_TRANSMITTER_EMPTY;
    if (ier & IER_MODEM_STATUS && msr & ~MSR_LINES) return IIR_MODEM_STATUS;
    return IIR_NONE;
  }

  /** A PC gates INTR with OUT2, which is inactive in loopback. */
  #update(): void {
    const { mcr, interrupt } = this.#r;
    const gated = (mcr & MCR_OUT2) !== 0 && !this.#isLoop();
    const level = gated && this.#interruptIdentification() !== IIR_NONE;
    if (level === interrupt) return;
    this.#r.interrupt = level;
    this.#wiring.interrupt.set(level);
  }
}

/** Loopback connects DTR to DSR, RTS to CTS, OUT1 to RI and OUT2 to DCD (data sheet, 8.6). */
function loopedLines(mcr: number): number {
  return (
    (mcr & MCR_DTR ? MSR_DSR : 0) |
    (mcr & MCR_RTS ? MSR_CTS : 0) |
    (mcr & MCR_OUT1 ? MSR_RI : 0) |
    (mcr & MCR_OUT2 ? MSR_DCD : 0)
  );
}
