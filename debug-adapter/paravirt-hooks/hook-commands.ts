/** Commands of the debug console about paravirt hooks: the tables, and the places that call through them. */
import type { CommandResult, CommandRow } from '../console/console-commands.ts';
import { failure } from '../errors.ts';
import type { Guest } from '../guest.ts';
import { formatAddress } from '../display/memory-reference.ts';
import type { ParavirtOperation } from '../protocol.ts';
import type { Hook } from './hook-table.ts';
import { operationsBody, placesOf, siteBodies } from './hook-reports.ts';
import { hooksContainer, sitesContainer } from './hook-tree.ts';

// prettier-ignore
export const HOOK_COMMANDS: readonly CommandRow[] = [
  { name: 'hooks', usage: 'hooks [OPERATION]', help: 'shows the paravirt hooks of the guest’s kernel: each operation, its function and its call sites', run: showHooks, next: hookNames },
  { name: 'sites', usage: 'sites OPERATION',   help: 'lists the places that perform a paravirt operation, with what stands there now', run: showSites, next: hookNames },
];

/** Places listed as text; all can be opened below it. */
const SITES_LIMIT = 200;

async function showHooks(guest: Guest, words: readonly string[]): Promise<string | CommandResult> {
  const body = await operationsBody(guest.hookView());
  const [name] = words;
  if (name !== undefined) {
    const hook = await named(guest, name, 'hooks [OPERATION]');
    const operation = body.groups.flatMap(({ operations }) => operations).find((each) => each.name === hook.name); // prettier-ignore
    return operation === undefined ? '' : detailsText(operation);
  }
  const operations = body.groups.flatMap((group) => group.operations);
  const nameWidth = widest(operations.map((operation) => operation.name));
  const symbolWidth = widest(operations.map(({ symbol = '' }) => symbol));
  const lines = operations.map((operation) => {
    const { symbol = '', patchText, sitesText } = operation;
    return `${operation.name.padEnd(nameWidth)}  ${symbol.padEnd(symbolWidth)}  ${patchText}; ${sitesText}`;
  });
  const text = [
    ...body.fields.map(({ name: field, value }) => `${field} = ${value}`),
    ...lines,
    ...(body.gap === undefined ? [] : [body.gap]),
  ].join('\n');
  return { text, rows: hooksContainer(guest.hookView()) };
}

function detailsText(operation: ParavirtOperation): string {
  const { name, slot, target, symbol = 'nothing', patchText, sitesText } = operation;
  const through = target === null || target === operation.function ? '' : ` behind the thunk ${formatAddress(target)}`; // prettier-ignore
  return [
    `${name} at ${formatAddress(slot)}: ${symbol}${through}`,
    `Patched places get: ${patchText}.`,
    `Call sites: ${sitesText}.`,
  ].join('\n');
}

async function showSites(guest: Guest, words: readonly string[]): Promise<CommandResult> {
  const hook = await named(guest, words[0], 'sites OPERATION');
  const view = guest.hookView();
  const places = await placesOf(view, hook);
  const shown = await siteBodies(view, places.slice(0, SITES_LIMIT));
  const width = widest(shown.map(({ symbol = '' }) => symbol));
  const lines = shown.map(
    ({ memoryReference, symbol = '', text, isRecorded }) =>
      `${memoryReference}  ${symbol.padEnd(width)}  ${text}${isRecorded ? '' : ' (not in .parainstructions)'}`,
  );
  const more = places.length - shown.length;
  if (more > 0) lines.push(`… and ${more} more below`);
  if (places.length === 0) lines.push(`Nothing is known to perform ${hook.name}.`);
  return { text: lines.join('\n'), rows: sitesContainer(view, hook) };
}

function named(guest: Guest, name: string | undefined, usage: string): Promise<Hook> {
  if (name === undefined) throw failure('commandUsage', { problem: 'An operation is missing.', usage }); // prettier-ignore
  return guest.hooks.named(name);
}

async function hookNames(words: readonly string[], guest: Guest): Promise<readonly string[]> {
  if (words.length > 0 || !guest.hooks.exist) return [];
  return (await guest.hooks.kernel()).hooks.map(({ name }) => name);
}

const widest = (texts: readonly string[]): number =>
  texts.reduce((most, { length }) => Math.max(most, length), 0);
