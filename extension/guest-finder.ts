/**
 * Guests in the workspace, for who has no launch.json yet: files with the names of kernels and of disk
 * images whose contents a loader accepts, and the configuration that each is started with.
 */
import * as vscode from 'vscode';
import { guestKind } from '../debug-adapter/launch/guest-kind.ts';
import { DEBUG_TYPE } from './guest-session.ts';

const KERNELS = '**/{vmlinuz*,bzImage*,vmlinux*,*.elf,kernel,kernel.bin}';
const IMAGES = '**/{*.img,*.iso,*.ima,*.flp,*.raw}';
const LEFT_OUT = '**/{node_modules,.git,.cache}/**';
/** Files that are looked at. */
const MOST = 40;
/** Larger kernels are symbol files, and reading one to know takes long. */
const LARGEST_KERNEL = 64 * 1024 * 1024;
const SECTOR = 512;

export interface FoundGuest {
  readonly uri: vscode.Uri;
  /** "bzimage", "multiboot", "pvh", "disk image". */
  readonly kind: string;
  readonly configuration: vscode.DebugConfiguration;
}

/** A path below the workspace folder with ${workspaceFolder}, others as they are. */
export function portablePath(uri: vscode.Uri, folder: vscode.WorkspaceFolder | undefined): string {
  const root = folder?.uri.path;
  if (root === undefined || !uri.path.startsWith(`${root}/`)) return uri.fsPath;
  return `\${workspaceFolder}/${uri.path.slice(root.length + 1)}`;
}

/** The configuration of a guest, as "Add Configuration…" without a snippet makes it. */
export function configurationFor(
  name: string,
  guest: Readonly<Record<string, string>>,
): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: 'launch', name, guest, stopOnEntry: true };
}

/** Guests below a folder, kernels first, by path. */
export async function findGuests(folder: vscode.WorkspaceFolder): Promise<readonly FoundGuest[]> {
  const find = (pattern: string): Thenable<vscode.Uri[]> =>
    vscode.workspace.findFiles(new vscode.RelativePattern(folder, pattern), LEFT_OUT, MOST);
  const [kernels, images] = await Promise.all([find(KERNELS), find(IMAGES)]);
  const byPath = (a: vscode.Uri, b: vscode.Uri): number => a.path.localeCompare(b.path);
  const found = await Promise.all([
    ...kernels.sort(byPath).map((uri) => asKernel(uri, folder)),
    ...images.sort(byPath).map((uri) => asImage(uri, folder)),
  ]);
  return found.filter((guest) => guest !== null);
}

async function sizeOf(uri: vscode.Uri): Promise<number> {
  // a link into nowhere is no guest
  return vscode.workspace.fs.stat(uri).then(
    ({ size }) => size,
    () => 0,
  );
}

async function asKernel(
  uri: vscode.Uri,
  folder: vscode.WorkspaceFolder,
): Promise<FoundGuest | null> {
  const size = await sizeOf(uri);
  if (size === 0 || size > LARGEST_KERNEL) return null;
  const kind = guestKind(await vscode.workspace.fs.readFile(uri));
  if (kind === null) return null;
  const kernel = portablePath(uri, folder);
  const initrd = kind === 'bzimage' ? await initrdBeside(uri, folder) : null;
  const guest = {
    kernel,
    ...(initrd !== null && { initrd }),
    ...(kind === 'bzimage' && { commandLine: 'console=ttyS0' }),
  };
  return { uri, kind, configuration: configurationFor(`Boot ${nameOf(uri)}`, guest) };
}

async function asImage(
  uri: vscode.Uri,
  folder: vscode.WorkspaceFolder,
): Promise<FoundGuest | null> {
  if ((await sizeOf(uri)) < SECTOR || isInitrd(uri)) return null;
  const guest = { image: portablePath(uri, folder) };
  return { uri, kind: 'disk image', configuration: configurationFor(`Boot ${nameOf(uri)}`, guest) };
}

function nameOf(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}

/** Debian and Fedora call these "….img". */
function isInitrd(uri: vscode.Uri): boolean {
  return /^(initrd|initramfs)/.test(nameOf(uri));
}

/** The initial RAM disk of a kernel's folder: that of its version, or the only one. */
async function initrdBeside(
  kernel: vscode.Uri,
  folder: vscode.WorkspaceFolder,
): Promise<string | null> {
  const parent = vscode.Uri.joinPath(kernel, '..');
  const entries = await vscode.workspace.fs.readDirectory(parent);
  const uris = entries.map(([name]) => vscode.Uri.joinPath(parent, name)).filter(isInitrd);
  const version = nameOf(kernel).replace(/^(vmlinuz|bzImage)-?/, '');
  const own = uris.find((uri) => version !== '' && nameOf(uri).includes(version));
  const chosen = own ?? (uris.length === 1 ? uris[0] : undefined);
  return chosen === undefined ? null : portablePath(chosen, folder);
}
