/**
 * The arrows between the folders, proved from the imports of every source file: extension →
 * debug-adapter → emulator and never back, the emulator without Node, editor or browser, Node in the
 * debug adapter's entry files only, and inside the emulator paravirt → hypervisor → cpu → memory.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { projectRoot } from '../extension/build/tools.ts';

interface Import {
  /** Path of the importing file from the project's root, with slashes. */
  readonly from: string;
  /** Path of the imported file likewise, or the package's name. */
  readonly to: string;
  readonly local: boolean;
}

const posix = (path: string) => path.replaceAll('\\', '/');

function sources(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${posix(file)}`)
    .filter((file) => file.endsWith('.ts') && !file.includes('/node_modules/'))
    .filter((file) => !file.startsWith('extension/sample/'));
}

const isTest = (file: string) => file.endsWith('.test.ts') || file.includes('/testing/');

/** Every import of a file, type imports and import() included. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => {
    const local = fileName.startsWith('.');
    const target = resolve(projectRoot, dirname(file), fileName);
    return { from: file, to: local ? posix(relative(projectRoot, target)) : fileName, local };
  });
}

const all = ['emulator', 'debug-adapter', 'extension', 'test'].flatMap(sources);
const imports = all.filter((file) => !isTest(file)).flatMap(importsOf);

const show = (found: readonly Import[]) => found.map(({ from, to }) => `${from} imports ${to}`);
const within = (path: string, folders: readonly string[]) =>
  folders.some((folder) => path.startsWith(`${folder}/`));

/** Files of `folder` may import only from these folders. */
function assertReach(folder: string, allowed: readonly string[]): void {
  const wrong = imports.filter(
    ({ from, to, local }) => from.startsWith(`${folder}/`) && local && !within(to, allowed),
  );
  assert.deepEqual(show(wrong), []);
}

const isNode = (name: string) => name.startsWith('node:') || builtinModules.includes(name);

describe('the folders', () => {
  test('were read', () => {
    assert.ok(imports.filter(({ from }) => from.startsWith('emulator/')).length > 20);
    assert.ok(imports.filter(({ from }) => from.startsWith('extension/')).length > 20);
  });

  test('emulator imports only from emulator', () => assertReach('emulator', ['emulator']));

  test('debug-adapter imports only from itself and emulator', () =>
    assertReach('debug-adapter', ['debug-adapter', 'emulator']));

  test('extension imports only from itself and debug-adapter', () =>
    assertReach('extension', ['extension', 'debug-adapter']));
});

describe('packages', () => {
  test('emulator needs none, debug-adapter only the protocol and its messages', () => {
    const wrong = imports.filter(
      ({ from, to, local }) => within(from, ['emulator', 'debug-adapter']) && !local && !isNode(to),
    );
    // types of the protocol are erased; the messages' classes know neither Node nor an editor
    const protocol = ['@vscode/debugprotocol', '@vscode/debugadapter/lib/messages.js'];
    const foreign = wrong.filter(
      ({ from, to }) => from.startsWith('emulator/') || !protocol.includes(to),
    );
    assert.deepEqual(show(foreign), []);
  });

  test('the emulator does not know Node', () => {
    const wrong = imports.filter(({ from, to }) => from.startsWith('emulator/') && isNode(to));
    assert.deepEqual(show(wrong), []);
  });

  test('the debug adapter knows Node in its entry files only', () => {
    const entry = /(^|\/)(main|[\w-]+-main|[\w-]+-node|transport)\.ts$/;
    const wrong = imports.filter(
      ({ from, to }) => from.startsWith('debug-adapter/') && isNode(to) && !entry.test(from),
    );
    assert.deepEqual(show(wrong), []);
  });

  test('vscode is imported by the extension and its tests only', () => {
    const wrong = imports.filter(
      ({ from, to }) => to === 'vscode' && !within(from, ['extension', 'test/editor/suite']),
    );
    assert.deepEqual(show(wrong), []);
  });
});

describe('the emulator', () => {
  /** Offsets of the one memory: common ground, though it lies with the processor that owns most of it. */
  const COMMON = ['emulator/cpu/layout.ts'];
  /** Folder → what it may not import. What no row names is free. */
  const FORBIDDEN = {
    'emulator/memory': ['emulator/cpu', 'emulator/devices', 'emulator/hypervisor', 'emulator/paravirt', 'emulator/loaders'], // prettier-ignore
    'emulator/cpu': [
      'emulator/devices',
      'emulator/hypervisor',
      'emulator/paravirt',
      'emulator/loaders',
    ],
    'emulator/devices': ['emulator/cpu', 'emulator/hypervisor', 'emulator/paravirt', 'emulator/loaders'], // prettier-ignore
    'emulator/hypervisor': ['emulator/devices', 'emulator/paravirt', 'emulator/loaders'],
    'emulator/paravirt': ['emulator/devices', 'emulator/loaders'],
    'emulator/formats': ['emulator/cpu', 'emulator/devices', 'emulator/hypervisor', 'emulator/paravirt', 'emulator/loaders'], // prettier-ignore
    'emulator/loaders': ['emulator/devices', 'emulator/hypervisor', 'emulator/paravirt'],
  } as const;

  for (const [folder, forbidden] of Object.entries(FORBIDDEN)) {
    test(`${folder} imports nothing of ${forbidden.map((path) => path.slice(9)).join(', ')}`, () => {
      const wrong = imports.filter(
        ({ from, to }) =>
          from.startsWith(`${folder}/`) && within(to, forbidden) && !COMMON.includes(to),
      );
      assert.deepEqual(show(wrong), []);
    });
  }

  test('only what stands beside machine.ts, and the debugger, see the whole machine', () => {
    const parts = imports.filter(({ from }) => /^emulator\/(?!debugger\/)[\w-]+\//.test(from));
    const wrong = parts.filter(
      ({ to }) => to === 'emulator/machine.ts' || to.startsWith('emulator/debugger/'),
    );
    assert.deepEqual(show(wrong), []);
  });

  test('uses no global of Node, a browser or an editor', () => {
    const names = ['process', 'Buffer', 'window', 'document', 'performance', 'setTimeout', 'setInterval', 'console', 'require', 'fetch', 'TextDecoder', 'TextEncoder']; // prettier-ignore
    const found = all
      .filter((file) => file.startsWith('emulator/') && !isTest(file))
      .flatMap((file) => globalsUsed(file, names));
    assert.deepEqual(found, []);
  });
});

/** Uses of these names as free identifiers: "file:line name". */
function globalsUsed(file: string, names: readonly string[]): string[] {
  const text = readFileSync(join(projectRoot, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const declared = new Set<string>();
  const used: { name: string; line: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && names.includes(node.text)) {
      const { parent } = node;
      const member =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isQualifiedName(parent) && parent.right === node) ||
        ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent) || ts.isMethodDeclaration(parent) || ts.isPropertyDeclaration(parent)) && parent.name === node); // prettier-ignore
      const declaration =
        (ts.isVariableDeclaration(parent) ||
          ts.isParameter(parent) ||
          ts.isFunctionDeclaration(parent) ||
          ts.isBindingElement(parent) ||
          ts.isImportSpecifier(parent)) &&
        parent.name === node;
      if (declaration) declared.add(node.text);
      else if (!member) {
        used.push({
          name: node.text,
          line: source.getLineAndCharacterOfPosition(node.pos).line + 1,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return used
    .filter(({ name }) => !declared.has(name))
    .map(({ name, line }) => `${file}:${String(line)} ${name}`);
}
