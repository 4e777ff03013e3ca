/**
 * Files of symbols that are cut off anywhere or changed at random: each ends in the numbered error with a
 * sentence, or in what is left of it, never in an exception of ours, and never takes long.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SECTION_NAME } from '../../emulator/formats/dwarf/sections.ts';
import { findSection } from '../../emulator/formats/elf.ts';
import { FormatError } from '../../emulator/formats/format-error.ts';
import { AdapterError } from '../errors.ts';
import { nodeFiles } from '../host/files-node.ts';
import { compiledElf, parsed } from '../testing/debugged-program-node.ts';
import { sequence } from '../testing/sequence.ts';
import { memoryFiles } from '../testing/test-session.ts';
import type { CType } from './c-types.ts';
import { type GuestSymbols, loadSymbols } from './symbol-files.ts';

/** Milliseconds that no file of this size may take, however slow and busy the computer is. */
const MOST_TIME = 20_000;
const VARIANTS = [
  ['-gdwarf-2', '-O2'],
  ['-gdwarf-4', '-O2', '-fdebug-types-section'],
  ['-gdwarf-5', '-O2'],
  ['-gdwarf-5', '-O2', '-r'],
] as const;

/** Opens the file and asks everything of it; gives how that ended. */
async function asked(bytes: Uint8Array): Promise<'read' | 'refused'> {
  const files = memoryFiles(new Map([['/program', bytes]]));
  try {
    ask(await loadSymbols([{ file: '/program' }], {}, files, { atOnce: Infinity }));
    return 'read';
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    assert.equal(error.kind, 'fileUnusable');
    assert.match(error.message, /cannot be used: .{10,}\.$/s);
    return 'refused';
  }
}

function ask({ symbols, lines, modules }: GuestSymbols): void {
  for (const { image, index, information } of modules) {
    if (image.isObject) image.place(new Map([['.text', 0x8049000], ['.data', 0x804b000]])); // prettier-ignore
    for (const name of ['work', 'count', 'twice']) {
      const address = symbols.find(name)?.address ?? 0x8049010;
      const place = lines.locate(address);
      lines.rangeOf(address);
      lines.addressesOf(place?.path ?? '', place?.line ?? 1);
      const linked = image.toLinked(address) ?? 0;
      for (const scope of information?.scopesAt(linked) ?? [])
        for (const variable of scope.variables) {
          walk(variable.type, 6);
          variable.locationAt(linked);
        }
      for (const { variables, type } of information?.functions(name) ?? []) {
        walk(type, 6);
        for (const { type: each } of variables) walk(each, 3);
      }
    }
    for (const name of index?.namesFrom('', 50) ?? []) information?.variable(name);
    for (const name of ['struct node', 'u64', 'enum colour', 'unsigned int']) {
      const type = information?.type(name) ?? null;
      if (type !== null) walk(type, 5);
    }
    information?.enumerator('BLUE');
  }
}

/** Looks at everything that a type is made of. */
function walk(type: CType, depth: number): void {
  if (depth === 0) return;
  switch (type.kind) {
    case 'pointer':
    case 'typedef':
    case 'qualified':
      return walk(type.target, depth - 1);
    case 'array':
      return walk(type.element, depth - 1);
    case 'struct':
    case 'union':
    case 'class':
      return type.members.forEach((member) => walk(member.type, depth - 1));
    case 'function':
      walk(type.result, depth - 1);
      return type.parameters.forEach((parameter) => walk(parameter, depth - 1));
    case 'enum':
    case 'base':
    case 'void':
      return;
  }
}

for (const flags of VARIANTS) {
  const bytes = compiledElf(flags);
  const name = flags.join(' ');
  if (bytes === null) {
    test(name, { skip: 'gcc does not compile so for i386 here' });
    continue;
  }

  test(`${name}: cut off anywhere`, { timeout: MOST_TIME * 3 }, async () => {
    // sections that come last need not be there for the others
    for (let length = 0; length < bytes.length; length += 11)
      await within(() => asked(bytes.slice(0, length)), `${length} bytes`);
  });

  test(`${name}: changed at random`, { timeout: MOST_TIME * 3 }, async () => {
    const random = sequence(flags.join().length);
    const elf = parsed(bytes);
    const targets = [...Object.values(SECTION_NAME), '.symtab', '.strtab', '.rel.debug_info'].flatMap(
      (section) => findSection(elf, section) ?? [],
    ); // prettier-ignore
    const ends = { read: 0, refused: 0 };
    for (let round = 0; round < 500; round++) {
      const changed = bytes.slice();
      const target = round % 8 === 0 ? undefined : targets[random(targets.length)];
      const start = target?.offset ?? 0;
      // the header, or a section; extreme values are what bounds are for
      for (let count = 1 + random(4); count > 0; count--)
        changed[start + random(target?.size ?? 64)] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)] ?? 0; // prettier-ignore
      ends[await within(() => asked(changed), `round ${round}`)]++;
    }
    assert.ok(ends.read > 20 && ends.refused > 20, JSON.stringify(ends));
  });
}

async function within<Result>(work: () => Promise<Result>, what: string): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new Error(what, { cause });
  }
}

test('a file that shrinks while it is open says so', async (t) => {
  const bytes = compiledElf(['-gdwarf-5', '-O2']);
  if (bytes === null) return t.skip('gcc does not compile for i386 here');
  const folder = mkdtempSync(join(tmpdir(), 'guestscope-shrinks-'));
  try {
    const name = join(folder, 'program');
    // more than is read at once
    writeFileSync(name, Buffer.concat([bytes, Buffer.alloc(0x40000)]));
    const file = await nodeFiles.open(name);
    assert.deepEqual(file.read(0, 4), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46));
    truncateSync(name, 0x20000);
    assert.throws(() => file.read(0x30000, 16), (error: unknown) => error instanceof FormatError && /has changed since it was opened/.test(error.message)); // prettier-ignore
    assert.throws(() => file.read(0x3ffff0 * 16, 1), FormatError);
    file.close();
    file.close();
    assert.throws(() => file.read(0x10000, 4), FormatError);
    await assert.rejects(nodeFiles.open(folder), { code: 'EISDIR' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
