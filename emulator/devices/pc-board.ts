/**
 * The board of an IBM PC/AT compatible with local and I/O APIC (MP specification 1.4, ACPI 3.0), without
 * firmware and disks; those come with bios-board.ts. PC_PARTS is the parts list: every port, window and interrupt of the board
 * stands there and nowhere else; the constructor wires the chips to each other and to the machine.
 *
 * Interrupts go to the 8259A pair and to the I/O APIC alike (IRQ 0 is I/O APIC input 2); the 8259A reaches
 * the processor through LINT0 of the local APIC, which the board leaves in virtual-wire mode, as firmware
 * would. Time is the machine's clock: it runs the processor to nextDeadline() and calls advance().
 */
import { MmioBus, PortBus } from '../memory/bus.ts';
import type { Screen } from '../picture.ts';
import type { NamespaceDevice } from './acpi-namespace.ts';
import type { AcpiTables } from './acpi-tables.ts';
import { buildAcpiTables, DEFAULT_ACPI_ADDRESS } from './acpi-tables.ts';
import { ACPI_PORTS, AcpiPower, PM1A_EVENT_PORT } from './acpi-power.ts';
import { ApicBus } from './apic-bus.ts';
import { BIOS_PARTS, BiosBoard, type BiosOptions } from './bios-board.ts';
import { BochsVbe } from './bochs-vbe.ts';
import { cmosMemory } from './cmos-memory.ts';
import { DebugExit } from './debug-exit.ts';
import type { Clock, Device, DeviceState, Line, MemoryDevice, PortDevice } from './device.ts';
import { FRAME_BUFFER_ADDRESS, FrameBuffer } from './frame-buffer.ts';
import { Hpet, HPET_ADDRESS, HPET_BYTES, HPET_FIRST_INPUT } from './hpet.ts';
import { Intel8042 } from './intel-8042.ts';
import { Intel8254 } from './intel-8254.ts';
import { Intel8259A } from './intel-8259a.ts';
import { IO_APIC_ADDRESS, IO_APIC_BYTES, IoApic } from './io-apic.ts';
import { LOCAL_APIC_ADDRESS, LOCAL_APIC_BYTES, LocalApic } from './local-apic.ts';
import type { InterruptSource } from './local-apic.ts';
import { LocalApics } from './local-apics.ts';
import { Mc146818 } from './mc146818.ts';
import { Ns16550a } from './ns16550a.ts';
import type { Part } from './part.ts';
import { PciHost } from './pci-host.ts';
import { PostPort } from './post-port.ts';
import { SystemControlPort } from './system-control-port.ts';
import {
  TEST_LINES,
  TEST_LINES_PORT,
  TEST_MEMORY_ADDRESS,
  TEST_MEMORY_BYTES,
  TestDevice,
} from './test-device.ts';
import { Vga, VGA_WINDOW, VGA_WINDOW_BYTES } from './vga.ts';
import { picture } from './vga-picture.ts';
import { VIDEO_MEMORY_BYTES, VideoMemory } from './video-memory.ts';

const ACPI_LAST_PORT = PM1A_EVENT_PORT + ACPI_PORTS - 1;

// prettier-ignore
export const PC_PARTS = {
  masterPic:     { name: '8259A master',     ports: [[0x020, 0x021], [0x4d0, 0x4d0]],    wide: false, window: null, irq: null, pnp: null },
  slavePic:      { name: '8259A slave',      ports: [[0x0a0, 0x0a1], [0x4d1, 0x4d1]],    wide: false, window: null, irq: 2,    pnp: null },
  timer:         { name: '8254',             ports: [[0x040, 0x043]],                    wide: false, window: null, irq: 0,    pnp: null },
  keyboard:      { name: '8042',             ports: [[0x060, 0x060], [0x064, 0x064]],    wide: false, window: null, irq: 1,    pnp: 'PNP0303' },
  systemControl: { name: 'system control',   ports: [[0x061, 0x061], [0x092, 0x092]],    wide: false, window: null, irq: null, pnp: null },
  realTimeClock: { name: 'MC146818',         ports: [[0x070, 0x071]],                    wide: false, window: null, irq: 8,    pnp: 'PNP0B00' },
  post:          { name: 'POST diagnostics', ports: [[0x080, 0x080], [0x0ed, 0x0ed]],    wide: false, window: null, irq: null, pnp: null },
  debugExit:     { name: 'debug exit',       ports: [[0x0e9, 0x0e9], [0x0f4, 0x0f7]],    wide: true,  window: null, irq: null, pnp: null },
  vbe:           { name: 'Bochs VBE',        ports: [[0x1ce, 0x1d0]],                    wide: true,  window: null, irq: null, pnp: null },
  vga:           { name: 'VGA',              ports: [[0x3b4, 0x3b5], [0x3ba, 0x3ba], [0x3c0, 0x3ca], [0x3cc, 0x3cc], [0x3ce, 0x3cf], [0x3d4, 0x3d5], [0x3da, 0x3da]], wide: false, window: [VGA_WINDOW, VGA_WINDOW_BYTES], irq: null, pnp: null },
  frameBuffer:   { name: 'frame buffer',     ports: [],                                  wide: false, window: [FRAME_BUFFER_ADDRESS, VIDEO_MEMORY_BYTES], irq: null, pnp: null },
  serial:        { name: '16550A COM1',      ports: [[0x3f8, 0x3ff]],                    wide: false, window: null, irq: 4,    pnp: 'PNP0501' },
  acpi:          { name: 'ACPI',             ports: [[PM1A_EVENT_PORT, ACPI_LAST_PORT]], wide: true,  window: null, irq: 9,    pnp: null },
  pciHost:       { name: 'PCI host',         ports: [[0xcf8, 0xcff]],                    wide: true,  window: null, irq: null, pnp: null },
  ioApic:        { name: 'I/O APIC',         ports: [],                                  wide: false, window: [IO_APIC_ADDRESS, IO_APIC_BYTES], irq: null, pnp: null },
  localApic:     { name: 'local APIC',       ports: [],                                  wide: false, window: [LOCAL_APIC_ADDRESS, LOCAL_APIC_BYTES], irq: null, pnp: null },
  hpet:          { name: 'HPET',             ports: [],                                  wide: false, window: [HPET_ADDRESS, HPET_BYTES], irq: null, pnp: null },
} as const satisfies { readonly [part: string]: Part };

/** Only where PcBoardOptions.testDevice asks for it. */
// prettier-ignore
const TEST_PARTS = {
  testDevice:    { name: 'test device',      ports: [[0x0e0, 0x0e8], [TEST_LINES_PORT, TEST_LINES_PORT + TEST_LINES - 1]], wide: true, window: [TEST_MEMORY_ADDRESS, TEST_MEMORY_BYTES], irq: null, pnp: null },
} as const satisfies { readonly [part: string]: Part };

export type PartName = keyof typeof PC_PARTS;

/** What each row's chip has to be, from what the row claims. */
type Chips = {
  readonly [P in PartName]: (typeof PC_PARTS)[P]['ports'] extends readonly []
    ? MemoryDevice
    : (typeof PC_PARTS)[P]['window'] extends null
      ? PortDevice
      : PortDevice & MemoryDevice;
};

/** 2007-02-04 18:44:54 UTC, the release of Linux 2.6.20 in seconds since 1970. */
export const DEFAULT_START_TIME = 1_170_614_694;

const STATE_VERSION = 1;
/** I/O APIC input of IRQ 0; the others keep their numbers. */
const TIMER_INPUT = 2;
/** Unclaimed addresses that are reported, each once. */
const NOTICE_LIMIT = 64;

export interface PcBoardOptions {
  readonly clock: Clock;
  /** Guest RAM from address 0, for CMOS memory. */
  readonly memoryBytes: number;
  /** Each byte that the guest sends on COM1. */
  readonly serialOutput: (byte: number) => void;
  /** Each byte of debug console port E9h; without it they go where the serial bytes go. */
  readonly debugOutput?: (byte: number) => void;
  /** The guest switched the machine off; `via` says through which chip. */
  readonly powerOff: (code: number, via: string) => void;
  /** The guest suspends to RAM, until `wakes`. Without it, it cannot. */
  readonly suspend?: () => void;
  /** The guest asked for a reset. The board resets itself only when reset() is called. */
  readonly reset: (via: string) => void;
  /** A sentence that a user should see. */
  readonly notice: (text: string) => void;
  /** Seconds since 1970 at virtual time 0; DEFAULT_START_TIME without it. */
  readonly startTime?: number;
  /** The A20 gate opened (true, as at power-on) or closed. */
  readonly a20Changed?: (enabled: boolean) => void;
  /** Adds the device for programs under test (test-device.ts). */
  readonly testDevice?: boolean;
  /** Number of processors; 1 without it. */
  readonly processors?: number;
  /** NMI, INIT and start-up at page `vector` for a processor. */
  readonly nmi?: (processor: number) => void;
  readonly init?: (processor: number) => void;
  readonly startUp?: (processor: number, vector: number) => void;
  /** Where the tables will be put, a multiple of 64; DEFAULT_ACPI_ADDRESS without it. */
  readonly acpiAddress?: number;
  /** The machine starts in firmware, with all that it needs; without it the guest was put into RAM. */
  readonly bios?: BiosOptions;
}

export class PcBoard {
  readonly apicBus = new ApicBus();
  readonly localApics: LocalApics;
  readonly ioApic: IoApic;
  readonly post = new PostPort();
  /** To be copied into guest RAM by the loader, which also reserves the range in the memory map. */
  readonly acpiTables: AcpiTables;
  readonly startTime: number;

  readonly #options: PcBoardOptions;
  readonly #serial: Ns16550a;
  readonly #acpi: AcpiPower;
  readonly #keyboard: Intel8042;
  readonly #systemControl: SystemControlPort;
  readonly #videoMemory = new VideoMemory();
  readonly #vbe = new BochsVbe(this.#videoMemory);
  readonly #vga: Vga;
  /** By part, with those of the test device and of a BIOS machine where they are. */
  readonly #chips: { readonly [part: string]: PortDevice | MemoryDevice };
  readonly #bios: BiosBoard | null;
  readonly #devices: readonly Device[];
  readonly #ports: PortBus;
  readonly #mmio: MmioBus;
  readonly #noticed = new Set<string>();
  /** INTR by processor. */
  readonly #interruptPending: boolean[];
  #a20 = true;
  #deadline = Infinity;
  #deadlineStale = true;

  constructor(options: PcBoardOptions) {
    this.#options = options;
    this.startTime = options.startTime ?? DEFAULT_START_TIME;
    this.acpiTables = buildAcpiTables(
      options.acpiAddress ?? DEFAULT_ACPI_ADDRESS,
      plugAndPlay(PC_PARTS),
      options.processors,
    );
    const { clock } = options;
    const a20Changed = (): void => this.#updateA20();

    // Interrupt controllers, from the processor outwards.
    const { apicBus } = this;
    const slavePic: Intel8259A = new Intel8259A({
      levelCapable: 0xde,
      interrupt: { set: (level) => pin(masterPic.inputs, PC_PARTS.slavePic.irq).set(level) },
    });
    const masterPic: Intel8259A = new Intel8259A({
      levelCapable: 0xf8,
      interrupt: { set: (level) => this.localApics.of(0).setLint0(level) },
      slave: slavePic,
    });
    const processors = Array.from({ length: options.processors ?? 1 }, (_, number) => number);
    this.#interruptPending = processors.map(() => false);
    this.localApics = new LocalApics(
      processors.map((number) => this.#localApic(number, apicBus, masterPic)),
    );
    this.localApics.of(0).setVirtualWire();
    this.ioApic = new IoApic(apicBus);
    const irq = (part: { readonly irq: number }): Line =>
      isaInterrupt(part.irq, masterPic, slavePic, this.ioApic);

    // Everything else.
    const timer = new Intel8254({ clock, out0: irq(PC_PARTS.timer) });
    this.#keyboard = new Intel8042({
      clock,
      interrupt: irq(PC_PARTS.keyboard),
      a20Changed,
      reset: () => options.reset('keyboard controller'),
    });
    this.#systemControl = new SystemControlPort({
      clock,
      timer2: timer,
      a20Changed,
      reset: () => options.reset('port 0x92'),
    });
    this.#serial = new Ns16550a({
      clock,
      interrupt: irq(PC_PARTS.serial),
      output: options.serialOutput,
    });
    this.#acpi = new AcpiPower({
      clock,
      interrupt: irq(PC_PARTS.acpi),
      powerOff: () => options.powerOff(0, 'ACPI S5'),
      ...(options.suspend && { suspend: options.suspend }),
    });
    this.#vga = new Vga({ clock, memory: this.#videoMemory, vbe: this.#vbe });
    this.#ports = new PortBus((port, direction) => this.#unclaimed('port', port, direction));
    this.#mmio = new MmioBus((address, direction) =>
      this.#unclaimed('address', address, direction),
    );
    this.#bios =
      options.bios === undefined
        ? null
        : new BiosBoard(options.bios, {
            ports: this.#ports,
            memoryBytes: options.memoryBytes,
            processors: options.processors ?? 1,
            devices: plugAndPlay(PC_PARTS),
            irq,
          });
    const chips: Chips = {
      masterPic,
      slavePic,
      timer,
      keyboard: this.#keyboard,
      systemControl: this.#systemControl,
      realTimeClock: new Mc146818({
        clock,
        interrupt: this.#clockInterrupt(irq(PC_PARTS.realTimeClock)),
        startTime: this.startTime,
        memory: cmosMemory(options.memoryBytes, floppyType(options)),
      }),
      post: this.post,
      debugExit: new DebugExit({
        output: options.debugOutput ?? options.serialOutput,
        powerOff: (code) => options.powerOff(code, 'debug-exit port 0xf4'),
      }),
      vbe: this.#vbe,
      vga: this.#vga,
      frameBuffer: new FrameBuffer(this.#videoMemory),
      serial: this.#serial,
      acpi: this.#acpi,
      pciHost: new PciHost(() => options.reset('port 0xcf9'), this.#bios?.functions),
      hpet: new Hpet({ clock, inputs: this.ioApic.inputs.slice(HPET_FIRST_INPUT) }),
      ioApic: this.ioApic,
      localApic: this.localApics,
    };
    const { testDevice } = options;
    const lines = Array.from({ length: TEST_LINES }, (_, input) =>
      input < 16 ? irq({ irq: input }) : pin(this.ioApic.inputs, input),
    );
    this.#chips = {
      ...chips,
      ...(testDevice === true && { testDevice: new TestDevice(lines) }),
      ...this.#bios?.chips,
    };
    this.#devices = Object.values(this.#chips);
    const parts = {
      ...PC_PARTS,
      ...(testDevice === true && TEST_PARTS),
      ...(this.#bios && BIOS_PARTS),
    };
    claimParts(parts, this.#chips, this.#ports, this.#mmio);
  }

  #localApic(number: number, bus: ApicBus, external: InterruptSource): LocalApic {
    const { clock, nmi, init, startUp } = this.#options;
    const apic: LocalApic = new LocalApic({
      clock,
      bus,
      id: number,
      bootstrap: number === 0,
      interrupt: { set: (level) => (this.#interruptPending[number] = level) },
      external,
      deadlineMoved: () => (this.#deadlineStale = true),
      nmi: () => nmi?.(number),
      init: () => {
        apic.initialize();
        init?.(number);
      },
      startUp: (vector) => startUp?.(number, vector),
    });
    return apic;
  }

  /** IRQ 8, which the power management hears of too. */
  #clockInterrupt(irq: Line): Line {
    return {
      set: (level) => {
        irq.set(level);
        if (level) this.#acpi.clockAlarm();
      },
    };
  }

  // Processor's side

  /** `size` 1, 2 or 4; unsigned. Ports without a device read as ones. */
  readPort(port: number, size: number): number {
    this.#deadlineStale = true;
    return this.#ports.read(port, size);
  }

  writePort(port: number, size: number, value: number): void {
    this.#deadlineStale = true;
    this.#ports.write(port, size, value);
  }

  /**
   * Guest-physical `address` outside RAM; `size` 1, 2 or 4, unsigned, ones where nobody answers.
   * `processor` is who asks: each has a local APIC of its own.
   */
  readMmio(address: number, size: number, processor = 0): number {
    this.#deadlineStale = true;
    this.localApics.processor = processor;
    return this.#mmio.read(address, size);
  }

  writeMmio(address: number, size: number, value: number, processor = 0): void {
    this.#deadlineStale = true;
    this.localApics.processor = processor;
    this.#mmio.write(address, size, value);
  }

  /** A chip's window is at guest-physical `address`. */
  isMmio(address: number): boolean {
    return this.#mmio.contains(address);
  }

  /** The 4 KiB of ROM that a read of guest-physical `address` finds, null where there is none. */
  romPage(address: number): Uint8Array | null {
    return this.#bios?.romPage(address) ?? null;
  }

  /** In the VGA's window or the frame buffer: an access changes no interrupt and no deadline. */
  isVideoMemory(address: number): boolean {
    const inWindow = address >= VGA_WINDOW && address < VGA_WINDOW + VGA_WINDOW_BYTES;
    return inWindow || inFrameBuffer(address);
  }

  /** INTR of a processor. */
  interruptPending(processor = 0): boolean {
    return this.#interruptPending[processor] ?? false;
  }

  /** The vector that acknowledgeInterrupt() would return now, without effect. */
  pendingVector(processor = 0): number {
    return this.localApics.of(processor).pendingVector;
  }

  /** The interrupt-acknowledge cycle: the vector, 0-255. */
  acknowledgeInterrupt(processor = 0): number {
    return this.localApics.of(processor).acknowledge();
  }

  // Machine's side

  /** Virtual time at which advance() must be called at the latest, or Infinity. */
  nextDeadline(): number {
    if (this.#deadlineStale) {
      let deadline = Infinity;
      for (const device of this.#devices) deadline = Math.min(deadline, device.nextDeadline());
      this.#deadline = deadline;
      this.#deadlineStale = false;
    }
    return this.#deadline;
  }

  /** Lets every chip catch up with `now`, in the order of the parts list. */
  advance(now: number): void {
    for (const device of this.#devices) device.advance(now);
    this.#deadlineStale = true;
  }

  /** Bytes for COM1; they wait until the guest reads them. */
  sendSerialInput(bytes: Iterable<number>): void {
    this.#serial.receive(bytes);
    this.#deadlineStale = true;
  }

  /** Bytes for COM1 that the guest has not read. */
  pendingSerialInput(): number {
    return this.#serial.pendingInput;
  }

  /** Keys pressed and released, as bytes of scan code set 1; a keyboard's pace apart from each other. */
  sendKeys(codes: Iterable<number>): void {
    this.#keyboard.type(codes);
    this.#deadlineStale = true;
  }

  /** What is on the screen; the picture is left out when nothing has changed since `seen`. */
  screen(seen: number | null): Screen {
    const { changes, bytes } = this.#videoMemory;
    if (seen === changes) return { changes, picture: null };
    const { registers } = this.#vga;
    return { changes, picture: picture({ registers, vbe: this.#vbe.mode, bytes }) };
  }

  /** ACPI power button: a guest that listens shuts down. */
  pressPowerButton(): void {
    this.#acpi.pressPowerButton();
  }

  /** Address line 20 is not masked. */
  get a20(): boolean {
    return this.#a20;
  }

  /** An event has come that ends a suspend to RAM. */
  get wakes(): boolean {
    return this.#acpi.wakes;
  }
  /** The reset by which it ends. */
  wake(): void {
    this.reset();
    this.#acpi.endSleep();
  }

  /** RESET# of every chip. Date, CMOS memory and waiting serial input stay. */
  reset(): void {
    for (const device of this.#devices) device.reset();
    this.#deadlineStale = true;
  }

  state(): DeviceState {
    const chips: { [part: string]: DeviceState } = {};
    for (const [part, chip] of Object.entries(this.#chips)) chips[part] = chip.state();
    return { version: STATE_VERSION, chips };
  }

  /** The state of one part of the lists, for those who look; null where this board has none. */
  chipState(part: string): DeviceState | null {
    return this.#chips[part]?.state() ?? null;
  }

  /**
   * Puts every chip's state back; the clock has to be back at the same time already. Throws RangeError
   * for a foreign snapshot, after which the board must be discarded or restored again.
   */
  restore(state: DeviceState): void {
    const { version, chips } = state;
    if (version !== STATE_VERSION || typeof chips !== 'object' || chips === null) {
      throw new RangeError(`board: not a snapshot of version ${STATE_VERSION}`);
    }
    const states = chips as { readonly [part: string]: DeviceState | undefined };
    for (const [part, chip] of Object.entries(this.#chips)) {
      const chipState = states[part];
      if (!chipState) throw new RangeError(`board: the snapshot lacks ${part}`);
      chip.restore(chipState);
    }
    this.localApics.all.forEach((apic, processor) => {
      this.#interruptPending[processor] = apic.interruptRequest;
    });
    this.#deadlineStale = true;
    this.#updateA20();
  }

  /** The gates of the 8042 and of port 92h are ORed. */
  #updateA20(): void {
    const enabled = this.#keyboard.a20 || this.#systemControl.a20;
    if (enabled === this.#a20) return;
    this.#a20 = enabled;
    this.#options.a20Changed?.(enabled);
  }

  #unclaimed(kind: 'port' | 'address', where: number, direction: 'read' | 'write'): void {
    if (this.#noticed.size >= NOTICE_LIMIT) return;
    const key = `${kind} 0x${where.toString(16)}`;
    if (this.#noticed.has(key)) return;
    this.#noticed.add(key);
    const effect = direction === 'read' ? 'the guest reads all ones' : 'the write is dropped';
    this.#options.notice(`No device answers ${key}: ${effect}.`);
    if (this.#noticed.size === NOTICE_LIMIT) {
      this.#options.notice('Further ports and addresses without a device are not reported.');
    }
  }
}

/** Decodes every row; an overlap of ports, windows or interrupts is a RangeError. */
function claimParts(
  parts: { readonly [part: string]: Part },
  chips: { readonly [part: string]: PortDevice | MemoryDevice | undefined },
  ports: PortBus,
  mmio: MmioBus,
): void {
  const interrupts = new Map<number, string>();
  for (const [part, { name, ports: ranges, wide, window, irq }] of Object.entries(parts)) {
    const chip = chips[part];
    if (!chip) throw new RangeError(`${name}: no chip`);
    if ('readPort' in chip) {
      for (const [first, last] of ranges) ports.claim(name, first, last, chip, wide);
    }
    if (window && 'readMemory' in chip) mmio.claim(name, window[0], window[1], chip);
    if (irq === null) continue;
    const holder = interrupts.get(irq);
    if (holder) throw new RangeError(`${name}: IRQ ${irq} belongs to ${holder}`);
    interrupts.set(irq, name);
  }
}

/** Of drive A:, as CMOS memory has it; 0 where there is none. */
function floppyType({ bios }: PcBoardOptions): number {
  return bios?.medium.kind === 'floppy' ? bios.medium.format.cmosType : 0;
}

/** What ACPI tells an operating system of. */
function plugAndPlay(parts: { readonly [P in PartName]: Part }): readonly NamespaceDevice[] {
  return Object.values(parts).flatMap(({ pnp, ports, irq }) =>
    pnp === null || irq === null ? [] : [{ pnp, ports, irq }],
  );
}

/** An ISA interrupt line: to the 8259A pair and to the I/O APIC. */
function isaInterrupt(irq: number, master: Intel8259A, slave: Intel8259A, ioApic: IoApic): Line {
  const pic = irq < 8 ? pin(master.inputs, irq) : pin(slave.inputs, irq - 8);
  const apic = pin(ioApic.inputs, irq === 0 ? TIMER_INPUT : irq);
  return {
    set: (level) => {
      pic.set(level);
      apic.set(level);
    },
  };
}

function inFrameBuffer(address: number): boolean {
  return address >= FRAME_BUFFER_ADDRESS && address < FRAME_BUFFER_ADDRESS + VIDEO_MEMORY_BYTES;
}

function pin(inputs: readonly Line[], number: number): Line {
  const line = inputs[number];
  if (!line) throw new RangeError(`the chip has no input ${number}`);
  return line;
}
