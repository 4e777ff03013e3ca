/**
 * Makes the installable guestscope-<version>.vsix: production bundles, then vsce without dependencies,
 * since everything is in the bundles. .vscodeignore says what goes in.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { bundle } from './bundle.ts';
import { projectRoot } from './tools.ts';

/** Builds the package and gives its path; rejects with vsce's message. */
export async function packageExtension(packagePath: string): Promise<string> {
  await bundle(true);
  await createVSIX({
    cwd: projectRoot,
    dependencies: false,
    packagePath,
    allowMissingRepository: true,
    // the README's picture lies in the package
    rewriteRelativeLinks: false,
    skipLicense: false,
  });
  return packagePath;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
  };
  const path = join(projectRoot, `${manifest.name}-${manifest.version}.vsix`);
  console.log(await packageExtension(path));
}
