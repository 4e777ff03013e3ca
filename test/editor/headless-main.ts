/**
 * Poses as the VS Code executable: understands the arguments that @vscode/test-electron gives, runs the
 * tests in a real VS Code server under a headless browser and ends with their exit status. On failure
 * it leaves a screenshot and the server's log in .cache/editor-tests/.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { cacheDirectory } from '../../extension/build/tools.ts';
import { startServer, type VscodeServer } from '../../extension/build/vscode-server.ts';
import { launchBrowser } from './browser.ts';
import { startDriver, type UiDriver } from './driver.ts';

/** A run that has not ended after this many milliseconds has hung. */
const LIMIT = 20 * 60_000;

interface Arguments {
  readonly options: ReadonlyMap<string, string>;
  readonly workspace: string | undefined;
}

function parse(args: readonly string[]): Arguments {
  const options = new Map<string, string>();
  let workspace: string | undefined;
  for (const argument of args) {
    const match = /^--([\w-]+)(?:=(.*))?$/s.exec(argument);
    if (match?.[1] !== undefined) options.set(match[1], match[2] ?? '');
    else workspace = resolve(argument);
  }
  return { options, workspace };
}

/** The workbench's address, with what it is to develop and test. */
function address(port: number, { options, workspace }: Arguments): string {
  const remote = (name: string) => {
    const path = options.get(name);
    if (!path) throw new Error(`--${name}= is missing.`);
    return [name, `vscode-remote://127.0.0.1:${String(port)}${resolve(path)}`];
  };
  const payload = [remote('extensionDevelopmentPath'), remote('extensionTestsPath')];
  const folder = workspace === undefined ? '' : `folder=${encodeURIComponent(workspace)}&`;
  return `http://127.0.0.1:${String(port)}/?${folder}payload=${encodeURIComponent(JSON.stringify(payload))}`;
}

/** Opens the page and resolves with the exit status that the workbench reports. */
async function runTests(page: Page, url: string): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`The editor tests did not end within ${String(LIMIT / 60_000)} minutes.`));
    }, LIMIT);
    const end = (code: number) => {
      clearTimeout(timer);
      resolve(code);
    };
    const open = async () => {
      await page.exposeFunction('codeAutomationExit', end);
      await page.exposeFunction('codeAutomationLog', () => undefined);
      await page.goto(url);
    };
    page.once('crash', () => reject(new Error('The browser page crashed.')));
    open().catch(reject);
  });
}

async function main(): Promise<number> {
  const parsed = parse(process.argv.slice(2));
  const kept = cacheDirectory('editor-tests');
  const directory = mkdtempSync(join(tmpdir(), 'guestscope-editor-'));
  let driver: UiDriver | undefined;
  let server: VscodeServer | undefined;
  let browser: Browser | undefined;
  let status = 1;
  try {
    driver = await startDriver(
      process.env['GUESTSCOPE_SCREENSHOTS'] ?? cacheDirectory('screenshots'),
    );
    const userDataDir = parsed.options.get('user-data-dir');
    const extensionsDir = parsed.options.get('extensions-dir');
    server = await startServer({
      directory,
      ...(userDataDir ? { userDataDir } : {}),
      ...(extensionsDir ? { extensionsDir } : {}),
      port: 0,
      testDriver: true,
      environment: { GUESTSCOPE_UI: driver.address },
      settings: JSON.parse(process.env['GUESTSCOPE_EDITOR_SETTINGS'] ?? '{}') as Record<
        string,
        unknown
      >,
    });
    browser = await launchBrowser();
    const page = await browser.newPage({ viewport: { width: 1680, height: 1000 } });
    driver.attach(page);
    try {
      status = await runTests(page, address(server.port, parsed));
    } finally {
      if (status !== 0) {
        mkdirSync(kept, { recursive: true });
        await page.screenshot({ path: join(kept, 'failure.png') });
        cpSync(server.logFile, join(kept, 'server.log'));
        console.error(`A screenshot and the server's log are in ${kept}.`);
      }
    }
  } finally {
    // the browser first: a workbench that loses its server asks to reload
    await browser?.close();
    await server?.stop();
    driver?.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return status;
}

process.exitCode = await main();
