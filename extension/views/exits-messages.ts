/**
 * What the log of VM exits (extension side, exits.ts) and its page (web/exits.ts) tell each other. Plain
 * data, shared as types only.
 */
import type { ExitReasonDescription, ExitRow } from '../../debug-adapter/protocol.ts';

export type ToExitsPage =
  /** Another guest, or none: everything shown so far is gone. */
  | { readonly kind: 'session'; readonly name: string | null }
  /** What a reason means; comes once. */
  | { readonly kind: 'reasons'; readonly reasons: readonly ExitReasonDescription[] }
  /** Rows, in any order; `first` and `total` are the bounds of the log in numbers of rows. */
  | {
      readonly kind: 'rows';
      readonly rows: readonly ExitRow[];
      readonly first: number;
      readonly total: number;
    }
  /** More rows that the filter lets through, behind those before. */
  | { readonly kind: 'matches'; readonly filter: string; readonly rows: readonly ExitRow[] }
  /** What is wrong with the filter; "" when nothing is any more. */
  | { readonly kind: 'filterProblem'; readonly text: string }
  | { readonly kind: 'counts'; readonly counts: Readonly<Record<string, number>> }
  | { readonly kind: 'ended' };

export type FromExitsPage =
  | { readonly kind: 'ready' }
  /** These rows are in sight and not known: ordinals from `from`, `count` of them. */
  | { readonly kind: 'need'; readonly from: number; readonly count: number }
  /** "" shows all. */
  | { readonly kind: 'filter'; readonly text: string }
  /** Whether counts by reason are wanted. */
  | { readonly kind: 'groups'; readonly shown: boolean }
  | { readonly kind: 'show'; readonly address: number };

/** What a row's context menu hands to its command (data-vscode-context). */
export interface ExitContext {
  readonly webviewSection: 'exit';
  readonly reason: string;
  readonly fields: Readonly<Record<string, number>>;
  readonly address: number;
  /** The row as text. */
  readonly text: string;
}
