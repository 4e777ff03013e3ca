/**
 * Runs the editor suites in a real VS Code: the executable named by VSCODE_EXECUTABLE, or a desktop VS
 * Code that @vscode/test-electron downloads. `npm test` chooses (see editorHost); nothing falls back
 * silently.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { bundle } from '../../extension/build/bundle.ts';
import { cacheDirectory, projectRoot } from '../../extension/build/tools.ts';
import { debianKernel } from '../support/debian-kernel.ts';

export interface EditorResult {
  readonly title: string;
  readonly milliseconds: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly error?: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));

/** The VS Code to test in, and how to say so. */
export function editorHost(): { readonly executable: string | undefined; readonly title: string } {
  const named = process.env['VSCODE_EXECUTABLE'];
  if (named) return { executable: named, title: named };
  const display = process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'];
  if (process.platform === 'linux' && !display) {
    const executable = join(here, 'headless-code');
    return { executable, title: 'VS Code server in a headless browser (no display here)' };
  }
  return { executable: undefined, title: 'desktop VS Code' };
}

/** Compiles the suites for the extension host; the folder that holds index.cjs. */
async function compileSuites(): Promise<string> {
  const outdir = join(projectRoot, 'out/editor-suite');
  const suites = readdirSync(join(here, 'suite')).filter((name) => name.endsWith('.suite.ts'));
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: here,
    entryPoints: ['suite/index.ts', ...suites.map((name) => `suite/${name}`)],
    outdir,
    outbase: 'suite',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return outdir;
}

/** The workspace that the suites work in: a copy of the sample, which they may change. */
function copyWorkspace(directory: string): string {
  const workspace = join(directory, 'workspace');
  mkdirSync(workspace);
  const sample = join(projectRoot, 'extension/sample');
  cpSync(sample, workspace, { recursive: true });
  try {
    const { kernel, initrd } = debianKernel();
    mkdirSync(join(workspace, 'linux'), { recursive: true });
    cpSync(kernel, join(workspace, 'linux/vmlinuz'));
    cpSync(initrd, join(workspace, 'linux/initrd.gz'));
  } catch (error) {
    // the suite says so as well: it skips, or fails in CI
    console.log(`  Linux cannot be tested here: ${error instanceof Error ? error.message : ''}`);
  }
  return workspace;
}

/** Extensions folder with the stand-in for the Hex Editor. */
function copyExtensions(directory: string): string {
  const extensions = join(directory, 'extensions');
  cpSync(join(here, 'hex-editor-fixture'), join(extensions, 'ms-vscode.hexeditor-1.99.0'), {
    recursive: true,
  });
  return extensions;
}

/** So that the text of a terminal is in the page and not only painted. */
const SETTINGS = { 'terminal.integrated.gpuAcceleration': 'off' } as const;

/** One run of the suites with these user settings; results in the order of the tests. */
export async function runSuites(
  settings: Readonly<Record<string, unknown>> = {},
  screenshots = cacheDirectory('screenshots'),
): Promise<readonly EditorResult[]> {
  await bundle();
  const suites = await compileSuites();
  const directory = mkdtempSync(join(tmpdir(), 'guestscope-run-'));
  const resultsFile = join(directory, 'results.json');
  const { executable } = editorHost();
  const environment = {
    GUESTSCOPE_EDITOR_RESULTS: resultsFile,
    GUESTSCOPE_EDITOR_SETTINGS: JSON.stringify({ ...SETTINGS, ...settings }),
    GUESTSCOPE_SCREENSHOTS: screenshots,
  };
  let failure: unknown;
  try {
    await runTests({
      ...(executable === undefined ? {} : { vscodeExecutablePath: executable }),
      extensionDevelopmentPath: projectRoot,
      extensionTestsPath: join(suites, 'index.cjs'),
      extensionTestsEnv: environment,
      launchArgs: [
        copyWorkspace(directory),
        `--user-data-dir=${join(directory, 'user-data')}`,
        `--extensions-dir=${copyExtensions(directory)}`,
      ],
    });
  } catch (error) {
    failure = error;
  }
  const results = existsSync(resultsFile)
    ? (JSON.parse(readFileSync(resultsFile, 'utf8')) as EditorResult[])
    : [];
  rmSync(directory, { recursive: true, force: true });
  if (failure !== undefined && !results.some(({ outcome }) => outcome === 'failed')) {
    const error = failure instanceof Error ? failure.message : 'unknown failure';
    return [
      ...results,
      { title: 'the editor ends well', milliseconds: 0, outcome: 'failed', error },
    ];
  }
  return results;
}

/** Themes of the `screenshots` mode, by the folder for its pictures. */
const THEMES = { dark: 'Default Dark Modern', light: 'Default Light Modern' } as const;

function print(results: readonly EditorResult[]): void {
  for (const { title, outcome, milliseconds, error } of results) {
    console.log(`${outcome.padEnd(8)}${String(milliseconds).padStart(6)} ms  ${title}`);
    if (error !== undefined) console.log(error);
  }
}

/** `run.ts`: the suites once. `run.ts screenshots`: once in a dark and once in a light theme. */
async function main(mode: string | undefined): Promise<void> {
  console.log(`Editor: ${editorHost().title}`);
  const all: EditorResult[] = [];
  if (mode === 'screenshots') {
    for (const [folder, theme] of Object.entries(THEMES)) {
      const pictures = join(cacheDirectory('screenshots'), folder);
      all.push(...(await runSuites({ 'workbench.colorTheme': theme }, pictures)));
      console.log(`Screenshots in ${pictures}`);
    }
  } else all.push(...(await runSuites()));
  print(all);
  process.exitCode = all.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv[2]);
