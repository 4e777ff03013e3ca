/** The committed guests are what their source says: rebuilt here and compared byte for byte. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { ElfFile } from '../../emulator/formats/elf.ts';
import { elfSymbols, parseElf, sectionBytes, SECTION_FLAG } from '../../emulator/formats/elf.ts';
import {
  BAD,
  BAD_BUILT,
  BOOT,
  buildBootSector,
  buildGuestsIn,
  buildHookKernels,
  buildMovedKernel,
  buildServices,
  buildServicesCaller,
  buildSmpGuest,
  buildSpaces,
  buildStory,
  buildStacks,
  buildTypes,
  cannotBuild,
  cannotCompile,
  EXITS,
  EXITS_BUILT,
  guestsIn,
  HOOK_KERNELS,
  HOOKS_BUILT,
  MOVED_BUILT,
  KVM,
  KVM_BUILT,
  SHADOW,
  SHADOW_BUILT,
  SERVICES_CALLER,
  SERVICES_MODULE,
  SMP_BUILT,
  SPACES_BUILT,
  STORY,
  STACKS_BUILT,
  TYPES_BUILT,
} from './build.ts';
import { VARIANT_NAMES } from './stacks/variants.ts';
import { CALL_VERSIONS, OPTIMIZATIONS } from './types/expressions.ts';

/** Folders in which each source is a guest. */
const FOLDERS = [
  { guests: 'misbehaving guests', source: BAD, built: BAD_BUILT },
  { guests: 'guests for VM exits', source: EXITS, built: EXITS_BUILT },
  { guests: "guests for KVM's interface", source: KVM, built: KVM_BUILT },
  { guests: 'guests for shadow paging', source: SHADOW, built: SHADOW_BUILT },
] as const;

const problem = cannotBuild();
const committed = (name: string): Buffer => readFileSync(path.join(STORY, name));

describe('rebuilt from source', { skip: problem ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestscope-rebuilt-'));
  after(() => rmSync(folder, { recursive: true }));
  const rebuilt = (name: string): Buffer => readFileSync(path.join(folder, name));

  test('the story is the committed one', () => {
    buildStory(folder);
    assert.ok(rebuilt('story.bin').equals(committed('story.bin')), 'run test/guests/build.ts');
    const [old, now] = [parseElf(committed('story.elf')), parseElf(rebuilt('story.elf'))];
    assert.deepEqual([...elfSymbols(now)], [...elfSymbols(old)]);
    assert.deepEqual(loadedSections(now), loadedSections(old));
    // debugging information depends on the assembler's version, which it names
    if (assembler(rebuilt('story.elf')) === assembler(committed('story.elf'))) {
      assert.ok(rebuilt('story.elf').equals(committed('story.elf')), 'run test/guests/build.ts');
    }
  });

  test('the kernel that moves is the committed one', () => {
    buildMovedKernel(folder);
    const old = (name: string): Buffer => readFileSync(path.join(MOVED_BUILT, name));
    assert.ok(rebuilt('moved.bin').equals(old('moved.bin')), 'run test/guests/build.ts');
    const [was, is] = [parseElf(old('moved.elf')), parseElf(rebuilt('moved.elf'))];
    assert.deepEqual([...elfSymbols(is)], [...elfSymbols(was)]);
    assert.deepEqual(loadedSections(is), loadedSections(was));
  });

  test(
    'the kernels with paravirt hooks are the committed ones',
    { skip: cannotCompile() ?? false },
    () => {
      buildHookKernels(folder);
      for (const name of HOOK_KERNELS) {
        const old = (ending: string): Buffer =>
          readFileSync(path.join(HOOKS_BUILT, `${name}.${ending}`));
        assert.ok(rebuilt(`${name}.bin`).equals(old('bin')), `${name}: run test/guests/build.ts`);
        const [was, is] = [parseElf(old('elf')), parseElf(rebuilt(`${name}.elf`))];
        assert.deepEqual(loadedSections(is), loadedSections(was));
      }
    },
  );

  test('programs in C are the committed ones', { skip: cannotCompile() ?? false }, () => {
    buildTypes(folder);
    buildStacks(folder);
    const types = OPTIMIZATIONS.map((each) => [TYPES_BUILT, `types-${each}.elf`] as const);
    const calls = CALL_VERSIONS.map((each) => [TYPES_BUILT, `calls-${each}.elf`] as const);
    const stacks = VARIANT_NAMES.map((each) => [STACKS_BUILT, `stacks-${each}.elf`] as const);
    for (const [built, name] of [...types, ...calls, ...stacks]) {
      const [was, is] = [parseElf(readFileSync(path.join(built, name))), parseElf(rebuilt(name))];
      assert.deepEqual(
        loadedSections(is),
        loadedSections(was),
        `${name}: run test/guests/build.ts`,
      );
    }
  });

  test(
    'the programs in two spaces are the committed ones',
    { skip: cannotCompile() ?? false },
    () => {
      buildSpaces(folder);
      for (const name of ['first.elf', 'second.elf', 'spaces.elf']) {
        const was = parseElf(readFileSync(path.join(SPACES_BUILT, name)));
        assert.deepEqual(loadedSections(parseElf(rebuilt(name))), loadedSections(was), `${name}: run test/guests/build.ts`); // prettier-ignore
      }
    },
  );

  test('the guest for several processors is the committed one', () => {
    buildSmpGuest(folder);
    const old = readFileSync(path.join(SMP_BUILT, 'smp.bin'));
    assert.ok(rebuilt('smp.bin').equals(old), 'run test/guests/build.ts');
  });

  test('the boot sector is the committed one', () => {
    buildBootSector(folder);
    const old = readFileSync(path.join(BOOT, 'boot.bin'));
    assert.ok(rebuilt('boot.bin').equals(old), 'run test/guests/build.ts');
  });

  for (const { guests, source, built } of FOLDERS)
    test(`the ${guests} are the committed ones`, () => {
      buildGuestsIn(source, folder);
      for (const name of guestsIn(source)) {
        const binary = `${name}.bin`;
        const old = readFileSync(path.join(built, binary));
        assert.ok(rebuilt(binary).equals(old), `${name}: run test/guests/build.ts`);
      }
    });

  test('the BIOS services are the committed ones', () => {
    const old = readFileSync(SERVICES_MODULE, 'utf8');
    assert.ok(buildServices() === old, 'run test/guests/build.ts');
    buildServicesCaller(folder);
    const program = readFileSync(path.join(SERVICES_CALLER, 'calls.bin'));
    assert.ok(rebuilt('calls.bin').equals(program), 'run test/guests/build.ts');
  });
});

test('every guest of a folder has its binary, and no other is left over', () => {
  for (const { source, built } of FOLDERS) {
    const wanted = guestsIn(source).map((name) => `${name}.bin`);
    assert.deepEqual(new Set(readdirSync(built)), new Set(wanted));
  }
});

test('the symbols of the story belong to its raw binary', () => {
  const elf = parseElf(committed('story.elf'));
  const image = committed('story.bin');
  for (const { address, bytes } of loadedSections(elf)) {
    const at = address - 0x7c00;
    assert.equal(image.subarray(at, at + bytes.length / 2).toString('hex'), bytes);
  }
  const symbols = new Map([...elfSymbols(elf)].map((symbol) => [symbol.name, symbol]));
  assert.equal(symbols.get('start')?.value, 0x7c00);
  assert.equal(symbols.get('start')?.type, 'function');
  assert.ok(
    symbols.has('pv_ops') && symbols.has('kvm_hypercall') && symbols.has('line_wait_ticks'),
  );
  assert.equal(image.readUInt16LE(510), 0xaa55, 'and it is a boot sector');
});

test('debugging information names no folder of the computer it was built on', () => {
  const elf = committed('story.elf').toString('latin1');
  assert.ok(!elf.includes(path.resolve(STORY, '../../..')));
  assert.ok(!/\/(tmp|home|root|work)\//.test(elf));
});

/** Sections that are in memory and in the file, as hexadecimal text. */
function loadedSections(elf: ElfFile): { name: string; address: number; bytes: string }[] {
  return elf.sections
    .filter(({ flags, type }) => (flags & SECTION_FLAG.ALLOC) !== 0 && type === 1)
    .map((section) => ({
      name: section.name,
      address: section.address,
      bytes: Buffer.from(sectionBytes(elf, section)).toString('hex'),
    }));
}

/** "GNU AS 2.40". */
function assembler(elf: Buffer): string {
  return /GNU AS [0-9.]+/.exec(elf.toString('latin1'))?.[0] ?? '';
}
