/** package.json tells the editor what the debug adapter accepts, no more and no less. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { manifestTexts } from '../extension/build/contributions.ts';
import { projectRoot } from '../extension/build/tools.ts';

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly grammars: readonly { readonly language: string; readonly path: string }[];
    readonly languages: readonly { readonly id: string; readonly configuration?: string }[];
    readonly breakpoints: readonly { readonly language: string }[];
    readonly debuggers: readonly { readonly languages: readonly string[] }[];
  };
}
const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Manifest;
const { contributes } = manifest;

test('the schema and snippets of launch.json are those of the debug adapter', async () => {
  const { wanted, actual } = await manifestTexts();
  assert.ok(actual === wanted, 'package.json is stale: run `npm run generate` and commit it');
});

test('menus name only commands that exist', () => {
  const known = new Set(contributes.commands.map(({ command }) => command));
  const used = Object.values(contributes.menus).flat();
  assert.deepEqual(
    used.map(({ command }) => command).filter((command) => !known.has(command)),
    [],
  );
});

test('every grammar and language file that is named exists and is JSON', () => {
  const files = [
    ...contributes.grammars.map(({ path }) => path),
    ...contributes.languages.flatMap(({ configuration }) => configuration ?? []),
  ];
  for (const file of files) {
    assert.ok(existsSync(join(projectRoot, file)), file);
    JSON.parse(readFileSync(join(projectRoot, file), 'utf8'));
  }
});
