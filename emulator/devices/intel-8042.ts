/**
 * Intel 8042 keyboard controller of the PC/AT (IBM PC/AT technical reference, "Keyboard controller") with
 * an MF2 keyboard (IBM PS/2 "Keyboard and auxiliary device controller", 101-key keyboard): it answers its
 * commands and sends the keys that are typed into it from outside, in scan code set 2 or 1; the controller
 * translates set 2 into set 1 when its command byte says so.
 *
 *   60h  data                        64h  read status, write command
 *
 * The auxiliary (mouse) port is absent and says so quickly: A9h reports a stuck line, D3h answers without
 * the AUX bit, so that no driver waits for it. Controller answers are there at once; a byte of the
 * keyboard follows the one before after 100 µs, a key the one before after 10 ms. Not emulated: scan code
 * set 3 (the keyboard refuses it), keyboard lock, input port lines; keys typed while the keyboard is
 * disabled wait.
 */
import type { Clock, DeviceState, Line, PortDevice } from './device.ts';
import { readState, takeState } from './device-state.ts';
import { BREAK_PREFIX, RELEASED, toSet1, toSet2 } from './scan-codes.ts';

const STATE_VERSION = 2;

const STATUS_OUTPUT_FULL = 0x01;
const STATUS_SYSTEM = 0x04;
const STATUS_COMMAND = 0x08;
const STATUS_NOT_LOCKED = 0x10;

const CONFIGURATION_INTERRUPT = 0x01;
const CONFIGURATION_SYSTEM = 0x04;
const CONFIGURATION_KEYBOARD_OFF = 0x10;
const CONFIGURATION_TRANSLATE = 0x40;

/** P2: 0 is the reset line (active low), 1 A20, 4 IRQ 1. */
const OUTPUT_NOT_RESET = 0x01;
const OUTPUT_A20 = 0x02;
const OUTPUT_INTERRUPT = 0x10;
const OUTPUT_POWER_ON = 0xcf;

const ACKNOWLEDGE = 0xfa;
const RESEND = 0xfe;
const BASIC_ASSURANCE_PASSED = 0xaa;
const KEYBOARD_BYTE_TIME = 100_000;
const KEY_TIME = 10_000_000;
const KEYBOARD_QUEUE = 16;
/** Keys that wait at most, in bytes. */
const TYPED_BYTES = 1 << 16;
const RAM_BYTES = 32;

/** Controller commands, port 64h; 20h-3Fh and 60h-7Fh read and write RAM, F0h-FFh pulse P2. */
const COMMAND = {
  disableAux: 0xa7,
  enableAux: 0xa8,
  testAux: 0xa9,
  selfTest: 0xaa,
  testKeyboard: 0xab,
  disableKeyboard: 0xad,
  enableKeyboard: 0xae,
  readInputPort: 0xc0,
  readOutputPort: 0xd0,
  writeOutputPort: 0xd1,
  writeKeyboardBuffer: 0xd2,
  writeAuxBuffer: 0xd3,
  writeAux: 0xd4,
  disableA20: 0xdd,
  enableA20: 0xdf,
} as const;

const SELF_TEST_PASSED = 0x55;
const AUX_CLOCK_STUCK = 0x01;
const INPUT_PORT = 0xa0;

const KEYBOARD = {
  setLeds: 0xed,
  echo: 0xee,
  selectScanCodeSet: 0xf0,
  identify: 0xf2,
  setTypematic: 0xf3,
  enable: 0xf4,
  disable: 0xf5,
  setDefaults: 0xf6,
  setKeyTypematic: 0xfb,
  setKeyMake: 0xfd,
  resend: 0xfe,
  reset: 0xff,
} as const;
const NEWEST_SCAN_CODE_SET = 2;
/** Prefixes of set 1: of one code, of two. */
const EXTENDED = 0xe0;
const PAUSE = 0xe1;
/** MF2 keyboard. */
const IDENTITY = [0xab, 0x83] as const;

const NO_ARGUMENT = -1;

export interface Intel8042Wiring {
  readonly clock: Clock;
  /** IRQ 1, high while a byte waits at port 60h. */
  readonly interrupt: Line;
  readonly a20Changed: (enabled: boolean) => void;
  readonly reset: () => void;
}

function powerOn() {
  return {
    /** RAM; byte 0 is the configuration ("command byte"). As firmware leaves it: IRQ 1 on, translation. */
    ram: [0x45, ...new Array<number>(RAM_BYTES - 1).fill(0)],
    outputPort: OUTPUT_POWER_ON,
    outputBuffer: 0,
    outputFull: false,
    lastWasCommand: false,
    /** Controller command that waits for its data byte at port 60h, or -1. */
    command: NO_ARGUMENT,
    interrupt: false,
    keyboard: {
      /** Bytes on their way to the controller. */
      queue: [] as number[],
      /** When the first of them may arrive. */
      readyAt: 0,
      /** Keyboard command that waits for its argument, or -1. */
      command: NO_ARGUMENT,
      leds: 0,
      scanCodeSet: 2,
      enabled: true,
      lastSent: 0,
      /** Keys that nobody has taken yet, bytes of set 1, and when the next may be pressed. */
      typed: [] as number[],
      typeAt: 0,
    },
    /** Translation has taken F0h: the next code is a release. */
    released: false,
  };
}

export class Intel8042 implements PortDevice {
  readonly #wiring: Intel8042Wiring;
  #r = powerOn();

  constructor(wiring: Intel8042Wiring) {
    this.#wiring = wiring;
  }

  /** This chip's half of the A20 gate; port 92h has the other. */
  get a20(): boolean {
    return (this.#r.outputPort & OUTPUT_A20) !== 0;
  }

  readPort(port: number, _size: number): number {
    this.advance(this.#wiring.clock.now());
    return port & 4 ? this.#status() : this.#readData();
  }

  writePort(port: number, _size: number, value: number): void {
    this.advance(this.#wiring.clock.now());
    const byte = value & 0xff;
    this.#r.lastWasCommand = (port & 4) !== 0;
    if (port & 4) this.#controllerCommand(byte);
    else if (this.#r.command !== NO_ARGUMENT) this.#controllerData(byte);
    else this.#keyboardByte(byte);
    this.advance(this.#wiring.clock.now());
  }

  /** Keys pressed and released from now on: bytes of scan code set 1. Other bytes are dropped. */
  type(codes: Iterable<number>): void {
    const { keyboard } = this.#r;
    keyboard.typeAt = Math.max(keyboard.typeAt, this.#wiring.clock.now());
    for (const code of codes) {
      if (keyboard.typed.length < TYPED_BYTES) keyboard.typed.push(code & 0xff);
    }
  }

  nextDeadline(): number {
    const { keyboard } = this.#r;
    if (keyboard.queue.length === 0) {
      return keyboard.typed.length > 0 && keyboard.enabled ? keyboard.typeAt : Infinity;
    }
    return this.#r.outputFull || this.#keyboardOff() ? Infinity : keyboard.readyAt;
  }

  advance(now: number): void {
    while (this.nextDeadline() <= now) {
      if (this.#r.keyboard.queue.length === 0) this.#pressKey(now);
      else this.#receive();
    }
    this.#update();
  }

  /** The next key that was typed becomes bytes of the keyboard's set. */
  #pressKey(now: number): void {
    const { keyboard } = this.#r;
    const first = keyboard.typed[0];
    const length = first === PAUSE ? 3 : first === EXTENDED ? 2 : 1;
    const key = keyboard.typed.splice(0, length);
    this.#send(...(keyboard.scanCodeSet === 1 ? key : key.flatMap(toSet2)));
    keyboard.readyAt = Math.max(keyboard.readyAt, now);
    keyboard.typeAt = now + KEY_TIME;
  }

  /** A byte of the keyboard arrives at the controller. */
  #receive(): void {
    const byte = this.#r.keyboard.queue.shift();
    if (byte === undefined) return;
    this.#r.keyboard.lastSent = byte;
    if ((this.#configuration() & CONFIGURATION_TRANSLATE) === 0) {
      this.#fill(byte);
    } else if (byte === BREAK_PREFIX) {
      this.#r.released = true;
    } else {
      this.#fill(toSet1(byte) | (this.#r.released ? RELEASED : 0));
      this.#r.released = false;
    }
  }

  reset(): void {
    const { a20 } = this;
    this.#r = { ...powerOn(), interrupt: this.#r.interrupt };
    this.#update();
    if (!a20) this.#wiring.a20Changed(true);
  }

  state(): DeviceState {
    return takeState(STATE_VERSION, this.#r);
  }

  restore(state: DeviceState): void {
    this.#r = readState('8042', STATE_VERSION, state, powerOn());
  }

  #configuration(): number {
    return this.#r.ram[0] ?? 0;
  }

  #keyboardOff(): boolean {
    return (this.#configuration() & CONFIGURATION_KEYBOARD_OFF) !== 0;
  }

  #status(): number {
    const r = this.#r;
    return (
      STATUS_NOT_LOCKED |
      (r.outputFull ? STATUS_OUTPUT_FULL : 0) |
      (this.#configuration() & CONFIGURATION_SYSTEM ? STATUS_SYSTEM : 0) |
      (r.lastWasCommand ? STATUS_COMMAND : 0)
    );
  }

  #readData(): number {
    const r = this.#r;
    if (r.outputFull) {
      r.outputFull = false;
      r.keyboard.readyAt = Math.max(
        r.keyboard.readyAt,
        this.#wiring.clock.now() + KEYBOARD_BYTE_TIME,
      );
    }
    this.#update();
    return r.outputBuffer;
  }

  #fill(byte: number): void {
    this.#r.outputBuffer = byte;
    this.#r.outputFull = true;
  }

  #controllerCommand(command: number): void {
    const r = this.#r;
    r.command = NO_ARGUMENT;
    if (command >= 0x20 && command <= 0x3f) this.#fill(r.ram[command & 0x1f] ?? 0);
    else if (command >= 0x60 && command <= 0x7f) r.command = command;
    else if (command >= 0xf0) this.#pulse(command);
    else this.#namedCommand(command);
  }

  #namedCommand(command: number): void {
    switch (command) {
      case COMMAND.testAux:
        return this.#fill(AUX_CLOCK_STUCK);
      case COMMAND.selfTest:
        this.#configure(this.#configuration() | CONFIGURATION_SYSTEM | CONFIGURATION_KEYBOARD_OFF);
        return this.#fill(SELF_TEST_PASSED);
      case COMMAND.testKeyboard:
        return this.#fill(0);
      case COMMAND.disableKeyboard:
        return this.#configure(this.#configuration() | CONFIGURATION_KEYBOARD_OFF);
      case COMMAND.enableKeyboard:
        return this.#configure(this.#configuration() & ~CONFIGURATION_KEYBOARD_OFF);
      case COMMAND.readInputPort:
        return this.#fill(INPUT_PORT);
      case COMMAND.readOutputPort:
        return this.#fill(this.#r.outputPort | (this.#r.interrupt ? OUTPUT_INTERRUPT : 0));
      case COMMAND.writeOutputPort:
      case COMMAND.writeKeyboardBuffer:
      case COMMAND.writeAuxBuffer:
      case COMMAND.writeAux:
        this.#r.command = command;
        return;
      case COMMAND.disableA20:
        return this.#writeOutputPort(this.#r.outputPort & ~OUTPUT_A20);
      case COMMAND.enableA20:
        return this.#writeOutputPort(this.#r.outputPort | OUTPUT_A20);
      default: // A7h and A8h have no auxiliary port to switch; the rest is undefined.
    }
  }

  #controllerData(byte: number): void {
    const { command } = this.#r;
    this.#r.command = NO_ARGUMENT;
    if (command === COMMAND.writeOutputPort) this.#writeOutputPort(byte);
    else if (command === COMMAND.writeKeyboardBuffer) this.#fill(byte);
    else if (command === COMMAND.writeAuxBuffer) this.#fill(byte);
    else if (command >= 0x60 && command <= 0x7f) {
      if (command === 0x60) this.#configure(byte);
      else this.#r.ram[command & 0x1f] = byte;
    }
  }

  #configure(byte: number): void {
    this.#r.ram[0] = byte;
  }

  #writeOutputPort(byte: number): void {
    const before = this.#r.outputPort;
    this.#r.outputPort = byte & ~OUTPUT_INTERRUPT;
    if ((before ^ byte) & OUTPUT_A20) this.#wiring.a20Changed(this.a20);
    if ((byte & OUTPUT_NOT_RESET) === 0) this.#wiring.reset();
  }

  /** F0h-FFh: bits that are 0 pull their P2 line low for 6 µs; only the reset line notices. */
  #pulse(command: number): void {
    if ((command & OUTPUT_NOT_RESET) === 0) this.#wiring.reset();
  }

  /** A byte for the keyboard switches its interface on. */
  #keyboardByte(byte: number): void {
    const { keyboard } = this.#r;
    this.#configure(this.#configuration() & ~CONFIGURATION_KEYBOARD_OFF);
    const now = this.#wiring.clock.now();
    if (keyboard.queue.length === 0) keyboard.readyAt = now + KEYBOARD_BYTE_TIME;
    const argumentOf = keyboard.command;
    keyboard.command = NO_ARGUMENT;
    const isArgument = argumentOf !== NO_ARGUMENT && byte < KEYBOARD.setLeds;
    this.#send(
      ...(isArgument ? this.#keyboardArgument(argumentOf, byte) : this.#keyboardCommand(byte)),
    );
  }

  #send(...bytes: readonly number[]): void {
    const { queue } = this.#r.keyboard;
    for (const byte of bytes) if (queue.length < KEYBOARD_QUEUE) queue.push(byte);
  }

  /** The keyboard's answer to a command. */
  #keyboardCommand(byte: number): readonly number[] {
    const { keyboard } = this.#r;
    switch (byte) {
      case KEYBOARD.echo:
        return [KEYBOARD.echo];
      case KEYBOARD.identify:
        return [ACKNOWLEDGE, ...IDENTITY];
      case KEYBOARD.setLeds:
      case KEYBOARD.selectScanCodeSet:
      case KEYBOARD.setTypematic:
        keyboard.command = byte;
        return [ACKNOWLEDGE];
      case KEYBOARD.enable:
      case KEYBOARD.disable:
        keyboard.enabled = byte === KEYBOARD.enable;
        return [ACKNOWLEDGE];
      case KEYBOARD.setDefaults:
        keyboard.scanCodeSet = 2;
        keyboard.enabled = true;
        return [ACKNOWLEDGE];
      case KEYBOARD.resend:
        return [keyboard.lastSent];
      case KEYBOARD.reset:
        Object.assign(keyboard, {
          ...powerOn().keyboard,
          readyAt: keyboard.readyAt,
          typed: keyboard.typed,
          typeAt: keyboard.typeAt,
        });
        return [ACKNOWLEDGE, BASIC_ASSURANCE_PASSED];
      default:
        if (byte >= KEYBOARD.setKeyTypematic && byte <= KEYBOARD.setKeyMake)
          keyboard.command = byte;
        return byte >= 0xf7 ? [ACKNOWLEDGE] : [RESEND];
    }
  }

  #keyboardArgument(command: number, byte: number): readonly number[] {
    const { keyboard } = this.#r;
    switch (command) {
      case KEYBOARD.setLeds:
        keyboard.leds = byte & 7;
        return [ACKNOWLEDGE];
      case KEYBOARD.selectScanCodeSet:
        if (byte === 0) return [ACKNOWLEDGE, keyboard.scanCodeSet];
        if (byte > NEWEST_SCAN_CODE_SET) return [RESEND];
        keyboard.scanCodeSet = byte;
        return [ACKNOWLEDGE];
      default:
        return [ACKNOWLEDGE];
    }
  }

  #update(): void {
    const wanted = (this.#configuration() & CONFIGURATION_INTERRUPT) !== 0;
    const level = wanted && this.#r.outputFull;
    if (level === this.#r.interrupt) return;
    this.#r.interrupt = level;
    this.#wiring.interrupt.set(level);
  }
}
