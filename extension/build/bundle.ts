/**
 * Bundles what runs outside the repository: the extension, the stdio debug adapter, the machine's worker
 * and the command line, each as one file in dist/ with a source map. Used by `npm run build`,
 * `npm start`, the editor tests and the package. `--watch` rebuilds on change, `--production` minifies.
 */
import { fileURLToPath } from 'node:url';
import { build, context, type BuildOptions } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundle name in dist/ → its entry file. The editor loads extensions as CommonJS. */
const COMMONJS = {
  extension: 'extension/main.ts',
  adapter: 'debug-adapter/main.ts',
  'machine-worker': 'debug-adapter/machine-worker-main.ts',
} as const;
/** The same as ES modules. */
const MODULES = { guestscope: 'debug-adapter/guestscope-main.ts' } as const;

/** Pages of the views: script and style sheet each, in dist/web/. */
const PAGES = ['extension/web/exits', 'extension/web/memory', 'extension/web/screen'] as const;

const DIST = 'dist';

/** Options that all bundles share. */
function common(production: boolean): BuildOptions {
  return {
    absWorkingDir: root,
    bundle: true,
    sourcemap: !production,
    sourcesContent: false,
    minify: production,
    keepNames: production,
    logLevel: 'warning',
  };
}

function pageOptions(production: boolean, outdir: string): BuildOptions {
  return {
    ...common(production),
    entryPoints: PAGES.flatMap((page) => [`${page}.ts`, `${page}.css`]),
    outdir: `${outdir}/web`,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  };
}

/** Options of the programs that Node runs. */
function programOptions(
  production: boolean,
  outdir: string,
  format: 'cjs' | 'esm',
  entries: Readonly<Record<string, string>>,
): BuildOptions {
  return {
    ...common(production),
    entryPoints: entries,
    outdir,
    outExtension: { '.js': format === 'cjs' ? '.cjs' : '.mjs' },
    platform: 'node',
    format,
    target: 'node20',
    external: ['vscode'],
    // import.meta.url is how the sources find their neighbours; in CommonJS that is __filename.
    ...(format === 'cjs' && {
      define: { 'import.meta.url': 'importMetaUrl' },
      banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    }),
  };
}

function allOptions(production: boolean, outdir: string): readonly BuildOptions[] {
  return [
    programOptions(production, outdir, 'cjs', COMMONJS),
    programOptions(production, outdir, 'esm', MODULES),
    pageOptions(production, outdir),
  ];
}

/**
 * Builds all bundles once; rejects with esbuild's own message when a source does not compile.
 * @param outdir where they go; relative to the project.
 */
export async function bundle(production = false, outdir = DIST): Promise<void> {
  await Promise.all(allOptions(production, outdir).map((options) => build(options)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--watch')) {
    for (const options of allOptions(false, DIST)) await (await context(options)).watch();
  } else await bundle(process.argv.includes('--production'));
}
