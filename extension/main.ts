/**
 * Entry of the extension: wires the debug adapter, the views and the commands to the editor. Everything
 * it registers ends with the extension.
 */
import * as vscode from 'vscode';
import { eventTree } from '../debug-adapter/exits/event-tree.ts';
import { exitReasonDescriptions } from '../debug-adapter/exits/exception-filters.ts';
import { AdapterFactory } from './adapter-factory.ts';
import { registerBreakOnCommands } from './commands/break-on.ts';
import { registerExitBreakpointCommands } from './commands/exit-breakpoints.ts';
import { registerExitCommands } from './commands/exits.ts';
import { registerMemoryCommands } from './commands/memory.ts';
import { registerSampleCommand } from './commands/sample.ts';
import { registerParavirtCommands } from './commands/paravirt.ts';
import { registerScreenCommand } from './commands/screen.ts';
import { foundConfigurations, GuestConfigurationProvider } from './configuration-provider.ts';
import { registerConsoleTerminals } from './console-terminal.ts';
import { DisassemblyDocuments } from './disassembly-documents.ts';
import { EventBreakpoints } from './event-breakpoints.ts';
import { ExitBreakpoints } from './exit-breakpoints.ts';
import { DEBUG_TYPE, GuestSessions } from './guest-session.ts';
import { registerNotices } from './notices.ts';
import { registerStatusBar } from './status-bar.ts';
import { registerBreakOnView } from './views/break-on.ts';
import { registerExitBreakpointsView } from './views/exit-breakpoints.ts';
import { EXITS_VIEW, ExitsView } from './views/exits.ts';
import { MemoryViews } from './views/memory.ts';
import { ParavirtView } from './views/paravirt.ts';
import { ScreenViews } from './views/screen.ts';

export function activate(context: vscode.ExtensionContext): void {
  const { extensionUri, subscriptions, workspaceState } = context;
  const log = vscode.window.createOutputChannel('Guestscope', { log: true });
  const sessions = new GuestSessions();
  const breakpoints = new ExitBreakpoints(workspaceState, sessions);
  const events = new EventBreakpoints(workspaceState, sessions);
  const exits = new ExitsView(extensionUri, sessions, log);
  const paravirt = new ParavirtView(sessions);
  const documents = new DisassemblyDocuments(sessions);
  const screens = new ScreenViews(extensionUri, sessions);
  subscriptions.push(
    log,
    sessions,
    breakpoints,
    events,
    exits,
    paravirt,
    screens,
    documents,
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new AdapterFactory(context)),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, new GuestConfigurationProvider()),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      foundConfigurations,
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.window.registerWebviewViewProvider(EXITS_VIEW, exits),
    registerConsoleTerminals(sessions),
    registerNotices(sessions),
    registerStatusBar(sessions),
    registerExitBreakpointsView(breakpoints),
    registerExitBreakpointCommands(breakpoints, exitReasonDescriptions()),
    registerBreakOnView(eventTree(), events),
    registerBreakOnCommands(events),
    registerExitCommands(sessions, breakpoints, documents),
    registerSampleCommand(extensionUri),
    registerParavirtCommands(paravirt),
    registerScreenCommand(screens, sessions),
    registerMemoryCommands(new MemoryViews(extensionUri, sessions), sessions),
  );
  // from now on the view of exit breakpoints has its place in the side bar
  void vscode.commands.executeCommand('setContext', 'guestscope.used', true);
}
