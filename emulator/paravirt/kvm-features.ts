/**
 * KVM's feature bits and hints (Documentation/virt/kvm/x86/cpuid.rst): leaf 0x40000001, EAX and EDX. A row
 * says whether the bit is offered and, if never, why not; launch.json switches single ones, so that a
 * guest can be compared with and without a hook. What belongs to a bit that is not offered, its registers
 * and hypercalls, is not there either (KVM does so with KVM_CAP_ENFORCE_PV_FEATURE_CPUID).
 */
import { didYouMean } from '../nearest-name.ts';

/**
 * When a bit is offered if launch.json says nothing: always, where the vCPU has a local APIC, by a profile
 * of the old release only, or not unless it is asked for.
 */
type Offered = 'always' | 'local-apic' | 'old' | 'asked';

export interface KvmFeatureRow {
  /** The header's, without KVM_FEATURE_ or KVM_HINTS_. */
  readonly name: string;
  readonly bit: number;
  readonly register: 'eax' | 'edx';
  readonly offered: Offered | { readonly never: string };
  /** Bits without which a guest cannot use this one. */
  readonly needs: readonly string[];
  readonly meaning: string;
}

const NO_ENCRYPTION = "it is for guests with encrypted memory (SEV), and this machine's is not";

// prettier-ignore
export const KVM_FEATURES = [
  { name: 'CLOCKSOURCE',            bit: 0,  register: 'eax', offered: 'always',     needs: [],             meaning: 'A clock page, registered by MSRs 0x11 and 0x12.' },
  { name: 'NOP_IO_DELAY',           bit: 1,  register: 'eax', offered: 'always',     needs: [],             meaning: 'Port I/O needs no delays.' },
  { name: 'MMU_OP',                 bit: 2,  register: 'eax', offered: 'old',        needs: [],             meaning: 'Page tables are changed by KVM_HC_MMU_OP, as kernels of 2008 did under shadow paging.' },
  { name: 'CLOCKSOURCE2',           bit: 3,  register: 'eax', offered: 'always',     needs: [],             meaning: 'A clock page, registered by MSRs 0x4b564d00 and 0x4b564d01.' },
  { name: 'ASYNC_PF',               bit: 4,  register: 'eax', offered: 'local-apic', needs: [],             meaning: 'A page that the host has paged out is told to the guest, which does something else meanwhile.' },
  { name: 'STEAL_TIME',             bit: 5,  register: 'eax', offered: 'always',     needs: [],             meaning: 'How long the vCPU could have run and did not.' },
  { name: 'PV_EOI',                 bit: 6,  register: 'eax', offered: 'local-apic', needs: [],             meaning: 'An interrupt is ended by a bit in memory instead of an exit.' },
  { name: 'PV_UNHALT',              bit: 7,  register: 'eax', offered: 'always',     needs: [],             meaning: 'A waiter for a spinlock halts and is woken by KVM_HC_KICK_CPU.' },
  { name: 'PV_TLB_FLUSH',           bit: 9,  register: 'eax', offered: 'always',     needs: ['STEAL_TIME'], meaning: 'The TLB of a vCPU that does not run is flushed by a bit in its steal-time page instead of an interrupt.' },
  { name: 'ASYNC_PF_VMEXIT',        bit: 10, register: 'eax', offered: { never: 'it is for guests that are hypervisors themselves, and no VMX is offered to this one' }, needs: ['ASYNC_PF'], meaning: 'Async page faults reach a guest hypervisor as exits of its own guest.' },
  { name: 'PV_SEND_IPI',            bit: 11, register: 'eax', offered: 'local-apic', needs: [],             meaning: 'Interrupts to many vCPUs are sent by one KVM_HC_SEND_IPI.' },
  { name: 'POLL_CONTROL',           bit: 12, register: 'eax', offered: 'always',     needs: [],             meaning: 'The guest switches off the polling that the host does before a halted vCPU sleeps.' },
  { name: 'PV_SCHED_YIELD',         bit: 13, register: 'eax', offered: 'always',     needs: [],             meaning: 'A vCPU gives its turn to one that it waits for, by KVM_HC_SCHED_YIELD.' },
  { name: 'ASYNC_PF_INT',           bit: 14, register: 'eax', offered: 'local-apic', needs: ['ASYNC_PF'],   meaning: 'That a page has come in is told by an interrupt.' },
  { name: 'MSI_EXT_DEST_ID',        bit: 15, register: 'eax', offered: { never: 'it is for more than 255 processors' }, needs: [], meaning: 'Messages of devices have 15 bits for their destination.' },
  { name: 'HC_MAP_GPA_RANGE',       bit: 16, register: 'eax', offered: { never: NO_ENCRYPTION }, needs: [], meaning: 'Pages are shared with the host by KVM_HC_MAP_GPA_RANGE.' },
  { name: 'MIGRATION_CONTROL',      bit: 17, register: 'eax', offered: { never: NO_ENCRYPTION }, needs: [], meaning: 'The guest says by an MSR when it may be migrated.' },
  { name: 'CLOCKSOURCE_STABLE_BIT', bit: 24, register: 'eax', offered: 'always',     needs: [],             meaning: 'The clock pages say whether their TSCs agree.' },
  { name: 'HINTS_REALTIME',         bit: 0,  register: 'edx', offered: 'asked',      needs: [],             meaning: 'No vCPU is ever preempted for long: the guest leaves out what is for those that are.' },
] as const satisfies readonly KvmFeatureRow[];

export type KvmFeature = (typeof KVM_FEATURES)[number]['name'];

const ROWS: readonly KvmFeatureRow[] = KVM_FEATURES;

/** "KVM_FEATURE_PV_EOI" and "KVM_HINTS_REALTIME", as headers and conditions name them. */
export function headerName({ name, register }: KvmFeatureRow): string {
  return register === 'eax' ? `KVM_FEATURE_${name}` : `KVM_${name}`;
}

/** Names that launch.json may switch, with what they mean. */
export function switchableFeatures(): { readonly [name: string]: string } {
  const rows = ROWS.filter(({ offered }) => typeof offered === 'string');
  return Object.fromEntries(rows.map((row) => [row.name, row.meaning]));
}

/** What is wrong with launch.json's switches: the name and a sentence with the remedy, or null. */
export function featureProblem(switches: {
  readonly [name: string]: boolean;
}): { readonly name: string; readonly message: string } | null {
  for (const [name, on] of Object.entries(switches)) {
    const row = ROWS.find((each) => each.name === name);
    if (row === undefined) {
      const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
      const known = Object.keys(switchableFeatures());
      const guess = didYouMean(name.replace(/^KVM_(FEATURE_)?/, ''), known);
      const remedy = guess === '' ? ` Known are ${known.join(', ')}.` : guess;
      return { name, message: `KVM has no feature '${shown}'.${remedy}` };
    }
    if (typeof (on as unknown) !== 'boolean') {
      return { name, message: `KVM feature '${name}' must be true or false.` };
    }
    if (on && typeof row.offered !== 'string') {
      return { name, message: `KVM feature '${name}' cannot be offered: ${row.offered.never}.` };
    }
    const missing = row.needs.find((need) => Object.hasOwn(switches, need) && !switches[need]);
    if (on && missing !== undefined) {
      return {
        name,
        message: `KVM feature '${name}' needs '${missing}': switch both on or both off.`,
      };
    }
  }
  return null;
}

export interface FeatureChoice {
  /** By name, over the defaults. */
  readonly switches: { readonly [name: string]: boolean };
  /** A profile of an old release, which had KVM_HC_MMU_OP. */
  readonly old: boolean;
  readonly hasLocalApic: boolean;
}

/** The features that a vCPU is offered. A feature whose need is switched off goes with it. */
export function offeredFeatures(choice: FeatureChoice): ReadonlySet<KvmFeature> {
  const isOffered = ({ name, offered, needs }: KvmFeatureRow): boolean => {
    if (typeof offered !== 'string') return false;
    if (offered === 'local-apic' && !choice.hasLocalApic) return false;
    if (needs.some((need) => ROWS.some((row) => row.name === need && !isOffered(row))))
      return false;
    return choice.switches[name] ?? (offered === 'old' ? choice.old : offered !== 'asked');
  };
  return new Set(KVM_FEATURES.filter(isOffered).map(({ name }) => name));
}

/** A register of leaf 0x40000001. */
export function featureBits(offered: ReadonlySet<KvmFeature>, register: 'eax' | 'edx'): number {
  return KVM_FEATURES.reduce<number>(
    (bits, row) => (row.register === register && offered.has(row.name) ? bits | (1 << row.bit) : bits),
    0,
  ) >>> 0; // prettier-ignore
}
