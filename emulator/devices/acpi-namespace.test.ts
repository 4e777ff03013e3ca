/**
 * The machine language of the DSDT against ACPICA's compiler: the expected bytes are those of iasl
 * 20200925 (-oa) for the source in the comment, after the table's header.
 * Run: node --import tsx --test emulator/devices/acpi-namespace.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespace } from './acpi-namespace.ts';

// Name (\_S5, Package (0x04) { 0x05, 0x05, Zero, Zero })
const S5 = '085c5f53355f1208040a050a050000';

test('without devices there is the sleep state alone', () => {
  assert.equal(Buffer.from(namespace([])).toString('hex'), S5);
});

test('devices with their ports and interrupt', () => {
  const devices = [
    { pnp: 'PNP0303', ports: [[0x60, 0x60], [0x64, 0x64]], irq: 1 },
    { pnp: 'PNP0501', ports: [[0x3f8, 0x3ff]], irq: 4 },
  ] as const; // prettier-ignore
  // Scope (\_SB) {
  //   Device (ISA0) {
  //     Name (_HID, EisaId ("PNP0303"))
  //     Name (_CRS, ResourceTemplate () {
  //       IO (Decode16, 0x0060, 0x0060, 1, 1) IO (Decode16, 0x0064, 0x0064, 1, 1) IRQNoFlags () {1} }) }
  //   Device (ISA1) {
  //     Name (_HID, EisaId ("PNP0501"))
  //     Name (_CRS, ResourceTemplate () { IO (Decode16, 0x03F8, 0x03F8, 1, 8) IRQNoFlags () {4} }) } }
  const scope =
    '104d055c5f53425f' +
    '5b822d49534130085f4849440c41d00303085f43525311180a15' +
    '4701600060000101470164006400010122020079005b82' +
    '2549534131085f4849440c41d00501085f43525311100a0d4701f803f80301082210007900';
  assert.equal(Buffer.from(namespace(devices)).toString('hex'), S5 + scope);
});
