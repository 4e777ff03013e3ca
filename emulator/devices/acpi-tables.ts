/**
 * The tables by which an operating system finds the board (ACPI specification 3.0, chapter 5): RSDP, RSDT,
 * FADT, FACS, MADT and DSDT (acpi-namespace.ts). They are one block of bytes for a 16-byte aligned
 * guest-physical address in E0000h-FFFFFh, where kernels search for the RSDP, or anywhere when the boot
 * protocol passes its address. Every pointer is below 4 GiB.
 */
import { namespace, type NamespaceDevice } from './acpi-namespace.ts';
import { PM1A_CONTROL_PORT, PM1A_EVENT_PORT, PM_TIMER_PORT } from './acpi-power.ts';
import { IO_APIC_ADDRESS } from './io-apic.ts';
import { LOCAL_APIC_ADDRESS } from './local-apic.ts';
import { RESET_CONTROL_PORT, RESET_CONTROL_HARD } from './pci-host.ts';

export interface AcpiTables {
  /** Guest-physical address of `bytes`, to be reserved in the memory map. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Guest-physical address of the RSDP: boot_params.acpi_rsdp_addr, hvm_start_info.rsdp_paddr. */
  readonly rsdpAddress: number;
  /** Guest-physical address of the FACS's firmware waking vector, a dword. */
  readonly wakingVector: number;
}

/** Where PC firmware has its tables, and where nothing else of this board is. */
export const DEFAULT_ACPI_ADDRESS = 0xe0000;

const OEM_ID = 'GSCOPE';
const OEM_TABLE_ID = 'GUESTSCP';
const CREATOR_ID = 'GSCP';
const HEADER_BYTES = 36;
const CHECKSUM_OFFSET = 9;

// Layout of the block; FACS wants 64-byte alignment, so the block does.
const RSDP = 0x000;
const RSDP_BYTES = 20;
const FACS = 0x040;
/** In the FACS (5.2.10). */
const WAKING_VECTOR = 12;
const RSDT = 0x080;
const FADT = 0x0c0;
const MADT = 0x1c0;
// then the DSDT, as far behind the MADT as its processors need
const DSDT_BYTES = 0x1c0;
const ALIGNMENT = 64;

const SCI_INTERRUPT = 9;

/**
 * Builds the tables for `address`, with these devices in the namespace and processors whose local APICs
 * have the IDs from 0 up. Throws RangeError when the address is not aligned to 64 bytes below 4 GiB.
 */
export function buildAcpiTables(
  address: number,
  devices: readonly NamespaceDevice[] = [],
  processors = 1,
): AcpiTables {
  const madtTable = table('APIC', 1, madt(processors));
  const dsdt = MADT + Math.ceil(madtTable.length / ALIGNMENT) * ALIGNMENT;
  const size = dsdt + DSDT_BYTES;
  if (address % ALIGNMENT !== 0 || address < 0 || address + size > 0x100000000) {
    throw new RangeError(
      `ACPI tables at 0x${address.toString(16)}: the address must be a multiple of 64 below 4 GiB`,
    );
  }
  const bytes = new Uint8Array(size);
  bytes.set(rsdp(address + RSDT), RSDP);
  bytes.set(facs(), FACS);
  bytes.set(table('RSDT', 1, [...u32(address + FADT), ...u32(address + MADT)]), RSDT);
  bytes.set(table('FACP', 3, fadt(address + FACS, address + dsdt)), FADT);
  bytes.set(madtTable, MADT);
  bytes.set(table('DSDT', 1, namespace(devices)), dsdt);
  return {
    address,
    bytes,
    rsdpAddress: address + RSDP,
    wakingVector: address + FACS + WAKING_VECTOR,
  };
}

/** The same tables for firmware that puts them somewhere itself. */
export interface MovableAcpiTables {
  readonly rsdp: Uint8Array;
  /** Everything else, for an address that is a multiple of `alignment`. */
  readonly tables: Uint8Array;
  readonly alignment: number;
  /** Where in `rsdp` the address of `tables` is to be added, 4 bytes. */
  readonly rsdpPointer: number;
  /** Where in `tables` their own address is to be added, 4 bytes each. */
  readonly pointers: readonly number[];
  /** Checksums to be made again then: the byte, and the bytes that it makes zero. */
  readonly rsdpChecksum: AcpiChecksum;
  readonly checksums: readonly AcpiChecksum[];
}
export interface AcpiChecksum {
  readonly at: number;
  readonly start: number;
  readonly length: number;
}

export function movableAcpiTables(
  devices: readonly NamespaceDevice[],
  processors: number,
): MovableAcpiTables {
  const { bytes } = buildAcpiTables(0, devices, processors);
  const rsdp = bytes.slice(RSDP, RSDP + RSDP_BYTES);
  const view = new DataView(bytes.buffer);
  const checksum = (start: number): AcpiChecksum => ({
    at: start + CHECKSUM_OFFSET, start, length: view.getUint32(start + 4, true),
  }); // prettier-ignore
  return {
    rsdp,
    // with the unused room of the RSDP, from which all offsets count
    tables: bytes.fill(0, RSDP, FACS),
    alignment: ALIGNMENT,
    rsdpPointer: 16,
    pointers: [RSDT + HEADER_BYTES, RSDT + HEADER_BYTES + 4, FADT + 36, FADT + 40],
    rsdpChecksum: { at: 8, start: 0, length: RSDP_BYTES },
    checksums: [checksum(RSDT), checksum(FADT)],
  };
}

/** Root system description pointer, revision 0 (5.2.5.3). */
function rsdp(rsdt: number): Uint8Array {
  const bytes = Uint8Array.from([...text('RSD PTR '), 0, ...text(OEM_ID), 0, ...u32(rsdt)]);
  bytes[8] = -sum(bytes) & 0xff;
  return bytes;
}

/** Firmware ACPI control structure (5.2.10): no waking vector, nothing in the lock. */
function facs(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([...text('FACS'), ...u32(64)]);
  return bytes;
}

/** Fixed ACPI description table, revision 3, after its header (5.2.9). */
function fadt(facsAddress: number, dsdtAddress: number): readonly number[] {
  const resetRegister = [SYSTEM_IO, 8, 0, 1, ...u32(RESET_CONTROL_PORT), ...u32(0)];
  // prettier-ignore
  const body = [
    ...u32(facsAddress), ...u32(dsdtAddress),
    0, PROFILE_DESKTOP, ...u16(SCI_INTERRUPT),
    ...u32(0), 0, 0, 0, 0,                                    // no SMI_CMD: always in ACPI mode
    ...u32(PM1A_EVENT_PORT), ...u32(0),
    ...u32(PM1A_CONTROL_PORT), ...u32(0),
    ...u32(0), ...u32(PM_TIMER_PORT), ...u32(0), ...u32(0),   // PM2, PM_TMR, GPE0, GPE1
    4, 2, 0, 4, 0, 0, 0, 0,                                   // their lengths, GPE1 base, CST_CNT
    ...u16(NO_C2), ...u16(NO_C3), ...u16(0), ...u16(0),
    0, 0, 0, 0, CENTURY_INDEX,                                // duty cycle, RTC alarms, century
    ...u16(BOOT_ARCHITECTURE), 0, ...u32(FIXED_FEATURES),
    ...resetRegister, RESET_CONTROL_HARD, 0, 0, 0,
  ];
  // The 64-bit fields stay zero: "use the 32-bit field".
  return [...body, ...new Array<number>(FADT_BYTES - HEADER_BYTES - body.length).fill(0)];
}

const FADT_BYTES = 244;
const SYSTEM_IO = 1;
const PROFILE_DESKTOP = 1;
const NO_C2 = 101;
const NO_C3 = 1001;
const CENTURY_INDEX = 0x32;
/** LEGACY_DEVICES, 8042, VGA not present. */
const BOOT_ARCHITECTURE = 0x07;
/** WBINVD, PROC_C1, no sleep button, no RTC wake status, RESET_REG_SUP; the power button is fixed. */
const FIXED_FEATURES = 0x1 | 0x4 | 0x20 | 0x40 | 0x400;

/** Multiple APIC description table, after its header (5.2.11). */
function madt(processors: number): readonly number[] {
  const ACTIVE_HIGH_LEVEL = 0x0d;
  const PC_AT_COMPATIBLE = 1;
  // processor n, ID n, enabled
  const localApics = Array.from({ length: processors }, (_, n) => [0, 8, n, n, ...u32(1)]).flat();
  // prettier-ignore
  return [
    ...u32(LOCAL_APIC_ADDRESS), ...u32(PC_AT_COMPATIBLE),
    ...localApics,
    1, 12, 0, 0, ...u32(IO_APIC_ADDRESS), ...u32(0),          // I/O APIC, inputs from GSI 0
    2, 10, 0, 0, ...u32(2), ...u16(0),                        // IRQ 0 is GSI 2
    2, 10, 0, SCI_INTERRUPT, ...u32(SCI_INTERRUPT), ...u16(ACTIVE_HIGH_LEVEL),
    4, 6, 0xff, ...u16(0), 1,                                 // NMI at LINT1 of every processor
  ];
}

/** System description table: header, body, checksum (5.2.6). */
function table(signature: string, revision: number, body: readonly number[]): Uint8Array {
  const length = HEADER_BYTES + body.length;
  const header = [...text(signature), ...u32(length), revision, 0, ...text(OEM_ID)];
  const origin = [...text(OEM_TABLE_ID), ...u32(1), ...text(CREATOR_ID), ...u32(1)];
  const bytes = Uint8Array.from([...header, ...origin, ...body]);
  bytes[CHECKSUM_OFFSET] = -sum(bytes) & 0xff;
  return bytes;
}

function sum(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => total + byte, 0);
}

function text(characters: string): readonly number[] {
  return [...characters].map((character) => character.charCodeAt(0));
}

function u16(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function u32(value: number): readonly number[] {
  return [...u16(value), ...u16(value >>> 16)];
}
