/**
 * The index of a file's debugging information: against a reader that looks at every entry
 * (testing/scanned-names.ts), against nm and readelf over whole files, and through a disk and back.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesSource } from '../../emulator/formats/byte-source.ts';
import { readText } from '../../emulator/formats/text.ts';
import { compiledC, compiledElf, parsed, sectionsOf } from '../testing/debugged-program-node.ts';
import { memoryFiles } from '../testing/test-session.ts';
import { sequence } from '../testing/sequence.ts';
import { ScannedNames } from '../testing/scanned-names.ts';
import { buildIndex, DebugIndex } from './debug-index.ts';
import { readIndex, writeIndex } from './index-format.ts';
import { FolderStore } from './index-store-node.ts';
import type { NameKind } from './name-index.ts';
import { type GuestSymbols, loadSymbols } from './symbol-files.ts';

const KINDS: readonly NameKind[] = [
  'function',
  'variable',
  'declared',
  'tag',
  'type',
  'enumerator',
];
const TESTING = fileURLToPath(new URL('../testing/', import.meta.url));
const VARIANTS = [
  ['-gdwarf-2', '-O2'],
  ['-gdwarf-3', '-O0'],
  ['-gdwarf-4', '-O2'],
  ['-gdwarf-5', '-O2'],
  ['-gdwarf-4', '-O2', '-fdebug-types-section'],
  ['-gdwarf-5', '-O2', '-fdebug-types-section'],
  ['-gdwarf64', '-gdwarf-5', '-O2'],
  ['-gdwarf-5', '-O2', '-flto'],
  ['-gdwarf-5', '-O2', '-ffunction-sections', '-gz=none'],
] as const;

async function loaded(bytes: Uint8Array): Promise<GuestSymbols> {
  return loadSymbols([{ file: '/program' }], {}, memoryFiles(new Map([['/program', bytes]])), {
    atOnce: Infinity,
  });
}

function indexOf({ modules: [module] }: GuestSymbols): DebugIndex {
  assert.ok(module?.index);
  return module.index;
}

for (const flags of VARIANTS) {
  const name = flags.join(' ');
  const bytes = compiledElf(flags);
  if (bytes === null) {
    test(name, { skip: 'gcc does not compile so for i386 here' });
    continue;
  }

  test(`${name}: every name has the entries that reading all of them finds`, async () => {
    const index = indexOf(await loaded(bytes));
    const scanned = new ScannedNames(sectionsOf(parsed(bytes)));
    const { texts, starts } = index.data.names;
    const names = Array.from({ length: starts.length - 1 }, (_, number) =>
      readText(texts, starts[number] ?? 0, starts[number + 1]),
    );
    assert.ok(names.includes('work') && names.includes('u64'));
    for (const each of names)
      for (const kind of KINDS) {
        const [found, all] = [index.entries(kind, each), scanned.entries(kind, each)];
        // of types and enumerators one of each is enough
        if (kind === 'function' || kind === 'variable') assert.deepEqual(found, all, each);
        else assert.ok(found.every((entry) => all.includes(entry)) && (found.length > 0) === (all.length > 0), each); // prettier-ignore
      }
    assert.deepEqual(index.namesFrom('', 1000), scanned.namesFrom('', 1000));
    assert.deepEqual(index.namesFrom('de', 1), scanned.namesFrom('de', 1));
    assert.deepEqual(index.entries('function', 'no such name'), []);
  });

  test(`${name}: functions and their units are those of nm`, async () => {
    const { symbols, modules } = await loaded(bytes);
    const [module] = modules;
    const scanned = new ScannedNames(sectionsOf(parsed(bytes)));
    const index = module?.index;
    for (const each of ['work', 'report', '_start']) {
      const address = symbols.find(each)?.address;
      // link-time optimization makes up names of its own
      if (address === undefined && each !== '_start') continue;
      assert.ok(address !== undefined);
      assert.equal(index?.entries('function', each).length, 1, each);
      assert.deepEqual(index?.unitsAt(address), scanned.unitsAt(address), each);
      const [scope] = module?.information?.functions(each) ?? [];
      assert.equal(scope?.entry, address, each);
    }
    assert.deepEqual(index?.unitsAt(0), []);
  });

  test(`${name}: an index is the same after it was on a disk`, async () => {
    const { data } = indexOf(await loaded(bytes));
    const written = writeIndex(data);
    assert.deepEqual(readIndex(written), data);
    const random = sequence(7);
    for (let round = 0; round < 300; round++) {
      const changed = written.slice();
      const at = random(changed.length);
      changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
      assert.equal(readIndex(changed), null, `bit of byte ${at}`);
      assert.equal(readIndex(written.subarray(0, random(written.length))), null);
    }
  });
}

test('symbols and lines of a whole file are those of nm and readelf', async (t) => {
  const bytes = compiledElf(['-gdwarf-5', '-O2']);
  if (bytes === null) return t.skip('gcc does not compile for i386 here');
  const folder = mkdtempSync(join(tmpdir(), 'guestscope-oracle-'));
  try {
    const file = join(folder, 'program');
    writeFileSync(file, bytes);
    const { symbols, lines } = await loaded(bytes);
    const nm = spawnSync('nm', [file], { encoding: 'utf8' }).stdout;
    const named = [...nm.matchAll(/^([0-9a-f]+) [a-zA-Z] (\S+)$/gm)];
    assert.ok(named.length > 15);
    const twice = named.map(([, , each]) => each).filter((each, at, all) => all.indexOf(each) !== at); // prettier-ignore
    for (const [, address = '', each = ''] of named)
      if (!twice.includes(each)) assert.equal(symbols.find(each)?.address, Number.parseInt(address, 16), each); // prettier-ignore
    const decoded = spawnSync('readelf', ['--debug-dump=decodedline', file], { encoding: 'utf8' });
    const rows = [...decoded.stdout.matchAll(/^(\S+\.c) +(\d+) +(0x[0-9a-f]+) (.*)$/gm)];
    assert.ok(rows.length > 40);
    for (const [index, [, name = '', line = '', address = '', rest = '']] of rows.entries()) {
      // of several rows at an address the last one counts
      if (rows[index + 1]?.[3] === address) continue;
      const place = lines.locate(Number(address));
      assert.deepEqual([place?.path.endsWith(`/${name}`), place?.line], [true, Number(line)], address); // prettier-ignore
      if (rest.includes('x'))
        assert.ok(lines.addressesOf(place?.path ?? '', Number(line)), address);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an object file has its names, lines and entries where its sections were put', async (t) => {
  const bytes = compiledElf(['-gdwarf-5', '-O2', '-r', '-ffunction-sections']);
  if (bytes === null) return t.skip('gcc does not link so for i386 here');
  const { symbols, lines, modules } = await loaded(bytes);
  const image = modules[0]?.image;
  assert.ok(image?.isObject);
  assert.equal(symbols.find('work'), null, 'nobody knows where it is');
  assert.equal(lines.locate(0x1000), null);
  image.place(new Map([['.text.work', 0xd0801000], ['.text.report', 0xd0900020], ['.data', 0xd0a00000]])); // prettier-ignore
  assert.equal(symbols.find('work')?.address, 0xd0801000);
  assert.equal(symbols.find('report')?.address, 0xd0900020);
  assert.equal(symbols.describe(0xd0801002), 'work+0x2');
  const place = lines.locate(0xd0801000);
  assert.match(place?.path ?? '', /debugged-program\.c$/);
  assert.ok(lines.beginsLine(0xd0801000));
  assert.deepEqual(lines.addressesOf(place?.path ?? '', place?.line ?? 0), { line: place?.line, addresses: [0xd0801000] }); // prettier-ignore
  const [scope] = modules[0]?.information?.functions('work') ?? [];
  assert.equal(image.toGuest(scope?.entry ?? 0), 0xd0801000);
  image.place(new Map());
  assert.equal(symbols.find('work'), null, 'unloaded');
});

test('indexes in a folder: the ones used longest ago go first, a damaged one is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guestscope-store-'));
  try {
    const store = new FolderStore(join(folder, 'made', 'here'), 100);
    assert.equal(await store.read('aa'), null);
    await store.write('aa', new Uint8Array(40).fill(1));
    await store.write('bb', new Uint8Array(40).fill(2));
    const long = new Date('2001-01-01');
    utimesSync(join(folder, 'made', 'here', 'aa.index'), long, long);
    await store.write('cc', new Uint8Array(40).fill(3));
    assert.deepEqual(readdirSync(join(folder, 'made', 'here')).sort(), ['bb.index', 'cc.index']);
    assert.equal((await store.read('cc'))?.[39], 3);
    await store.write('dd', new Uint8Array(101));
    assert.equal(await store.read('dd'), null, 'too large');
    await store.write('../../outside', new Uint8Array(1)).catch((cause: unknown) => {
      assert.match(String(cause), /no key/);
    });
    assert.deepEqual(readdirSync(folder), ['made']);
    assert.equal(readIndex(new Uint8Array(200)), null);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a variable that is only declared is where its symbol is', async (t) => {
  const flags = ['-gdwarf-5', '-O2', '-Wl,--defsym=ticks=ticks_64'];
  const bytes = compiledC(TESTING, ['declared-program.c'], flags);
  if (bytes === null) return t.skip('gcc does not compile for i386 here');
  const { symbols, modules } = await loaded(bytes);
  const [module] = modules;
  assert.ok(module?.index && module.information);
  const { index, information } = module;
  const sizes = new Map([['ticks', 4], ['ticks_64', 8], ['ticks_end', null]]); // prettier-ignore
  for (const [name, size] of sizes) {
    const variable = information.variable(name);
    const expected = new DataView(new ArrayBuffer(5));
    expected.setUint8(0, 3); // DW_OP_addr
    expected.setUint32(1, symbols.find(name)?.address ?? 0, true);
    assert.deepEqual(variable?.locationAt(0)?.operations, new Uint8Array(expected.buffer), name);
    assert.match(variable?.declared?.path ?? '', /declared-program\.c$/);
    const { type } = variable ?? {};
    if (size !== null) assert.ok(type?.kind === 'base' && type.size === size, name);
    else assert.ok(type?.kind === 'array' && type.count === null);
  }
  assert.equal(symbols.find('ticks')?.address, symbols.find('ticks_64')?.address);
  assert.equal(index.entries('declared', 'missing').length, 1);
  assert.equal(information.variable('missing'), null, 'nobody defines it');
  // the definition is enough
  assert.deepEqual(index.entries('declared', 'defined_below'), []);
  assert.equal(index.entries('variable', 'defined_below').length, 1);
});

for (const flags of [
  ['-gdwarf-4', '-ffunction-sections'],
  ['-gdwarf-5', '-ffunction-sections'],
  ['-gdwarf64', '-gdwarf-5'],
])
  // prettier-ignore
  test(`${flags.join(' ')}: units tell their code themselves, with .debug_aranges and without`, (t) => {
    const bytes = compiledElf([...flags, '-O2']);
    if (bytes === null) return t.skip('gcc does not compile for i386 here');
    const nothing = bytesSource(new Uint8Array(0));
    const sections = { ...sectionsOf(parsed(bytes)), lines: nothing };
    const scanned = new ScannedNames(sections);
    assert.ok(sections.addressRanges.length > 0 && scanned.codeStarts.length >= 2);
    for (const each of [sections, { ...sections, addressRanges: nothing }]) {
      const building = buildIndex(each, () => true);
      let step = building.next();
      while (step.done !== true) step = building.next();
      const index = new DebugIndex(step.value);
      const first = Math.min(...scanned.codeStarts);
      for (let address = first - 8; address < first + 0x400; address++)
        assert.deepEqual(index.unitsAt(address), scanned.unitsAt(address), address.toString(16));
    }
  });

test('what lines of a file need is read table by table, once', async (t) => {
  const bytes = compiledElf(['-gdwarf-5', '-O2', '-include', 'shared-lines.h']);
  if (bytes === null) return t.skip('gcc does not compile for i386 here');
  const { lines } = await loaded(bytes);
  const path = lines.files.find((file) => file.endsWith('/shared-lines.h')) ?? '';
  assert.equal([...lines.preparing(path)].length, 2, 'one for each unit that includes it');
  assert.equal([...lines.preparing(path)].length, 0);
  const prepared = lines.addressesOf(path, 1);
  assert.deepEqual(prepared, (await loaded(bytes)).lines.addressesOf(path, 1));
  assert.equal(prepared?.addresses.length, 2);
});
