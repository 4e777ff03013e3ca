/**
 * The machine's views (emulator/debugger/views) as variables and as text: page walk, descriptor tables,
 * task-state segment, hypervisor controls. The adapter adds the names of addresses.
 */
import type { Detail } from '../emulator/debugger/views/detail.ts';
import type { ViewName } from '../emulator/debugger/views/views.ts';
import type { MachineClient } from './machine-client.ts';
import { formatReference } from './memory-reference.ts';
import type { SymbolTable } from './symbols/symbol-table.ts';
import type { Container, Row } from './variables.ts';
import { fixed } from './variables.ts';

/** @param address linear, for a view that is of one. */
export function viewContainer(
  machine: MachineClient,
  symbols: SymbolTable,
  view: ViewName,
  address: () => Promise<number>,
): Container {
  return {
    async rows() {
      const details = await machine.call('inspect', view, await address());
      return details.map((detail) => detailRow(detail, symbols));
    },
  };
}

export function detailRow(detail: Detail, symbols: SymbolTable): Row {
  const { name, place, bytes, children = [] } = detail;
  return {
    name,
    value: described(detail, symbols),
    ...(place !== undefined && { memoryReference: formatReference(place) }),
    ...(bytes !== undefined && { bytes }),
    ...(children.length > 0 && {
      children: fixed(children.map((child) => detailRow(child, symbols))),
    }),
  };
}

/** The rows of a view without what is below them, as columns. */
export function detailText(details: readonly Detail[], symbols: SymbolTable): string {
  const width = Math.max(0, ...details.map(({ name }) => name.length));
  return details
    .map((detail) => `${detail.name.padEnd(width)}  ${described(detail, symbols)}`)
    .join('\n');
}

function described({ value, symbolAt }: Detail, symbols: SymbolTable): string {
  const symbol = symbolAt === undefined ? null : symbols.describe(symbolAt);
  return symbol === null ? value : `${value} <${symbol}>`;
}
