/**
 * A real VS Code without a desktop: code-server from the npm registry, whose workbench any browser
 * shows. Used by `npm start` where there is no `code` on the PATH, and by the editor tests. Runs on
 * 127.0.0.1 only, without telemetry, update check, gallery or password.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTool, type Tool } from './tools.ts';

/**
 * Versions that can be served, each with the Node that runs it: the VS Code inside is 1.x for code-server
 * 4.x. GUESTSCOPE_VSCODE chooses; the older one is the oldest that the extension declares to support.
 */
const SERVERS = {
  '1.139': {
    codeServer: '4.139.1',
    node: '24.21.0',
    compiled: [],
    driver: ['--vscode-option', 'enable-smoke-test-driver'],
  },
  '1.100': { codeServer: '4.100.3', node: '20.20.2', compiled: ['argon2'], driver: [] },
} as const;

/** Name of the package that brings Node for this computer. */
const nodePackage = `node-${process.platform}-${process.arch}`;

function chosenServer(): (typeof SERVERS)[keyof typeof SERVERS] {
  const name = process.env['GUESTSCOPE_VSCODE'] ?? '1.139';
  if (name !== '1.139' && name !== '1.100') {
    throw new Error(
      `GUESTSCOPE_VSCODE is "${name}"; there are ${Object.keys(SERVERS).join(', ')}.`,
    );
  }
  return SERVERS[name];
}

function serverTool(): Tool {
  const { codeServer, node, compiled } = chosenServer();
  return {
    folder: `vscode-server-${codeServer}`,
    title: `VS Code server ${codeServer}`,
    packages: [`code-server@${codeServer}`, `${nodePackage}@${node}`],
    nested: ['code-server/lib/vscode'],
    compiled,
  };
}

/** The server's command line without options; installs it on first use. */
export function serverCommand(): readonly [string, ...string[]] {
  const modules = join(ensureTool(serverTool()), 'node_modules');
  return [join(modules, nodePackage, 'bin/node'), join(modules, 'code-server/out/node/entry.js')];
}

/** Whether the server can run here: code-server knows Linux and macOS. */
export function serverSupported(): boolean {
  return ['linux', 'darwin'].includes(process.platform) && ['x64', 'arm64'].includes(process.arch);
}

export interface ServerOptions {
  /** Holds user-data and logs; created where missing. */
  readonly directory: string;
  readonly userDataDir?: string;
  readonly extensionsDir?: string;
  /** TCP port, or 0 for a free one. */
  readonly port: number;
  /** Makes the workbench run the extension tests named in its payload. */
  readonly testDriver: boolean;
  /** Added to the server's environment; it reaches the extension host. */
  readonly environment: Readonly<Record<string, string>>;
  /** User settings over the quiet defaults. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface VscodeServer {
  readonly port: number;
  readonly logFile: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/** No extension gallery: the server is to ask nothing from the network. */
const NO_GALLERY = JSON.stringify({ serviceUrl: '', itemUrl: '', resourceUrlTemplate: '' });

/** Starts the server and resolves once it answers. Rejects with the end of its log when it does not. */
export async function startServer(options: ServerOptions): Promise<VscodeServer> {
  const [node, ...entry] = serverCommand();
  const port = options.port === 0 ? await freePort() : options.port;
  const userData = options.userDataDir ?? join(options.directory, 'user-data');
  mkdirSync(join(userData, 'User'), { recursive: true });
  const settings = join(userData, 'User/settings.json');
  if (!existsSync(settings) || options.settings) {
    writeFileSync(settings, JSON.stringify({ ...QUIET_SETTINGS, ...options.settings }, null, 2));
  }
  const logFile = join(options.directory, 'server.log');
  const log = createWriteStream(logFile);
  const child = spawn(node, [...entry, ...serverArguments(options, userData, port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      EXTENSIONS_GALLERY: NO_GALLERY,
      ...options.environment,
      NODE_OPTIONS: '',
    },
    detached: true,
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      log.end();
      resolve();
    });
    child.once('error', () => resolve());
  });
  const server = { port, logFile, ended, stop: () => stop(child, ended) };
  await waitUntilHealthy(server);
  return server;
}

function serverArguments(options: ServerOptions, userData: string, port: number): string[] {
  return [
    ...['--config', '/dev/null', '--auth', 'none', '--bind-addr', `127.0.0.1:${String(port)}`],
    ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'],
    '--disable-getting-started-override',
    ...['--user-data-dir', userData],
    ...['--extensions-dir', options.extensionsDir ?? join(options.directory, 'extensions')],
    ...['--session-socket', join(tmpdir(), `guestscope-${String(process.pid)}.sock`)],
    // newer servers ignore the tests named in the address without it
    ...(options.testDriver ? chosenServer().driver : []),
  ];
}

async function waitUntilHealthy(server: VscodeServer): Promise<void> {
  const over = new AbortController();
  void server.ended.then(() => over.abort());
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && !over.signal.aborted) {
    const answer = await fetch(`http://127.0.0.1:${String(server.port)}/healthz`).catch(() => null);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await server.stop();
  const end = readFileSync(server.logFile, 'utf8').trim().split('\n').slice(-10).join('\n');
  throw new Error(`The VS Code server did not come up; its log ends with:\n${end}`);
}

/** Ends the server and the processes it started (its group), by force after five seconds. */
async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null) return;
  process.kill(-pid, 'SIGTERM');
  const timer = setTimeout(() => process.kill(-pid, 'SIGKILL'), 5000);
  await ended;
  clearTimeout(timer);
}

/** A TCP port of 127.0.0.1 that nobody uses: the wanted one, or any where it is taken or 0. */
export function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => {
      if (wanted === 0) reject(error);
      else freePort().then(resolve, reject);
    });
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
