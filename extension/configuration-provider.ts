/**
 * What the editor asks before a launch: configurations to start from, and a remedy for an empty one. The
 * configuration itself is validated by the debug adapter, whose errors name the attribute.
 */
import * as vscode from 'vscode';
import { configurationFor, findGuests, portablePath } from './guest-finder.ts';

async function chooseKernel(
  folder: vscode.WorkspaceFolder | undefined,
): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Kernel to boot: a Linux bzImage, a multiboot kernel or a flat binary',
    openLabel: 'Boot',
    canSelectMany: false,
    ...(folder && { defaultUri: folder.uri }),
  });
  const uri = picked?.[0];
  return uri && portablePath(uri, folder);
}

/** The guest's console terminal comes to the front, so the debug console shall not. */
function withEditorDefaults(configuration: vscode.DebugConfiguration): vscode.DebugConfiguration {
  if (configuration['console'] === 'debugConsole') return configuration;
  return { internalConsoleOptions: 'neverOpen', ...configuration };
}

/** Undefined, with a sentence, when it says of no server. */
function attachable(
  configuration: vscode.DebugConfiguration,
): vscode.DebugConfiguration | undefined {
  const { port, debugServer } = configuration;
  if (Number.isInteger(port) || debugServer !== undefined) return withEditorDefaults(configuration);
  void vscode.window.showErrorMessage(
    'launch.json: "port" is missing; guests wait at servers, which "adapter --port N" starts: name N.',
  );
  return undefined;
}

interface GuestItem extends vscode.QuickPickItem {
  /** null: a file that the user will name. */
  readonly configuration: vscode.DebugConfiguration | null;
}

/** What to boot, of what is in the workspace or of any file; undefined when the user gives up. */
async function chooseGuest(
  folder: vscode.WorkspaceFolder | undefined,
): Promise<vscode.DebugConfiguration | undefined> {
  const found = folder === undefined ? [] : await findGuests(folder);
  const items: GuestItem[] = [
    ...found.map(({ uri, kind, configuration }) => ({
      label: configuration.name,
      description: kind,
      detail: vscode.workspace.asRelativePath(uri),
      configuration,
    })),
    { label: '$(folder-opened) Another file…', configuration: null },
  ];
  const title = 'There is no launch configuration for a guest yet. What is to be booted?';
  const picked = await vscode.window.showQuickPick(items, { title, matchOnDetail: true });
  if (picked === undefined) return undefined;
  if (picked.configuration !== null) return picked.configuration;
  const kernel = await chooseKernel(folder);
  return kernel === undefined ? undefined : configurationFor('Boot guest', { kernel });
}

/** Guests of the workspace in the list of what can be started, beside those of launch.json. */
export const foundConfigurations: vscode.DebugConfigurationProvider = {
  async provideDebugConfigurations(folder) {
    return folder === undefined
      ? []
      : (await findGuests(folder)).map(({ configuration }) => configuration);
  },
};

export class GuestConfigurationProvider implements vscode.DebugConfigurationProvider {
  async provideDebugConfigurations(
    folder: vscode.WorkspaceFolder | undefined,
  ): Promise<vscode.DebugConfiguration[]> {
    const found = folder === undefined ? [] : await findGuests(folder);
    if (found.length > 0) return found.map(({ configuration }) => configuration);
    return [configurationFor('Boot guest', { kernel: '${workspaceFolder}/vmlinuz' })];
  }

  /** Fills in an empty configuration; undefined stops the launch, null opens launch.json. */
  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | null | undefined> {
    // F5 without a launch.json comes as an empty object
    const given = configuration as Partial<vscode.DebugConfiguration>;
    if (given.request === 'attach') return attachable(configuration);
    if (given.type && given['guest'] !== undefined) return withEditorDefaults(configuration);
    if (!given.type) {
      const chosen = await chooseGuest(folder);
      return chosen && withEditorDefaults(chosen);
    }
    const choose = 'Choose Kernel…';
    const open = 'Open launch.json';
    const answer = await vscode.window.showErrorMessage(
      'launch.json: "guest" is missing; name the kernel to boot in "guest.kernel".',
      choose,
      open,
    );
    if (answer === open) return null;
    if (answer !== choose) return undefined;
    const kernel = await chooseKernel(folder);
    if (kernel === undefined) return undefined;
    return withEditorDefaults({ ...configuration, guest: { kernel } });
  }
}
