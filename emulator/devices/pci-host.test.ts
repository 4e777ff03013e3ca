/**
 * PCI mechanism #1 against PCI 2.1, 3.7.4.1, and Linux's check of it (pci_check_type1).
 * Run: node --import tsx --test emulator/devices/pci-host.test.ts
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PciHost } from './pci-host.ts';
import { throughJson } from './test-bench.ts';

function host() {
  let resets = 0;
  const chip = new PciHost(() => resets++);
  const config = (bus: number, device: number, register: number): number => {
    chip.writePort(0xcf8, 4, (0x80000000 | (bus << 16) | (device << 11) | (register & 0xfc)) >>> 0);
    return chip.readPort(0xcfc + (register & 3), 4) >>> 0;
  };
  return { chip, config, resets: () => resets };
}

test("Linux's check: CF8 keeps 80000000, the first device is a host bridge", () => {
  const { chip, config } = host();
  chip.writePort(0xcfb, 1, 0x01);
  chip.writePort(0xcf8, 4, 0x80000000);
  assert.equal(chip.readPort(0xcf8, 4) >>> 0, 0x80000000);
  assert.equal(config(0, 0, 0x00), 0x12378086);
  assert.equal(config(0, 0, 0x08) >>> 16, 0x0600);
  assert.equal(chip.readPort(0xcfe, 2), 0x0600);
});

test('every other device reads as ones, also with the enable bit clear', () => {
  const { chip, config } = host();
  for (let device = 1; device < 32; device++) assert.equal(config(0, device, 0), 0xffffffff);
  assert.equal(config(1, 0, 0), 0xffffffff);
  assert.equal(config(0, 0, 0) === 0xffffffff, false);
  chip.writePort(0xcf8, 4, 0);
  assert.equal(chip.readPort(0xcfc, 4) >>> 0, 0xffffffff);
});

test('the header is read only, bytes behind it are kept', () => {
  const { chip, config } = host();
  config(0, 0, 0x00);
  chip.writePort(0xcfc, 4, 0);
  assert.equal(config(0, 0, 0x00), 0x12378086);
  config(0, 0, 0x58);
  chip.writePort(0xcfd, 2, 0x3321);
  assert.equal(config(0, 0, 0x58), 0x00332100);
});

test('CF9h resets on the rising edge of bit 2', () => {
  const { chip, resets } = host();
  chip.writePort(0xcf9, 1, 0x02);
  assert.equal(resets(), 0);
  chip.writePort(0xcf9, 1, 0x06);
  assert.equal(resets(), 1);
  assert.equal(chip.readPort(0xcf9, 1), 0x06);
});

test('a restored chip reads the same', () => {
  const { chip, config } = host();
  config(0, 0, 0x40);
  chip.writePort(0xcfc, 4, 0x12345678);
  const twin = new PciHost(() => {});
  twin.restore(throughJson(chip.state()));
  assert.equal(twin.readPort(0xcfc, 4), 0x12345678);
});
