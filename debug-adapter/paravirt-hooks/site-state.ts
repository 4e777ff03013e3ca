/**
 * What stands at a call site of a hook, from its bytes. The compiler leaves a call through the table, with
 * saves of registers around it in the oldest kernels; apply_paravirt() makes it a direct call, the
 * hardware's own instructions or nothing at all, and fills the rest with instructions without an effect;
 * alternatives may then put something of their own there. Nothing of the guest is believed: what is none
 * of these is told as other.
 */
import { beginsWith, isNothing, nativeText } from './native-sequences.ts';

export type SiteState =
  /** Calls or jumps through the table, as it was compiled. */
  | { readonly kind: 'table'; readonly slots: readonly number[] }
  | { readonly kind: 'direct'; readonly target: number }
  /** Instructions in the call's place. */
  | { readonly kind: 'native'; readonly text: string }
  /** Nothing but instructions without an effect. */
  | { readonly kind: 'removed' }
  | { readonly kind: 'other' }
  | { readonly kind: 'unreadable' };

/** Names of the states, for counts. */
export const SITE_STATES = ['table', 'direct', 'native', 'removed', 'other', 'unreadable'] as const satisfies readonly SiteState['kind'][]; // prettier-ignore

/** What a site is compared with. */
export interface SiteContext {
  readonly address: number;
  /** Members of the tables that it performs, and where their pointers are. */
  readonly members: readonly string[];
  readonly slots: readonly number[];
  /** What alternatives can put there, with a text for each. */
  readonly replacements: readonly Replacement[];
}

export interface Replacement {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** @param bytes all of the site; null when they cannot be read */
export function siteState(bytes: Uint8Array | null, context: SiteContext): SiteState {
  if (bytes === null) return { kind: 'unreadable' };
  if (isNothing(bytes)) return { kind: 'removed' };
  const native = nativeText(bytes, context.members);
  if (native !== null) return { kind: 'native', text: native };
  const called = callOf(bytes, context.address);
  if (called?.kind === 'direct') return called;
  if (called !== null && called.slots.every((slot) => context.slots.includes(slot))) return called;
  const alternative = context.replacements.find(
    ({ bytes: form }) =>
      form.length > 0 && beginsWith(bytes, form, 0) && isNothing(bytes, form.length),
  );
  return alternative === undefined ? { kind: 'other' } : { kind: 'native', text: alternative.text };
}

/** The pointers that a site's calls go through; none for one that has no such calls. */
export function slotsCalled(bytes: Uint8Array): readonly number[] {
  const called = callOf(bytes, 0);
  return called?.kind === 'table' ? called.slots : [];
}

/** call and jmp, rel32 and through a pointer in memory; cs as prefix. */
const CALL = 0xe8;
const JMP = 0xe9;
const CS = 0x2e;
const THROUGH = [
  [0xff, 0x15],
  [0xff, 0x25],
] as const;

/** Calls with nothing but saves of registers and fillings around them, all of one kind; null for anything else. */
function callOf(bytes: Uint8Array, address: number): Extract<SiteState, { kind: 'table' | 'direct' }> | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const slots: number[] = [];
  let target: number | null = null;
  for (let at = 0; at < bytes.length; ) {
    const opcode = bytes[at] ?? 0;
    const prefixed = opcode === CS ? 1 : 0;
    if (THROUGH.some((form) => beginsWith(bytes, form, at + prefixed)) && at + prefixed + 6 <= bytes.length) {
      slots.push(view.getUint32(at + prefixed + 2, true));
      at += prefixed + 6;
    } else if ((opcode === CALL || opcode === JMP) && at + 5 <= bytes.length && target === null) {
      target = (address + at + 5 + view.getInt32(at + 1, true)) >>> 0;
      at += 5;
    } else if (isSave(opcode)) at++;
    else if (isNothing(bytes, at)) break;
    else return null;
  }
  if (target !== null) return slots.length === 0 ? { kind: 'direct', target } : null;
  return slots.length === 0 ? null : { kind: 'table', slots };
} // prettier-ignore

/** push or pop of a general register. */
function isSave(opcode: number): boolean {
  return opcode >= 0x50 && opcode <= 0x5f;
}

/**
 * The function behind a callee-save thunk (PV_CALLEE_SAVE_REGS_THUNK: saves, call, restores, return, with
 * a frame around where the kernel keeps frame pointers), null for code that is none.
 * @param bytes the first of the function at that address
 */
export function behindThunk(bytes: Uint8Array, address: number): number | null {
  const [head = ''] = THUNK.exec(hexOf(bytes)) ?? [];
  if (head === '') return null;
  const call = (THUNK_HEAD.exec(head)?.[0].length ?? 0) / 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (address + call + 5 + view.getInt32(call + 1, true)) >>> 0;
}
/** Longest thunk: endbr32, a frame, three saves, call, restores, a jump to the return. */
export const THUNK_BYTES = 32;
/** [endbr32] push…, mov ebp, esp, push… */
const THUNK_HEAD = /^(f30f1efb)?(5[0-7])+(89e5)?(5[0-7])*(?=e8)/;
/** The head, call, pop…, ret or a jump to it. */
const THUNK = /^(f30f1efb)?(5[0-7])+(89e5)?(5[0-7])*e8[0-9a-f]{8}(5[89a-f])+(c3|e9)/;

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
