/**
 * Checks on the guest-state area at VM entry (SDM vol. 3, 27.3.1), one row each: what a processor would
 * refuse with exit reason 33, in the order of the manual. The guest itself cannot bring about such a state,
 * since its instructions check the same; whoever changes registers from outside can, and a hypervisor
 * whose controls ask for more.
 *
 * CR0.NE and CR4.VMXE, which VMX operation fixes to 1, are the hypervisor's own behind the guest's back and
 * not looked at; the processor ignores reserved bits of CR0. Nor are IA32_PAT and IA32_DEBUGCTL, since every
 * way to write them is WRMSR's, nor what this state has not (SMM, MSR-load areas, VMCS link, IA-32e mode).
 */
import { cr4Writable } from '../cpu/control-registers.ts';
import { INTERRUPTIBILITY } from '../cpu/instruction-count.ts';
import * as L from '../cpu/layout.ts';
import type { SegmentIndex } from '../cpu/layout.ts';
import { ACTIVITY, CR0, CR4, FLAG, RIGHTS } from '../cpu/state.ts';
import type { CpuState, Segment } from '../cpu/state.ts';
import { SECONDARY, secondaryControls } from './execution-controls.ts';
import type { ExecutionControls } from './execution-controls.ts';
import type { GuestProcessor, GuestVcpu } from './vcpu.ts';

/** Why an entry fails. */
export interface EntryFailure {
  /** Exit qualification (27.8): 2 for the page-directory-pointer entries, else 0. */
  readonly qualification: 0 | 2;
  /** A sentence that names the field and the section. */
  readonly message: string;
}

/** What an entry loads, and where the state that is not in registers comes from. */
export type EnteringVcpu = Pick<GuestVcpu, 'processor' | 'interruptibility' | 'pendingDebug'>;

interface Guest {
  readonly state: CpuState;
  readonly processor: GuestProcessor;
  /** Guest interruptibility state (table 25-3). */
  readonly blocking: number;
  /** Pending debug exceptions (table 25-4). */
  readonly pendingDebug: number;
  readonly v86: boolean;
  /** "Unrestricted guest" is 0, and the profile has the processor itself run what that allows. */
  readonly restricted: boolean;
}

interface EntryRule {
  readonly manual: string;
  readonly field: string;
  readonly must: string;
  readonly broken: (guest: Guest) => boolean;
  readonly qualification?: 2;
}

const { ES, CS, SS, DS, FS, GS, LDTR, TR } = L.SEGMENT;
const BLOCKS_NEXT = INTERRUPTIBILITY.STI | INTERRUPTIBILITY.MOV_SS;
/** Bits 31:22, 15, 5 and 3. */
const RFLAGS_RESERVED = ~0x3f7fd7;
const PENDING_BS = 1 << 14;
/** Of access rights: 31:17 and 11:8. */
const RIGHTS_RESERVED = ~0x1f0ff;

const dpl = ({ rights }: Segment): number => (rights >> 5) & 3;
const rpl = ({ selector }: Segment): number => selector & 3;
const type = ({ rights }: Segment): number => rights & RIGHTS.TYPE;
const usable = ({ rights }: Segment): boolean => (rights & RIGHTS.UNUSABLE) === 0;
const isSystem = ({ rights }: Segment): boolean => (rights & RIGHTS.S) === 0;
const present = ({ rights }: Segment): boolean => (rights & RIGHTS.P) !== 0;
const isHalted = (state: CpuState): boolean => state.get(L.ACTIVITY) === ACTIVITY.HALTED;

/** G is 1 where a bit of 31:20 of the limit is set, 0 where one of 11:0 is clear. */
function wrongGranularity({ limit, rights }: Segment): boolean {
  const granular = (rights & RIGHTS.G) !== 0;
  return granular ? (limit & 0xfff) !== 0xfff : limit >>> 20 !== 0;
}

/** Accessed, and of what the register takes; CS may be data only in an unrestricted guest, of type 3. */
function wrongType(segment: Segment, index: SegmentIndex, { restricted }: Guest): boolean {
  const bits = type(segment);
  if (index === SS) return bits !== 3 && bits !== 7;
  if (index === CS) return (bits & 9) !== 9 && (bits !== 3 || restricted);
  return (bits & 1) === 0 || (bits & 0xa) === 8;
}

/** CS: not more privileged than it says if it is conforming, otherwise equal to SS; data has level 0. */
function wrongCodeLevel({ state }: Guest): boolean {
  const code = state.segment(CS);
  const level = dpl(state.segment(SS));
  if ((type(code) & 8) === 0) return dpl(code) !== 0;
  return (type(code) & 4) !== 0 ? dpl(code) > level : dpl(code) !== level;
}

/** SS: the level of the selector, and 0 in real-address mode or where CS is data. */
function wrongStackLevel({ state, restricted }: Guest): boolean {
  const stack = state.segment(SS);
  if (restricted && dpl(stack) !== rpl(stack)) return true;
  return dpl(stack) !== 0 && (!state.protectedMode || type(state.segment(CS)) === 3);
}

function wrongDataLevel(segment: Segment, { restricted }: Guest): boolean {
  return restricted && usable(segment) && type(segment) <= 11 && dpl(segment) < rpl(segment);
}

/** What is checked of each segment register outside virtual-8086 mode if it is usable, CS always. */
// prettier-ignore
const RIGHTS_RULES: readonly { readonly must: string; readonly broken: (segment: Segment, index: SegmentIndex, guest: Guest) => boolean }[] = [
  { must: 'be usable', broken: (segment) => !usable(segment) },
  { must: 'have a type that is accessed and of its kind', broken: wrongType },
  { must: 'have S set, for code or data', broken: isSystem },
  { must: 'have P set', broken: (segment) => !present(segment) },
  { must: 'have no reserved bit', broken: ({ rights }) => (rights & RIGHTS_RESERVED) !== 0 },
  { must: 'have G as the limit needs it', broken: wrongGranularity },
];

function wrongV86(segment: Segment): boolean {
  return (
    segment.base !== segment.selector << 4 || segment.limit !== 0xffff || segment.rights !== 0xf3
  );
}

const SEGMENTS = [['CS', CS], ['SS', SS], ['DS', DS], ['ES', ES], ['FS', FS], ['GS', GS]] as const; // prettier-ignore

const V86_RULES: readonly EntryRule[] = SEGMENTS.map(([name, index]) => ({
  manual: '27.3.1.2',
  field: name,
  must: 'be that of virtual-8086 mode: base 16 × selector, limit FFFFh, access rights F3h',
  broken: (guest) => guest.v86 && wrongV86(guest.state.segment(index)),
}));

const SEGMENT_RULES: readonly EntryRule[] = SEGMENTS.flatMap(([name, index]) =>
  RIGHTS_RULES.map(({ must, broken }) => ({
    manual: '27.3.1.2',
    field: `the access rights of ${name}`,
    must,
    broken: (guest: Guest) => {
      const segment = guest.state.segment(index);
      if (guest.v86 || (index !== CS && !usable(segment))) return false;
      return broken(segment, index, guest);
    },
  })),
);

const DATA_LEVEL_RULES: readonly EntryRule[] = SEGMENTS.slice(2).map(([name, index]) => ({
  manual: '27.3.1.2',
  field: `the access rights of ${name}`,
  must: 'have a DPL that is not below the RPL of its selector, since the guest is not unrestricted',
  broken: (guest) => !guest.v86 && wrongDataLevel(guest.state.segment(index), guest),
}));

/** TR and LDTR have the same rules but for their types; TR is never unusable. */
const systemRules = (
  name: string,
  index: SegmentIndex,
  what: string,
  types: readonly number[],
): readonly EntryRule[] => {
  const rule = (must: string, broken: (segment: Segment) => boolean): EntryRule => ({
    manual: '27.3.1.2',
    field: `the access rights of ${name}`,
    must,
    broken: ({ state }) => {
      const segment = state.segment(index);
      return (index === TR || usable(segment)) && broken(segment);
    },
  });
  return [
    rule('be usable', (segment) => !usable(segment)),
    rule(`be those of ${what}`, (segment) => !types.includes(type(segment)) || !isSystem(segment)),
    rule('have P set', (segment) => !present(segment)),
    rule('have no reserved bit', ({ rights }) => (rights & RIGHTS_RESERVED) !== 0),
    rule('have G as the limit needs it', wrongGranularity),
  ];
};

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
    broken: ({ state, restricted }) => restricted && (!state.protectedMode || (state.cr(0) & CR0.PG) === 0) },
  { manual: '27.3.1.1', field: 'CR4', must: 'have no bit that the processor does not support', broken: ({ state, processor }) => (state.cr(4) & ~cr4Writable(processor.model)) !== 0 },
  { manual: '27.3.1.1', field: 'IA32_EFER', must: 'have no reserved bit, and LMA and LME clear in an IA-32 guest', broken: ({ state }) => (state.get(L.EFER) & ~0x801) !== 0 },
  { manual: '27.3.1.2', field: 'the selector of TR', must: 'have TI clear', broken: ({ state }) => (state.selector(TR) & 4) !== 0 },
  { manual: '27.3.1.2', field: 'the selector of LDTR', must: 'have TI clear', broken: ({ state }) => usable(state.segment(LDTR)) && (state.selector(LDTR) & 4) !== 0 },
  { manual: '27.3.1.2', field: 'the selector of SS', must: 'have the RPL of CS, since the guest is not unrestricted',
    broken: ({ state, v86, restricted }) => restricted && !v86 && rpl(state.segment(SS)) !== rpl(state.segment(CS)) },
  ...V86_RULES,
  ...SEGMENT_RULES,
  { manual: '27.3.1.2', field: 'the access rights of CS', must: 'have the DPL of SS, or at most that if it is conforming, or 0 if it is data', broken: (guest) => !guest.v86 && wrongCodeLevel(guest) },
  { manual: '27.3.1.2', field: 'the access rights of SS', must: 'have the DPL of its RPL, and 0 in real-address mode', broken: (guest) => !guest.v86 && wrongStackLevel(guest) },
  ...DATA_LEVEL_RULES,
  ...systemRules('TR', TR, 'a busy TSS', [3, 11]),
  ...systemRules('LDTR', LDTR, 'an LDT', [2]),
  { manual: '27.3.1.3', field: 'the limit of GDTR', must: 'have bits 31:16 clear', broken: ({ state }) => state.get(L.GDTR + 8) > 0xffff },
  { manual: '27.3.1.3', field: 'the limit of IDTR', must: 'have bits 31:16 clear', broken: ({ state }) => state.get(L.IDTR + 8) > 0xffff },
  { manual: '27.3.1.4', field: 'RFLAGS', must: 'have bits 31:22, 15, 5 and 3 clear and bit 1 set',
    broken: ({ state: { systemFlags } }) => (systemFlags & RFLAGS_RESERVED) !== 0 || (systemFlags & 2) === 0 },
  { manual: '27.3.1.4', field: 'RFLAGS', must: 'have VM clear where CR0.PE is', broken: ({ state, v86 }) => v86 && !state.protectedMode },
  { manual: '27.3.1.5', field: 'the activity state', must: 'be one of active, HLT, shutdown and wait-for-SIPI', broken: ({ state }) => state.get(L.ACTIVITY) > ACTIVITY.WAIT_FOR_SIPI },
  { manual: '27.3.1.5', field: 'the activity state', must: 'be HLT only at CPL 0', broken: ({ state }) => isHalted(state) && dpl(state.segment(SS)) !== 0 },
  { manual: '27.3.1.5', field: 'the activity state', must: 'be active where STI or MOV SS blocks', broken: ({ state, blocking }) => (blocking & BLOCKS_NEXT) !== 0 && state.get(L.ACTIVITY) !== ACTIVITY.RUNNING },
  { manual: '27.3.1.5', field: 'the interruptibility state', must: 'have no bit but those of STI, MOV SS and NMI', broken: ({ blocking }) => (blocking & ~(BLOCKS_NEXT | INTERRUPTIBILITY.NMI)) !== 0 },
  { manual: '27.3.1.5', field: 'the interruptibility state', must: 'not have blocking by both STI and MOV SS', broken: ({ blocking }) => (blocking & BLOCKS_NEXT) === BLOCKS_NEXT },
  { manual: '27.3.1.5', field: 'the interruptibility state', must: 'have blocking by STI only where RFLAGS.IF is set', broken: ({ state, blocking }) => (blocking & INTERRUPTIBILITY.STI) !== 0 && (state.systemFlags & FLAG.IF) === 0 },
  { manual: '27.3.1.5', field: 'the pending debug exceptions', must: 'have BS set where RFLAGS.TF is and STI, MOV SS or HLT holds the single step back',
    broken: ({ state, blocking, pendingDebug }) => ((blocking & BLOCKS_NEXT) !== 0 || isHalted(state)) && (state.systemFlags & FLAG.TF) !== 0 && (pendingDebug & PENDING_BS) === 0 },
  { manual: '27.3.1.6', field: 'a page-directory-pointer entry', must: 'have no reserved bit', broken: wrongPointerEntries, qualification: 2 },
];

/** The first rule that the state breaks, or null. */
export function checkEntry(vcpu: EnteringVcpu, controls: ExecutionControls): EntryFailure | null {
  const { processor } = vcpu;
  const { state } = processor;
  const guest: Guest = {
    state,
    processor,
    blocking: vcpu.interruptibility(),
    pendingDebug: vcpu.pendingDebug(),
    v86: state.v86,
    restricted: checksEveryEntry(controls),
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
