/**
 * Keeps what package.json says about launch.json in step with the debug adapter's own description:
 * `npm run generate` rewrites contributes.debuggers[0].configurationAttributes and the snippets;
 * contributions.test.ts fails when that was forgotten.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { configurationSchemas, configurationSnippets } from '../../debug-adapter/launch/schema.ts';
import { projectRoot } from './tools.ts';

const MANIFEST = join(projectRoot, 'package.json');

interface Manifest {
  readonly contributes: { readonly debuggers: Record<string, unknown>[] };
  readonly prettier: Record<string, unknown>;
}

/** The text that package.json should have, and the one that it has. */
export async function manifestTexts(): Promise<{
  readonly wanted: string;
  readonly actual: string;
}> {
  const actual = readFileSync(MANIFEST, 'utf8');
  const manifest = JSON.parse(actual) as Manifest;
  const debuggers = manifest.contributes.debuggers[0];
  if (debuggers === undefined) throw new Error('package.json has no contributes.debuggers[0].');
  debuggers['configurationAttributes'] = configurationSchemas();
  debuggers['configurationSnippets'] = configurationSnippets();
  const wanted = await format(JSON.stringify(manifest), {
    ...manifest.prettier,
    parser: 'json-stringify',
  });
  return { wanted, actual };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(MANIFEST, (await manifestTexts()).wanted);
}
