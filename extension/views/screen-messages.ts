/**
 * What the screen (extension side, screen.ts) and its page (web/screen.ts) tell each other. Plain data,
 * shared as types only.
 */
import type { ScreenPicture } from '../../debug-adapter/protocol.ts';

export type ToScreenPage =
  | { readonly kind: 'picture'; readonly picture: ScreenPicture }
  /** A sentence in place of a picture, or below the last one. */
  | { readonly kind: 'say'; readonly text: string }
  /** Guest runs and takes keys. */
  | { readonly kind: 'running'; readonly running: boolean };

export type FromScreenPage =
  | { readonly kind: 'ready' }
  /** Scan codes of set 1. */
  | { readonly kind: 'keys'; readonly scanCodes: readonly number[] }
  | { readonly kind: 'paste'; readonly text: string };
