/**
 * `npm start`: builds and opens an editor on the sample workspace, in which F5 launches a guest. Desktop
 * VS Code where `code` is on the PATH, else a real VS Code served on 127.0.0.1 for any browser, else
 * (or with --text) the same launch configuration through the same debug adapter as a text session.
 *
 *   npm start                  desktop VS Code or the server
 *   npm start -- --serve       the server even where there is a desktop VS Code
 *   npm start -- --port 8080   the server on this port
 *   npm start -- --text …      the text session; what follows is for it
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { cacheDirectory, projectRoot } from './tools.ts';
import { freePort, serverSupported, startServer } from './vscode-server.ts';

const SAMPLE = join(projectRoot, 'extension/sample');
const DEFAULT_PORT = 8787;

function desktopCode(): boolean {
  const shell = process.platform === 'win32';
  return spawnSync('code', ['--version'], { stdio: 'ignore', shell }).status === 0;
}

function openDesktop(): Promise<number> {
  console.log('Opening desktop VS Code; press F5 there to boot the sample guest.');
  const args = [`--extensionDevelopmentPath=${projectRoot}`, '--new-window', SAMPLE];
  return finished('code', args, process.platform === 'win32');
}

function openText(args: readonly string[]): Promise<number> {
  return finished(process.execPath, [
    '--enable-source-maps',
    join(projectRoot, 'dist/guestscope.mjs'),
    'text',
    ...args,
  ]);
}

function finished(command: string, args: readonly string[], shell = false): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', shell });
    child.once('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * Fetches Debian's kernel for the second launch configuration of the sample, while the editor is in use
 * already. Only where apt is; the sample's README says how else.
 */
function fetchLinux(): void {
  const folder = join(SAMPLE, 'linux');
  if (existsSync(join(folder, 'vmlinuz')) || process.platform !== 'linux') return;
  const script = join(projectRoot, 'test/support/debian-kernel.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], {
    cwd: projectRoot,
    stdio: 'ignore',
  });
  child.once('error', (error) => console.log(`Linux was not fetched: ${error.message}`));
  child.once('exit', (code) => {
    console.log(
      code === 0
        ? 'Linux is ready too: the second launch configuration boots it.'
        : 'Linux could not be fetched from Debian; extension/sample/README.md says where to put one.',
    );
  });
}

/** Serves VS Code with the extension in its extensions folder until interrupted. */
async function serve(port: number): Promise<number> {
  const directory = cacheDirectory('start');
  const extensions = join(directory, 'extensions');
  mkdirSync(extensions, { recursive: true });
  const link = join(extensions, 'guestscope.guestscope');
  if (!existsSync(link)) symlinkSync(projectRoot, link, 'junction');
  const server = await startServer({
    directory,
    extensionsDir: extensions,
    port,
    testDriver: false,
    environment: {},
  });
  const address = `http://127.0.0.1:${String(server.port)}/?folder=${encodeURIComponent(SAMPLE)}`;
  console.log(`VS Code with Guestscope: ${address}`);
  console.log('Open it in a browser and press F5 to boot the sample guest; Ctrl+C here ends it.');
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void server.stop());
  await server.ended;
  return 0;
}

async function main(args: readonly string[]): Promise<number> {
  await bundle();
  const text = args.indexOf('--text');
  if (text >= 0) return openText(args.slice(text + 1));
  const portAt = args.indexOf('--port');
  const port = portAt >= 0 ? Number(args[portAt + 1]) : await freePort(DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    console.error('--port must be followed by a TCP port from 0 (any free one) to 65535.');
    return 2;
  }
  fetchLinux();
  const wantsServer = portAt >= 0 || args.includes('--serve');
  if (!wantsServer && desktopCode()) return openDesktop();
  if (serverSupported()) {
    try {
      return await serve(port);
    } catch (error) {
      console.error(error instanceof Error ? error.message : String(error));
    }
  }
  console.log('No VS Code can be had here, so this is the text session of the same debugger.');
  return openText([]);
}

process.exitCode = await main(process.argv.slice(2));
