/**
 * KVM's hypercalls (Documentation/virt/kvm/x86/hypercalls.rst): number in EAX, arguments in EBX, ECX,
 * EDX, ESI, result in EAX, nothing else changed. Only ring 0 may call. A destination that does not exist
 * is no error. Calls of other architectures share the numbers and are rows for the log's sake.
 */
import type { HypercallDescription, HypercallRegisters } from '../hypervisor/guest-interface.ts';
import type { HypercallRow, ParavirtServices } from './abi.ts';
import { words64, writeWords } from './guest-structures.ts';
import { KVM_ERROR } from './kvm-abi.ts';

/** What the calls act on. */
export interface KvmCallContext {
  readonly services: ParavirtServices;
}

const NSEC_PER_SEC = 1_000_000_000;
const KVM_CLOCK_PAIRING_WALLCLOCK = 0;

/** kvm_clock_pairing: sec (64), nsec (64), tsc (64), flags, pad[9]. */
function clockPairing({ services }: KvmCallContext, { ebx, ecx }: HypercallRegisters): number {
  if (ecx !== KVM_CLOCK_PAIRING_WALLCLOCK) return -KVM_ERROR.EOPNOTSUPP;
  const now = services.now();
  // whole seconds apart from the fraction, to stay exact
  const start = Math.floor(services.startDate);
  const fraction = Math.floor((services.startDate - start) * NSEC_PER_SEC) + (now % NSEC_PER_SEC);
  const seconds = start + Math.floor(now / NSEC_PER_SEC) + Math.floor(fraction / NSEC_PER_SEC);
  const { low, high } = services.timestamp();
  const words = [...words64(seconds), fraction % NSEC_PER_SEC, 0, low, high, 0];
  const padding = Array.from({ length: 9 }, () => 0);
  return writeWords(services.memory, ebx, [...words, ...padding]) ? 0 : -KVM_ERROR.EFAULT;
}

/** Destination mode and shorthand of the ICR must be 0: physical destinations by bitmap. */
const ICR_DESTINATION = 0xc0800;
/** Destinations of each of the two bitmaps for a 32-bit caller. */
const CLUSTER = 32;
/** 255 would be a broadcast. */
const LAST_APIC_ID = 254;

/** Returns how many processors took it. */
function sendIpi({ services }: KvmCallContext, call: HypercallRegisters): number {
  const { ebx, ecx, edx: lowest, esi: icr } = call;
  if (services.localApic === undefined) return -KVM_ERROR.ENOSYS;
  if ((icr & ICR_DESTINATION) !== 0) return -KVM_ERROR.EINVAL;
  let count = 0;
  for (let each = 0; each < 2 * CLUSTER; each++) {
    const bitmap = each < CLUSTER ? ebx : ecx;
    const apicId = lowest + each;
    if (((bitmap >>> (each % CLUSTER)) & 1) === 0 || apicId > LAST_APIC_ID) continue;
    if (services.localApic.sendIpi(apicId, icr & 0xff, (icr >>> 8) & 7)) count++;
  }
  return count;
}

const done = (): number => 0;

function kickCpu({ services }: KvmCallContext, { ecx: apicId }: HypercallRegisters): number {
  services.kick(apicId);
  return 0;
}

function schedYield({ services }: KvmCallContext): number {
  services.yield();
  return 0;
}

// prettier-ignore
export const KVM_HYPERCALLS = [
  { number: 1,  name: 'KVM_HC_VAPIC_POLL_IRQ',      parameters: [],                                          handle: done },
  { number: 2,  name: 'KVM_HC_MMU_OP',              parameters: ['length', 'address_low', 'address_high'],   handle: null },
  { number: 3,  name: 'KVM_HC_FEATURES',            parameters: [],                                          handle: null },
  { number: 4,  name: 'KVM_HC_PPC_MAP_MAGIC_PAGE',  parameters: [],                                          handle: null },
  { number: 5,  name: 'KVM_HC_KICK_CPU',            parameters: ['flags', 'apic_id'],                        handle: kickCpu },
  { number: 6,  name: 'KVM_HC_MIPS_GET_CLOCK_FREQ', parameters: [],                                          handle: null },
  { number: 7,  name: 'KVM_HC_MIPS_EXIT_VM',        parameters: [],                                          handle: null },
  { number: 8,  name: 'KVM_HC_MIPS_CONSOLE_OUTPUT', parameters: [],                                          handle: null },
  { number: 9,  name: 'KVM_HC_CLOCK_PAIRING',       parameters: ['gpa', 'clock_type'],                       handle: clockPairing },
  { number: 10, name: 'KVM_HC_SEND_IPI',            parameters: ['bitmap_low', 'bitmap_high', 'min', 'icr'], handle: sendIpi },
  { number: 11, name: 'KVM_HC_SCHED_YIELD',         parameters: ['apic_id'],                                 handle: schedYield },
  { number: 12, name: 'KVM_HC_MAP_GPA_RANGE',       parameters: ['gpa', 'npages', 'attributes'],             handle: null },
] as const satisfies readonly HypercallRow<KvmCallContext>[];

const ROWS: readonly HypercallRow<KvmCallContext>[] = KVM_HYPERCALLS;

/** The signed result of a hypercall from privilege level `cpl`. */
export function kvmHypercall(
  context: KvmCallContext,
  call: HypercallRegisters,
  cpl: number,
): number {
  if (cpl !== 0) return -KVM_ERROR.EPERM;
  const row = ROWS.find(({ number }) => number === call.eax);
  return row?.handle?.(context, call) ?? -KVM_ERROR.ENOSYS;
}

export function describeKvmHypercall(call: HypercallRegisters): HypercallDescription {
  const values = [call.ebx, call.ecx, call.edx, call.esi].map((value) => `0x${value.toString(16)}`);
  const row = ROWS.find(({ number }) => number === call.eax);
  if (row === undefined) {
    return { number: call.eax, name: null, text: `unknown ${call.eax}(${values.join(', ')})` };
  }
  const named = row.parameters.map((parameter, index) => `${parameter} ${values[index]}`);
  return { number: call.eax, name: row.name, text: `${row.name}(${named.join(', ')})` };
}
