/**
 * The chips of the board as a debugger shows them: which view is of which part of the board's lists. A
 * part without registers of its own (a ROM, a frame buffer) has none.
 */
import type { PcBoard } from '../../../devices/pc-board.ts';
import type { Machine } from '../../../machine.ts';
import { didYouMean } from '../../../nearest-name.ts';
import type { Detail } from '../detail.ts';
import {
  type DeviceRow,
  type DeviceView,
  deviceDetails,
  SavedState,
  writeRow,
} from './device-view.ts';
import { ioApic, localApic, pic } from './interrupt-controllers.ts';
import { dma, keyboardController, pci, post, systemControl, uart } from './ports-and-buses.ts';
import { busMaster, floppyController, ideChannel, vbe, vga } from './storage-and-display.ts';
import { acpi, hpet, realTimeClock, timer } from './timers.ts'; // prettier-ignore

/** By the name that a person types; `part` of PC_PARTS or BIOS_PARTS. */
// prettier-ignore
const DEVICES = [
  { name: 'pic',     part: 'masterPic',     title: 'Interrupt controller 8259A, master', view: pic(0x20, 0x4d0, 0) },
  { name: 'pic2',    part: 'slavePic',      title: 'Interrupt controller 8259A, slave',  view: pic(0xa0, 0x4d1, 8) },
  { name: 'lapic',   part: 'localApic',     title: 'Local APIC',                         view: localApic },
  { name: 'ioapic',  part: 'ioApic',        title: 'I/O APIC 82093AA',                   view: ioApic },
  { name: 'pit',     part: 'timer',         title: 'Interval timer 8254',                view: timer },
  { name: 'rtc',     part: 'realTimeClock', title: 'Real-time clock MC146818',           view: realTimeClock },
  { name: 'hpet',    part: 'hpet',          title: 'High precision event timers',        view: hpet },
  { name: 'acpi',    part: 'acpi',          title: 'ACPI power management',              view: acpi },
  { name: 'uart',    part: 'serial',        title: 'UART 16550A, COM1',                  view: uart(0x3f8) },
  { name: 'i8042',   part: 'keyboard',      title: 'Keyboard controller 8042',           view: keyboardController },
  { name: 'sysctl',  part: 'systemControl', title: 'System control ports',               view: systemControl },
  { name: 'post',    part: 'post',          title: 'POST diagnostics',                   view: post },
  { name: 'pci',     part: 'pciHost',       title: 'PCI configuration',                  view: pci },
  { name: 'vga',     part: 'vga',           title: 'VGA',                                view: vga },
  { name: 'vbe',     part: 'vbe',           title: 'Bochs display interface',            view: vbe },
  { name: 'dma',     part: 'dma',           title: 'DMA controllers 8237A',              view: dma },
  { name: 'fdc',     part: 'floppy',        title: 'Floppy controller 82077AA',          view: floppyController },
  { name: 'ide',     part: 'primaryIde',    title: 'IDE, primary channel',               view: ideChannel(0x1f0, 0x3f6) },
  { name: 'ide2',    part: 'secondaryIde',  title: 'IDE, secondary channel',             view: ideChannel(0x170, 0x376) },
  { name: 'busmaster', part: 'busMaster',   title: 'IDE bus master',                     view: busMaster },
] as const satisfies readonly { readonly name: string; readonly part: string; readonly title: string; readonly view: DeviceView }[];

export interface DeviceSummary {
  /** "pic": for commands and requests. */
  readonly name: string;
  readonly title: string;
}

/** The devices that this machine has. */
export function devices({ board }: Machine): readonly DeviceSummary[] {
  return DEVICES.filter(({ part }) => board.chipState(part) !== null).map(({ name, title }) => ({
    name,
    title,
  }));
}

/** Every name that some machine has, for completion. */
export function deviceNames(): readonly string[] {
  return DEVICES.map(({ name }) => name);
}

/** The registers of a device; throws RangeError with a sentence for one that is not there. */
export function inspectDevice(machine: Machine, name: string): readonly Detail[] {
  return deviceDetails(rowsOf(machine, name));
}

/** As writeRow. */
export function writeDevice(
  machine: Machine,
  name: string,
  path: readonly string[],
  value: number,
): void {
  writeRow(rowsOf(machine, name), path, value);
}

function rowsOf(machine: Machine, name: string): readonly DeviceRow[] {
  const { board } = machine;
  const device = DEVICES.find((each) => each.name === name);
  const state = device === undefined ? null : board.chipState(device.part);
  if (device === undefined || state === null) {
    const names = devices(machine).map((each) => each.name);
    throw new RangeError(`There is no device '${name}'.${didYouMean(name, names)}`);
  }
  return device.view({ ...access(board, machine.looked.index), state: new SavedState(state) });
}

function access(board: PcBoard, processor: number) {
  return {
    processor,
    readMmio: (address: number) => board.readMmio(address, 4, processor) >>> 0,
    writeMmio: (address: number, value: number) => {
      board.writeMmio(address, 4, value, processor);
    },
    writePort: (port: number, value: number, size: 1 | 2 | 4 = 1) => {
      board.writePort(port, size, value);
    },
  };
}
