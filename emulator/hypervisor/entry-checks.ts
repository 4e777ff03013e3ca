/**
 * Checks on the guest-state area at VM entry (SDM vol. 3, 27.3.1), one row each: what a processor would
 * refuse with exit reason 33, in the order of the manual. The guest itself cannot bring about such a state,
 * since its instructions check the same; whoever changes registers from outside can, and a hypervisor
 * whose controls ask for more. Not looked at: what is not in this state (SMM, MSR-load areas, VMCS link).
 */
import { cr4Writable } from '../cpu/control-registers.ts';
import * as L from '../cpu/layout.ts';
import type { SegmentIndex } from '../cpu/layout.ts';
import { ACTIVITY, CR0, CR4, FLAG, RIGHTS } from '../cpu/state.ts';
import type { CpuState, Segment } from '../cpu/state.ts';
import { SECONDARY, secondaryControls } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import type { GuestProcessor } from './vcpu.ts';

/** Why an entry fails. */
export interface EntryFailure {
  /** Exit qualification (27.8): 2 for the page-directory-pointer entries, else 0. */
  readonly qualification: 0 | 2;
  /** A sentence that names the field and the section. */
  readonly message: string;
}

interface Guest {
  readonly state: CpuState;
  readonly processor: GuestProcessor;
  readonly v86: boolean;
  readonly unrestricted: boolean;
}

interface EntryRule {
  readonly manual: string;
  readonly field: string;
  readonly must: string;
  readonly broken: (guest: Guest) => boolean;
  readonly qualification?: 2;
}

const { ES, CS, SS, DS, FS, GS, LDTR, TR } = L.SEGMENT;
const dpl = ({ rights }: Segment): number => (rights >> 5) & 3;
const type = ({ rights }: Segment): number => rights & RIGHTS.TYPE;
const usable = ({ rights }: Segment): boolean => (rights & RIGHTS.UNUSABLE) === 0;
const isSystem = ({ rights }: Segment): boolean => (rights & RIGHTS.S) === 0;
const present = ({ rights }: Segment): boolean => (rights & RIGHTS.P) !== 0;

/** G is 1 where a bit of 31:20 of the limit is set, 0 where one of 11:0 is clear. */
function wrongGranularity({ limit, rights }: Segment): boolean {
  const granular = (rights & RIGHTS.G) !== 0;
  return granular ? (limit & 0xfff) !== 0xfff : limit >>> 20 !== 0;
}

/** Access rights of a usable segment register outside virtual-8086 mode (27.3.1.2). */
function wrongRights({ state }: Guest, index: SegmentIndex): boolean {
  const segment = state.segment(index);
  if (!usable(segment)) return index === CS;
  if (isSystem(segment) || !present(segment) || wrongGranularity(segment)) return true;
  const isCode = (type(segment) & 8) !== 0;
  if ((type(segment) & 1) === 0) return true;
  if (index === SS) return isCode || (type(segment) & 2) === 0;
  // CS may be data only in an unrestricted guest, of type 3 and DPL 0
  if (index === CS) return !isCode && (type(segment) !== 3 || dpl(segment) !== 0);
  return isCode && (type(segment) & 2) === 0;
}

/** CS conforming: not more privileged than it says; otherwise equal to SS. */
function wrongCodeLevel({ state }: Guest): boolean {
  const code = state.segment(CS);
  const level = dpl(state.segment(SS));
  if ((type(code) & 8) === 0) return false;
  return (type(code) & 4) !== 0 ? dpl(code) > level : dpl(code) !== level;
}

function wrongV86(segment: Segment): boolean {
  return (
    segment.base !== segment.selector << 4 || segment.limit !== 0xffff || segment.rights !== 0xf3
  );
}

const SEGMENT_RULES: readonly EntryRule[] = (
  [['ES', ES], ['CS', CS], ['SS', SS], ['DS', DS], ['FS', FS], ['GS', GS]] as const
).flatMap(([name, index]): readonly EntryRule[] => [
  { manual: '27.3.1.2', field: name, must: 'be that of virtual-8086 mode: base 16 × selector, limit FFFFh, access rights F3h',
    broken: (guest) => guest.v86 && wrongV86(guest.state.segment(index)) },
  { manual: '27.3.1.2', field: `the access rights of ${name}`, must: 'be those of a present, accessed segment of its kind with matching granularity',
    broken: (guest) => !guest.v86 && wrongRights(guest, index) },
]); // prettier-ignore

function wrongPointerEntries({ state }: Guest): boolean {
  if ((state.cr(0) & CR0.PG) === 0 || (state.cr(4) & CR4.PAE) === 0) return false;
  return [0, 8, 16, 24].some((at) => {
    const low = state.get(L.PDPTE + at);
    return (low & 1) !== 0 && ((low & 0x1e6) !== 0 || state.get(L.PDPTE + at + 4) >>> 4 !== 0);
  });
}

// prettier-ignore
const RULES: readonly EntryRule[] = [
  { manual: '27.3.1.1', field: 'CR0', must: 'have PE set where PG is', broken: ({ state }) => (state.cr(0) & CR0.PG) !== 0 && !state.protectedMode },
  { manual: '27.3.1.1', field: 'CR0', must: 'have PE and PG set, since the guest is not unrestricted',
    broken: ({ state, unrestricted }) => !unrestricted && (!state.protectedMode || (state.cr(0) & CR0.PG) === 0) },
  { manual: '27.3.1.1', field: 'CR4', must: 'have no bit that the processor does not support', broken: ({ state, processor }) => (state.cr(4) & ~cr4Writable(processor.model)) !== 0 },
  { manual: '27.3.1.1', field: 'IA32_EFER', must: 'have no reserved bit, and LMA and LME clear in an IA-32 guest', broken: ({ state }) => (state.get(L.EFER) & ~0x801) !== 0 },
  { manual: '27.3.1.2', field: 'the selector of TR', must: 'have TI clear', broken: ({ state }) => (state.selector(TR) & 4) !== 0 },
  { manual: '27.3.1.2', field: 'the selector of LDTR', must: 'have TI clear', broken: ({ state }) => usable(state.segment(LDTR)) && (state.selector(LDTR) & 4) !== 0 },
  ...SEGMENT_RULES,
  { manual: '27.3.1.2', field: 'the access rights of CS', must: 'have the DPL of SS, or one below it if it is conforming', broken: (guest) => !guest.v86 && wrongCodeLevel(guest) },
  { manual: '27.3.1.2', field: 'the access rights of TR', must: 'be those of a busy TSS', broken: ({ state }) => ![3, 11].includes(type(state.segment(TR))) || !isSystem(state.segment(TR)) || !present(state.segment(TR)) },
  { manual: '27.3.1.2', field: 'the access rights of LDTR', must: 'be those of an LDT', broken: ({ state }) => usable(state.segment(LDTR)) && (type(state.segment(LDTR)) !== 2 || !isSystem(state.segment(LDTR)) || !present(state.segment(LDTR))) },
  { manual: '27.3.1.3', field: 'the limit of GDTR', must: 'have bits 31:16 clear', broken: ({ state }) => state.get(L.GDTR + 8) > 0xffff },
  { manual: '27.3.1.3', field: 'the limit of IDTR', must: 'have bits 31:16 clear', broken: ({ state }) => state.get(L.IDTR + 8) > 0xffff },
  { manual: '27.3.1.4', field: 'RFLAGS', must: 'have VM clear where CR0.PE is', broken: ({ state, v86 }) => v86 && !state.protectedMode },
  { manual: '27.3.1.5', field: 'the activity state', must: 'be HLT only at CPL 0', broken: ({ state }) => state.get(L.ACTIVITY) === ACTIVITY.HALTED && dpl(state.segment(SS)) !== 0 },
  { manual: '27.3.1.6', field: 'a page-directory-pointer entry', must: 'have no reserved bit', broken: wrongPointerEntries, qualification: 2 },
];

/** The first rule that the state breaks, or null. */
export function checkEntry(
  processor: GuestProcessor,
  controls: ExecutionControls,
): EntryFailure | null {
  const { state } = processor;
  const guest: Guest = {
    state,
    processor,
    v86: (state.systemFlags & FLAG.VM) !== 0,
    unrestricted: !checksEveryEntry(controls),
  };
  const rule = RULES.find(({ broken }) => broken(guest));
  if (rule === undefined) return null;
  const { field, must, manual, qualification = 0 } = rule;
  return {
    qualification,
    message: `VM entry failed with invalid guest state (exit 33): ${field} must ${must} (SDM vol. 3, ${manual}).`,
  };
}

/** Whether every entry must be checked: the guest's own instructions can break what the controls ask for. */
export function checksEveryEntry(controls: ExecutionControls): boolean {
  const secondary = secondaryControls(controls);
  const bits = SECONDARY.ENABLE_EPT | SECONDARY.UNRESTRICTED_GUEST;
  return (secondary & bits) === SECONDARY.ENABLE_EPT;
}
