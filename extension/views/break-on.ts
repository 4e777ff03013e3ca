/**
 * Tree of everything that the machine can be stopped at, in the Run and Debug side bar: group, event, a
 * check box each, conditions in words. The rows are the adapter's own (event-tree.ts), so they are there
 * before a guest runs.
 */
import * as vscode from 'vscode';
import type { EventDescription } from '../../debug-adapter/protocol.ts';
import { conditionText, type EventBreakpoints } from '../event-breakpoints.ts';

export const BREAK_ON_VIEW = 'guestscope.breakOn';

export interface EventGroup {
  readonly name: string;
  readonly events: readonly EventDescription[];
}
type Node = EventGroup | EventDescription;

const isGroup = (node: Node): node is EventGroup => 'events' in node;

/** When, what a condition may name, and an example: all that one needs to know before ticking. */
function explanation(event: EventDescription): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown(`**${event.label}** \`${event.id}\`\n\n`);
  text.appendText(event.description);
  if (event.unavailable !== undefined) text.appendMarkdown(`\n\n_${event.unavailable}_`);
  for (const { name, meaning, words } of event.fields) {
    text.appendMarkdown(`\n- \`${name}\` `);
    text.appendText(words === undefined ? meaning : `${meaning}: ${words.join(', ')}`);
  }
  if (event.example !== undefined) text.appendMarkdown(`\n\nCondition: \`${event.example}\``);
  return text;
}

class Provider implements vscode.TreeDataProvider<Node> {
  readonly #groups: readonly EventGroup[];
  readonly #breakpoints: EventBreakpoints;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(groups: readonly EventGroup[], breakpoints: EventBreakpoints) {
    this.#groups = groups;
    this.#breakpoints = breakpoints;
    breakpoints.onChanged(() => this.#changed.fire());
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) return [...this.#groups];
    return isGroup(node) ? [...node.events] : [];
  }

  getParent(node: Node): Node | undefined {
    return isGroup(node) ? undefined : this.#groups.find(({ events }) => events.includes(node));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return isGroup(node) ? this.#groupItem(node) : this.#eventItem(node);
  }

  #groupItem({ name, events }: EventGroup): vscode.TreeItem {
    const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Collapsed);
    item.id = name;
    const chosen = events.filter(({ id }) => this.#breakpoints.of(id)?.enabled === true).length;
    const ofLaunch = events.filter(({ id }) => this.#breakpoints.ofLaunch(id)).length;
    item.description = [
      ...(chosen === 0 ? [] : [`${String(chosen)} of ${String(events.length)}`]),
      ...(ofLaunch === 0 ? [] : [`${String(ofLaunch)} by launch.json`]),
    ].join(', ');
    return item;
  }

  #eventItem(event: EventDescription): vscode.TreeItem {
    const item = new vscode.TreeItem(event.label);
    item.id = event.id;
    const chosen = this.#breakpoints.of(event.id);
    const ofLaunch = this.#breakpoints.ofLaunch(event.id);
    const refusal = this.#breakpoints.refusal(event.id);
    item.tooltip = refusal ?? explanation(event);
    item.description = [
      ...(chosen === undefined ? [] : [conditionText(chosen)]),
      ...(refusal === undefined ? [] : ['(not set)']),
      ...(ofLaunch === undefined ? [] : [`launch.json ${conditionText(ofLaunch)}`.trim()]),
    ]
      .filter((part) => part !== '')
      .join(' · ');
    if (event.unavailable !== undefined) {
      item.description = 'never happens here';
      item.iconPath = new vscode.ThemeIcon('circle-slash');
      return item;
    }
    item.contextValue = 'machineEvent';
    item.checkboxState =
      chosen?.enabled === true
        ? vscode.TreeItemCheckboxState.Checked
        : vscode.TreeItemCheckboxState.Unchecked;
    if (refusal !== undefined) item.iconPath = new vscode.ThemeIcon('warning');
    return item;
  }
}

export function registerBreakOnView(
  groups: readonly EventGroup[],
  breakpoints: EventBreakpoints,
): vscode.Disposable {
  const view = vscode.window.createTreeView<Node>(BREAK_ON_VIEW, {
    treeDataProvider: new Provider(groups, breakpoints),
    manageCheckboxStateManually: true,
    showCollapseAll: true,
  });
  const checked = view.onDidChangeCheckboxState(({ items }) =>
    breakpoints.set(
      ...items.flatMap(([node, state]) => {
        if (isGroup(node)) return [];
        const enabled = state === vscode.TreeItemCheckboxState.Checked;
        return [{ ...breakpoints.of(node.id), event: node.id, enabled }];
      }),
    ),
  );
  return vscode.Disposable.from(view, checked);
}
