/**
 * KVM's hypercalls (Documentation/virt/kvm/x86/hypercalls.rst): number in EAX, arguments in EBX, ECX,
 * EDX, ESI, result in EAX, nothing else changed. Only ring 0 may call. A destination that does not exist
 * is no error. A call that belongs to a feature is there only where that is offered. Calls of other
 * architectures share the numbers and are rows for the log's sake.
 */
import { CR4 } from '../cpu/state.ts';
import type { HypercallDescription, HypercallRegisters } from '../hypervisor/guest-interface.ts';
import type { HypercallRow, ParavirtServices } from './abi.ts';
import { words64, writeWords } from './guest-structures.ts';
import { KVM_ERROR, KVM_ERRORS } from './kvm-abi.ts';
import type { KvmFeature } from './kvm-features.ts';
import { mmuOperations } from './kvm-mmu-op.ts';

/** What the calls act on. */
export interface KvmCallContext {
  readonly services: ParavirtServices;
  readonly offered: ReadonlySet<KvmFeature>;
  /** Of the vCPU that calls. */
  readonly cr4: number;
  readonly cpl: number;
}

interface KvmHypercall extends HypercallRow<KvmCallContext> {
  /** null: it belongs to none. */
  readonly feature: KvmFeature | null;
}

const NSEC_PER_SEC = 1_000_000_000;
const KVM_CLOCK_PAIRING_WALLCLOCK = 0;

/** kvm_clock_pairing: sec (64), nsec (64), tsc (64), flags, pad[9]. */
function clockPairing({ services }: KvmCallContext, { ebx, ecx }: HypercallRegisters): number {
  if (ecx !== KVM_CLOCK_PAIRING_WALLCLOCK) return -KVM_ERROR.KVM_EOPNOTSUPP;
  const now = services.now();
  // whole seconds apart from the fraction, to stay exact
  const start = Math.floor(services.startDate);
  const fraction = Math.floor((services.startDate - start) * NSEC_PER_SEC) + (now % NSEC_PER_SEC);
  const seconds = start + Math.floor(now / NSEC_PER_SEC) + Math.floor(fraction / NSEC_PER_SEC);
  const { low, high } = services.timestamp();
  const words = [...words64(seconds), fraction % NSEC_PER_SEC, 0, low, high, 0];
  const padded = [...words, ...Array.from({ length: 9 }, () => 0)];
  const isWritten = writeWords(services.memory, ebx, padded, 'KVM (clock pairing)');
  return isWritten ? 0 : -KVM_ERROR.KVM_EFAULT;
}

/** Destination mode and shorthand of the ICR must be 0: physical destinations by bitmap. */
const ICR_DESTINATION = 0xc0800;
/** Destinations of each of the two bitmaps for a 32-bit caller. */
const CLUSTER = 32;
/** 255 would be a broadcast. */
const LAST_APIC_ID = 254;

function destinations({ ebx, ecx, edx: lowest }: HypercallRegisters): readonly number[] {
  return Array.from({ length: 2 * CLUSTER }, (_, each) => each)
    .filter((each) => (((each < CLUSTER ? ebx : ecx) >>> (each % CLUSTER)) & 1) === 1)
    .map((each) => lowest + each)
    .filter((apicId) => apicId <= LAST_APIC_ID);
}

/** Returns how many processors took it. */
function sendIpi({ services }: KvmCallContext, call: HypercallRegisters): number {
  const { esi: icr } = call;
  if ((icr & ICR_DESTINATION) !== 0) return -KVM_ERROR.KVM_EINVAL;
  const send = (apicId: number): boolean =>
    services.localApic?.sendIpi(apicId, icr & 0xff, (icr >>> 8) & 7) ?? false;
  return destinations(call).filter(send).length;
}

/** SDM vol. 3, figure 11-12. */
const DELIVERY_MODES = ['fixed', 'lowest priority', 'SMI', 'reserved', 'NMI', 'INIT', 'start-up', 'reserved']; // prettier-ignore

function explainIpi(call: HypercallRegisters): string {
  const { esi: icr } = call;
  const vector = `vector 0x${(icr & 0xff).toString(16)}`;
  return `${DELIVERY_MODES[(icr >>> 8) & 7]}, ${vector}, to APIC IDs ${destinations(call).join(' ')}`;
}

const done = (): number => 0;

/** A vCPU that is woken also gets the turn. */
function kickCpu({ services }: KvmCallContext, { ecx: apicId }: HypercallRegisters): number {
  services.kick(apicId);
  services.yieldTo(apicId);
  return 0;
}

function schedYield({ services }: KvmCallContext, { ebx: apicId }: HypercallRegisters): number {
  services.yieldTo(apicId);
  return 0;
}

function mmuOp({ services, cr4 }: KvmCallContext, call: HypercallRegisters): number {
  const flushTlb = (): void => {
    services.flushTlb(false);
  };
  return mmuOperations({ memory: services.memory, pae: (cr4 & CR4.PAE) !== 0, flushTlb }, call);
}

const POWER_PC = 'it is a call of PowerPC guests';
const MIPS = 'it is a call of MIPS guests';
const NO_ENCRYPTION = "it is for guests with encrypted memory (SEV), and this machine's is not";

// prettier-ignore
export const KVM_HYPERCALLS = [
  { number: 1,  name: 'KVM_HC_VAPIC_POLL_IRQ',      feature: null,               parameters: [],                                          explain: null,       handle: done,         meaning: 'Does nothing but leave the guest, so that waiting interrupts are looked at.' },
  { number: 2,  name: 'KVM_HC_MMU_OP',              feature: 'MMU_OP',           parameters: ['length', 'address_low', 'address_high'],   explain: null,       handle: mmuOp,        meaning: 'Changes page tables by a list of operations; returns how many bytes of it were carried out.' },
  { number: 3,  name: 'KVM_HC_FEATURES',            feature: null,               parameters: [],                                          explain: null,       handle: POWER_PC,     meaning: 'Asks for the features of the hypervisor.' },
  { number: 4,  name: 'KVM_HC_PPC_MAP_MAGIC_PAGE',  feature: null,               parameters: [],                                          explain: null,       handle: POWER_PC,     meaning: 'Maps a page that the hypervisor shares with the guest.' },
  { number: 5,  name: 'KVM_HC_KICK_CPU',            feature: 'PV_UNHALT',        parameters: ['flags', 'apic_id'],                        explain: null,       handle: kickCpu,      meaning: 'Wakes a vCPU from HLT, as whoever releases a spinlock does for the one that waits for it.' },
  { number: 6,  name: 'KVM_HC_MIPS_GET_CLOCK_FREQ', feature: null,               parameters: [],                                          explain: null,       handle: MIPS,         meaning: 'Asks for the frequency of the clock.' },
  { number: 7,  name: 'KVM_HC_MIPS_EXIT_VM',        feature: null,               parameters: [],                                          explain: null,       handle: MIPS,         meaning: 'Ends the guest.' },
  { number: 8,  name: 'KVM_HC_MIPS_CONSOLE_OUTPUT', feature: null,               parameters: [],                                          explain: null,       handle: MIPS,         meaning: 'Prints.' },
  { number: 9,  name: 'KVM_HC_CLOCK_PAIRING',       feature: null,               parameters: ['gpa', 'clock_type'],                       explain: null,       handle: clockPairing, meaning: 'Writes the host\'s date and the guest\'s TSC of one moment to memory.' },
  { number: 10, name: 'KVM_HC_SEND_IPI',            feature: 'PV_SEND_IPI',      parameters: ['bitmap_low', 'bitmap_high', 'min', 'icr'], explain: explainIpi, handle: sendIpi,      meaning: 'Sends an interrupt to the vCPUs of a bitmap that begins at an APIC ID; returns how many took it.' },
  { number: 11, name: 'KVM_HC_SCHED_YIELD',         feature: 'PV_SCHED_YIELD',   parameters: ['apic_id'],                                 explain: null,       handle: schedYield,   meaning: 'Gives the rest of the turn to a vCPU that could run, for which this one waits.' },
  { number: 12, name: 'KVM_HC_MAP_GPA_RANGE',       feature: 'HC_MAP_GPA_RANGE', parameters: ['gpa', 'npages', 'attributes'],             explain: null,       handle: NO_ENCRYPTION, meaning: 'Says which pages the guest shares with the host.' },
] as const satisfies readonly KvmHypercall[];

const ROWS: readonly KvmHypercall[] = KVM_HYPERCALLS;

/** The signed result of a hypercall. */
export function kvmHypercall(context: KvmCallContext, call: HypercallRegisters): number {
  if (context.cpl !== 0) return -KVM_ERROR.KVM_EPERM;
  const row = ROWS.find(({ number }) => number === call.eax);
  if (row === undefined || typeof row.handle === 'string') return -KVM_ERROR.KVM_ENOSYS;
  if (row.feature !== null && !context.offered.has(row.feature)) return -KVM_ERROR.KVM_ENOSYS;
  return row.handle(context, call);
}

/** "KVM_HC_KICK_CPU(flags 0x0, apic_id 0x1)", and what the arguments say together. */
export function describeKvmHypercall(call: HypercallRegisters): HypercallDescription {
  const values = [call.ebx, call.ecx, call.edx, call.esi].map((value) => `0x${value.toString(16)}`);
  const row = ROWS.find(({ number }) => number === call.eax);
  if (row === undefined) {
    return { number: call.eax, name: null, meaning: null, text: `unknown ${call.eax}(${values.join(', ')})` };
  } // prettier-ignore
  const { name, meaning, explain } = row;
  const named = row.parameters.map((parameter, index) => `${parameter} ${values[index]}`);
  const said = explain === null ? '' : `: ${explain(call)}`;
  return { number: call.eax, name, meaning, text: `${name}(${named.join(', ')})${said}` };
}

/** A result as the header names it: "-KVM_ENOSYS", or the number. */
export function describeKvmResult(eax: number): string {
  const error = KVM_ERRORS.find(({ number }) => number === -(eax | 0));
  return error === undefined ? String(eax) : `-${error.name}`;
}
