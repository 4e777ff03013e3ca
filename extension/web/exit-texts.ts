/** Rows of the exit log in words: for cells, the detail beside the table, the clipboard. */
import { exitLine } from '../../debug-adapter/exits/exit-text.ts';
import type { ExitReasonDescription, ExitRow } from '../../debug-adapter/protocol.ts';
import type { ExitContext } from '../views/exits-messages.ts';

export const COLUMNS = [
  { key: 'ordinal', title: 'Exit', hint: 'Ordinal of the exit since power-on' },
  { key: 'position', title: 'Position', hint: 'Retired instructions' },
  { key: 'reason', title: 'Reason', hint: 'VMX basic exit reason' },
  { key: 'detail', title: 'Qualification', hint: 'Decoded exit qualification' },
  { key: 'outcome', title: 'Outcome', hint: 'What the hypervisor did, and what the guest got' },
  { key: 'rip', title: 'Guest RIP', hint: 'Linear address of the instruction, and its symbol' },
] as const;
export type ColumnKey = (typeof COLUMNS)[number]['key'];

export function hex(value: number, digits = 8): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function cellText(row: ExitRow, key: ColumnKey): string {
  switch (key) {
    case 'ordinal':
      return row.ordinal.toLocaleString('en-US');
    case 'position':
      return row.position.toLocaleString('en-US');
    case 'reason':
      return row.name;
    case 'detail':
      return row.detail;
    case 'outcome':
      return row.outcome?.text ?? '';
    case 'rip':
      return row.symbol === undefined ? hex(row.linearRip) : `${hex(row.linearRip)} ${row.symbol}`;
  }
}

/** As `exits` of the debug console prints it. */
function lineOf(row: ExitRow): string {
  const symbol = row.symbol === undefined ? '' : ` <${row.symbol}>`;
  return exitLine(row, hex(row.linearRip) + symbol);
}

export function contextOf(row: ExitRow): ExitContext {
  const { name: reason, fields, linearRip: address } = row;
  return { webviewSection: 'exit', reason, fields, address, text: lineOf(row) };
}

/** Terms and what they say, in the order of the manual: reason, qualification and its fields, the guest, the outcome. */
export function explanation(
  row: ExitRow,
  reason: ExitReasonDescription | undefined,
): readonly (readonly [term: string, text: string])[] {
  const meanings = new Map(reason?.fields.map(({ name, meaning }) => [name, meaning]));
  return [
    ['Reason', `${String(row.reason)} ${row.name} (Intel SDM vol. 3, appendix C)`],
    ...(reason === undefined ? [] : ([['', reason.description]] as const)),
    ['Qualification', row.detail === '' ? hex(row.qualification) : `${hex(row.qualification)}: ${row.detail}`], // prettier-ignore
    ...Object.entries(row.fields).map(([name, value]): [string, string] => {
      const meaning = meanings.get(name);
      return [name, `${hex(value, 1)}${meaning === undefined ? '' : ` — ${meaning}`}`];
    }),
    ['Guest RIP', cellText(row, 'rip')],
    ['Instruction', `${String(row.instructionLength)} bytes, CPL ${String(row.cpl)}, vCPU ${String(row.vcpu ?? 0)}`], // prettier-ignore
    ...(row.outcome === undefined
      ? []
      : ([
          ['Outcome', row.outcome.text],
          ['Cost', `${String(row.outcome.steps)} things done to the guest`],
        ] as const)),
  ];
}
