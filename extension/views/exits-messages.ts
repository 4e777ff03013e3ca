/**
 * What the log of VM exits (extension side, exits.ts) and its page (web/exits.ts) tell each other. Plain
 * data, shared as types only.
 */
import type { ExitRow } from '../../debug-adapter/protocol.ts';

export type ToExitsPage =
  /** Another guest, or none: everything shown so far is gone. */
  | { readonly kind: 'session'; readonly name: string | null }
  /** Rows, in any order; `first` and `total` are the bounds of the log in numbers of rows. */
  | {
      readonly kind: 'rows';
      readonly rows: readonly ExitRow[];
      readonly first: number;
      readonly total: number;
    }
  | { readonly kind: 'ended' };

export type FromExitsPage =
  | { readonly kind: 'ready' }
  /** These rows are in sight and not known: ordinals from `from`, `count` of them. */
  | { readonly kind: 'need'; readonly from: number; readonly count: number }
  | { readonly kind: 'openMemory'; readonly address: number };
