/**
 * ACPI tables read back as a kernel reads them (ACPI specification 3.0, chapter 5: offsets in the tests).
 * Run: node --import tsx --test emulator/devices/acpi-tables.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAcpiTables, DEFAULT_ACPI_ADDRESS } from './acpi-tables.ts';

const { address, bytes, rsdpAddress } = buildAcpiTables(DEFAULT_ACPI_ADDRESS);
const memory = new DataView(bytes.buffer);
const u8 = (at: number): number => memory.getUint8(at - address);
const u16 = (at: number): number => memory.getUint16(at - address, true);
const u32 = (at: number): number => memory.getUint32(at - address, true);
const text = (at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at - address, at - address + length));
const sum = (at: number, length: number): number =>
  bytes.subarray(at - address, at - address + length).reduce((total, byte) => total + byte, 0);

/** Table `signature` through the RSDT, checked. */
function find(signature: string): number {
  const rsdt = u32(rsdpAddress + 16);
  for (let entry = 36; entry < u32(rsdt + 4); entry += 4) {
    const table = u32(rsdt + entry);
    if (text(table, 4) === signature) return table;
  }
  return assert.fail(`no ${signature}`);
}

test('the RSDP is found by the search of 5.2.5.1: 16-byte aligned in E0000h-FFFFFh', () => {
  assert.ok(rsdpAddress >= 0xe0000 && rsdpAddress + 20 <= 0x100000);
  assert.equal(rsdpAddress % 16, 0);
  assert.equal(text(rsdpAddress, 8), 'RSD PTR ');
  assert.equal(sum(rsdpAddress, 20) % 256, 0);
});

test('every table lies within the block, with a checksum of zero', () => {
  const fadt = find('FACP');
  const tables = [u32(rsdpAddress + 16), fadt, find('APIC'), u32(fadt + 40)];
  for (const table of tables) {
    assert.ok(table >= address && table + u32(table + 4) <= address + bytes.length);
    assert.equal(sum(table, u32(table + 4)) % 256, 0, text(table, 4));
  }
  const spans = tables.map((table) => [table, table + u32(table + 4)] as const);
  spans.push([u32(fadt + 36), u32(fadt + 36) + 64]);
  spans.sort(([a], [b]) => a - b);
  spans.slice(1).forEach(([start], index) => assert.ok(start >= (spans[index]?.[1] ?? 0)));
});

test('FADT (table 5-9): registers, SCI 9, no SMI command, reset register, revision 3', () => {
  const fadt = find('FACP');
  assert.equal(u32(fadt + 4), 244);
  assert.equal(u8(fadt + 8), 3);
  assert.equal(u16(fadt + 46), 9);
  assert.equal(u32(fadt + 48), 0);
  assert.deepEqual([u32(fadt + 56), u32(fadt + 64), u32(fadt + 76)], [0x600, 0x604, 0x608]);
  assert.deepEqual([u8(fadt + 88), u8(fadt + 89), u8(fadt + 91)], [4, 2, 4]);
  assert.equal(u8(fadt + 108), 0x32);
  assert.equal(u16(fadt + 109) & 3, 3);
  assert.equal(u32(fadt + 112) & 0x400, 0x400);
  assert.deepEqual([u8(fadt + 116), u32(fadt + 120), u8(fadt + 128)], [1, 0xcf9, 6]);
});

test('FACS is 64 bytes on a 64-byte boundary', () => {
  const facs = u32(find('FACP') + 36);
  assert.equal(facs % 64, 0);
  assert.deepEqual([text(facs, 4), u32(facs + 4)], ['FACS', 64]);
});

test('MADT (5.2.11): one processor, one I/O APIC, IRQ 0 on GSI 2, SCI level and active high', () => {
  const madt = find('APIC');
  assert.equal(u32(madt + 36), 0xfee00000);
  const entries: { type: number; at: number }[] = [];
  for (let at = madt + 44; at < madt + u32(madt + 4); at += u8(at + 1)) {
    entries.push({ type: u8(at), at });
  }
  assert.deepEqual(
    entries.map(({ type }) => type),
    [0, 1, 2, 2, 4],
  );
  const [processor, ioApic, timer, sci] = entries.map(({ at }) => at) as [
    number,
    number,
    number,
    number,
  ];
  assert.deepEqual([u8(processor + 3), u32(processor + 4)], [0, 1]);
  assert.deepEqual([u32(ioApic + 4), u32(ioApic + 8)], [0xfec00000, 0]);
  assert.deepEqual([u8(timer + 3), u32(timer + 4)], [0, 2]);
  assert.deepEqual([u8(sci + 3), u32(sci + 4), u16(sci + 8)], [9, 9, 0x000d]);
});

test('DSDT holds \\_S5_ as a package whose first element is the sleep type 5 (19.2.5 AML)', () => {
  const dsdt = u32(find('FACP') + 40);
  const aml = bytes.subarray(dsdt - address + 36, dsdt - address + u32(dsdt + 4));
  assert.equal(Buffer.from(aml).toString('hex'), '085c5f53355f1208040a050a050000');
});

test('an address that cannot work is refused', () => {
  assert.throws(() => buildAcpiTables(0xe0010), RangeError);
  assert.throws(() => buildAcpiTables(0xffffffc0), RangeError);
});
