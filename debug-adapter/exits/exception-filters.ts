/**
 * VM exits and events of the machine as exception filters of the Debug Adapter Protocol: the common ones as
 * checkboxes that every client already has, each with a condition on its fields. Everything else is reached
 * through the tree (event-tree.ts): guestscope/setEvents and "breakOn" of launch.json.
 */
import { findMachineEvent } from '../../emulator/debugger/machine-events.ts';
import type { ExitReason, ExitReasonName } from '../../emulator/hypervisor/exit-reasons.ts';
import { EXIT_REASONS } from '../../emulator/hypervisor/exit-reasons.ts';
import type { ExitReasonDescription } from '../protocol.ts';

interface FilterRow {
  readonly filter: string;
  readonly label: string;
  /** Exit reasons, or any. */
  readonly reasons: readonly ExitReasonName[] | '*';
  /** Shown where a condition can be typed. */
  readonly example: string;
}

// prettier-ignore
export const EXIT_FILTERS = [
  { filter: 'vmexit:cpuid',         label: 'VM exit: CPUID',                  reasons: ['CPUID'],                 example: 'leaf == 0x40000000' },
  { filter: 'vmexit:hypercall',     label: 'VM exit: hypercall (VMCALL)',     reasons: ['VMCALL'],                example: 'nr == 1' },
  { filter: 'vmexit:io',            label: 'VM exit: I/O instruction',        reasons: ['IO_INSTRUCTION'],        example: 'port == 0x3f8 && direction == 1' },
  { filter: 'vmexit:msr',           label: 'VM exit: RDMSR and WRMSR',        reasons: ['RDMSR', 'WRMSR'],        example: 'msr == 0x4b564d01' },
  { filter: 'vmexit:cr',            label: 'VM exit: control registers',      reasons: ['CR_ACCESS'],             example: 'cr == 0 && access == 0' },
  { filter: 'vmexit:hlt',           label: 'VM exit: HLT',                    reasons: ['HLT'],                   example: 'eax == 0' },
  { filter: 'vmexit:exception',     label: 'VM exit: exception or NMI',       reasons: ['EXCEPTION_NMI'],         example: 'vector == 14' },
  { filter: 'vmexit:interrupt',     label: 'VM exit: external interrupt',     reasons: ['EXTERNAL_INTERRUPT'],    example: 'eip >= 0xc0000000' },
  { filter: 'vmexit:ept-violation', label: 'VM exit: EPT violation (MMIO)',   reasons: ['EPT_VIOLATION'],         example: 'gpa == 0xfee00300' },
  { filter: 'vmexit:triple-fault',  label: 'VM exit: triple fault',           reasons: ['TRIPLE_FAULT'],          example: 'eip == 0' },
  { filter: 'vmexit:any',           label: 'VM exit: any',                    reasons: '*',                       example: 'cpl == 3' },
] as const satisfies readonly FilterRow[];

interface EventFilterRow {
  readonly filter: string;
  readonly label: string;
  /** Names of rows of machine-events.ts; their fields are the same. */
  readonly events: readonly string[];
}

// prettier-ignore
export const EVENT_FILTERS = [
  { filter: 'event:exception',    label: 'Event: exception',                        events: ['exception'] },
  { filter: 'event:page-fault',   label: 'Event: page fault',                       events: ['exception.PF'] },
  { filter: 'event:double-fault', label: 'Event: double fault',                     events: ['exception.DF'] },
  { filter: 'event:triple-fault', label: 'Event: triple fault, before it',          events: ['triple-fault'] },
  { filter: 'event:interrupt',    label: 'Event: interrupt',                        events: ['interrupt'] },
  { filter: 'event:mode',         label: 'Event: mode switch (real, V86, protected)', events: ['mode'] },
  { filter: 'event:paging',       label: 'Event: paging switched',                  events: ['paging'] },
  { filter: 'event:cr3',          label: 'Event: CR3 change',                       events: ['cr3'] },
  { filter: 'event:cr',           label: 'Event: control register write',           events: ['cr.write'] },
  { filter: 'event:port',         label: 'Event: port access',                      events: ['port'] },
  { filter: 'event:msr',          label: 'Event: RDMSR and WRMSR',                  events: ['msr.read', 'msr.write'] },
] as const satisfies readonly EventFilterRow[];

/** As exceptionBreakpointFilters of the capabilities. */
export function exceptionBreakpointFilters() {
  return [...exitFilters(), ...EVENT_FILTERS.map(eventFilter)];
}

function eventFilter({ filter, label, events }: EventFilterRow) {
  const rows = events.map(findMachineEvent).filter((row) => row !== null);
  const fields = new Set(
    rows.flatMap(({ decode }) => decode.fields.map(({ name }) => `event.${name}`)),
  );
  const example = rows.find((row) => row.example !== null)?.example;
  return {
    filter,
    label,
    description: rows.map(({ summary }) => summary).join(' '),
    default: false,
    supportsCondition: true,
    conditionDescription:
      `Expression over ${[...fields, 'registers'].join(', ')}` +
      (example === undefined || example === null ? '' : `, for example: ${example}`),
  };
}

function exitFilters() {
  return EXIT_FILTERS.map(({ filter, label, reasons, example }) => ({
    filter,
    label,
    description:
      reasons === '*'
        ? 'Stops at every VM exit, before the hypervisor handles it.'
        : `Stops at the VM exit before the hypervisor handles it. ${summaries(reasons)}`,
    default: false,
    supportsCondition: true,
    conditionDescription: `Expression over ${fieldNames(reasons)}, for example: ${example}`,
  }));
}

export function findFilter(filter: string): FilterRow | EventFilterRow | null {
  const rows: readonly (FilterRow | EventFilterRow)[] = [...EXIT_FILTERS, ...EVENT_FILTERS];
  return rows.find((row) => row.filter === filter) ?? null;
}

/** What the editor offers to complete: every reason, those that never occur included. */
export function exitReasonDescriptions(): readonly ExitReasonDescription[] {
  const rows: readonly ExitReason[] = EXIT_REASONS;
  const filters: readonly FilterRow[] = EXIT_FILTERS;
  return rows.map(({ number, name, summary, decode, gap, group }) => {
    const filter = filters.find(
      ({ reasons }) => reasons !== '*' && reasons.some((reason) => reason === name),
    );
    return {
      number,
      name,
      group,
      description: summary,
      occurs: gap === null,
      fields: decode.names.map((field) => ({ name: field.name, meaning: field.meaning })),
      ...(filter !== undefined && decode.names.length > 0 && { example: filter.example }),
    };
  });
}

function rowsOf(reasons: readonly string[]): readonly ExitReason[] {
  return EXIT_REASONS.filter((row) => reasons.includes(row.name));
}

function summaries(reasons: readonly string[]): string {
  return rowsOf(reasons)
    .map(({ summary }) => summary)
    .join(' ');
}

function fieldNames(reasons: readonly string[] | '*'): string {
  const rows = reasons === '*' ? [] : rowsOf(reasons);
  const names = new Set(rows.flatMap(({ decode }) => decode.names.map(({ name }) => name)));
  return [...names, 'registers'].join(', ');
}
