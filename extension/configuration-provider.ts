/**
 * What the editor asks before a launch: configurations to start from, and a remedy for an empty one. The
 * configuration itself is validated by the debug adapter, whose errors name the attribute.
 */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from './guest-session.ts';

/** The configuration for a kernel file, as "Add Configuration…" without a snippet makes it. */
function configurationFor(kernel: string): vscode.DebugConfiguration {
  return {
    type: DEBUG_TYPE,
    request: 'launch',
    name: 'Boot guest',
    guest: { kernel },
    stopOnEntry: true,
  };
}

/** A path below the workspace folder with ${workspaceFolder}, others as they are. */
function portablePath(uri: vscode.Uri, folder: vscode.WorkspaceFolder | undefined): string {
  const root = folder?.uri.path;
  if (root === undefined || !uri.path.startsWith(`${root}/`)) return uri.fsPath;
  return `\${workspaceFolder}/${uri.path.slice(root.length + 1)}`;
}

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

export class GuestConfigurationProvider implements vscode.DebugConfigurationProvider {
  provideDebugConfigurations(): vscode.ProviderResult<vscode.DebugConfiguration[]> {
    return [configurationFor('${workspaceFolder}/vmlinuz')];
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
    const choose = 'Choose Kernel…';
    const open = 'Open launch.json';
    const answer = await vscode.window.showErrorMessage(
      given.type
        ? 'launch.json: "guest" is missing; name the kernel to boot in "guest.kernel".'
        : 'There is no launch configuration for a guest yet; choose the kernel to boot.',
      choose,
      open,
    );
    if (answer === open) return null;
    if (answer !== choose) return undefined;
    const kernel = await chooseKernel(folder);
    if (kernel === undefined) return undefined;
    const base = configurationFor(kernel);
    return withEditorDefaults({
      ...base,
      ...(given.type ? configuration : {}),
      guest: { kernel },
    });
  }
}
