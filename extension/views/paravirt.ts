/**
 * The paravirtual side of the guest in the Run and Debug side bar: what it has agreed on with its
 * hypervisor (features, shared pages as they are now), and its kernel's hooks: operation, function, call
 * sites with what stands there. Fed by guestscope/paravirtInterface, paravirtOperations and
 * paravirtSites; read anew at every stop.
 */
import * as vscode from 'vscode';
import type {
  ParavirtDetail,
  ParavirtOperation,
  ParavirtOperationsBody,
  ParavirtSite,
} from '../../debug-adapter/protocol.ts';
import type { GuestSession, GuestSessions } from '../guest-session.ts';

export const PARAVIRT_VIEW = 'guestscope.paravirt';
/** Places that are asked for at once. */
const PAGE = 200;

export type ParavirtNode =
  | { readonly kind: 'detail'; readonly detail: ParavirtDetail }
  | { readonly kind: 'group'; readonly group: ParavirtOperationsBody['groups'][number] }
  | { readonly kind: 'operation'; readonly operation: ParavirtOperation }
  | { readonly kind: 'site'; readonly site: ParavirtSite }
  | { readonly kind: 'more'; readonly operation: string; readonly from: number; readonly left: number }; // prettier-ignore

export class ParavirtView implements vscode.TreeDataProvider<ParavirtNode>, vscode.Disposable {
  readonly #sessions: GuestSessions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: readonly vscode.Disposable[];
  /** How many places of an operation are shown, where that is more than a page. */
  readonly #shown = new Map<string, number>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(sessions: GuestSessions) {
    this.#sessions = sessions;
    const changed = (): void => this.refresh();
    this.#subscriptions = [
      this.#changed,
      vscode.window.createTreeView<ParavirtNode>(PARAVIRT_VIEW, {
        treeDataProvider: this,
        showCollapseAll: true,
      }),
      sessions.onActiveChanged(changed),
      sessions.onStopped(changed),
      sessions.onMemoryChanged(changed),
      sessions.onRestarted(changed),
      sessions.onEnded(changed),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  refresh(): void {
    this.#changed.fire();
  }

  /** Shows another page of an operation's places. */
  showMore(operation: string): void {
    this.#shown.set(operation, (this.#shown.get(operation) ?? PAGE) + PAGE);
    this.refresh();
  }

  get session(): GuestSession | undefined {
    return this.#sessions.active;
  }

  async getChildren(node?: ParavirtNode): Promise<ParavirtNode[]> {
    const { session } = this;
    if (session === undefined) return [];
    try {
      if (node === undefined) return await roots(session);
      if (node.kind === 'operation') return await this.#sites(session, node.operation);
    } catch (cause) {
      // between two guests a request can be too late; what went wrong stands where its rows would
      const value = cause instanceof Error ? cause.message : String(cause);
      return [{ kind: 'detail', detail: { name: 'Not available', value } }];
    }
    if (node.kind === 'group') return node.group.operations.map((operation) => ({ kind: 'operation', operation })); // prettier-ignore
    if (node.kind === 'detail') return (node.detail.children ?? []).map(detailNode);
    return [];
  }

  getTreeItem(node: ParavirtNode): vscode.TreeItem {
    switch (node.kind) {
      case 'detail':
        return detailItem(node.detail);
      case 'group':
        return groupItem(node.group);
      case 'operation':
        return operationItem(node.operation);
      case 'site':
        return siteItem(node.site);
      case 'more': {
        const item = new vscode.TreeItem(`${String(node.left)} more call sites`);
        item.command = { command: 'guestscope.moreParavirtSites', title: 'Show More', arguments: [node.operation] }; // prettier-ignore
        return item;
      }
    }
  }

  async #sites(session: GuestSession, { name: operation }: ParavirtOperation): Promise<ParavirtNode[]> {
    const limit = this.#shown.get(operation) ?? PAGE;
    const { sites, total } = await session.request('guestscope/paravirtSites', { operation, limit });
    const left = total - sites.length;
    const more: ParavirtNode[] = left > 0 ? [{ kind: 'more', operation, from: sites.length, left }] : [];
    return [...sites.map((site): ParavirtNode => ({ kind: 'site', site })), ...more];
  } // prettier-ignore
}

async function roots(session: GuestSession): Promise<ParavirtNode[]> {
  const found = await session.request('guestscope/paravirtInterface', undefined);
  const name = found.interface === 'bare' ? 'none: bare hardware' : found.interface.toUpperCase();
  const own = { name: 'Interface', value: name, children: found.details };
  return [detailNode(own), ...(await hooks(session))];
}

/** A guest without hooks has none, and says why. */
async function hooks(session: GuestSession): Promise<ParavirtNode[]> {
  try {
    const { fields, groups, gap } = await session.request('guestscope/paravirtOperations', undefined); // prettier-ignore
    return [
      ...fields.map(detailNode),
      ...groups.map((group): ParavirtNode => ({ kind: 'group', group })),
      ...(gap === undefined ? [] : [detailNode({ name: 'Call sites', value: gap })]),
    ];
  } catch (cause) {
    const value = cause instanceof Error ? cause.message : String(cause);
    return [detailNode({ name: 'Hooks', value })];
  }
}

function detailNode(detail: ParavirtDetail): ParavirtNode {
  return { kind: 'detail', detail };
}

const { None, Collapsed } = vscode.TreeItemCollapsibleState;

function detailItem({ name, value, memoryReference, children = [] }: ParavirtDetail): vscode.TreeItem {
  const item = new vscode.TreeItem(name, children.length > 0 ? Collapsed : None);
  item.description = value;
  item.tooltip = `${name}: ${value}`;
  if (memoryReference !== undefined) item.contextValue = 'paravirtMemory';
  return item;
} // prettier-ignore

function groupItem({ name, operations }: ParavirtOperationsBody['groups'][number]): vscode.TreeItem {
  const item = new vscode.TreeItem(name, Collapsed);
  item.id = `group ${name}`;
  item.description = `${String(operations.length)} operations`;
  item.iconPath = new vscode.ThemeIcon('symbol-struct');
  return item;
} // prettier-ignore

function operationItem(operation: ParavirtOperation): vscode.TreeItem {
  const { name, member, symbol = 'not readable now', sites, sitesText, patchText } = operation;
  const item = new vscode.TreeItem(member, sites > 0 ? Collapsed : None);
  item.id = name;
  item.description = `${symbol} · ${sitesText}`;
  item.tooltip = `${name}: ${symbol}\nPatched call sites get: ${patchText}\n${sitesText}`;
  item.iconPath = new vscode.ThemeIcon('symbol-method');
  item.contextValue = 'paravirtOperation';
  return item;
}

function siteItem(site: ParavirtSite): vscode.TreeItem {
  const { memoryReference, symbol, text, isRecorded, length } = site;
  const item = new vscode.TreeItem(symbol ?? memoryReference);
  item.description = text;
  const recorded = isRecorded ? '' : '\nNot in .parainstructions: never patched';
  item.tooltip = `${memoryReference}, ${String(length)} bytes: ${text}${recorded}`;
  item.contextValue = 'paravirtSite';
  item.command = { command: 'guestscope.showParavirtSite', title: 'Show Call Site', arguments: [{ kind: 'site', site }] }; // prettier-ignore
  return item;
}
