import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExtendedPageTables } from './extended-page-tables.ts';

const MIB = 2 ** 20;

test('RAM is present to its last page, and nothing else is', () => {
  const tables = new ExtendedPageTables(5 * MIB);
  for (const address of [0, 0x9ffff, 0x100000, 2 * MIB, 4 * MIB, 5 * MIB - 1]) {
    assert.equal(tables.walk(address), 'present', address.toString(16));
  }
  for (const address of [0xa0000, 0xfffff, 5 * MIB, 0xfee00000, 2 ** 32, 2 ** 36 - 1]) {
    assert.equal(tables.walk(address), 'violation', address.toString(16));
  }
});

test('a page that is marked as a device is misconfigured, and its neighbours are not', () => {
  const tables = new ExtendedPageTables(4 * MIB);
  for (const address of [0xb8123, 0xfee00080, 2 ** 35]) {
    tables.markDevice(address);
    assert.equal(tables.walk(address), 'misconfiguration');
    assert.equal(tables.walk(address - (address % 4096)), 'misconfiguration');
    assert.equal(tables.walk(address + 4096), 'violation');
  }
  assert.equal(tables.walk(0x100000), 'present');
});
