/**
 * The DSDT's contents in ACPI machine language (ACPI specification 3.0, chapter 17 "ACPI Source Language"
 * and 18 "ACPI Machine Language"): the sleep state of power-off and the devices of the board that an
 * operating system would otherwise have to probe for. The PCI bus is not described: nothing is on it.
 *
 *   Name (\_S5_, Package (4) { 5, 5, 0, 0 })
 *   Scope (\_SB_) {
 *     Device (ISA0) { Name (_HID, EisaId ("PNP0303"))  Name (_CRS, ResourceTemplate () { … }) }
 *     …
 *   }
 */
import { SLEEP_TYPE_S5 } from './acpi-power.ts';

export interface NamespaceDevice {
  /** "PNP0303". */
  readonly pnp: string;
  /** First and last port of each range. */
  readonly ports: readonly (readonly [number, number])[];
  /** ISA interrupt: edge-triggered, active high. */
  readonly irq: number;
}

const ZERO_OP = 0x00;
const NAME_OP = 0x08;
const BYTE_PREFIX = 0x0a;
const DWORD_PREFIX = 0x0c;
const SCOPE_OP = 0x10;
const BUFFER_OP = 0x11;
const PACKAGE_OP = 0x12;
const ROOT = 0x5c;
const DEVICE_OP = [0x5b, 0x82] as const;

/** The table's bytes after its header. */
export function namespace(devices: readonly NamespaceDevice[]): readonly number[] {
  const sleep = [BYTE_PREFIX, SLEEP_TYPE_S5, BYTE_PREFIX, SLEEP_TYPE_S5, ZERO_OP, ZERO_OP];
  const sleepName = [NAME_OP, ROOT, ...segment('_S5_'), PACKAGE_OP, ...sized([4, ...sleep])];
  if (devices.length === 0) return sleepName;
  const objects = devices.flatMap((device, index) => deviceObject(`ISA${index}`, device));
  return [...sleepName, SCOPE_OP, ...sized([ROOT, ...segment('_SB_'), ...objects])];
}

function deviceObject(name: string, { pnp, ports, irq }: NamespaceDevice): readonly number[] {
  const resources = [...ports.flatMap(ioPorts), ...isaInterrupt(irq), ...END_TAG];
  const hid = [NAME_OP, ...segment('_HID'), DWORD_PREFIX, ...eisaId(pnp)];
  const crs = [NAME_OP, ...segment('_CRS'), BUFFER_OP, ...sized([BYTE_PREFIX, resources.length, ...resources])]; // prettier-ignore
  return [...DEVICE_OP, ...sized([...segment(name), ...hid, ...crs])];
}

/** Three letters of five bits, four hexadecimal digits, the high byte first (17.5.36). */
function eisaId(id: string): readonly number[] {
  const letters = [0, 1, 2].reduce((bits, at) => (bits << 5) | (id.charCodeAt(at) & 0x1f), 0);
  const digits = parseInt(id.slice(3), 16);
  return [letters >> 8, letters & 0xff, digits >> 8, digits & 0xff];
}

/** I/O port descriptor (6.4.2.5): 16 bits are decoded, the range is where it is. */
function ioPorts([first, last]: readonly [number, number]): readonly number[] {
  const base = [first & 0xff, first >> 8];
  return [0x47, 1, ...base, ...base, 1, last - first + 1];
}
/** IRQ descriptor without flags (6.4.2.1). */
function isaInterrupt(irq: number): readonly number[] {
  return [0x22, (1 << irq) & 0xff, (1 << irq) >> 8];
}
/** With a checksum of zero: not checked (6.4.2.8). */
const END_TAG = [0x79, 0] as const;

function segment(name: string): readonly number[] {
  return [...name].map((character) => character.charCodeAt(0));
}

/** Contents after their PkgLength, which counts itself (18.2.4): one byte up to 63, else two. */
function sized(contents: readonly number[]): readonly number[] {
  const short = contents.length + 1;
  if (short < 64) return [short, ...contents];
  const long = contents.length + 2;
  return [0x40 | (long & 0xf), long >> 4, ...contents];
}
