/**
 * Code at any address as a document to read, since the editor's own disassembly view opens only where a
 * frame or a breakpoint is: `guestscope-disassembly:/<address>?<session>`, with symbols, made anew at
 * every stop. Where the code's source is on this computer, the source is opened instead.
 */
import * as vscode from 'vscode';
import type { GuestSession, GuestSessions } from './guest-session.ts';

const SCHEME = 'guestscope-disassembly';
/** Instructions before and behind the address. */
const BEFORE = 60;
const ALL = 240;

/** Of DAP's disassemble, as far as it is used. */
interface Disassembled {
  readonly address: string;
  readonly instruction: string;
  readonly instructionBytes?: string;
  readonly symbol?: string;
  readonly location?: { readonly path?: string };
  readonly line?: number;
}

async function disassemble(
  session: GuestSession,
  address: number,
  from: number,
  count: number,
): Promise<readonly Disassembled[]> {
  const { instructions } = (await session.debugSession.customRequest('disassemble', {
    memoryReference: hex(address),
    instructionOffset: from,
    instructionCount: count,
    resolveSymbols: true,
  })) as { readonly instructions: readonly Disassembled[] };
  return instructions;
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`;
}

function lineOf(instruction: Disassembled): string {
  const bytes = (instruction.instructionBytes ?? '').padEnd(24);
  return `${instruction.address}  ${bytes}  ${instruction.instruction}`;
}

export class DisassemblyDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #subscriptions: readonly vscode.Disposable[];
  readonly onDidChange = this.#changed.event;

  constructor(sessions: GuestSessions) {
    this.#sessions = sessions;
    this.#subscriptions = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      sessions.onStopped(() => this.#refresh()),
      sessions.onMemoryChanged(() => this.#refresh()),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const session = this.#sessions.active;
    if (session?.id !== uri.query) return '; The guest has ended.\n';
    const address = addressOf(uri);
    try {
      const lines: string[] = [];
      for (const instruction of await disassemble(session, address, -BEFORE, ALL)) {
        if (instruction.symbol !== undefined) lines.push('', `${instruction.symbol}:`);
        lines.push(lineOf(instruction));
      }
      return `${lines.join('\n')}\n`;
    } catch (error) {
      return `; ${error instanceof Error ? error.message : String(error)}\n`;
    }
  }

  /** The source of the code at a linear address, or its disassembly. */
  async show(session: GuestSession, address: number): Promise<void> {
    const [here] = await disassemble(session, address, 0, 1);
    const path = here?.location?.path;
    if (path !== undefined && here?.line !== undefined) {
      const line = Math.max(here.line - 1, 0);
      const selection = new vscode.Range(line, 0, line, 0);
      await vscode.window.showTextDocument(vscode.Uri.file(path), { selection, preview: true });
      return;
    }
    await this.disassembly(session, address);
  }

  async disassembly(session: GuestSession, address: number): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${hex(address)}`, query: session.id });
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, 'nasm');
    const line = document.getText().split('\n').findIndex((text) => text.startsWith(hex(address))); // prettier-ignore
    const selection = new vscode.Range(Math.max(line, 0), 0, Math.max(line, 0), 0);
    await vscode.window.showTextDocument(document, { selection, preview: true });
  }

  #refresh(): void {
    for (const { uri } of vscode.workspace.textDocuments)
      if (uri.scheme === SCHEME) this.#changed.fire(uri);
  }
}

function addressOf(uri: vscode.Uri): number {
  return Number(uri.path.slice(1));
}
