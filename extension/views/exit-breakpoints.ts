/** Tree of the exit breakpoints in the Run and Debug side bar: a check box each, conditions in words. */
import * as vscode from 'vscode';
import {
  breakpointText,
  type ExitBreakpoint,
  type ExitBreakpoints,
  exitTitle,
} from '../exit-breakpoints.ts';

export const EXIT_BREAKPOINTS_VIEW = 'guestscope.exitBreakpoints';

class Provider implements vscode.TreeDataProvider<ExitBreakpoint> {
  readonly #breakpoints: ExitBreakpoints;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(breakpoints: ExitBreakpoints) {
    this.#breakpoints = breakpoints;
    breakpoints.onChanged(() => this.#changed.fire());
  }

  getChildren(parent?: ExitBreakpoint): ExitBreakpoint[] {
    return parent === undefined ? [...this.#breakpoints.all] : [];
  }

  /** For reveal(): the tree is flat. */
  getParent(): undefined {
    return undefined;
  }

  getTreeItem(breakpoint: ExitBreakpoint): vscode.TreeItem {
    const item = new vscode.TreeItem(exitTitle(breakpoint));
    const rest = breakpointText(breakpoint).slice(exitTitle(breakpoint).length).trim();
    const refusal = this.#breakpoints.refusal(breakpoint);
    item.contextValue = 'exitBreakpoint';
    item.checkboxState = breakpoint.enabled
      ? vscode.TreeItemCheckboxState.Checked
      : vscode.TreeItemCheckboxState.Unchecked;
    item.description = refusal === undefined ? rest : `${rest} (not set)`.trim();
    item.tooltip = refusal ?? `Stops at the VM exit ${breakpointText(breakpoint)}`;
    if (refusal !== undefined) item.iconPath = new vscode.ThemeIcon('warning');
    return item;
  }
}

export function registerExitBreakpointsView(breakpoints: ExitBreakpoints): vscode.Disposable {
  const view = vscode.window.createTreeView(EXIT_BREAKPOINTS_VIEW, {
    treeDataProvider: new Provider(breakpoints),
    manageCheckboxStateManually: true,
  });
  const checked = view.onDidChangeCheckboxState(async ({ items }) => {
    for (const [breakpoint, state] of items) {
      const enabled = state === vscode.TreeItemCheckboxState.Checked;
      await breakpoints.change(breakpoint, { ...breakpoint, enabled });
    }
  });
  let shown = breakpoints.all.length;
  const added = breakpoints.onChanged(() => {
    const { all } = breakpoints;
    const last = all.at(-1);
    // a new one is shown even where the view was folded
    if (all.length > shown && last !== undefined) void view.reveal(last, { select: false });
    shown = all.length;
  });
  return vscode.Disposable.from(view, checked, added);
}
