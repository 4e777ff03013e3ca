import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PAGE_FLAG } from '../memory/memory-map.ts';
import { EPT_RIGHT, ExtendedPageTables } from './extended-page-tables.ts';

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

const { READ, WRITE, EXECUTE } = EPT_RIGHT;
const ALL = READ | WRITE | EXECUTE;

test('rights are taken from whole pages, and a large page is split where only some lose theirs', () => {
  const flags = new Uint8Array((8 * MIB) / 4096);
  const tables = new ExtendedPageTables(8 * MIB, flags);
  assert.deepEqual([...new Set(flags)], [0]);
  tables.protect({ first: 2 * MIB + 0x1800, last: 2 * MIB + 0x2000, rights: READ | EXECUTE, kept: false }); // prettier-ignore
  tables.protect({ first: 4 * MIB, last: 8 * MIB - 1, rights: 0, kept: true });
  const rights = [0, 0x1000, 0x2fff, 0x3000].map((at) => tables.rights(2 * MIB + at));
  assert.deepEqual(rights, [ALL, READ | EXECUTE, READ | EXECUTE, ALL]);
  assert.equal(tables.walk(2 * MIB + 0x1000), 'present');
  assert.equal(tables.walk(6 * MIB), 'violation');
  assert.deepEqual([tables.isKept(2 * MIB + 0x1000), tables.isKept(6 * MIB)], [false, true]);
  const asked = [...flags.keys()].filter((page) => flags[page] === PAGE_FLAG.PROTECTED);
  assert.deepEqual([asked[0], asked[1], asked[2], asked.length], [0x201, 0x202, 0x400, 2 + 1024]);
  tables.allow(2 * MIB + 0x1234, WRITE);
  tables.allow(6 * MIB + 0x5000, READ);
  assert.equal(flags[0x201], 0);
  assert.deepEqual([0x4000, 0x5000, 0x6000].map((at) => tables.rights(6 * MIB + at)), [0, READ, 0]); // prettier-ignore
});

test('a range beyond RAM and in its hole takes nothing', () => {
  const tables = new ExtendedPageTables(4 * MIB);
  tables.protect({ first: 0x9f000, last: 0xffffffff, rights: READ, kept: false });
  assert.deepEqual([0x9e000, 0x9f000, 0xa0000, 0x100000, 4 * MIB - 1, 4 * MIB].map((at) => tables.rights(at)), [ALL, READ, 0, READ, READ, 0]); // prettier-ignore
  assert.equal(tables.walk(0xfee00000), 'violation');
});

test('accessed and dirty flags of a page are set by its accesses, until there is nothing left to ask (29.3.5)', () => {
  const flags = new Uint8Array((4 * MIB) / 4096);
  const tables = new ExtendedPageTables(4 * MIB, flags, true);
  assert.deepEqual(tables.usage(0x5000), { accessed: false, dirty: false });
  tables.used(0x5123, false);
  assert.deepEqual(tables.usage(0x5000), { accessed: true, dirty: false });
  assert.equal(flags[5], PAGE_FLAG.PROTECTED);
  tables.used(0x5123, true);
  assert.deepEqual(tables.usage(0x5000), { accessed: true, dirty: true });
  assert.deepEqual([flags[5], flags[6]], [0, PAGE_FLAG.PROTECTED]);
  // a large page has one of each
  tables.used(2 * MIB + 0x7000, true);
  assert.deepEqual(tables.usage(4 * MIB - 1), { accessed: true, dirty: true });
  tables.protect({ first: 3 * MIB, last: 3 * MIB, rights: READ, kept: false });
  assert.deepEqual(tables.usage(3 * MIB), { accessed: true, dirty: true });
  assert.deepEqual([flags[0x2ff], flags[0x300], flags[0x301]], [0, PAGE_FLAG.PROTECTED, 0]);
  assert.equal(new ExtendedPageTables(4 * MIB).usage(0), null);
});
