/**
 * Bundles what runs outside the repository: the extension, the stdio debug adapter, the machine's worker
 * and the text session, each as one CommonJS file in dist/ with a source map. Used by `npm run build`,
 * `npm start`, the editor tests and the package. `--watch` rebuilds on change, `--production` minifies.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, context, type BuildOptions } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundle name in dist/ → its entry file. */
const ENTRIES = {
  extension: 'extension/main.ts',
  adapter: 'debug-adapter/main.ts',
  'machine-worker': 'debug-adapter/machine-worker-main.ts',
  text: 'debug-adapter/text-main.ts',
} as const;

function options(production: boolean): BuildOptions {
  const present = Object.entries(ENTRIES).filter(([, file]) => existsSync(`${root}${file}`));
  return {
    absWorkingDir: root,
    entryPoints: Object.fromEntries(present),
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    sourcemap: true,
    sourcesContent: false,
    minify: production,
    keepNames: production,
    logLevel: 'warning',
    // import.meta.url is how the sources find their neighbours; in CommonJS that is __filename.
    define: { 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  };
}

/** Builds all bundles once; rejects with esbuild's own message when a source does not compile. */
export async function bundle(production = false): Promise<void> {
  await build(options(production));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--watch')) await (await context(options(false))).watch();
  else await bundle(process.argv.includes('--production'));
}
