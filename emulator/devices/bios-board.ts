/**
 * What a board has beyond pc-board.ts's parts when it starts like a PC, with firmware from a ROM: the chipset
 * that shadows the ROM, PCI functions, DMA, drives for one medium to boot from, and the two devices by which
 * firmware for emulators learns what the machine has. BIOS_PARTS is its parts list.
 */
import type { PortBus } from '../memory/bus.ts';
import type { Outsider } from '../memory/outsider.ts';
import { movableAcpiTables } from './acpi-tables.ts';
import type { NamespaceDevice } from './acpi-namespace.ts';
import { AtaDisk } from './ata-disk.ts';
import { AtapiCdrom } from './atapi-cdrom.ts';
import type { BootMedium } from './boot-medium.ts';
import type { Line, MemoryDevice, PortDevice } from './device.ts';
import { FirmwareConfig } from './firmware-config.ts';
import { firmwareEntries } from './firmware-files.ts';
import { FirmwareLog } from './firmware-log.ts';
import { FirmwareRom, ROM_WINDOW_ADDRESS, ROM_WINDOW_BYTES } from './firmware-rom.ts';
import { I440fx, type I440fxWiring, SHADOW_ADDRESS, SHADOW_BYTES } from './i440fx.ts';
import { IdeChannel } from './ide-channel.ts';
import type { IdeDrive } from './ide-drive.ts';
import { type DeviceMemory, Intel8237 } from './intel-8237.ts';
import { Intel82077aa } from './intel-82077aa.ts';
import type { Part } from './part.ts';
import type { PciFunction } from './pci-function.ts';
import { Piix3Ide } from './piix3-ide.ts';
import { piix3IsaBridge, piix4PowerManagement } from './piix3.ts';

const SERIAL_CONSOLE = 0x3f8;

// prettier-ignore
export const BIOS_PARTS = {
  dma:          { name: '8237A pair',             ports: [[0x000, 0x00f], [0x081, 0x08f], [0x0c0, 0x0df]], wide: false, window: null, irq: null, pnp: null },
  floppy:       { name: '82077AA',                ports: [[0x3f2, 0x3f5], [0x3f7, 0x3f7]], wide: false, window: null, irq: 6,    pnp: null },
  primaryIde:   { name: 'IDE primary',            ports: [[0x1f0, 0x1f7], [0x3f6, 0x3f6]], wide: true,  window: null, irq: 14,   pnp: null },
  secondaryIde: { name: 'IDE secondary',          ports: [[0x170, 0x177], [0x376, 0x376]], wide: true,  window: null, irq: 15,   pnp: null },
  busMaster:    { name: 'PIIX3 bus master',       ports: [],                               wide: true,  window: null, irq: null, pnp: null },
  firmwareLog:  { name: 'firmware log',           ports: [[0x402, 0x402]],                 wide: false, window: null, irq: null, pnp: null },
  firmwareConfig: { name: 'firmware configuration', ports: [[0x510, 0x511]],               wide: true,  window: null, irq: null, pnp: null },
  shadow:       { name: '82441FX shadow',         ports: [],                               wide: false, window: [SHADOW_ADDRESS, SHADOW_BYTES], irq: null, pnp: null },
  firmwareRom:  { name: 'firmware ROM',           ports: [],                               wide: false, window: [ROM_WINDOW_ADDRESS, ROM_WINDOW_BYTES], irq: null, pnp: null },
} as const satisfies { readonly [part: string]: Part };

export type BiosPartName = keyof typeof BIOS_PARTS;
type BiosChips = { readonly [P in BiosPartName]: PortDevice | MemoryDevice };

/** A machine that starts in the firmware's ROM. */
export interface BiosOptions {
  /** isRomSize() of firmware-rom.ts holds for its length. */
  readonly firmware: Uint8Array;
  /** Option ROM of the display. */
  readonly videoRom?: Uint8Array;
  readonly medium: BootMedium;
  readonly memory: (user: Outsider) => DeviceMemory;
  readonly setMemoryAttributes: I440fxWiring['setAttributes'];
  /** RAM itself, whatever its attributes. */
  readonly writeRam: I440fxWiring['writeRam'];
  /** Each line that the firmware writes to its debug port. */
  readonly firmwareLine: (text: string) => void;
}

export interface BiosWiring {
  readonly ports: PortBus;
  readonly memoryBytes: number;
  readonly processors: number;
  /** For the ACPI tables. */
  readonly devices: readonly NamespaceDevice[];
  readonly irq: (part: { readonly irq: number }) => Line;
}

export class BiosBoard {
  readonly chips: BiosChips;
  readonly functions: readonly PciFunction[];
  readonly #rom: FirmwareRom;
  readonly #chipset: I440fx;

  constructor(options: BiosOptions, { ports, memoryBytes, processors, devices, irq }: BiosWiring) {
    const { medium, memory } = options;
    this.#rom = new FirmwareRom(options.firmware);
    this.#chipset = new I440fx({
      rom: this.#rom,
      setAttributes: options.setMemoryAttributes,
      writeRam: options.writeRam,
    });
    const dma = new Intel8237(memory('floppy DMA'));
    const disk = medium.kind === 'disk' ? new AtaDisk(medium.image) : null;
    const cdrom = medium.kind === 'cdrom' ? new AtapiCdrom(medium.image) : null;
    const ide = new Piix3Ide(ports, memory('IDE DMA'), (number, hooks) => {
      const part = number === 0 ? BIOS_PARTS.primaryIde : BIOS_PARTS.secondaryIde;
      const drives: [IdeDrive | null, IdeDrive | null] = [number === 0 ? disk : cdrom, null];
      return new IdeChannel({
        base: part.ports[0][0],
        control: part.ports[1][0],
        interrupt: hooks.interrupt(irq(part)),
        drives,
        dmaRequested: hooks.dmaRequested,
      });
    });
    const entries = firmwareEntries({
      memoryBytes,
      processors,
      acpi: movableAcpiTables(devices, processors),
      serialConsole: SERIAL_CONSOLE,
      ...(options.videoRom && { videoRom: options.videoRom }),
    });
    this.chips = {
      dma,
      floppy: new Intel82077aa({
        interrupt: irq(BIOS_PARTS.floppy),
        dma,
        medium: medium.kind === 'floppy' ? medium : null,
      }),
      primaryIde: ide.channels[0],
      secondaryIde: ide.channels[1],
      busMaster: ide,
      firmwareLog: new FirmwareLog(options.firmwareLine),
      firmwareConfig: new FirmwareConfig(entries),
      shadow: this.#chipset,
      firmwareRom: this.#rom,
    };
    this.functions = [
      this.#chipset.bridge,
      piix3IsaBridge(),
      ide.configuration,
      piix4PowerManagement(),
    ];
  }

  /** The 4 KiB of ROM that a read of guest-physical `address` finds, or null. */
  romPage(address: number): Uint8Array | null {
    if (address >= ROM_WINDOW_ADDRESS && address < ROM_WINDOW_ADDRESS + ROM_WINDOW_BYTES) {
      return this.#rom.page(address);
    }
    if (address < SHADOW_ADDRESS || address >= SHADOW_ADDRESS + SHADOW_BYTES) return null;
    return this.#chipset.romPage(address);
  }
}
