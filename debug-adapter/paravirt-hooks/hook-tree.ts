/** Paravirt hooks as a tree below the Machine scope: group, operation, its function, its places. */
import { formatAddress } from '../display/memory-reference.ts';
import type { ParavirtOperation } from '../protocol.ts';
import type { Container, Row } from '../display/variables.ts';
import { fixed } from '../display/variables.ts';
import type { Hook } from './hook-table.ts';
import { type HookView, operationsBody, placesOf, siteBodies } from './hook-reports.ts';

/** The groups, and what the kernel says of itself; everything is read when it is opened. */
export function hooksContainer(view: HookView): Container {
  return {
    async rows() {
      const { fields, groups, gap } = await operationsBody(view);
      const { hooks } = await view.hooks.kernel();
      return [
        ...fields.map(({ name, value }) => ({ name, value })),
        ...groups.map(({ name, operations }) => ({
          name,
          value: `${operations.length} operations`,
          children: fixed(operations.map((operation) => operationRow(view, operation, hooks))),
        })),
        ...(gap === undefined ? [] : [{ name: 'call sites', value: gap }]),
      ];
    },
  };
}

function operationRow(view: HookView, operation: ParavirtOperation, hooks: readonly Hook[]): Row {
  const { name, member, slot, target, function: performs, symbol = 'nothing', patchText, sitesText } = operation; // prettier-ignore
  const hook = hooks.find((each) => each.name === name);
  const place = (address: number | null): Pick<Row, 'memoryReference'> =>
    address === null || address === 0 ? {} : { memoryReference: formatAddress(address) };
  const thunk: readonly Row[] =
    target === performs || target === null
      ? []
      : [{ name: 'thunk', value: formatAddress(target), ...place(target) }];
  return {
    name: member,
    value: `${symbol}; ${sitesText}`,
    ...place(performs),
    children: fixed([
      { name: 'function', value: symbol, ...place(performs) },
      ...thunk,
      { name: 'pointer', value: formatAddress(slot), ...place(slot) },
      { name: 'patched to', value: patchText },
      {
        name: 'call sites',
        value: sitesText,
        ...(hook !== undefined && operation.sites > 0 && { children: sitesContainer(view, hook) }),
      },
    ]),
  };
}

/** The places that perform an operation, as the entries of a table. */
export function sitesContainer(view: HookView, hook: Hook): Container {
  return {
    indexed: async () => (await placesOf(view, hook)).length,
    async rows() {
      const sites = await siteBodies(view, await placesOf(view, hook));
      return sites.map(({ memoryReference, symbol, text }) => ({
        name: symbol ?? memoryReference,
        value: text,
        memoryReference,
      }));
    },
  };
}
