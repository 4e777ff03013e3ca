/** The .vsix holds what the extension needs and nothing else, and a real VS Code installs it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { packageExtension } from '../../extension/build/package.ts';
import { projectRoot } from '../../extension/build/tools.ts';
import { serverCommand, serverSupported } from '../../extension/build/vscode-server.ts';

interface Entry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
}

/** Entries of a ZIP file from its central directory (PKWARE appnote 4.3.12). */
function zipEntries(zip: Buffer): Entry[] {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const entries: Entry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    entries.push({ name, size: zip.readUInt32LE(at + 24) });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

/** Every file of the package matches one of these, and every one of these is met. */
const EXPECTED = [
  /^\[Content_Types\]\.xml$/,
  /^extension\.vsixmanifest$/,
  /^extension\/package\.json$/,
  /^extension\/readme\.md$/,
  /^extension\/changelog\.md$/,
  /^extension\/LICENSE(\.txt)?$/,
  /^extension\/dist\/extension\.cjs$/,
  /^extension\/dist\/adapter\.cjs$/,
  /^extension\/dist\/machine-worker\.cjs$/,
  /^extension\/dist\/guestscope\.mjs$/,
  /^extension\/dist\/web\/(exits|memory|screen)\.(js|css)$/,
  /^extension\/extension\/(icon\.png|panel\.svg)$/,
  /^extension\/extension\/media\/[\w-]+\.png$/,
  /^extension\/extension\/walkthrough\/\w+\.md$/,
  /^extension\/extension\/sample\/README\.md$/,
  /^extension\/extension\/sample\/\.vscode\/launch\.json$/,
  /^extension\/extension\/sample\/story\/story\.bin$/,
  /^extension\/extension\/sample\/story\/story\.elf$/,
  /^extension\/extension\/sample\/story\/[\w-]+\.(s|inc|ld|c|h|json)$/,
  /^extension\/syntaxes\/[\w-]+\.(tmLanguage|language-configuration)\.json$/,
] as const;

describe('the package', () => {
  const directory = mkdtempSync(join(tmpdir(), 'guestscope-package-'));
  const vsix = join(directory, 'guestscope.vsix');
  let entries: readonly Entry[] = [];

  before(async () => {
    await packageExtension(vsix);
    entries = zipEntries(readFileSync(vsix));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('holds nothing that is not needed', () => {
    const strange = entries.filter(({ name }) => !EXPECTED.some((pattern) => pattern.test(name)));
    assert.deepEqual(
      strange.map(({ name }) => name),
      [],
    );
  });

  test('holds everything that is needed', () => {
    const missing = EXPECTED.filter((pattern) => !entries.some(({ name }) => pattern.test(name)));
    assert.deepEqual(missing.map(String), []);
  });

  test('stays small: under 4 MB unpacked', () => {
    const total = entries.reduce((sum, { size }) => sum + size, 0);
    assert.ok(total < 4_000_000, `${String(total)} bytes`);
  });

  test('runs a guest from the command line', () => {
    const sample = 'extension/sample#Story: a guest that finds its hypervisor';
    const args = ['--until-console', 'Hooks', '--expect', 'exits.CPUID == 5'];
    const result = spawnSync(process.execPath, ['dist/guestscope.mjs', 'run', sample, ...args], {
      cwd: projectRoot,
      encoding: 'utf8',
    });
    assert.equal(result.status, 0, result.stderr + result.stdout);
  });

  test('can be installed', { skip: !serverSupported() && 'no VS Code server here' }, () => {
    const extensions = join(directory, 'extensions');
    const [command, ...args] = serverCommand();
    const options = ['--user-data-dir', join(directory, 'user'), '--extensions-dir', extensions];
    const result = spawnSync(command, [...args, ...options, '--install-extension', vsix], {
      encoding: 'utf8',
    });
    assert.equal(result.status, 0, result.stderr + result.stdout);
    const installed = readdirSync(extensions).filter((name) => name.startsWith('guestscope.'));
    assert.equal(installed.length, 1, result.stdout);
  });
});
