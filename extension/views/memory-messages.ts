/** What the memory view (extension side, memory.ts) and its page (web/memory.ts) tell each other. */

export type AddressSpace = 'linear' | 'physical';

export interface MemorySegment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export type ToMemoryPage =
  /** Go there; `text` is what the user wrote, for the address field. */
  | { readonly kind: 'show'; readonly space: AddressSpace; readonly address: number; readonly text: string } // prettier-ignore
  /** Contents of the asked range; what no segment covers cannot be read. */
  | {
      readonly kind: 'bytes';
      readonly space: AddressSpace;
      readonly address: number;
      readonly count: number;
      readonly segments: readonly MemorySegment[];
      /** Where the first byte lies in guest-physical memory; null when not mapped. */
      readonly physical: number | null;
    }
  /** Contents may have changed: ask again. `stopped` starts a new comparison of changed bytes. */
  | { readonly kind: 'stale'; readonly stopped: boolean }
  | { readonly kind: 'problem'; readonly text: string }
  | { readonly kind: 'ended' };

export type FromMemoryPage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'need'; readonly space: AddressSpace; readonly address: number; readonly count: number } // prettier-ignore
  | { readonly kind: 'go'; readonly space: AddressSpace; readonly text: string }
  | { readonly kind: 'write'; readonly space: AddressSpace; readonly address: number; readonly bytes: Uint8Array }; // prettier-ignore
