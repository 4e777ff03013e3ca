/**
 * What the firmware configuration device (firmware-config.ts) has to say about this machine, in the form
 * that SeaBIOS reads: numbered entries of QEMU, and files with names (QEMU, docs/specs/fw_cfg and
 * hw/acpi/bios-linker-loader.c; SeaBIOS, docs/Runtime_config.md).
 *
 *   etc/e820             memory map: base u64, length u64, type u32
 *   etc/table-loader     script of 128-byte commands that puts the ACPI tables into memory
 *   etc/acpi/rsdp, etc/acpi/tables
 *   etc/sercon-port      serial port on which INT 10h and INT 16h work too
 *   etc/boot-fail-wait   all ones: stay where nothing can be booted, instead of a reset after a minute
 */
import type { MovableAcpiTables } from './acpi-tables.ts';

const ENTRY = {
  SIGNATURE: 0x00,
  ID: 0x01,
  NB_CPUS: 0x05,
  MAX_CPUS: 0x0f,
  FILE_DIR: 0x19,
  FIRST_FILE: 0x20,
  IRQ0_OVERRIDE: 0x8002,
} as const;
/** Feature bits: entries and files, no DMA. */
const FEATURES = 1;
const NAME_BYTES = 56;

const COMMAND = { ALLOCATE: 1, ADD_POINTER: 2, ADD_CHECKSUM: 3 } as const;
const COMMAND_BYTES = 128;
const ZONE = { HIGH: 1, FSEG: 2 } as const;
const RSDP_FILE = 'etc/acpi/rsdp';
const TABLES_FILE = 'etc/acpi/tables';

const E820_RAM = 1;

export interface FirmwareFilesOptions {
  /** RAM from address 0. */
  readonly memoryBytes: number;
  readonly processors: number;
  readonly acpi: MovableAcpiTables;
  /** Port of the serial console, absent: none. */
  readonly serialConsole?: number;
  /** Option ROM of the display, where no PCI device brings one. */
  readonly videoRom?: Uint8Array;
}

/** Entries by selector. */
export function firmwareEntries(options: FirmwareFilesOptions): ReadonlyMap<number, Uint8Array> {
  const entries = new Map<number, Uint8Array>([
    [ENTRY.SIGNATURE, bytesOf(text('QEMU'))],
    [ENTRY.ID, bytesOf(u32(FEATURES))],
    [ENTRY.NB_CPUS, bytesOf(u16(options.processors))],
    [ENTRY.MAX_CPUS, bytesOf(u16(options.processors))],
    [ENTRY.IRQ0_OVERRIDE, bytesOf([1])],
  ]);
  const files = firmwareFiles(options);
  const directory = files.flatMap(([name, bytes], index) => {
    const selector = ENTRY.FIRST_FILE + index;
    entries.set(selector, bytes);
    return [...big32(bytes.length), ...big16(selector), 0, 0, ...padded(name)];
  });
  entries.set(ENTRY.FILE_DIR, bytesOf([...big32(files.length), ...directory]));
  return entries;
}

function firmwareFiles(options: FirmwareFilesOptions): readonly (readonly [string, Uint8Array])[] {
  const { memoryBytes, acpi, serialConsole, videoRom } = options;
  return [
    ['etc/e820', bytesOf([...u64(0), ...u64(memoryBytes), ...u32(E820_RAM)])],
    ['etc/table-loader', bytesOf(tableScript(acpi))],
    [RSDP_FILE, acpi.rsdp],
    [TABLES_FILE, acpi.tables],
    ['etc/boot-fail-wait', bytesOf(u32(0xffffffff))],
    ...(serialConsole === undefined
      ? []
      : [['etc/sercon-port', bytesOf(u16(serialConsole))] as const]),
    ...(videoRom === undefined ? [] : [['vgaroms/vgabios.bin', videoRom] as const]),
  ];
}

function tableScript(acpi: MovableAcpiTables): readonly number[] {
  const allocate = (file: string, alignment: number, zone: number): readonly number[] =>
    command(COMMAND.ALLOCATE, [...padded(file), ...u32(alignment), zone]);
  const point = (file: string, at: number): readonly number[] =>
    command(COMMAND.ADD_POINTER, [...padded(file), ...padded(TABLES_FILE), ...u32(at), 4]);
  const check = (
    file: string,
    { at, start, length }: MovableAcpiTables['rsdpChecksum'],
  ): readonly number[] =>
    command(COMMAND.ADD_CHECKSUM, [...padded(file), ...u32(at), ...u32(start), ...u32(length)]);
  return [
    ...allocate(RSDP_FILE, 16, ZONE.FSEG),
    ...allocate(TABLES_FILE, acpi.alignment, ZONE.HIGH),
    ...acpi.pointers.flatMap((at) => point(TABLES_FILE, at)),
    ...acpi.checksums.flatMap((checksum) => check(TABLES_FILE, checksum)),
    ...point(RSDP_FILE, acpi.rsdpPointer),
    ...check(RSDP_FILE, acpi.rsdpChecksum),
  ];
}

function command(number: number, body: readonly number[]): readonly number[] {
  const bytes = [...u32(number), ...body];
  return [...bytes, ...new Array<number>(COMMAND_BYTES - bytes.length).fill(0)];
}

/** A name as the device has it: zeros after it, one at least. */
function padded(name: string): readonly number[] {
  return [...text(name), ...new Array<number>(NAME_BYTES - name.length).fill(0)];
}

function text(characters: string): readonly number[] {
  return [...characters].map((character) => character.charCodeAt(0));
}

function bytesOf(values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function u16(value: number): readonly number[] {
  return [value & 0xff, (value >> 8) & 0xff];
}

function u32(value: number): readonly number[] {
  return [...u16(value), ...u16(value >>> 16)];
}

function u64(value: number): readonly number[] {
  return [...u32(value), ...u32(Math.floor(value / 2 ** 32))];
}

function big16(value: number): readonly number[] {
  return [...u16(value)].reverse();
}

function big32(value: number): readonly number[] {
  return [...u32(value)].reverse();
}
