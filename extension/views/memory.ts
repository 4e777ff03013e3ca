/**
 * Guest memory in an editor tab, linear or guest-physical, read and written: works without any other
 * extension, stays fresh while it is open, shows what changed since the last stop. One tab for each
 * guest and address space; opening another address moves it.
 */
import * as vscode from 'vscode';
import type { GuestSession, GuestSessions } from '../guest-session.ts';
import type {
  AddressSpace,
  FromMemoryPage,
  MemorySegment,
  ToMemoryPage,
} from './memory-messages.ts';
import { viewPage, webRoot } from './webview-page.ts';

/** How often an open view of a running guest is read again, ms. */
const REFRESH = 1000;
const LARGEST_REQUEST = 0x10000;
const ADDRESS_SPACE_END = 2 ** 32;

/** "0x00001000" or "phys:0x00001000": what the debug adapter takes as memory reference. */
export function memoryReference(space: AddressSpace, address: number): string {
  return `${space === 'physical' ? 'phys:' : ''}0x${address.toString(16).padStart(8, '0')}`;
}

/** The other direction; null when it is not one of ours. */
export function parseMemoryReference(
  reference: string,
): { readonly space: AddressSpace; readonly address: number } | null {
  const match = /^(phys:)?(0x[0-9a-f]+|\d+)$/i.exec(reference.trim());
  if (match?.[2] === undefined) return null;
  return { space: match[1] ? 'physical' : 'linear', address: Number(match[2]) };
}

/** Numeric address of what a user wrote: a number, or an expression that the guest's state gives. */
export async function resolveAddress(session: GuestSession, text: string): Promise<number> {
  const plain = parseMemoryReference(text);
  if (plain !== null && plain.address < ADDRESS_SPACE_END) return plain.address;
  const { linear } = await session.request('guestscope/translate', { address: text });
  return linear;
}

/** All readable parts of a range, skipping what cannot be read. */
async function readSegments(
  session: GuestSession,
  space: AddressSpace,
  address: number,
  count: number,
): Promise<readonly MemorySegment[]> {
  const segments: MemorySegment[] = [];
  const end = Math.min(address + count, ADDRESS_SPACE_END);
  let at = address;
  while (at < end) {
    const { bytes, unreadable } = await session.readMemory(memoryReference(space, at), 0, end - at);
    if (bytes.length > 0) segments.push({ address: at, bytes: new Uint8Array(bytes) });
    if (bytes.length + unreadable === 0) break;
    at += bytes.length + unreadable;
  }
  return segments;
}

class MemoryPanel {
  readonly #panel: vscode.WebviewPanel;
  readonly #session: GuestSession;
  readonly #subscriptions: vscode.Disposable[];
  readonly #timer: NodeJS.Timeout;
  #pending: { space: AddressSpace; address: number; text: string };
  #ended = false;

  constructor(
    extensionUri: vscode.Uri,
    sessions: GuestSessions,
    session: GuestSession,
    start: { space: AddressSpace; address: number; text: string },
    column: vscode.ViewColumn,
    onClosed: () => void,
  ) {
    this.#session = session;
    this.#pending = start;
    this.#panel = vscode.window.createWebviewPanel(
      'guestscope.memory',
      start.space === 'physical' ? 'Physical Memory' : 'Linear Memory',
      { viewColumn: column, preserveFocus: false },
      {
        enableScripts: true,
        retainContextWhenHidden: true,
        localResourceRoots: [webRoot(extensionUri)],
      },
    );
    const { webview } = this.#panel;
    const whenOurs = (action: () => void) => (changed: GuestSession) => {
      if (changed === session) action();
    };
    this.#subscriptions = [
      webview.onDidReceiveMessage((message: FromMemoryPage) => void this.#receive(message)),
      sessions.onStopped(whenOurs(() => this.#post({ kind: 'stale', stopped: true }))),
      sessions.onMemoryChanged(whenOurs(() => this.#post({ kind: 'stale', stopped: false }))),
      sessions.onEnded(whenOurs(() => this.#end())),
    ];
    this.#timer = setInterval(() => {
      if (session.running && this.#panel.visible) this.#post({ kind: 'stale', stopped: false });
    }, REFRESH);
    this.#panel.onDidDispose(() => {
      clearInterval(this.#timer);
      for (const subscription of this.#subscriptions) subscription.dispose();
      onClosed();
    });
    webview.html = viewPage(webview, extensionUri, 'memory');
  }

  get column(): vscode.ViewColumn | undefined {
    return this.#panel.viewColumn;
  }

  show(place: { space: AddressSpace; address: number; text: string }): void {
    this.#pending = place;
    this.#panel.reveal();
    this.#post({ kind: 'show', ...place });
  }

  async #receive(message: FromMemoryPage): Promise<void> {
    try {
      switch (message.kind) {
        case 'ready':
          this.#post({ kind: 'show', ...this.#pending });
          break;
        case 'need':
          await this.#read(message.space, message.address, message.count);
          break;
        case 'go': {
          const plain = parseMemoryReference(message.text);
          const space = plain?.space === 'physical' ? 'physical' : message.space;
          const address = await resolveAddress(this.#session, message.text);
          this.#post({ kind: 'show', space, address, text: message.text });
          break;
        }
        case 'write':
          await this.#session.writeMemory(
            memoryReference(message.space, message.address),
            0,
            message.bytes,
          );
          this.#post({ kind: 'stale', stopped: false });
          break;
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!this.#ended) this.#post({ kind: 'problem', text });
    }
  }

  async #read(space: AddressSpace, address: number, count: number): Promise<void> {
    if (this.#ended) return;
    const bounded = Math.min(count, LARGEST_REQUEST);
    const segments = await readSegments(this.#session, space, address, bounded);
    const physical =
      space === 'physical'
        ? address
        : (await this.#session.request('guestscope/translate', { address })).physical;
    this.#post({ kind: 'bytes', space, address, count: bounded, segments, physical });
  }

  #end(): void {
    this.#ended = true;
    this.#post({ kind: 'ended' });
  }

  #post(message: ToMemoryPage): void {
    void this.#panel.webview.postMessage(message);
  }
}

export class MemoryViews {
  readonly #extensionUri: vscode.Uri;
  readonly #sessions: GuestSessions;
  readonly #panels = new Map<string, MemoryPanel>();

  constructor(extensionUri: vscode.Uri, sessions: GuestSessions) {
    this.#extensionUri = extensionUri;
    this.#sessions = sessions;
  }

  open(session: GuestSession, space: AddressSpace, address: number, text: string): void {
    const key = `${session.id} ${space}`;
    const open = this.#panels.get(key);
    if (open !== undefined) {
      open.show({ space, address, text });
      return;
    }
    const panel = new MemoryPanel(
      this.#extensionUri,
      this.#sessions,
      session,
      { space, address, text },
      this.#column(),
      () => this.#panels.delete(key),
    );
    this.#panels.set(key, panel);
  }

  /** Beside the disassembly, and where memory is shown already. */
  #column(): vscode.ViewColumn {
    const columns = [...this.#panels.values()].map(({ column }) => column);
    return columns.find((column) => column !== undefined) ?? vscode.ViewColumn.Beside;
  }
}
