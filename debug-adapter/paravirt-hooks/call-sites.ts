/**
 * Every place of a kernel that performs an operation through its tables: those that `.parainstructions`
 * records, and the calls that it does not (call-scan.ts). What a place performs is read from its original
 * instructions, whose operand is the pointer in the table; where the file does not have these, from the
 * number in the record. All addresses are those of the running guest.
 */
import type { CType } from '../symbols/c-types.ts';
import { readAlternatives } from './alternatives.ts';
import { findTableCalls } from './call-scan.ts';
import type { Hook, HookTable } from './hook-table.ts';
import type { KernelImage } from './kernel-image.ts';
import { type PatchRecord, readRecords, recordLayout } from './patch-records.ts';
import { type Replacement, slotsCalled } from './site-state.ts';

export interface CallSite {
  readonly address: number;
  /** Bytes. */
  readonly length: number;
  /** What it performs, in order; empty where a record's number says nothing. */
  readonly hooks: readonly Hook[];
  /** A record tells of it, so that the kernel may patch it. */
  readonly isRecorded: boolean;
  readonly replacements: readonly Replacement[];
}

/** Whether a place performs a hook's operation, alone or among others. */
export function performs({ hooks }: CallSite, { name }: Hook): boolean {
  return hooks.some((hook) => hook.name === name);
}

/** `.parainstructions` as it was found. */
export interface Records {
  readonly records: readonly PatchRecord[];
  /** How far their addresses are from those of the running guest. */
  readonly slide: number;
}

/** Numbers of 2.6.20 (PARAVIRT_IRQ_DISABLE …); later ones are offsets in the template, in pointers. */
const FIRST_NUMBERS: readonly (readonly string[])[] = [
  ['irq_disable'],
  ['irq_enable'],
  ['restore_fl'],
  ['save_fl'],
  ['save_fl', 'irq_disable'],
  ['iret'],
  ['irq_enable_sysexit'],
];

/** The records of the kernel's file; null when it has no such section. */
export function recordsOf(
  kernel: KernelImage,
  type: (name: string) => CType | null,
): Records | null {
  const section = kernel.section('.parainstructions');
  if (section === null) return null;
  return {
    records: readRecords(section.bytes, recordLayout(type)),
    slide: kernel.image.slide,
  };
}

/** In the order of their addresses. */
export function callSites(
  table: HookTable,
  { records, slide }: Records,
  kernel: KernelImage | null,
  type: (name: string) => CType | null,
): readonly CallSite[] {
  const bySlot = new Map(table.hooks.map((hook) => [hook.slot, hook]));
  const byNumber = numbering(table, records);
  const alternatives = kernel === null ? new Map<number, readonly Replacement[]>() : readAlternatives(kernel, type('struct alt_instr')); // prettier-ignore
  const recorded = records.map(({ address: linked, number, length }): CallSite => {
    const original = kernel?.read(linked, length) ?? null;
    const slots = original === null ? [] : slotsCalled(original);
    const called = slots.flatMap((slot) => bySlot.get((slot + slide) >>> 0) ?? []);
    return {
      address: (linked + slide) >>> 0,
      length,
      hooks: called.length > 0 ? called : byNumber(number),
      isRecorded: true,
      replacements: alternatives.get(linked) ?? [],
    };
  });
  const others = kernel === null ? [] : unrecorded(kernel, bySlot, recorded);
  return [...recorded, ...others].sort((a, b) => a.address - b.address);
}

/** What a record's number stands for. */
function numbering(
  { hooks }: HookTable,
  records: readonly PatchRecord[],
): (number: number) => readonly Hook[] {
  const byNumber = new Map(hooks.map((hook) => [hook.number, hook]));
  // 2.6.20 counts from 0, where a table begins with what is no operation
  const isFirst = records.some(({ number }) => !byNumber.has(number));
  if (!isFirst) return (number) => [byNumber.get(number)].filter((hook) => hook !== undefined);
  const byMember = new Map(hooks.map((hook) => [hook.member, hook]));
  return (number) => (FIRST_NUMBERS[number] ?? []).flatMap((member) => byMember.get(member) ?? []);
}

/** Calls through the table outside all places that are recorded. */
function unrecorded(
  kernel: KernelImage,
  bySlot: ReadonlyMap<number, Hook>,
  recorded: readonly CallSite[],
): readonly CallSite[] {
  const { slide } = kernel.image;
  const linked = new Set([...bySlot.keys()].map((slot) => (slot - slide) >>> 0));
  const inside = new Set(
    recorded.flatMap(({ address, length }) => Array.from({ length }, (_, byte) => address + byte)),
  );
  return findTableCalls(kernel, linked).flatMap(({ address, length, slot }): readonly CallSite[] => {
    const hook = bySlot.get((slot + slide) >>> 0);
    const place = (address + slide) >>> 0;
    if (hook === undefined || inside.has(place)) return [];
    return [{ address: place, length, hooks: [hook], isRecorded: false, replacements: [] }];
  }); // prettier-ignore
}
