/**
 * What is told of hooks: operations with their functions and how many places perform them in which state,
 * and places with what stands there, as bodies of our requests (protocol.ts) and as texts.
 */
import type { MachineClient } from '../machine/machine-client.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { ParavirtOperation, ParavirtOperationsBody, ParavirtSite } from '../protocol.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import { type CallSite, performs } from './call-sites.ts';
import type { Hook, HookField } from './hook-table.ts';
import { readPieces } from './live-memory.ts';
import type { HookNow, ParavirtHooks, PatchKind, SiteNow } from './paravirt-hooks.ts';
import { SITE_STATES, type SiteState } from './site-state.ts';

/** Where reports read. */
export interface HookView {
  readonly hooks: ParavirtHooks;
  readonly machine: MachineClient;
  readonly symbols: SymbolTable;
}

/** What a kernel puts where it patches, by the kind. */
const PATCHES = {
  call: 'direct call',
  native: 'native instructions',
  nop: 'nothing',
  identity: 'nothing: it gives back what it gets',
  zero: 'call of a function that gives 0',
  bug: 'call of paravirt_BUG: there is no function',
  unreadable: 'the table cannot be read',
} as const satisfies { readonly [kind in PatchKind]: string };

/** Short words for the states of places. */
const STATES = {
  table: 'through the table',
  direct: 'direct',
  native: 'native',
  removed: 'removed',
  other: 'other',
  unreadable: 'unreadable',
} as const satisfies { readonly [kind in SiteState['kind']]: string };

const LONGEST_TEXT = 64;

/** All operations by their groups. */
export async function operationsBody(view: HookView): Promise<ParavirtOperationsBody> {
  const { hooks, fields, sites, isTyped, gap } = await view.hooks.kernel();
  const states = await view.hooks.states(sites);
  const operations = (await view.hooks.now(hooks)).map((now) => ({
    group: now.hook.group,
    operation: operationOf(now, view.symbols, states),
  }));
  const groups = [...new Set(operations.map(({ group }) => group))].map((name) => ({
    name,
    operations: operations.filter(({ group }) => group === name).map(({ operation }) => operation),
  }));
  return {
    groups,
    fields: await fieldValues(view, fields),
    sites: sites.length,
    records: sites.filter(({ isRecorded }) => isRecorded).length,
    isTyped,
    ...(gap !== null && { gap }),
  };
}

/** Places that perform a hook's operation, or all. */
export async function placesOf(view: HookView, hook: Hook | null): Promise<readonly CallSite[]> {
  const { sites } = await view.hooks.kernel();
  return hook === null ? sites : sites.filter((site) => performs(site, hook));
}

/** Places with what stands there now. */
export async function siteBodies(
  view: HookView,
  sites: readonly CallSite[],
): Promise<readonly ParavirtSite[]> {
  const bodies: ParavirtSite[] = [];
  for (const now of await view.hooks.states(sites)) bodies.push(await siteBody(view, now));
  return bodies;
}

export async function siteBody(view: HookView, { site, state }: SiteNow): Promise<ParavirtSite> {
  const { address, length, hooks, isRecorded } = site;
  const symbol = view.symbols.describe(address);
  return {
    address,
    memoryReference: formatAddress(address),
    length,
    operations: hooks.map(({ name }) => name),
    ...(symbol !== null && { symbol }),
    isRecorded,
    state: state.kind,
    text: await stateText(view, site, state),
  };
}

/** "pv_ops.mmu.flush_tlb_multi: direct call of kvm_flush_tlb_multi", for a stop at the place. */
export async function placeText(view: HookView, now: SiteNow): Promise<string> {
  const { operations, text } = await siteBody(view, now);
  return `${operations.join(' and ')}: ${text}`;
}

async function stateText(view: HookView, site: CallSite, state: SiteState): Promise<string> {
  switch (state.kind) {
    case 'table':
      return `call through the table of ${await tableTargets(view, site)}`;
    case 'direct': {
      const name = functionName(view.symbols, state.target);
      const targets = (await view.hooks.now(site.hooks)).map(({ target }) => target);
      const isCurrent = targets.length === 0 || targets.includes(state.target);
      const other = isCurrent ? '' : `; the table has ${await tableTargets(view, site)} now`;
      return `direct call of ${name}${other}`;
    }
    case 'native':
      return `native instructions: ${state.text}`;
    case 'removed':
      return 'nothing is left of the call';
    case 'other':
      return `other instructions: ${await instructionsAt(view.machine, site)}`;
    case 'unreadable':
      return 'it cannot be read: that page is not mapped now';
  }
}

async function tableTargets(view: HookView, site: CallSite): Promise<string> {
  const now = await view.hooks.now(site.hooks);
  return now.map(({ target }) => functionName(view.symbols, target)).join(' and ');
}

async function instructionsAt(machine: MachineClient, { address, length }: CallSite): Promise<string> {
  const lines = await machine.call('disassemble', address, 0, length);
  return lines
    .filter((line) => line.address < address + length)
    .map(({ text }) => text)
    .join('; ');
} // prettier-ignore

function operationOf(
  { hook, target, function: performer, patch }: HookNow,
  symbols: SymbolTable,
  states: readonly SiteNow[],
): ParavirtOperation {
  const mine = states.filter(({ site }) => performs(site, hook));
  const counted = SITE_STATES.map(
    (kind) => [kind, mine.filter(({ state }) => state.kind === kind).length] as const,
  );
  return {
    name: hook.name,
    member: hook.member,
    slot: hook.slot,
    target,
    function: performer,
    ...(performer !== null && { symbol: functionName(symbols, performer) }),
    patch,
    patchText: PATCHES[patch],
    sites: mine.length,
    states: Object.fromEntries(counted.filter(([, count]) => count > 0)),
    sitesText: statesText(mine),
  };
}

/** "native_write_cr3", "0xc1000000" where there is no name, "nothing" for no function. */
export function functionName(symbols: SymbolTable, address: number | null): string {
  if (address === null) return 'what cannot be read';
  if (address === 0) return 'nothing';
  return symbols.describe(address) ?? formatAddress(address);
}

/** "12 direct, 3 native". */
function statesText(states: readonly SiteNow[]): string {
  if (states.length === 0) return 'no call sites';
  return SITE_STATES.flatMap((kind) => {
    const { length } = states.filter(({ state }) => state.kind === kind);
    return length === 0 ? [] : [`${length} ${STATES[kind]}`];
  }).join(', ');
}

async function fieldValues(
  view: HookView,
  fields: readonly HookField[],
): Promise<ParavirtOperationsBody['fields']> {
  const pieces = fields.map(({ address, size }) => ({ address, length: Math.min(size, 4) }));
  const read = await readPieces(view.machine, pieces);
  const values: { name: string; value: string }[] = [];
  for (const [index, { name, isText }] of fields.entries()) {
    const bytes = read[index] ?? null;
    const number = bytes === null ? null : bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
    const value = number === null ? 'cannot be read' : isText ? await textAt(view, number) : String(number); // prettier-ignore
    values.push({ name, value });
  }
  return values;
}

async function textAt({ machine }: HookView, address: number): Promise<string> {
  const { bytes } = await machine.call('readMemory', 'linear', address, LONGEST_TEXT);
  const end = bytes.indexOf(0);
  const text = String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
  return `"${text.replace(/[^ -~]/g, '.')}"`;
}
