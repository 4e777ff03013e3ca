/**
 * The machine's views (emulator/debugger/views) as variables and as text: page walk, descriptor tables,
 * task-state segment, hypervisor controls, devices. The adapter adds the names of addresses.
 */
import type { Detail } from '../../emulator/debugger/views/detail.ts';
import type { MachineView, ViewName } from '../../emulator/debugger/views/views.ts';
import { VIEWS } from '../../emulator/debugger/views/views.ts';
import type { Guest } from '../guest.ts';
import type { MachineClient } from '../machine/machine-client.ts';
import { formatReference } from './memory-reference.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import type { Container, Row, ValueFormat } from './variables.ts';
import { fixed } from './variables.ts';

/** @param address linear, for a view that is of one. */
export function viewContainer(
  machine: MachineClient,
  symbols: SymbolTable,
  view: ViewName,
  address: () => Promise<number>,
): Container {
  const details = async (): Promise<readonly Detail[]> =>
    machine.call('inspect', view, await address());
  const { isTable }: MachineView = VIEWS[view];
  return {
    ...(isTable === true && { indexed: async () => (await details()).length }),
    rows: async (format) =>
      (await details()).map((detail) => detailRow(detail, symbols, { format })),
  };
}

/** Stores a value where the names lead to. */
type WriteDetail = (path: readonly string[], value: number) => Promise<void>;

interface DetailOptions {
  readonly format?: ValueFormat;
  /** For the rows that take a value; without it, only those that lie in memory do. */
  readonly write?: WriteDetail;
  readonly above?: readonly string[];
}

export function detailRow(
  detail: Detail,
  symbols: SymbolTable,
  { format = { hex: true }, write, above = [] }: DetailOptions = {},
): Row {
  const { name, place, bytes, writable, children = [] } = detail;
  const path = [...above, name];
  const text = described(detail, symbols);
  const below = { format, ...(write !== undefined && { write }), above: path };
  return {
    name,
    value: format.hex ? text : inDecimal(text),
    ...(place !== undefined && { memoryReference: formatReference(place) }),
    ...(bytes !== undefined && { bytes }),
    ...(writable === true &&
      write !== undefined && { write: (value) => write(path, Number(value)) }),
    ...(children.length > 0 && {
      children: fixed(children.map((child) => detailRow(child, symbols, below))),
    }),
  };
}

/** The devices of the machine; each is read when it is opened. */
export function devicesContainer(guest: Guest): Container {
  return {
    async rows() {
      const devices = await guest.machine.call('devices');
      return devices.map(({ name, title }) => ({
        name,
        value: title,
        children: deviceContainer(guest, name),
      }));
    },
  };
}

/** What is below a row is read with it, and anew after a write. */
export function deviceContainer(
  guest: Guest,
  device: string,
  path: readonly string[] = [],
): Container {
  const write: WriteDetail = (to, value) => guest.writeDevice(device, to, value);
  return {
    async rows(format) {
      let details = await guest.machine.call('inspectDevice', device);
      for (const name of path) details = details.find((each) => each.name === name)?.children ?? [];
      return details.map((detail) => ({
        ...detailRow(detail, guest.symbols, { format, write, above: path }),
        ...(detail.children !== undefined &&
          detail.children.length > 0 && {
            children: {
              ...deviceContainer(guest, device, [...path, detail.name]),
              named: detail.children.length,
            },
          }),
      }));
    },
  };
}

/** The rows of a view without what is below them, as columns. */
export function detailText(details: readonly Detail[], symbols: SymbolTable): string {
  const width = Math.max(0, ...details.map(({ name }) => name.length));
  return details
    .map((detail) => `${detail.name.padEnd(width)}  ${described(detail, symbols)}`)
    .join('\n');
}

/** The number that a value begins with in decimal, if a person has asked for that. */
const inDecimal = (text: string): string =>
  text.replace(/^0x[0-9a-f]+(?![0-9a-fx])/, (number) => String(BigInt(number)));

function described({ value, symbolAt }: Detail, symbols: SymbolTable): string {
  const symbol = symbolAt === undefined ? null : symbols.describe(symbolAt);
  return symbol === null ? value : `${value} <${symbol}>`;
}
